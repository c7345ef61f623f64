//! Where a line writes, for those who follow a mapping through all that it makes. In: a prefix and a wire name. Out: their path, when asked for.

/// The path of a field. Most lines are looked at in passing, so it is put together only where it is kept or gone on from.
#[derive(Clone, Copy)]
pub(super) struct Line<'p> {
    /// Wire names, dots between steps; empty for the record itself.
    pub(super) prefix: &'p str,
    /// Wire name.
    pub(super) wire: &'p str,
}

impl Line<'_> {
    /// Wire names, dots between steps.
    pub(super) fn path(self) -> String {
        let Self { prefix, wire } = self;
        if prefix.is_empty() { wire.to_owned() } else { format!("{prefix}.{wire}") }
    }
}
