//! The formatter's laws for drawn specs: twice changes nothing, every comment stays in its order, the checked model stays the same.
//!
//! In: a drawn spec and a source of choices. Out: nothing, or the spec whose formatted text breaks a law. Comments, blank lines and blanks
//! are put in at the places where they may stand.

use mapwright_syntax::{FileId, format, parse, same_meaning};

use crate::draw::Draw;
use crate::project::{Checked, Texts};
use crate::spec::Spec;

/// Words before which a statement may be broken.
const BREAKS: [&str; 7] = [" otherwise ", " | ", " then ", " else ", " where ", " take ", " and "];

/// Puts comments, blank lines and blanks where they may stand.
fn shaken(text: &str, draw: &mut Draw) -> String {
    let mut out = String::new();
    let mut comments = 0;
    let mut comment = |draw: &mut Draw| {
        comments += 1;
        let words = ["why", "\"quoted\"", "a { brace", "} and # more", "ü", "<- no arrow", ""];
        format!("# {comments} {}", draw.pick(&words))
    };
    for line in text.lines() {
        let blank = line.len() - line.trim_start().len();
        if draw.chance(10) {
            out.push_str(&"\n".repeat(draw.between(1, 3)));
        }
        if draw.chance(12) {
            out.push_str(&format!(
                "{}{}\n",
                " ".repeat(if blank == 0 { 0 } else { draw.between(0, 9) }),
                comment(draw)
            ));
        }
        // Definitions begin in column one.
        let indent = if blank == 0 { 0 } else { draw.between(1, 9) };
        let mut body = line.trim_start().to_owned();
        // Within quotes a blank is no blank.
        if !body.contains(['"', '\'', '`']) {
            let word = draw.pick(&BREAKS);
            if draw.chance(40)
                && let Some(at) = body.find(word)
            {
                let between = if draw.chance(50) { format!("  {}\n      ", comment(draw)) } else { "\n  ".to_owned() };
                body.replace_range(at..at + 1, &between);
            } else if draw.chance(30) {
                body = body.replace(" <- ", "<-").replace(", ", " ,  ").replace("(", "( ");
            }
        }
        out.push_str(&" ".repeat(indent));
        out.push_str(&body);
        if draw.chance(15) {
            out.push_str(&format!("  {}", comment(draw)));
        }
        out.push_str(draw.pick(&["\n", "\n", "\n", "  \n", "\r\n"]));
    }
    out
}

/// A model without the places of its parts.
fn placeless(checked: &Checked) -> String {
    let debug = format!("{:?}", checked.model);
    let mut parts = debug.split("Span { file: FileId(");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str(part.split_once(" }").map_or(part, |(_, behind)| behind));
    }
    out
}

fn comments(text: &str) -> Vec<String> {
    parse(FileId(0), text).0.comments.into_iter().map(|comment| comment.text.trim_end().to_owned()).collect()
}

/// Checks the laws for one spec; says whether the shaken text could be read.
pub(crate) fn holds(spec: &Spec, checked: &Checked, draw: &mut Draw) -> bool {
    let plain = spec.text();
    let text = shaken(&plain, draw);
    let (mut tree, faults) = parse(FileId(0), &text);
    tree.comments.clear();
    if !faults.is_empty() || !same_meaning(&tree, &parse(FileId(0), &plain).0) {
        return false;
    }
    let once = format(&text).unwrap_or_else(|faults| panic!("{faults:#?}\n{text}"));
    assert_eq!(comments(&text), comments(&once), "comments were lost or moved:\n{text}\n=>\n{once}");
    assert_eq!(format(&once).expect("what was formatted can be read"), once, "twice changes something:\n{text}");
    let texts = Texts { specs: vec![(crate::project::SPEC.to_owned(), once.clone())], ..spec.texts() };
    let after = Checked::new(&texts);
    assert!(after.errors.is_empty(), "{}\n{once}", after.said());
    assert_eq!(placeless(checked), placeless(&after), "the model has changed:\n{text}\n=>\n{once}");
    true
}
