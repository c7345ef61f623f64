//! Diagnostics as JSON, and as annotations of a code host.

use serde_json::{Value, json};

use crate::diagnostic::{Diagnostic, Severity};
use crate::span::{Files, Span};

/// A diagnostic as JSON: code, severity, headline, labels, help and fix.
///
/// Places give the path, the bytes `start..end`, and lines and columns from 1 (columns in characters).
#[must_use]
pub fn to_json(diagnostic: &Diagnostic, files: &Files) -> Value {
    let labels: Vec<Value> = diagnostic
        .labels
        .iter()
        .map(|label| json!({ "place": place(label.span, files), "text": label.text, "primary": label.primary }))
        .collect();
    let fix = diagnostic.fix.as_ref().map(|fix| {
        let edits: Vec<Value> =
            fix.edits.iter().map(|edit| json!({ "place": place(edit.span, files), "text": edit.text })).collect();
        json!({ "title": fix.title, "edits": edits })
    });
    json!({
        "code": diagnostic.code,
        "severity": severity(diagnostic.severity),
        "headline": diagnostic.headline,
        "labels": labels,
        "help": diagnostic.help,
        "fix": fix,
    })
}

/// A diagnostic as one line that a code host shows beside the change (`::error file=...`).
#[must_use]
pub fn to_github(diagnostic: &Diagnostic, files: &Files) -> String {
    let command = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let (path, line, column) = files.place(diagnostic.span());
    let (_, end_line, end_column) = files.place(behind(diagnostic.span()));
    let message = escaped(&diagnostic.headline);
    let path = escaped(path).replace(':', "%3A").replace(',', "%2C");
    let code = diagnostic.code;
    format!(
        "::{command} file={path},line={line},endLine={end_line},col={column},endColumn={end_column},title={code}::{message}"
    )
}

fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

/// The empty span behind a span.
fn behind(span: Span) -> Span {
    Span { start: span.end, ..span }
}

fn place(span: Span, files: &Files) -> Value {
    let (path, line, column) = files.place(span);
    let (_, end_line, end_column) = files.place(behind(span));
    json!({
        "path": path, "start": span.start, "end": span.end,
        "line": line, "column": column, "end_line": end_line, "end_column": end_column,
    })
}
