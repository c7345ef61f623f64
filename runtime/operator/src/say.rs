//! Results on standard output, messages on standard error. A reader that has gone away (`status | head -1`) ends no command: what was to be done is
//! done, only its telling is cut short.

/// Prints a line on standard output.
macro_rules! say {
    ($($words:tt)*) => {
        $crate::say::line(&format!($($words)*))
    };
}
/// Prints a line on standard error.
macro_rules! note {
    ($($words:tt)*) => {
        $crate::say::aside(&format!($($words)*))
    };
}
pub(crate) use {note, say};

use std::io::Write;

/// Prints a line, or as much of it as somebody reads.
pub(crate) fn line(words: &str) {
    let mut output = std::io::stdout().lock();
    if let Err(error) = writeln!(output, "{words}").and_then(|()| output.flush())
        && error.kind() != std::io::ErrorKind::BrokenPipe
    {
        aside(&format!("error: cannot write the result: {error}"));
    }
}

/// The same on standard error.
pub(crate) fn aside(words: &str) {
    // Nobody is left to be told that nobody listens.
    let _ = writeln!(std::io::stderr().lock(), "{words}");
}
