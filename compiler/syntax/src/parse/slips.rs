//! Slips that analysts make, known by the tokens of a line.
//!
//! In: a line that could not be read. Out: the fault that explains it, if one does. The caller checks each fix.

use super::chunks::DEFINITIONS;
use super::recovery::{Kind, Line};
use crate::diagnostic::Diagnostic;
use crate::faults;
use crate::tokens::{Token, TokenKind};

/// Words that may not be names where an expression could begin.
pub const RESERVED: [&str; 28] = [
    "and",
    "any",
    "as",
    "clear",
    "each",
    "false",
    "find",
    "if",
    "in",
    "is",
    "linked",
    "lookup",
    "match",
    "not",
    "omit",
    "or",
    "otherwise",
    "reject",
    "skip",
    "sorted",
    "take",
    "then",
    "true",
    "wait",
    "when",
    "where",
    "with",
    "else",
];
/// German words for keywords: much of the trade that maps writes German all day.
const GERMAN: [(&str, &str); 28] = [
    ("und", "and"),
    ("oder", "or"),
    ("nicht", "not"),
    ("wenn", "if"),
    ("falls", "if"),
    ("dann", "then"),
    ("sonst", "otherwise"),
    ("ansonsten", "otherwise"),
    ("jede", "each"),
    ("jedes", "each"),
    ("alle", "each"),
    ("als", "as"),
    ("wo", "where"),
    ("suche", "find"),
    ("finde", "find"),
    ("ist", "is"),
    ("leer", "empty"),
    ("wahr", "true"),
    ("falsch", "false"),
    ("weil", "because"),
    ("von", "from"),
    ("nach", "to"),
    ("sei", "let"),
    ("prüfe", "check"),
    ("lasse", "leave"),
    ("ignoriere", "ignore"),
    ("regel", "rule"),
    ("tabelle", "table"),
];
/// Keywords in their place.
const PLACED: [&str; 8] = ["from", "to", "by", "of", "because", "missing", "present", "else"];
/// Characters without width.
const HIDDEN: [char; 6] = ['\u{ad}', '\u{200b}', '\u{200c}', '\u{200d}', '\u{2060}', '\u{feff}'];
/// Words that begin a statement of a mapping.
const STATEMENTS: [&str; 9] = ["let", "check", "copy", "on", "leave", "ignore", "owner", "note", "open"];
/// Words that begin a line of a flow.
const DUTIES: [&str; 14] = [
    "every", "daily", "cron", "on", "read", "also", "write", "after", "latest", "strict", "retry", "owner", "note",
    "open",
];
/// Words that begin a line of a system.
const ITEMS: [&str; 3] = ["type", "entity", "action"];
/// Words that begin a mark of a field.
const MARKS: [&str; 15] = [
    "key",
    "natural",
    "required",
    "read",
    "write",
    "create",
    "changed",
    "personal",
    "merged",
    "added",
    "replaced",
    "refers",
    "missing",
    "named",
    "deprecated",
];

