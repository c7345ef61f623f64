//! Diagnostics for people and programs.
//!
//! In: a diagnostic and the files that it speaks of. Out: text for a terminal, JSON, or an annotation of a code host. It
//! decides nothing: what is said stands in the diagnostic.

mod data;
mod terminal;
mod window;

pub use data::{to_github, to_json};
pub use terminal::{Style, render};

use crate::diagnostic::Diagnostic;
use crate::span::{File, Span};

/// Puts diagnostics into the order of files and places.
pub fn sort(diagnostics: &mut [Diagnostic]) {
    diagnostics.sort_by_key(|diagnostic| (diagnostic.span(), diagnostic.code, diagnostic.severity));
}

/// The bytes of a span, moved to where characters begin and end within the file.
fn bytes(file: &File, span: Span) -> std::ops::Range<usize> {
    let start = file.text.floor_char_boundary(span.start as usize);
    let end = file.text.ceil_char_boundary(span.end as usize);
    start..end.max(start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Edit;
    use crate::span::{FileId, Files};

    fn span(file: FileId, files: &Files, part: &str) -> Span {
        let start = files.get(file).unwrap().text.find(part).unwrap();
        Span { file, start: start as u32, end: (start + part.len()) as u32 }
    }

    fn unmapped() -> (Files, Diagnostic) {
        let mut files = Files::default();
        let orders = files.add(
            "orders.mapspec",
            "# Orders.\n\nmapping order_to_sales_order from shop.order as order to erp.Orders {\n}\n",
        );
        let catalogue =
            files.add("sap-business-one/catalogue.mapspec", "entity Orders {\n    CardCode  text(15)  required\n}\n");
        let diagnostic = Diagnostic::error(
            "E0401",
            span(orders, &files, "mapping"),
            "required field `CardCode` of `erp.Orders` is not mapped",
        )
        .here("add a line for `CardCode` to this mapping")
        .label(span(catalogue, &files, "CardCode"), "required here")
        .help("the customer's number stands in `order.orderCustomer.customerNumber`");
        let end = span(orders, &files, "}\n");
        let edit = Edit {
            span: Span { end: end.start, ..end },
            text: "  CardCode <- order.orderCustomer.customerNumber\n".into(),
        };
        (files, diagnostic.fix("add a line for `CardCode`", vec![edit]))
    }

    #[test]
    fn a_terminal_shows_every_file_and_the_fix() {
        let (files, diagnostic) = unmapped();
        insta::assert_snapshot!(render(&diagnostic, &files, Style::Plain));
    }

    #[test]
    fn colour_adds_nothing_but_escapes() {
        let (files, diagnostic) = unmapped();
        let coloured = render(&diagnostic, &files, Style::Colour);
        let mut plain = String::new();
        let mut rest = coloured.as_str();
        while let Some((before, behind)) = rest.split_once('\u{1b}') {
            plain.push_str(before);
            rest = behind.split_once('m').unwrap().1;
        }
        plain.push_str(rest);
        assert!(coloured.contains('\u{1b}'));
        assert!(plain.contains("required field `CardCode` of `erp.Orders` is not mapped"));
        assert!(plain.contains("mapwright explain E0401"));
    }

    #[test]
    fn json_holds_all_that_there_is() {
        let (files, diagnostic) = unmapped();
        insta::assert_json_snapshot!(to_json(&diagnostic, &files));
    }

    #[test]
    fn a_code_host_reads_one_line() {
        let (files, mut diagnostic) = unmapped();
        diagnostic.headline = "100 % of\nit".into();
        let line = "::error file=orders.mapspec,line=3,endLine=3,col=1,endColumn=8,title=E0401::100 %25 of%0Ait";
        assert_eq!(to_github(&diagnostic, &files), line);
    }

    #[test]
    fn places_outside_of_the_files_do_no_harm() {
        let mut files = Files::default();
        let file = files.add("a.mapspec", "ü");
        for (start, end) in [(1, 1), (0, 900), (900, 901), (1, 2)] {
            let diagnostic = Diagnostic::error("E0101", Span { file, start, end }, "odd place");
            assert!(render(&diagnostic, &files, Style::Plain).contains("odd place"));
        }
        let nowhere = Diagnostic::error("E0101", Span { file: FileId(7), start: 0, end: 1 }, "no such file");
        assert!(render(&nowhere, &files, Style::Plain).contains("no such file"));
        assert!(to_github(&nowhere, &files).contains("no such file"));
    }

    #[test]
    fn diagnostics_are_sorted_by_file_and_place() {
        let at = |file, start| Diagnostic::error("E0101", Span { file: FileId(file), start, end: start + 1 }, "x");
        let mut all = vec![at(1, 0), at(0, 9), at(0, 2)];
        sort(&mut all);
        let places: Vec<_> = all.iter().map(|one| (one.span().file.0, one.span().start)).collect();
        assert_eq!(places, [(0, 2), (0, 9), (1, 0)]);
    }
}
