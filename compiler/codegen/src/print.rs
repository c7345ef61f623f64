//! Tokens as a file that people read.
//!
//! In: tokens of items, with marks for comments and blank lines among them. Out: formatted text. It knows nothing of specs.
//!
//! prettyplease keeps neither comments nor blank lines, and tokens hold neither. So both travel as calls of two macros that do
//! not exist, each alone on its line, and are put back as text behind the formatter.

use proc_macro2::TokenStream;
use quote::quote;

const COMMENT: &str = "comment_mark!(";
const BLANK: &str = "blank_mark!();";

/// A comment line in front of the statement or item that follows.
pub(crate) fn comment(text: &str) -> TokenStream {
    let one_line: String = text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect();
    let hex: String = one_line.bytes().map(|byte| format!("{byte:02x}")).collect();
    quote! { comment_mark!(#hex); }
}

/// An empty line.
pub(crate) fn blank() -> TokenStream {
    quote! { blank_mark!(); }
}

/// Items as formatted text.
pub(crate) fn print(items: TokenStream) -> String {
    // INVARIANT: what this crate emits parses; the snapshot of every construct compiles. Should it not, rustc says so at this place.
    let formatted = match syn::parse2::<syn::File>(items) {
        Ok(file) => prettyplease::unparse(&file),
        Err(fault) => {
            let message = format!("Mapwright wrote what is no Rust; please report it: {fault}");
            quote! { compile_error!(#message); }.to_string()
        }
    };
    let mut out = String::with_capacity(formatted.len());
    let mut lines = formatted.lines();
    while let Some(line) = lines.next() {
        let text = line.trim_start();
        let mark = if text == COMMENT {
            // A long mark is broken into three lines.
            let mark = lines.next().map(str::trim);
            lines.next();
            mark
        } else {
            text.strip_prefix(COMMENT).and_then(|rest| rest.strip_suffix(");"))
        };
        if text == BLANK {
            out.push('\n');
            continue;
        }
        match mark.and_then(unhex) {
            Some(comment) => {
                out.push_str(line.get(..line.len() - text.len()).unwrap_or_default());
                out.push_str("// ");
                out.push_str(&comment);
            }
            None => out.push_str(line),
        }
        out.push('\n');
    }
    out
}

/// Comments travel as hex digits: no quote, brace or length in them can move the formatter.
fn unhex(literal: &str) -> Option<String> {
    let digits = literal.trim_matches('"');
    let bytes: Option<Vec<u8>> = (0..digits.len())
        .step_by(2)
        .map(|at| digits.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()))
        .collect();
    String::from_utf8(bytes?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_blank_lines_come_back() {
        let (first, gap) = (comment("27: NumAtCard <- \"{prefix}\""), blank());
        let text = print(quote! { fn f() { #first let a = 1; #gap let b = a; } });
        insta::assert_snapshot!(text, @r#"
        fn f() {
            // 27: NumAtCard <- "{prefix}"
            let a = 1;

            let b = a;
        }
        "#);
    }
}