/// The slip of a line; the first that fits explains it.
pub(super) fn slip(line: &Line<'_>) -> Option<Diagnostic> {
    let recognisers: [fn(&Line<'_>) -> Option<Diagnostic>; 19] = [
        invisible_character,
        foreign_comment,
        foreign_word,
        typographic_quotes,
        unknown_escape,
        symbol_for_word,
        brackets,
        reserved_word,
        assignment_outside,
        wrong_sign,
        several_statements,
        dismissal,
        answer_without_text,
        check_without_answer,
        single_equals,
        unfinished_if,
        marks_without_comma,
        missing_arrow,
        unknown_statement,
    ];
    recognisers.iter().find_map(|recognise| recognise(line))
}

/// The target that a line begins with, and the token behind it.
fn target<'t, 'a>(line: &'t Line<'a>) -> Option<(&'a str, &'t [Token<'a>])> {
    let mut length = 1;
    if !line.tokens.first()?.is_name() {
        return None;
    }
    while line.tokens.get(length).is_some_and(|token| token.is("."))
        && line.tokens.get(length + 1).is_some_and(Token::is_name)
    {
        length += 2;
    }
    let last = line.tokens.get(length - 1)?;
    Some((line.text.get(..last.end())?, line.tokens.get(length..)?))
}

fn begins_with(line: &Line<'_>, words: &[&str]) -> bool {
    line.tokens.first().is_some_and(|first| words.iter().any(|word| first.is(word)))
}

/// A character that nobody sees, such as word processors and web pages put in.
fn invisible_character(line: &Line<'_>) -> Option<Diagnostic> {
    let unseen = |token: &&Token<'_>| {
        let hidden = |letter: char| letter.is_control() || letter.is_whitespace() || HIDDEN.contains(&letter);
        token.kind == TokenKind::Unknown && token.text.chars().all(hidden)
    };
    let found: Vec<_> = line.tokens.iter().filter(unseen).map(|token| (line.token(token), token.text)).collect();
    faults::invisible_character(&found)
}

/// `// ...`, `/* ... */` or `-- ...`.
fn foreign_comment(line: &Line<'_>) -> Option<Diagnostic> {
    for (index, pair) in line.tokens.windows(2).enumerate() {
        let [first, second] = pair else { continue };
        let joined = first.end() == second.start;
        let slashes = first.is("/") && (second.is("/") || second.is("*"));
        let at_the_head = first.is("-") && second.is("-") || first.is("*") && second.is("/");
        if joined && (slashes || at_the_head && index == 0) {
            let span = line.place(first.start, second.end());
            return Some(faults::foreign_comment(span, first.text, second.text));
        }
    }
    None
}

/// A keyword in German or in capitals, if the line can be read with the word that is meant.
fn foreign_word(line: &Line<'_>) -> Option<Diagnostic> {
    let mut found = Vec::new();
    for (index, token) in line.tokens.iter().enumerate() {
        let behind_dot = index.checked_sub(1).and_then(|before| line.tokens.get(before)).is_some_and(|dot| dot.is("."));
        if token.kind != TokenKind::Word || behind_dot {
            continue;
        }
        let small = token.text.to_lowercase();
        let german = GERMAN.iter().find(|(german, _)| *german == small).map(|(_, word)| *word);
        let known = RESERVED.iter().chain(&STATEMENTS).chain(&DUTIES).chain(&DEFINITIONS).chain(&PLACED);
        let capitals = || known.copied().find(|word| *word == small && *word != token.text);
        if let Some(word) = german.or_else(capitals) {
            let branches =
                found.iter().any(|(_, _, known)| *known == "then") || line.tokens.iter().any(|then| then.is("then"));
            let word = if branches && word == "otherwise" && small != word { "else" } else { word };
            found.push((line.token(token), token.text, word));
        }
    }
    let fault = faults::symbol_for_word(&found)?;
    line.reads_with(&fault.fix.as_ref()?.edits).then_some(fault)
}

fn typographic_quotes(line: &Line<'_>) -> Option<Diagnostic> {
    let quotes: Vec<&Token<'_>> =
        line.tokens.iter().filter(|token| token.kind == TokenKind::Unknown && "“”„‟«»".contains(token.text)).collect();
    let spans: Vec<_> = quotes.iter().map(|token| line.token(token)).collect();
    faults::typographic_quotes(&spans, quotes.first()?.text)
}

fn unknown_escape(line: &Line<'_>) -> Option<Diagnostic> {
    for token in line.tokens.iter().filter(|token| token.kind == TokenKind::Text) {
        let mut characters = token.text.char_indices();
        while let Some((at, character)) = characters.next() {
            if character != '\\' {
                continue;
            }
            let Some((next_at, next)) = characters.next() else { break };
            if !"\"\\nt{}".contains(next) {
                let end = next_at + next.len_utf8();
                let span = line.place(token.start + at, token.start + end);
                return Some(faults::unknown_escape(span, token.text.get(at..end).unwrap_or_default()));
            }
        }
    }
    None
}

fn symbol_for_word(line: &Line<'_>) -> Option<Diagnostic> {
    let word = |token: &Token<'_>| {
        if token.kind != TokenKind::Symbol {
            return None;
        }
        match token.text {
            "&&" | "&" => Some("and"),
            "||" => Some("or"),
            "!" => Some("not "),
            _ => None,
        }
    };
    let found: Vec<_> =
        line.tokens.iter().filter_map(|token| word(token).map(|word| (line.token(token), token.text, word))).collect();
    faults::symbol_for_word(&found)
}

