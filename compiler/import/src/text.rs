//! Bytes to text. In: a file's bytes. Out: its text without a byte order mark, or in which line it stops to be one.

use crate::fault::Fault;

/// The most bytes that one description may have.
pub(crate) const BYTES_MAX: usize = 32 * 1024 * 1024;

/// The text of a file: UTF-8, or UTF-16 with its mark.
pub(crate) fn decoded(file: &str, bytes: &[u8]) -> Result<String, Fault> {
    if bytes.len() > BYTES_MAX {
        return Err(Fault::at(
            file,
            0,
            format!("it has {} MB, and at most {} are read", bytes.len() >> 20, BYTES_MAX >> 20),
            "cut it down to what is needed",
        ));
    }
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(file, rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(file, rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(file, rest),
        all => utf8(file, all),
    }
}

fn utf8(file: &str, bytes: &[u8]) -> Result<String, Fault> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|fault| {
        let before = bytes.get(..fault.valid_up_to()).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        Fault::at(
            file,
            u32::try_from(line).unwrap_or(u32::MAX),
            "this line is not UTF-8 text",
            "save the file as UTF-8 (it is probably in windows-1252 or iso-8859-1)",
        )
    })
}

fn utf16(file: &str, bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, Fault> {
    let wrong = || Fault::at(file, 0, "it begins as UTF-16 and does not go on so", "save the file as UTF-8");
    let (pairs, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(wrong());
    }
    let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
    String::from_utf16(&units).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_charset_is_told_by_its_line() {
        let fault = decoded("a.csv", b"one\ntwo\nMu\xdfter\n").expect_err("latin-1 is no UTF-8");
        assert_eq!(fault.line, 3);
        assert_eq!(decoded("a.csv", b"\xef\xbb\xbfname").as_deref(), Ok("name"));
        assert_eq!(decoded("a.xml", b"\xff\xfea\0b\0").as_deref(), Ok("ab"));
        assert_eq!(decoded("a.xml", b"\xfe\xff\0a\0b").as_deref(), Ok("ab"));
        assert!(decoded("a.xml", b"\xff\xfea\0b").is_err());
    }
}
