//! The part of a file that a diagnostic has to show.
//!
//! In: marked stretches of a file. Out: windows of few lines, each with its stretches counted from its own start. Stretches far from one
//! another get windows of their own; a long line is cut on both sides.

use std::ops::Range;

use crate::span::File;

/// Stretches on several lines no farther apart than this, in bytes, are shown in one window; on one line, [`LONG`] is the bound.
const NEAR: usize = 16 * 1024;
/// A stretch longer than this is marked on its first line only.
const STRETCH_MAX: usize = 4096;
/// How much of a long line is shown on each side of what is marked.
const BESIDE: usize = 100;
/// What is longer, beside a stretch, is a long line.
const LONG: usize = 1000;

/// Some lines of a file.
pub(super) struct Window<'a, T> {
    /// Their text.
    pub(super) text: &'a str,
    /// The number of the first one, from 1.
    pub(super) line: usize,
    /// Does the text begin within a line?
    pub(super) cut: bool,
    /// What is marked in it, and where in `text`.
    pub(super) items: Vec<(&'a T, Range<usize>)>,
}

/// An item with its number among all items, and where it stands in the file.
type Placed<'a, T> = (usize, &'a T, Range<usize>);

/// The windows of a file's items: first that of the first item, then the others in the order of the file.
pub(super) fn windows<'a, T>(
    file: &'a File,
    items: Vec<&'a T>,
    place: impl Fn(&T) -> Range<usize>,
) -> Vec<Window<'a, T>> {
    let mut placed: Vec<Placed<'a, T>> =
        items.into_iter().enumerate().map(|(order, item)| (order, item, bounded(file, place(item)))).collect();
    placed.sort_by_key(|(order, _, range)| (range.start, *order));
    let mut clusters: Vec<(Range<usize>, Vec<Placed<'a, T>>)> = Vec::new();
    for (order, item, range) in placed {
        match clusters.last_mut().filter(|(around, _)| is_near(file, around.end, range.start)) {
            Some((around, known)) => {
                around.end = around.end.max(range.end);
                known.push((order, item, range));
            }
            None => clusters.push((range.clone(), vec![(order, item, range)])),
        }
    }
    clusters.sort_by_key(|(around, items)| (items.iter().all(|(order, ..)| *order > 0), around.start));
    clusters.into_iter().map(|(around, items)| window(file, &around, items)).collect()
}

fn is_near(file: &File, end: usize, start: usize) -> bool {
    let between = file.text.get(end..start).unwrap_or_default();
    between.len() <= LONG || (between.len() <= NEAR && between.contains('\n'))
}

/// The stretch, or its first line where it is long.
fn bounded(file: &File, range: Range<usize>) -> Range<usize> {
    if range.len() <= STRETCH_MAX {
        return range;
    }
    let end = file.line_around(range.start).end.min(range.end);
    let end = if end - range.start > STRETCH_MAX { range.start + BESIDE } else { end };
    range.start..file.text.ceil_char_boundary(end.max(range.start))
}

fn window<'a, T>(file: &'a File, around: &Range<usize>, mut items: Vec<Placed<'a, T>>) -> Window<'a, T> {
    let first = file.line_around(around.start);
    let last = file.line_around(around.end);
    // An empty line at the end of a file is shown as what stands behind the line before.
    let first = if first.is_empty() && first.start > 0 { file.line_around(first.start - 1) } else { first };
    let cut = around.start - first.start.min(around.start) > LONG;
    let start = if cut { file.text.floor_char_boundary(around.start - BESIDE) } else { first.start };
    let end = if last.end.saturating_sub(around.end) > LONG {
        file.text.ceil_char_boundary(around.end + BESIDE)
    } else {
        // With its line end, where it has one.
        (last.end + 1).min(file.text.len())
    };
    items.sort_by_key(|(order, ..)| *order);
    let items = items.into_iter().map(|(_, item, range)| (item, range.start - start..range.end - start)).collect();
    let text = file.text.get(start..end).unwrap_or_default();
    Window { text, line: file.line_and_column(start).0, cut, items }
}