fn brackets(line: &Line<'_>) -> Option<Diagnostic> {
    let mut open: Vec<&Token<'_>> = Vec::new();
    for token in &line.tokens {
        let partner = match token.text {
            "(" | "[" | "{" if token.kind == TokenKind::Symbol => {
                open.push(token);
                continue;
            }
            ")" => "(",
            "]" => "[",
            "}" => "{",
            _ => continue,
        };
        match open.pop() {
            Some(last) if last.is(partner) => {}
            Some(last) if !last.is("{") => {
                return Some(faults::unclosed_bracket(line.token(last), last.text, line.end()));
            }
            _ if token.is("}") => {}
            _ => return Some(faults::stray_bracket(line.token(token), token.text)),
        }
    }
    let last = open.iter().rev().find(|token| !token.is("{"))?;
    Some(faults::unclosed_bracket(line.token(last), last.text, line.end()))
}

/// A reserved word where a name must stand: behind `let` and `as`, and at the head of a definition.
fn reserved_word(line: &Line<'_>) -> Option<Diagnostic> {
    for pair in line.tokens.windows(2) {
        let [before, token] = pair else { continue };
        let introduces = before.is("as") || line.kind == Kind::Statement && before.is("let") && before.start == 0;
        let head = line.kind == Kind::Definition && before.start == 0 && DEFINITIONS.contains(&before.text);
        if (introduces || head) && token.kind == TokenKind::Word && RESERVED.contains(&token.text) {
            return Some(faults::reserved_word(line.token(token), token.text));
        }
    }
    None
}

fn assignment_outside(line: &Line<'_>) -> Option<Diagnostic> {
    let (target, behind) = target(line)?;
    let assigned = behind.first()?.is("<-");
    (line.kind == Kind::Definition && assigned).then(|| faults::statement_outside_of_mapping(line.span, target))
}

fn wrong_sign(line: &Line<'_>) -> Option<Diagnostic> {
    match line.kind {
        Kind::Statement => {
            let (target, behind) = target(line)?;
            let sign = behind.first()?;
            if ["=", ":", "->", "=="].iter().any(|wrong| sign.is(wrong)) {
                let goes_on = |next: &&Token<'_>| sign.is(":") && next.is("=") || sign.is("=") && next.is(">");
                let equals = behind.get(1).filter(goes_on).filter(|next| next.start == sign.end());
                let end = equals.map_or(sign.end(), Token::end);
                let written = line.text.get(sign.start..end)?;
                if target == "let" {
                    return None;
                }
                let blank_before = sign.start > target.len();
                return Some(faults::equals_for_arrow(line.place(sign.start, end), written, target, blank_before));
            }
            let arrow =
                behind.get(1).filter(|arrow| (arrow.is("<-") || arrow.is(":")) && target == "let" && sign.is_name())?;
            let equals = behind.get(2).filter(|next| arrow.is(":") && next.is("=") && next.start == arrow.end());
            let end = equals.map_or(arrow.end(), Token::end);
            let written = line.text.get(arrow.start..end)?;
            Some(faults::arrow_for_equals(line.place(arrow.start, end), written, sign.text))
        }
        Kind::Row | Kind::Arm => {
            let at = line.tokens.iter().position(|token| ["<-", "->", "=", ":"].iter().any(|sign| token.is(sign)))?;
            let sign = line.tokens.get(at)?;
            let head = line.tokens.get(at + 1).filter(|next| next.is(">") && next.start == sign.end());
            let end = head.map_or(sign.end(), Token::end);
            let written = line.text.get(sign.start..end)?;
            (!sign.is("->")).then(|| faults::arrow_for_result(line.place(sign.start, end), written))
        }
        Kind::Definition | Kind::Item | Kind::Field | Kind::Duty => None,
    }
}

