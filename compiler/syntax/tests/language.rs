//! Every block of the page on the language is read without a diagnostic.
#![expect(clippy::disallowed_methods, reason = "tests read their cases")]

use mapwright_syntax::{Files, Style, parse, render};

/// The language of each fenced block, with its text.
fn blocks(page: &str) -> Vec<(&str, &str)> {
    let parts = page.split("```").skip(1).step_by(2);
    parts.filter_map(|block| block.split_once('\n')).collect()
}

#[test]
fn every_block_of_the_page_on_the_language_is_read() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/language.md");
    let page = std::fs::read_to_string(path).unwrap();
    let blocks = blocks(&page);
    assert!(blocks.len() >= 8, "{}", blocks.len());
    for (language, block) in blocks {
        let text = match language {
            "mapspec" => block.to_owned(),
            // Lines that stand in a mapping.
            "mapspec,fragment" => {
                let lines: String = block.lines().map(|line| format!("  {line}\n")).collect();
                format!("mapping fragment from shop.order as order to erp.Orders {{\n{lines}}}\n")
            }
            other => panic!("a block is `mapspec` or `mapspec,fragment`, not `{other}`"),
        };
        let mut files = Files::default();
        let file = files.add("language.md", &text);
        let (tree, diagnostics) = parse(file, &text);
        let told: Vec<String> = diagnostics.iter().map(|fault| render(fault, &files, Style::Plain)).collect();
        assert!(told.is_empty(), "{text}\n{}", told.join("\n"));
        assert!(!tree.definitions.is_empty(), "{text}");
    }
}
