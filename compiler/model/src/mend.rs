//! Edits that several faults offer.
//!
//! In: a stretch of source. Out: the edits that mend it, in the layout of what stands around them.

use mapwright_syntax::{Edit, Files, Span};

/// Adds a line at the end of what stands in braces; `whole` ends with the closing brace. `None` where it does not.
pub(crate) fn last_line(files: &Files, whole: Span, line: &str) -> Option<Edit> {
    let text = &files.get(whole.file)?.text;
    let brace = whole.end.checked_sub(1)?;
    let before =
        text.get(..brace as usize).filter(|_| text.get(brace as usize..).is_some_and(|at| at.starts_with('}')))?;
    let written = before.trim_end_matches([' ', '\t']);
    let span = Span { start: brace, end: brace, ..whole };
    if !written.ends_with('\n') {
        let joint = if written.ends_with('{') || written.ends_with(';') { " " } else { "; " };
        let at = u32::try_from(written.len()).ok()?;
        return Some(Edit { span: Span { start: at, end: at, ..whole }, text: format!("{joint}{line}") });
    }
    let indent = before.get(written.len()..)?;
    Some(Edit { span, text: format!("  {line}\n{indent}") })
}

/// `value otherwise reject "NAME is missing"`, in brackets where it does not stand alone.
pub(crate) fn answered(files: &Files, value: Span, name: &str) -> Vec<Edit> {
    let name = if is_path(name) { name } else { "a value" };
    let text = files.get(value.file).map(|file| file.text.as_str()).unwrap_or_default();
    let before = text.get(..value.start as usize).unwrap_or_default().trim_end_matches([' ', '\t']);
    let behind = text.get(value.end as usize..).unwrap_or_default().trim_start_matches([' ', '\t']);
    let line = before.ends_with("<-") && (behind.is_empty() || behind.starts_with(['\n', '\r', '#']));
    let hole = before.ends_with('{') && behind.starts_with('}');
    let start = Span { end: value.start, ..value };
    let end = Span { start: value.end, ..value };
    let answer = format!(" otherwise reject \"{name} is missing\"");
    if line || hole {
        return vec![Edit { span: end, text: answer }];
    }
    vec![Edit { span: start, text: "(".to_owned() }, Edit { span: end, text: format!("{answer})") }]
}

/// `order.billing.company`: nothing but names and dots, so that it can be said in a text.
pub(crate) fn is_path(source: &str) -> bool {
    !source.is_empty()
        && source.chars().all(|letter| letter.is_alphanumeric() || letter == '_' || letter == '.')
        && !source.starts_with(|first: char| first.is_ascii_digit())
}

/// The line on which something stands alone, with its end.
pub(crate) fn whole_line(files: &Files, span: Span) -> Option<Span> {
    let text = &files.get(span.file)?.text;
    let before = text.get(..span.start as usize)?;
    let indent = before.len() - before.trim_end_matches([' ', '\t']).len();
    let behind = text.get(span.end as usize..)?;
    let rest = behind.find('\n').map_or(behind.len(), |at| at + 1);
    let line = behind.get(..rest)?.trim();
    let alone = before.trim_end_matches([' ', '\t']).ends_with('\n') && (line.is_empty() || line.starts_with('#'));
    let less = u32::try_from(indent).ok()?;
    let more = u32::try_from(rest).ok()?;
    alone.then_some(Span { start: span.start - less, end: span.end + more, ..span })
}