/// A second `<-` outside of brackets, or behind a comma.
fn several_statements(line: &Line<'_>) -> Option<Diagnostic> {
    if line.kind != Kind::Statement {
        return None;
    }
    let (first, behind) = target(line)?;
    if let [arrow] = behind
        && arrow.is("<-")
    {
        return Some(faults::missing_value(line.token(arrow), first));
    }
    let mut depth = 0_usize;
    let mut arrows = 0;
    for (index, token) in line.tokens.iter().enumerate() {
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            "<-" if depth == 0 => arrows += 1,
            _ => {}
        }
        if arrows < 2 {
            continue;
        }
        let mut start = index.checked_sub(1)?;
        while start >= 2 && line.tokens.get(start - 1).is_some_and(|token| token.is(".")) {
            start -= 2;
        }
        let begin = line.tokens.get(start)?;
        let before = line.tokens.get(start.checked_sub(1)?)?;
        let from = if before.is(",") { before.start } else { before.end() };
        return Some(faults::several_statements(line.token(begin), line.place(from, begin.start)));
    }
    None
}

fn dismissal(line: &Line<'_>) -> Option<Diagnostic> {
    let first = line.tokens.first().filter(|first| first.is("leave") || first.is("ignore"))?;
    if !matches!(line.kind, Kind::Statement | Kind::Definition) {
        return None;
    }
    let because = line.tokens.iter().position(|token| token.is("because"));
    match because {
        None if line.tokens.len() > 1 => Some(faults::missing_reason(line.token(first), first.text, line.end())),
        None => None,
        Some(index) => {
            let text = line.tokens.get(index + 1).is_some_and(|token| token.kind == TokenKind::Text);
            let because = line.tokens.get(index)?;
            (!text).then(|| faults::reason_without_quotes(line.token(because), first.text))
        }
    }
}

fn answer_without_text(line: &Line<'_>) -> Option<Diagnostic> {
    for (index, token) in line.tokens.iter().enumerate() {
        let answers = token.is("reject") || token.is("skip");
        let behind = index.checked_sub(1).and_then(|before| line.tokens.get(before));
        let asked = behind.is_some_and(|before| {
            ["otherwise", "then", "else", "invalid", "<-", "->"].iter().any(|word| before.is(word))
        });
        let text = line.tokens.get(index + 1).is_some_and(|token| token.kind == TokenKind::Text);
        if answers && asked && !text {
            return Some(faults::missing_answer_text(line.token(token), token.text));
        }
    }
    None
}

fn check_without_answer(line: &Line<'_>) -> Option<Diagnostic> {
    let first = line.tokens.first().filter(|first| first.is("check") && line.kind == Kind::Statement)?;
    let answered = line.tokens.iter().any(|token| token.is("otherwise"));
    (!answered && line.tokens.len() > 1).then(|| faults::check_without_answer(line.token(first), line.end()))
}

/// A single `=` where a condition stands: anywhere but behind the name of a `let`, `setting`, `rule` or `type`.
fn single_equals(line: &Line<'_>) -> Option<Diagnostic> {
    let mut allowed = usize::from(begins_with(line, &["let", "setting", "rule", "type"]));
    let mut depth = 0_usize;
    if !matches!(line.kind, Kind::Statement | Kind::Duty | Kind::Definition | Kind::Arm) {
        return None;
    }
    if line.kind == Kind::Definition && !begins_with(line, &DEFINITIONS) {
        return None;
    }
    for token in &line.tokens {
        match token.text {
            // What stands in the braces of a definition is read by itself.
            "{" if line.kind == Kind::Definition => return None,
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            "=" if depth == 0 && allowed > 0 => allowed -= 1,
            "=" => return Some(faults::single_equals(line.token(token))),
            _ => {}
        }
    }
    None
}

