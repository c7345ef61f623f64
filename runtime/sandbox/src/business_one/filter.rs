//! `$filter`: parser and evaluation.
//!
//! In: a filter's text and the entity type it is asked of. Out: for each record: fits, does not fit, or unknown because of `null`.
//! Never: arithmetic, date functions, conditions on lines; the Service Layer has none of them.

use super::refusal::Refusal;
use super::schema::{Kind, Schema, day_of};
use crate::money;
use rust_decimal::Decimal;
use serde_json::{Map, Value};
use std::cmp::Ordering;

/// Parentheses and `not` nested deeper than this are refused.
const DEPTH_MAX: u32 = 32;

/// A checked filter.
#[derive(Debug)]
pub(super) struct Filter {
    root: Node,
    ignore_case: bool,
}

#[derive(Debug)]
enum Node {
    Or(Box<Node>, Box<Node>),
    And(Box<Node>, Box<Node>),
    Not(Box<Node>),
    Compare { property: String, operator: Operator, literal: Literal },
    Text { property: String, how: TextMatch, part: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TextMatch {
    Starts,
    Ends,
    Contains,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Literal {
    Null,
    Text(String),
    Number(Decimal),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Open,
    Close,
    Comma,
    Word(String),
    Text(String),
    Number(Decimal),
}

impl Filter {
    /// Parses `text` for records of `entity`.
    pub(super) fn parse(schema: &Schema, entity: &str, text: &str, ignore_case: bool) -> Result<Self, Refusal> {
        let tokens = tokens(text)?;
        let mut parser = Parser { schema, entity, tokens, place: 0, depth: 0 };
        let root = parser.either()?;
        match parser.peek() {
            None => Ok(Self { root, ignore_case }),
            Some(token) => Err(syntax(&format!("unexpected {token:?}"))),
        }
    }

    /// Whether the record fits.
    pub(super) fn fits(&self, record: &Map<String, Value>) -> bool {
        self.holds(&self.root, record) == Some(true)
    }

    /// Three-valued, as in SQL: a comparison with `null` is unknown, unless it asks for `null`.
    fn holds(&self, node: &Node, record: &Map<String, Value>) -> Option<bool> {
        match node {
            Node::Or(left, right) => match (self.holds(left, record), self.holds(right, record)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                (_, _) => None,
            },
            Node::And(left, right) => match (self.holds(left, record), self.holds(right, record)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                (_, _) => None,
            },
            Node::Not(inner) => self.holds(inner, record).map(|held| !held),
            Node::Text { property, how, part } => {
                let found = self.fold(record.get(property)?.as_str()?);
                let part = self.fold(part);
                Some(match how {
                    TextMatch::Starts => found.starts_with(&part),
                    TextMatch::Ends => found.ends_with(&part),
                    TextMatch::Contains => found.contains(&part),
                })
            }
            Node::Compare { property, operator, literal } => {
                let found = record.get(property).filter(|value| !value.is_null());
                self.compare(found, *operator, literal)
            }
        }
    }

    fn compare(&self, found: Option<&Value>, operator: Operator, literal: &Literal) -> Option<bool> {
        let order = match literal {
            Literal::Null => {
                return match operator {
                    Operator::Equal => Some(found.is_none()),
                    Operator::NotEqual => Some(found.is_some()),
                    Operator::Greater | Operator::GreaterOrEqual | Operator::Less | Operator::LessOrEqual => None,
                };
            }
            Literal::Text(text) => self.fold(found?.as_str()?).cmp(&self.fold(text)),
            Literal::Number(number) => money::decimal(found?)?.cmp(number),
        };
        Some(match operator {
            Operator::Equal => order == Ordering::Equal,
            Operator::NotEqual => order != Ordering::Equal,
            Operator::Greater => order == Ordering::Greater,
            Operator::GreaterOrEqual => order != Ordering::Less,
            Operator::Less => order == Ordering::Less,
            Operator::LessOrEqual => order != Ordering::Greater,
        })
    }

    fn fold(&self, text: &str) -> String {
        if self.ignore_case { text.to_lowercase() } else { text.to_owned() }
    }
}

struct Parser<'a> {
    schema: &'a Schema,
    entity: &'a str,
    tokens: Vec<Token>,
    place: usize,
    depth: u32,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.place)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.place).cloned();
        self.place += 1;
        token
    }

    fn word_is(&self, wanted: &str) -> bool {
        matches!(self.peek(), Some(Token::Word(word)) if word == wanted)
    }

    fn expect(&mut self, wanted: &Token) -> Result<(), Refusal> {
        match self.next() {
            Some(found) if found == *wanted => Ok(()),
            found => Err(syntax(&format!("expected {wanted:?}, found {found:?}"))),
        }
    }

    fn either(&mut self) -> Result<Node, Refusal> {
        let mut node = self.both()?;
        while self.word_is("or") {
            self.place += 1;
            node = Node::Or(Box::new(node), Box::new(self.both()?));
        }
        Ok(node)
    }

    fn both(&mut self) -> Result<Node, Refusal> {
        let mut node = self.single()?;
        while self.word_is("and") {
            self.place += 1;
            node = Node::And(Box::new(node), Box::new(self.single()?));
        }
        Ok(node)
    }

    fn single(&mut self) -> Result<Node, Refusal> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(syntax("nested too deeply"));
        }
        let node = match self.next() {
            Some(Token::Open) => {
                let inner = self.either()?;
                self.expect(&Token::Close)?;
                Ok(inner)
            }
            Some(Token::Word(word)) if word == "not" => Ok(Node::Not(Box::new(self.single()?))),
            Some(Token::Word(word)) if self.peek() == Some(&Token::Open) => self.function(&word),
            Some(Token::Word(property)) => self.comparison(property),
            found => Err(syntax(&format!("expected a condition, found {found:?}"))),
        };
        self.depth -= 1;
        node
    }

    fn function(&mut self, name: &str) -> Result<Node, Refusal> {
        self.expect(&Token::Open)?;
        let how = match name {
            "startswith" => TextMatch::Starts,
            "endswith" => TextMatch::Ends,
            "contains" | "substringof" => TextMatch::Contains,
            _ => return Err(syntax(&format!("function '{name}' is not supported"))),
        };
        let first = self.next();
        self.expect(&Token::Comma)?;
        let second = self.next();
        self.expect(&Token::Close)?;
        // The older `substringof` takes the part first.
        let (property, part) = if name == "substringof" { (second, first) } else { (first, second) };
        let (Some(Token::Word(property)), Some(Token::Text(part))) = (property, part) else {
            return Err(syntax(&format!("'{name}' takes a property and a text")));
        };
        match self.schema.kind(self.entity, &property)? {
            Kind::Text => Ok(Node::Text { property, how, part }),
            Kind::Double | Kind::Integer | Kind::Date | Kind::Time | Kind::Enum(_) | Kind::One(_) | Kind::Many(_) => {
                Err(syntax(&format!("'{name}' needs a text, '{property}' is none")))
            }
        }
    }

    fn comparison(&mut self, property: String) -> Result<Node, Refusal> {
        let kind = self.schema.kind(self.entity, &property)?.clone();
        let operator = match self.next() {
            Some(Token::Word(word)) => match word.as_str() {
                "eq" => Operator::Equal,
                "ne" => Operator::NotEqual,
                "gt" => Operator::Greater,
                "ge" => Operator::GreaterOrEqual,
                "lt" => Operator::Less,
                "le" => Operator::LessOrEqual,
                _ => return Err(syntax(&format!("'{word}' is no operator"))),
            },
            found => return Err(syntax(&format!("expected an operator, found {found:?}"))),
        };
        let given = self.next();
        let literal = typed(&property, &kind, given)?;
        Ok(Node::Compare { property, operator, literal })
    }
}

