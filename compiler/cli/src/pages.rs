//! The pages of `docs/checks/`, one a code, sorted. In: nothing. Out: text.

/// Code and page.
pub(crate) const PAGES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/pages.rs"));

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use mapwright_syntax::faults;

    use super::*;

    const SYNTAX: &[&str] = &[
        faults::UNREADABLE,
        faults::MISSING_CLOSING_BRACE,
        faults::UNCLOSED_QUOTE,
        faults::STRAY_CLOSING_BRACE,
        faults::NESTED_TOO_DEEPLY,
        faults::FILE_TOO_LARGE,
        faults::PIPE_BESIDE_ARITHMETIC,
        faults::CHAINED_COMPARISON,
        faults::HOLE_NOT_ALLOWED,
        faults::TIME_SPAN_NOT_WHOLE,
        faults::WRONG_SIGN,
        faults::SYMBOL_FOR_WORD,
        faults::MISSING_REASON,
        faults::MISSING_ANSWER_TEXT,
        faults::CHECK_WITHOUT_ANSWER,
        faults::SEVERAL_STATEMENTS_ON_A_LINE,
        faults::SINGLE_EQUALS,
        faults::BRACKET_WITHOUT_PARTNER,
        faults::UNKNOWN_ESCAPE,
        faults::RESERVED_WORD,
        faults::UNKNOWN_STATEMENT,
        faults::UNFINISHED_IF,
        faults::NO_NULL,
        faults::TYPOGRAPHIC_QUOTE,
        faults::MARKS_WITHOUT_COMMA,
        faults::MISSING_ARROW,
        faults::STATEMENT_OUTSIDE_OF_MAPPING,
        faults::MISSING_VALUE,
    ];

    /// Every code that any part of the compiler reports.
    fn codes() -> BTreeSet<&'static str> {
        let mut codes: BTreeSet<&str> = mapwright_model::CODES.iter().map(|(code, _, _)| *code).collect();
        let others = [SYNTAX, mapwright_project::CODES, mapwright_preview::CODES, crate::notes::CODES];
        for code in others.into_iter().flatten().copied() {
            assert!(codes.insert(code), "{code} stands for two faults");
        }
        codes
    }

    #[test]
    fn every_code_has_a_page_and_every_page_a_code() {
        let pages: BTreeSet<&str> = PAGES.iter().map(|(code, _)| *code).collect();
        let codes = codes();
        let without_page: Vec<_> = codes.difference(&pages).collect();
        let without_code: Vec<_> = pages.difference(&codes).collect();
        assert!(without_page.is_empty(), "write docs/checks/CODE.md for {without_page:?}");
        assert!(without_code.is_empty(), "nothing reports {without_code:?}");
    }

    #[test]
    fn every_page_has_its_parts() {
        for (code, page) in PAGES {
            assert!(page.starts_with(&format!("# {code}: ")), "{code}: the title must be `# {code}: ...`");
            for part in ["## For example", "## Instead", "## Why"] {
                assert!(page.contains(part), "{code} has no `{part}`");
            }
            let missing_line_end = !page.ends_with('\n');
            assert!(!missing_line_end, "{code} must end with a line end");
        }
    }

    #[test]
    fn the_list_for_readers_names_every_page() {
        let list = include_str!("../../../docs/checks/README.md");
        let missing: Vec<_> =
            PAGES.iter().filter(|(code, _)| !list.contains(&format!("[{code}]({code}.md)"))).collect();
        assert!(missing.is_empty(), "add to docs/checks/README.md: {missing:?}");
    }
}
