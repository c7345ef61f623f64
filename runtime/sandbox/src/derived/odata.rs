//! OData's own texts: `$filter`, `$select` and `$expand`, keys in parentheses. In: text. Out: conditions, names, keys.
//! Versions 2 to 4; functions on dates and arithmetic are refused.

use super::conditions::{Condition, Term, Test};

/// Parentheses and `not` nested deeper than this are refused.
const DEPTH_MAX: usize = 32;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Open,
    Close,
    Comma,
    /// A name, an operator, or a literal without quotes.
    Word(String),
    Text(String),
}

/// Reads a filter; `field` gives the path of a name.
pub(crate) fn filter(text: &str, field: &dyn Fn(&str) -> Option<String>) -> Result<Condition, String> {
    let mut parser = Parser { tokens: tokens(text)?, place: 0, field };
    let condition = parser.either(0)?;
    match parser.next() {
        None => Ok(condition),
        Some(token) => Err(format!("$filter: {} is not expected", shown(&token))),
    }
}

fn shown(token: &Token) -> String {
    match token {
        Token::Open => "(".to_owned(),
        Token::Close => ")".to_owned(),
        Token::Comma => ",".to_owned(),
        Token::Word(word) => word.clone(),
        Token::Text(text) => format!("'{text}'"),
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            ' ' | '\t' => {}
            '(' => tokens.push(Token::Open),
            ')' => tokens.push(Token::Close),
            ',' => tokens.push(Token::Comma),
            '\'' => tokens.push(Token::Text(quoted(&mut letters)?)),
            first => {
                let mut word = first.to_string();
                while let Some(next) = letters.peek().filter(|next| !" \t(),'".contains(**next)) {
                    word.push(*next);
                    letters.next();
                }
                // `datetime'...'`, `guid'...'`: the type in front says nothing that the field does not.
                if letters.peek() == Some(&'\'') && word.chars().all(|letter| letter.is_ascii_alphabetic()) {
                    letters.next();
                    tokens.push(Token::Text(quoted(&mut letters)?));
                } else {
                    tokens.push(Token::Word(word));
                }
            }
        }
    }
    Ok(tokens)
}

/// The rest of a text in quotes; two quotes are one.
fn quoted(letters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<String, String> {
    let mut inner = String::new();
    loop {
        match letters.next() {
            Some('\'') if letters.peek() == Some(&'\'') => {
                letters.next();
                inner.push('\'');
            }
            Some('\'') => return Ok(inner),
            Some(letter) => inner.push(letter),
            None => return Err("$filter: a text in quotes does not end".to_owned()),
        }
    }
}

struct Parser<'p> {
    tokens: Vec<Token>,
    place: usize,
    field: &'p dyn Fn(&str) -> Option<String>,
}

impl Parser<'_> {
    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.place).cloned();
        self.place += 1;
        token
    }

    fn takes(&mut self, word: &str) -> bool {
        let found = matches!(self.tokens.get(self.place), Some(Token::Word(known)) if known == word);
        self.place += usize::from(found);
        found
    }

    fn expect(&mut self, wanted: &Token) -> Result<(), String> {
        match self.next() {
            Some(found) if found == *wanted => Ok(()),
            _ => Err(format!("$filter: {} is expected", shown(wanted))),
        }
    }

    fn either(&mut self, depth: usize) -> Result<Condition, String> {
        let mut parts = vec![self.both(depth)?];
        while self.takes("or") {
            parts.push(self.both(depth)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Condition::Any(parts) })
    }

    fn both(&mut self, depth: usize) -> Result<Condition, String> {
        let mut parts = vec![self.single(depth)?];
        while self.takes("and") {
            parts.push(self.single(depth)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Condition::All(parts) })
    }

    fn single(&mut self, depth: usize) -> Result<Condition, String> {
        if depth > DEPTH_MAX {
            return Err("$filter: it nests too deeply".to_owned());
        }
        match self.next() {
            Some(Token::Open) => {
                let inner = self.either(depth + 1)?;
                self.expect(&Token::Close)?;
                Ok(inner)
            }
            Some(Token::Word(word)) if word == "not" => Ok(Condition::Not(Box::new(self.single(depth + 1)?))),
            Some(Token::Word(word)) if self.tokens.get(self.place) == Some(&Token::Open) => self.function(&word),
            Some(Token::Word(word)) => self.comparison(&word),
            Some(token) => Err(format!("$filter: a condition is expected, not {}", shown(&token))),
            None => Err("$filter: a condition is missing".to_owned()),
        }
    }

    fn path(&self, name: &str) -> Result<String, String> {
        let dotted = name.replace('/', ".");
        (self.field)(&dotted).ok_or(format!("Could not find a property named '{name}'"))
    }

    fn function(&mut self, name: &str) -> Result<Condition, String> {
        self.expect(&Token::Open)?;
        let first = self.next();
        self.expect(&Token::Comma)?;
        let second = self.next();
        self.expect(&Token::Close)?;
        let (test, pair) = match name {
            "startswith" => (Test::Prefix, (first, second)),
            "contains" => (Test::Contains, (first, second)),
            "substringof" => (Test::Contains, (second, first)),
            _ => return Err(format!("$filter: the function {name} is not played here")),
        };
        match pair {
            (Some(Token::Word(field)), Some(Token::Text(text))) => {
                Ok(Condition::Term(Term { field: self.path(&field)?, test, values: vec![text] }))
            }
            _ => Err(format!("$filter: {name} takes a field and a text")),
        }
    }

    fn comparison(&mut self, name: &str) -> Result<Condition, String> {
        let field = self.path(name)?;
        let operator = match self.next() {
            Some(Token::Word(word)) => word,
            _ => return Err(format!("$filter: a comparison is expected behind {name}")),
        };
        let test = match operator.as_str() {
            "eq" => Test::Eq,
            "ne" => Test::Ne,
            "lt" => Test::Lt,
            "le" => Test::Le,
            "gt" => Test::Gt,
            "ge" => Test::Ge,
            other => return Err(format!("$filter: there is no comparison {other}")),
        };
        match self.next() {
            Some(Token::Word(word)) if word == "null" => {
                let missing = Condition::Term(Term { field, test: Test::Missing, values: Vec::new() });
                match test {
                    Test::Eq => Ok(missing),
                    Test::Ne => Ok(Condition::Not(Box::new(missing))),
                    _ => Err("$filter: null has no order".to_owned()),
                }
            }
            Some(Token::Word(word)) => {
                // `5M`, `5L`: numbers of older versions carry their type.
                let bare = word.trim_end_matches(['M', 'm', 'L', 'd', 'f']);
                let digits = bare.chars().all(|letter| letter.is_ascii_digit() || "-+.".contains(letter));
                let value = if digits && !bare.is_empty() { bare.to_owned() } else { word };
                Ok(Condition::Term(Term { field, test, values: vec![value] }))
            }
            Some(Token::Text(text)) => Ok(Condition::Term(Term { field, test, values: vec![text] })),
            Some(_) | None => Err(format!("$filter: a value is expected behind {operator}")),
        }
    }
}