/// The literal as the property's type wants it.
fn typed(property: &str, kind: &Kind, given: Option<Token>) -> Result<Literal, Refusal> {
    let wrong = |given: &Option<Token>| syntax(&format!("{given:?} does not fit the type of '{property}'"));
    if given == Some(Token::Word("null".to_owned())) {
        return Ok(Literal::Null);
    }
    match (kind, &given) {
        (Kind::Text | Kind::Time, Some(Token::Text(text))) => Ok(Literal::Text(text.clone())),
        (Kind::Double | Kind::Integer, Some(Token::Number(number))) => Ok(Literal::Number(*number)),
        (Kind::Date, Some(Token::Text(text))) => Ok(Literal::Text(day_of(text).ok_or_else(|| wrong(&given))?)),
        (Kind::Enum(members), Some(Token::Text(text))) => {
            if members.iter().any(|member| member == text) {
                return Ok(Literal::Text(text.clone()));
            }
            // Yes and no are stored as one letter, and filters may use it.
            let stored = match text.as_str() {
                "Y" => "tYES",
                "N" => "tNO",
                _ => return Err(wrong(&given)),
            };
            if members.iter().any(|member| member == stored) {
                Ok(Literal::Text(stored.to_owned()))
            } else {
                Err(wrong(&given))
            }
        }
        (Kind::One(_) | Kind::Many(_), _) => Err(syntax(&format!("'{property}' cannot be filtered"))),
        (Kind::Text | Kind::Time | Kind::Double | Kind::Integer | Kind::Date | Kind::Enum(_), _) => Err(wrong(&given)),
    }
}

