//! Places in source files.

use std::sync::OnceLock;

use memchr::memchr_iter;

/// A file of the project, as an index into [`Files`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(pub u32);

/// A stretch of a file, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// First byte.
    pub start: u32,
    /// Behind the last byte.
    pub end: u32,
}

impl Span {
    /// From the start of this span to the end of `other` (of the same file).
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self { file: self.file, start: self.start, end: other.end.max(self.start) }
    }
}

/// One source file.
#[derive(Clone, Debug)]
pub struct File {
    /// As shown to people: relative to the project, `/` between parts.
    pub path: String,
    /// Its text.
    pub text: String,
    /// Made when a place is asked for: most files have nothing that is told.
    index: OnceLock<Index>,
}

/// Where lines begin, and how many characters stand before each stretch: so that a place is found without reading the whole file.
#[derive(Clone, Debug, Default)]
struct Index {
    /// The first byte of each line, in order.
    lines: Vec<usize>,
    /// How many characters begin before each multiple of [`STRETCH`] bytes.
    characters: Vec<usize>,
}

/// Bytes between two counts of characters.
const STRETCH: usize = 1024;

impl Index {
    fn of(text: &str) -> Self {
        let lines = std::iter::once(0).chain(memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1)).collect();
        let stretches = text.as_bytes().chunks(STRETCH).map(begun);
        let before = stretches.scan(0, |all, begun| {
            let before = *all;
            *all += begun;
            Some(before)
        });
        Self { lines, characters: before.collect() }
    }
}

/// How many characters begin in these bytes: those inside a character begin with the bits 10.
fn begun(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}

impl File {
    fn new(path: String, text: String) -> Self {
        Self { index: OnceLock::new(), path, text }
    }

    fn index(&self) -> &Index {
        self.index.get_or_init(|| Index::of(&self.text))
    }

    /// The number of the line, from 0, on which a byte stands.
    fn line_number(&self, at: usize) -> usize {
        self.index().lines.partition_point(|start| *start <= at).saturating_sub(1)
    }

    /// The first byte of that line, and the byte behind its last character.
    pub(crate) fn line_around(&self, at: usize) -> std::ops::Range<usize> {
        let number = self.line_number(at);
        let start = self.index().lines.get(number).copied().unwrap_or_default();
        let end = self.index().lines.get(number + 1).map_or(self.text.len(), |next| next - 1);
        start..end.max(start)
    }

    /// Line and column, both from 1, columns in characters, of a byte.
    pub(crate) fn line_and_column(&self, at: usize) -> (usize, usize) {
        let at = at.min(self.text.len());
        let line = self.line_around(at);
        // Most lines are short: what stands before is counted on the spot.
        let before = match self.text.as_bytes().get(line.start..at) {
            Some(before) if before.len() <= STRETCH => begun(before),
            Some(_) | None => self.characters_before(at) - self.characters_before(line.start),
        };
        (self.line_number(at) + 1, before + 1)
    }

    /// How many characters begin before a byte.
    fn characters_before(&self, at: usize) -> usize {
        let stretch = (at / STRETCH).min(self.index().characters.len().saturating_sub(1));
        let known = self.index().characters.get(stretch).copied().unwrap_or_default();
        let rest = self.text.as_bytes().get(stretch * STRETCH..at).unwrap_or_default();
        known + begun(rest)
    }
}

/// All source files of a project.
#[derive(Clone, Debug, Default)]
pub struct Files {
    files: Vec<File>,
}

impl Files {
    /// Adds a file.
    pub fn add(&mut self, path: impl Into<String>, text: impl Into<String>) -> FileId {
        self.files.push(File::new(path.into(), text.into()));
        FileId(u32::try_from(self.files.len() - 1).unwrap_or(u32::MAX))
    }

    /// The file of that id.
    #[must_use]
    pub fn get(&self, id: FileId) -> Option<&File> {
        self.files.get(id.0 as usize)
    }

    /// Every file with its id.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &File)> {
        self.files.iter().enumerate().map(|(index, file)| (FileId(u32::try_from(index).unwrap_or(u32::MAX)), file))
    }

    /// The text under a span; empty if the span lies outside.
    #[must_use]
    pub fn text(&self, span: Span) -> &str {
        self.get(span.file).and_then(|file| file.text.get(span.start as usize..span.end as usize)).unwrap_or_default()
    }

    /// The line, from 1, of a span's start.
    #[must_use]
    pub fn line(&self, span: Span) -> u32 {
        let line = self.get(span.file).map_or(0, |file| file.line_number(span.start as usize));
        u32::try_from(line + 1).unwrap_or(u32::MAX)
    }

    /// Path, line and column (both from 1, columns in characters) of a span's start.
    #[must_use]
    pub fn place(&self, span: Span) -> (&str, u32, u32) {
        let Some(file) = self.get(span.file) else { return ("", 1, 1) };
        let (line, column) = file.line_and_column(span.start as usize);
        (&file.path, u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_lines_and_characters() {
        let long = "ä".repeat(3000);
        let text = format!("a\nbü{long}c\n\nd");
        let mut files = Files::default();
        let file = files.add("a.mapspec", text.as_str());
        for (at, _) in text.char_indices().chain([(text.len(), ' '), (text.len() + 9, ' ')]) {
            let before = text.get(..at).unwrap_or(&text);
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap().chars().count() + 1;
            let start = at as u32;
            assert_eq!(
                files.place(Span { file, start, end: start }),
                ("a.mapspec", line as u32, column as u32),
                "{at}"
            );
        }
    }
}
