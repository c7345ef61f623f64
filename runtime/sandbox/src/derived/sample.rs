//! A text that a manifest's pattern matches. In: a pattern. Out: such a text, proved by matching it, or none.

use mapwright_manifest::Pattern;

/// The shortest plain text that the first alternative matches.
pub(crate) fn of(pattern: &Pattern) -> Option<String> {
    let mut letters = pattern.as_str().chars().peekable();
    let text = alternative(&mut letters, 0)?;
    pattern.is_match(&text).then_some(text)
}

type Letters<'l> = std::iter::Peekable<std::str::Chars<'l>>;

/// How deep groups may stand in groups.
const DEPTH_MAX: usize = 16;

/// The text of one alternative; the others are skipped.
fn alternative(letters: &mut Letters<'_>, depth: usize) -> Option<String> {
    if depth > DEPTH_MAX {
        return None;
    }
    let mut text = String::new();
    while let Some(letter) = letters.next() {
        let piece = match letter {
            '^' | '$' => continue,
            ')' => return Some(text),
            '|' => {
                skip_alternatives(letters);
                return Some(text);
            }
            '(' => {
                // `(?:...)` and its like.
                if letters.peek() == Some(&'?') {
                    letters.next();
                    letters.next();
                }
                alternative(letters, depth + 1)?
            }
            '[' => class(letters)?,
            '.' => "0".to_owned(),
            '\\' => escaped(letters.next()?),
            other => other.to_string(),
        };
        match letters.peek() {
            Some('*' | '?') => {
                letters.next();
            }
            Some('+') => {
                letters.next();
                text.push_str(&piece);
            }
            Some('{') => {
                let count: String = letters.by_ref().skip(1).take_while(|letter| *letter != '}').collect();
                let least = count.split(',').next().and_then(|count| count.parse().ok()).unwrap_or(1);
                text.push_str(&piece.repeat(least));
            }
            Some(_) | None => text.push_str(&piece),
        }
    }
    Some(text)
}

/// The rest of a group, or of the whole.
fn skip_alternatives(letters: &mut Letters<'_>) {
    let mut depth = 0_usize;
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => {
                letters.next();
            }
            '(' => depth += 1,
            ')' if depth == 0 => return,
            ')' => depth -= 1,
            _ => {}
        }
    }
}

/// The first letter of a class; one that excludes gives none.
fn class(letters: &mut Letters<'_>) -> Option<String> {
    let mut first = None;
    while let Some(letter) = letters.next() {
        match letter {
            ']' => return first,
            '^' if first.is_none() => return None,
            '\\' => {
                let letter = escaped(letters.next()?);
                first.get_or_insert(letter);
            }
            other => {
                first.get_or_insert(other.to_string());
            }
        }
    }
    None
}

fn escaped(letter: char) -> String {
    match letter {
        'd' => "1".to_owned(),
        'w' => "a".to_owned(),
        's' => " ".to_owned(),
        'b' => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use mapwright_manifest::{Expected, Manifest, Matcher};

    use super::*;

    #[test]
    fn the_patterns_of_manifests_have_samples() {
        for (pattern, expected) in [
            ("^VIOLATION::|_DUPLICATE|FRAMEWORK__", "VIOLATION::"),
            ("^4..$", "400"),
            ("invalid_id$", "invalid_id"),
            ("^(FailedAuthentication|InvalidSecurity)", "FailedAuthentication"),
            ("busy|no .*process available", "busy"),
            ("^Pool not found|licen[cs]e", "Pool not found"),
            ("^[89]\\.|^1\\d\\.", "8."),
            ("^6\\.[5-7]", "6.5"),
        ] {
            let text = format!(
                "manifest: 1\nsystem: x\ntitle: x\ndriver: rest\nbase: \"{{config.url}}\"\nauth: {{ kind: none }}\nerrors:\n  \
                 code: body.code\n  rules:\n    - {{ code: '/{pattern}/', class: halt }}\nentities: {{}}\n"
            );
            let manifest = Manifest::parse(&text, "x.yaml").unwrap();
            let Some(Matcher::AnyOf(all)) = &manifest.errors.rules[0].code else { panic!("{pattern}") };
            let Expected::Pattern(pattern) = &all[0] else { panic!("{expected}") };
            assert_eq!(of(pattern).as_deref(), Some(expected));
        }
    }
}