fn syntax(what: &str) -> Refusal {
    Refusal::malformed(format!("Query string error in $filter: {what}"))
}

fn tokens(text: &str) -> Result<Vec<Token>, Refusal> {
    let mut tokens = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(first) = rest.next() {
        match first {
            ' ' | '\t' => {}
            '(' => tokens.push(Token::Open),
            ')' => tokens.push(Token::Close),
            ',' => tokens.push(Token::Comma),
            '\'' => {
                let mut inside = String::new();
                loop {
                    match rest.next() {
                        // A doubled quote is one quote of the text.
                        Some('\'') if rest.peek() == Some(&'\'') => {
                            rest.next();
                            inside.push('\'');
                        }
                        Some('\'') => break,
                        Some(other) => inside.push(other),
                        None => return Err(syntax("a text has no closing quote")),
                    }
                }
                tokens.push(Token::Text(inside));
            }
            other if other.is_ascii_alphanumeric() || matches!(other, '_' | '-') => {
                let mut word = String::from(other);
                while let Some(next) = rest.next_if(|next| next.is_ascii_alphanumeric() || matches!(next, '_' | '.')) {
                    word.push(next);
                }
                let numeric = other.is_ascii_digit() || other == '-';
                match word.parse::<Decimal>() {
                    Ok(number) if numeric => tokens.push(Token::Number(number)),
                    Ok(_) | Err(_) if numeric => return Err(syntax(&format!("'{word}' is no number"))),
                    Ok(_) | Err(_) => tokens.push(Token::Word(word)),
                }
            }
            other => return Err(syntax(&format!("unexpected '{other}'"))),
        }
    }
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use super::Filter;
    use crate::business_one::schema::{Schema, UserField};
    use serde_json::json;

    fn fits(filter: &str) -> Result<bool, String> {
        let schema = Schema::load(&[UserField::text("Document", "U_ShopOrderId", 50)]);
        let record = json!({
            "DocEntry": 22, "NumAtCard": "O'Neil", "CardCode": "C10044", "DocTotal": 179.43, "Cancelled": "tNO",
            "UpdateDate": "2026-11-02", "UpdateTime": "10:04:11", "Comments": null, "U_ShopOrderId": "aff2"
        });
        let parsed = Filter::parse(&schema, "Document", filter, false)
            .map_err(|refusal| String::from_utf8(refusal.into_answer().body).unwrap())?;
        Ok(parsed.fits(record.as_object().unwrap()))
    }

    #[test]
    fn conditions_of_every_type() {
        for yes in [
            "NumAtCard eq 'O''Neil'",
            "DocEntry eq 22",
            "DocTotal gt 179.42 and DocTotal lt 179.44",
            "DocTotal ge -5",
            "UpdateDate ge '2026-11-02'",
            "UpdateDate eq '2026-11-02T23:59:00Z'",
            "UpdateTime gt '10:04:10'",
            "Cancelled eq 'tNO' and Cancelled eq 'N'",
            "Comments eq null",
            "CardCode ne null",
            "startswith(CardCode,'C1') and endswith(CardCode, '44') and contains(CardCode,'100')",
            "substringof('100',CardCode)",
            "not (DocEntry eq 1) and (CardCode eq 'X' or U_ShopOrderId eq 'aff2')",
            "DocEntry eq 1 and DocEntry eq 1 or DocEntry eq 22",
        ] {
            assert_eq!(fits(yes), Ok(true), "{yes}");
        }
        for no in [
            "Comments ne 'x'",
            "not (Comments eq 'x')",
            "CardCode eq 'c10044'",
            "DocEntry eq 22 and (CardCode eq 'X' or DocEntry eq 1)",
        ] {
            assert_eq!(fits(no), Ok(false), "{no}");
        }
    }

    #[test]
    fn what_the_service_would_refuse() {
        for (wrong, part) in [
            ("Nonsense eq 1", "Property 'Nonsense' of 'Document' is invalid"),
            ("DocEntry eq '22'", "does not fit"),
            ("CardCode eq 22", "does not fit"),
            ("Cancelled eq 'yes'", "does not fit"),
            ("UpdateDate eq '02.11.2026'", "does not fit"),
            ("CardCode eq 'open", "closing quote"),
            ("CardCode eq 'a' 'b'", "unexpected"),
            ("DocumentLines eq 'a'", "cannot be filtered"),
            ("year(DocDate) eq 2026", "not supported"),
            ("(CardCode eq 'a'", "expected Close"),
            ("CardCode like 'a'", "no operator"),
        ] {
            let refusal = fits(wrong).unwrap_err();
            assert!(refusal.contains(part), "{wrong}: {refusal}");
            assert!(refusal.contains("-1000"), "{wrong}: {refusal}");
        }
        assert!(fits(&"(".repeat(100)).is_err());
    }
}