/// The values of a key as it stands between the parentheses: `'A'`, `5`, `ItemNo='A',Line=2`.
pub(crate) fn key(text: &str) -> Result<Vec<String>, String> {
    let mut values = Vec::new();
    let mut pending: Option<String> = None;
    for token in tokens(text)? {
        match token {
            Token::Text(text) => {
                pending = None;
                values.push(text);
            }
            Token::Word(word) => match word.split_once('=') {
                Some((_, "")) => pending = Some(word),
                Some((_, value)) => values.push(value.to_owned()),
                None => values.push(word),
            },
            Token::Comma => {}
            Token::Open | Token::Close => return Err(format!("`{text}` is no key")),
        }
    }
    if values.is_empty() || pending.is_some() { Err(format!("`{text}` is no key")) } else { Ok(values) }
}

/// An expanded path and the fields that are chosen of it; none = all.
pub(crate) type Expanded = (String, Vec<String>);

/// What `$select` and `$expand` ask for.
pub(crate) fn chosen(select: Option<&str>, expand: Option<&str>) -> (Option<Vec<String>>, Vec<Expanded>) {
    let names = |text: &str| -> Vec<String> {
        text.split(',').map(|name| name.trim().replace('/', ".")).filter(|name| !name.is_empty()).collect()
    };
    let mut expanded = Vec::new();
    let mut depth = 0_usize;
    let mut piece = String::new();
    for letter in expand.unwrap_or_default().chars().chain([',']) {
        match letter {
            ',' if depth == 0 => {
                let (name, inner) = piece.split_once('(').unwrap_or((&piece, ""));
                let inner = inner.trim_end_matches(')').trim_start_matches("$select=");
                if !name.trim().is_empty() {
                    expanded.push((name.trim().to_owned(), names(inner)));
                }
                piece.clear();
            }
            other => {
                depth = match other {
                    '(' => depth + 1,
                    ')' => depth.saturating_sub(1),
                    _ => depth,
                };
                piece.push(other);
            }
        }
    }
    (select.map(names), expanded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Condition, String> {
        filter(text, &|name| (name != "nope").then(|| name.to_owned()))
    }

    #[test]
    fn filters_of_all_versions() {
        for text in [
            "number eq 'O''Hara' and (status eq 'Open' or status eq 'Draft')",
            "lastModifiedDateTime ge 2026-11-02T09:00:00.500+00:00",
            "id eq guid'b807023f-87e6-3b8a-da92-f79f546ff9cc' and total gt 5M",
            "not startswith(code,'A') and x eq null",
        ] {
            assert!(read(text).is_ok(), "{text}");
        }
        assert!(read("nope eq 1").unwrap_err().contains("nope"));
        assert!(read("a eq").is_err());
        assert!(read("a eq 'b").is_err());
        assert!(read(&"(".repeat(500)).is_err());
    }

    #[test]
    fn keys_and_choices() {
        assert_eq!(key("'A''B'").unwrap(), ["A'B"]);
        assert_eq!(key("ItemNo='A',Line=2").unwrap(), ["A", "2"]);
        assert_eq!(key("b807023f-87e6").unwrap(), ["b807023f-87e6"]);
        let (select, expand) = chosen(Some("id,number"), Some("salesOrderLines($select=id,quantity),customer"));
        assert_eq!(select.unwrap(), ["id", "number"]);
        assert_eq!(expand[0], ("salesOrderLines".to_owned(), vec!["id".to_owned(), "quantity".to_owned()]));
        assert_eq!(expand[1].0, "customer");
    }
}
