//! Diagnostics for a terminal, in the look of rustc.
//!
//! Only the lines around what is marked are given to the renderer: the time does not grow with the file.

use std::borrow::Cow;

use annotate_snippets::{Annotation, AnnotationKind, Element, Group, Level, Origin, Patch, Renderer, Snippet};

use super::bytes;
use super::window::{Window, windows};
use crate::diagnostic::{Diagnostic, Edit, Label, Severity};
use crate::span::{File, FileId, Files};

/// How many characters of one text a person is shown; names and literals have no bound of their own.
const CHARACTERS_MAX: usize = 600;

/// How a diagnostic is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Characters only.
    Plain,
    /// With ANSI colours.
    Colour,
}

/// A diagnostic as text of several lines, without a line end behind the last.
#[must_use]
pub fn render(diagnostic: &Diagnostic, files: &Files, style: Style) -> String {
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Colour => Renderer::styled(),
    };
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let title = level.primary_title(shortened(&diagnostic.headline)).id(diagnostic.code);
    let mut group = Group::with_title(title);
    for (file, labels) in by_file(&diagnostic.labels, |label| label.span.file, files) {
        for window in windows(file, labels, |label| bytes(file, label.span)) {
            for element in annotated(file, &window) {
                group = group.element(element);
            }
        }
    }
    group = group.elements(diagnostic.help.iter().map(|line| Level::HELP.message(shortened(line))));
    let mut groups = vec![group];
    if let Some(fix) = &diagnostic.fix {
        let mut group = Group::with_title(Level::HELP.secondary_title(shortened(&fix.title)));
        for (file, edits) in by_file(&fix.edits, |edit| edit.span.file, files) {
            for window in windows(file, edits, |edit| bytes(file, edit.span)) {
                let snippet = Snippet::source(window.text).line_start(window.line).path(file.path.as_str());
                group =
                    group.element(snippet.patches(window.items.into_iter().map(|(edit, range)| patch(edit, range))));
            }
        }
        groups.push(group);
    }
    let see = Level::NOTE.with_name("see").message(format!("mapwright explain {}", diagnostic.code));
    if let Some(last) = groups.pop() {
        groups.push(last.element(see));
    }
    renderer.render(&groups)
}

fn shortened(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(CHARACTERS_MAX) {
        Some((end, _)) => Cow::Owned(format!("{}...", text.get(..end).unwrap_or_default())),
        None => Cow::Borrowed(text),
    }
}

/// Items by the file that they belong to, in the order in which files are first named; unknown files are left out.
fn by_file<'a, T>(items: &'a [T], file_of: impl Fn(&T) -> FileId, files: &'a Files) -> Vec<(&'a File, Vec<&'a T>)> {
    let mut found: Vec<(FileId, &File, Vec<&T>)> = Vec::new();
    for item in items {
        let id = file_of(item);
        if let Some((_, _, known)) = found.iter_mut().find(|(known, _, _)| *known == id) {
            known.push(item);
        } else if let Some(file) = files.get(id) {
            found.push((id, file, vec![item]));
        }
    }
    found.into_iter().map(|(_, file, items)| (file, items)).collect()
}

/// The lines of a window with their marks. Where a long line is cut at its left, its place is said apart: columns are counted from the cut.
fn annotated<'a>(file: &'a File, window: &Window<'a, Label>) -> Vec<Element<'a>> {
    let snippet = Snippet::source(window.text).line_start(window.line);
    let marks = window.items.iter().map(|(label, range)| annotation(label, range.clone()));
    let snippet = snippet.annotations(marks);
    if !window.cut {
        return vec![snippet.path(file.path.as_str()).into()];
    }
    let shown = window.items.iter().find(|(label, _)| label.primary).or(window.items.first());
    let (line, column) = shown.map_or((1, 1), |(label, _)| file.line_and_column(bytes(file, label.span).start));
    vec![Origin::path(file.path.as_str()).line(line).char_column(column).into(), snippet.into()]
}

fn annotation<'a>(label: &'a Label, range: std::ops::Range<usize>) -> Annotation<'a> {
    let kind = if label.primary { AnnotationKind::Primary } else { AnnotationKind::Context };
    let annotation = kind.span(range);
    if label.text.is_empty() { annotation } else { annotation.label(shortened(&label.text)) }
}

fn patch<'a>(edit: &'a Edit, range: std::ops::Range<usize>) -> Patch<'a> {
    Patch::new(range, edit.text.as_str())
}
