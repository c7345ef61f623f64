//! Diagnostics for a terminal, in the look of rustc.

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Patch, Renderer, Snippet};

use super::bytes;
use crate::diagnostic::{Diagnostic, Edit, Label, Severity};
use crate::span::{File, FileId, Files};

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
    let title = level.primary_title(diagnostic.headline.as_str()).id(diagnostic.code);
    let mut group = Group::with_title(title);
    for (file, labels) in by_file(&diagnostic.labels, |label| label.span.file, files) {
        let snippet = Snippet::source(file.text.as_str()).path(file.path.as_str());
        group = group.element(snippet.annotations(labels.into_iter().map(|label| annotation(file, label))));
    }
    group = group.elements(diagnostic.help.iter().map(|line| Level::HELP.message(line.as_str())));
    let mut groups = vec![group];
    if let Some(fix) = &diagnostic.fix {
        let mut group = Group::with_title(Level::HELP.secondary_title(fix.title.as_str()));
        for (file, edits) in by_file(&fix.edits, |edit| edit.span.file, files) {
            let snippet = Snippet::source(file.text.as_str()).path(file.path.as_str());
            group = group.element(snippet.patches(edits.into_iter().map(|edit| patch(file, edit))));
        }
        groups.push(group);
    }
    let see = Level::NOTE.with_name("see").message(format!("mapwright explain {}", diagnostic.code));
    if let Some(last) = groups.pop() {
        groups.push(last.element(see));
    }
    renderer.render(&groups)
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

fn annotation<'a>(file: &File, label: &'a Label) -> Annotation<'a> {
    let kind = if label.primary { AnnotationKind::Primary } else { AnnotationKind::Context };
    let annotation = kind.span(bytes(file, label.span));
    if label.text.is_empty() { annotation } else { annotation.label(label.text.as_str()) }
}

fn patch<'a>(file: &File, edit: &'a Edit) -> Patch<'a> {
    Patch::new(bytes(file, edit.span), edit.text.as_str())
}