fn unfinished_if(line: &Line<'_>) -> Option<Diagnostic> {
    let count = |word: &str| line.tokens.iter().filter(|token| token.is(word)).count();
    let is_if = |(index, token): &(usize, &Token<'_>)| {
        token.is("if") && !line.tokens.get(index + 1).is_some_and(|next| next.is("invalid"))
    };
    let ifs: Vec<_> = line.tokens.iter().enumerate().filter(is_if).collect();
    let (_, last) = ifs.last()?;
    if ifs.len() > count("then") {
        return Some(faults::if_without_then(line.token(last)));
    }
    (ifs.len() > count("else")).then(|| faults::if_without_else(line.token(last), line.end()))
}

fn marks_without_comma(line: &Line<'_>) -> Option<Diagnostic> {
    if line.kind != Kind::Field {
        return None;
    }
    let ends_mark = |token: &Token<'_>| {
        token.kind == TokenKind::Text
            || MARKS.contains(&token.text)
            || ["only", "key"].iter().any(|word| token.is(word))
    };
    for pair in line.tokens.get(2..)?.windows(2) {
        let [before, mark] = pair else { continue };
        let continues =
            before.is("natural") || ["missing", "named", "deprecated", "to"].iter().any(|word| before.is(word));
        if ends_mark(before) && !continues && mark.kind == TokenKind::Word && MARKS.contains(&mark.text) {
            return Some(faults::marks_without_comma(line.token(before), line.token(mark), mark.text));
        }
    }
    None
}

/// A target, and behind it at once what it should be given.
fn missing_arrow(line: &Line<'_>) -> Option<Diagnostic> {
    let (target, behind) = target(line)?;
    let next = behind.first()?;
    let value =
        matches!(next.kind, TokenKind::Word | TokenKind::Ticked | TokenKind::Number | TokenKind::Text | TokenKind::Raw)
            || next.is("[")
            || next.is("(");
    let first = line.tokens.first()?;
    let meant = faults::closest(first.text, STATEMENTS).is_some();
    let operator = ["when", "and", "or", "in", "is", "also"].iter().any(|word| next.is(word));
    let plain = line.kind == Kind::Statement && value && !operator && !meant && !STATEMENTS.contains(&target);
    plain.then(|| faults::missing_arrow(line.token(next), target))
}

fn unknown_statement(line: &Line<'_>) -> Option<Diagnostic> {
    let (known, help): (&[&'static str], &str) = match line.kind {
        Kind::Definition => (
            &DEFINITIONS,
            "a definition is one of `use`, `rounding`, `leave`, `ignore`, `system`, `extend`, `setting`, `table`, `rule`, `example`, `mapping`, `flow`",
        ),
        Kind::Item => (&ITEMS, "a system holds lines that begin with `type`, `entity` or `action`"),
        Kind::Statement => (
            &STATEMENTS,
            "a field is filled with `FIELD <- VALUE`; other lines begin with `let`, `check`, `copy`, `leave`, `ignore`, `on create`",
        ),
        Kind::Duty => (
            &DUTIES,
            "a line of a flow begins with `every`, `daily`, `cron`, `on`, `read`, `also read`, `write`, `after flows`, `latest wins`, `strict order`, `retry`, `owner`, `note`, `open`",
        ),
        Kind::Field | Kind::Row | Kind::Arm => return None,
    };
    let first = line.tokens.first().filter(|first| first.kind == TokenKind::Word)?;
    let assigned = target(line).is_some_and(|(_, behind)| behind.iter().take(2).any(|token| token.is("<-")));
    if assigned {
        return None;
    }
    (!known.contains(&first.text))
        .then(|| faults::unknown_statement(line.token(first), first.text, line.kind.words(), known, help))
}
