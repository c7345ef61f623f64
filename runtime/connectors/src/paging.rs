//! Where a list goes on. In: a page's place and its answer. Out: the next cursor, or why there can be none. Pure.
//!
//! A cursor is our own small JSON text, so that endless lists are noticed although nothing is kept between two pages:
//! links and rows are compared with those seen at a power of two pages before (Brent), a numbered page with the one before it.

use serde::{Deserialize, Serialize};

/// A list with more pages than this is taken for endless.
const PAGES_MAX: u64 = 1_000_000;
/// A list with more pages in a row that hold nothing is taken for endless.
const EMPTY_PAGES_MAX: u64 = 1_000;

/// Where a page begins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cursor {
    /// Pages already read.
    pub(crate) pages: u64,
    /// The link to follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) link: Option<String>,
    /// The system's own word for the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<String>,
    /// The link that later ones are compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seen: Option<String>,
    /// Digest of the last page's rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digest: Option<u64>,
    /// Digest of the rows that later ones are compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seen_rows: Option<u64>,
    /// Pages in a row that held nothing.
    #[serde(default, skip_serializing_if = "is_zero")]
    empty: u64,
    /// Rows already read.
    #[serde(default)]
    pub(crate) rows: u64,
    /// Keyset: the value from which to go on, inclusive, as JSON text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<String>,
    /// Keyset: full pages already read that hold nothing but this value.
    #[serde(default)]
    pub(crate) ties: u64,
}

impl Cursor {
    /// Reads a cursor that an earlier page gave.
    pub(crate) fn read(text: Option<&str>) -> Result<Self, String> {
        match text {
            None => Ok(Self::default()),
            Some(text) => serde_json::from_str(text)
                .map_err(|_| "the stored page position cannot be read: start the read again".to_owned()),
        }
    }

    /// As text.
    pub(crate) fn write(&self) -> Result<String, String> {
        serde_json::to_string(self).map_err(|error| error.to_string())
    }

    /// After a page of these raw rows that ended with this link.
    pub(crate) fn after_link(&self, link: String, raw_rows: &[String]) -> Result<Self, String> {
        if self.link.as_deref() == Some(&link) || self.seen.as_deref() == Some(&link) {
            return Err("the list's next link leads to a page that was read already".to_owned());
        }
        let next = self.after_rows(raw_rows)?;
        let seen = if next.pages.is_power_of_two() { Some(link.clone()) } else { self.seen.clone() };
        Ok(Self { link: Some(link), seen, ..next })
    }

    /// The rows of a page, whose link may be new although they are not.
    fn after_rows(&self, raw_rows: &[String]) -> Result<Self, String> {
        let pages = self.count()?;
        let rows = self.rows_after(raw_rows.len());
        if raw_rows.is_empty() {
            let empty = self.empty.saturating_add(1);
            if empty > EMPTY_PAGES_MAX {
                return Err(format!("the list goes on for more than {EMPTY_PAGES_MAX} pages that hold nothing"));
            }
            return Ok(Self { pages, rows, empty, digest: self.digest, seen_rows: self.seen_rows, ..Self::default() });
        }
        let digest = Some(digest(raw_rows));
        if digest == self.digest || digest == self.seen_rows {
            return Err("the list's next link is a new one, but its rows were read already".to_owned());
        }
        let seen_rows = if pages.is_power_of_two() { digest } else { self.seen_rows };
        Ok(Self { pages, rows, digest, seen_rows, ..Self::default() })
    }

    /// After a page that told the word for the next one.
    pub(crate) fn after_token(&self, token: String, raw_rows: &[String]) -> Result<Self, String> {
        let next = Self { link: self.token.clone(), ..self.clone() }
            .after_link(token, raw_rows)
            .map_err(|words| words.replace("next link", "cursor"))?;
        Ok(Self { token: next.link.clone(), link: None, ..next })
    }

    /// After one part of a list that is asked for in so many parts.
    pub(crate) fn after_part(&self, rows: usize, parts: usize) -> Result<Option<Self>, String> {
        let pages = self.count()?;
        if usize::try_from(pages).unwrap_or(usize::MAX) >= parts {
            return Ok(None);
        }
        Ok(Some(Self { pages, rows: self.rows_after(rows), ..Self::default() }))
    }

    /// After a full numbered page of these raw rows.
    pub(crate) fn after_full_page(&self, raw_rows: &[String]) -> Result<Self, String> {
        let digest = digest(raw_rows);
        if self.digest == Some(digest) {
            return Err("the list answers the same page again and again: does it ignore the page number?".to_owned());
        }
        let rows = self.rows_after(raw_rows.len());
        Ok(Self { pages: self.count()?, digest: Some(digest), rows, ..Self::default() })
    }

    /// After a full page whose last row holds this value in the keyset's field.
    pub(crate) fn after_value(&self, raw_rows: &[String], last: Option<String>) -> Result<Self, String> {
        // The first page from a value on may be the page before once more: its rows all hold that value.
        let before = if self.ties == 0 { Self { digest: None, ..self.clone() } } else { self.clone() };
        let next = before.after_full_page(raw_rows)?;
        // A row without the value is told apart by page number, as are rows that all hold the same.
        if last.is_none() || last == self.from {
            return Ok(Self { from: self.from.clone(), ties: self.ties.saturating_add(1), ..next });
        }
        Ok(Self { from: last, ties: 0, ..next })
    }

    fn count(&self) -> Result<u64, String> {
        if self.pages >= PAGES_MAX {
            Err(format!("the list has more than {PAGES_MAX} pages"))
        } else {
            Ok(self.pages + 1)
        }
    }

    fn rows_after(&self, rows: usize) -> u64 {
        self.rows.saturating_add(u64::try_from(rows).unwrap_or(u64::MAX))
    }
}

/// Is there nothing to keep?
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// FNV-1a: the same in every version of this program, because cursors outlive a restart.
fn digest(rows: &[String]) -> u64 {
    rows.iter()
        .flat_map(|row| row.bytes().chain([0]))
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The address of a next link: relative to the base, and never on another host.
pub(crate) fn resolve_link(base: &str, link: &str) -> Result<String, String> {
    let root = reqwest::Url::parse(&format!("{}/", base.trim_end_matches('/')))
        .map_err(|error| format!("the base is no address: {error}"))?;
    let target = root.join(link).map_err(|error| format!("the list's next link is no address: {error}"))?;
    if target.origin() != root.origin() {
        return Err(format!(
            "the list's next link leads to another host ({}): it is not followed",
            target.host_str().unwrap_or("none")
        ));
    }
    Ok(target.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_stay_on_the_host() {
        let base = "https://erp.example:50000/b1s/v2";
        assert_eq!(resolve_link(base, "Items?$skip=20").unwrap(), "https://erp.example:50000/b1s/v2/Items?$skip=20");
        assert_eq!(
            resolve_link(base, "/b1s/v2/Items?$skip=20").unwrap(),
            "https://erp.example:50000/b1s/v2/Items?$skip=20"
        );
        assert!(resolve_link(base, "https://evil.example/Items").unwrap_err().contains("evil.example"));
        assert!(resolve_link(base, "//evil.example/Items").is_err());
        assert!(resolve_link(base, "https://erp.example:50001/Items").is_err());
    }

    #[test]
    fn a_circle_of_links_is_noticed() {
        let mut cursor = Cursor::default();
        let rows = |page: usize| vec![format!("{{\"id\":{page}}}")];
        let noticed =
            (0..20).find_map(|page| match cursor.after_link(format!("Items?$skip={}", page % 3), &rows(page)) {
                Ok(next) => {
                    cursor = Cursor::read(Some(&next.write().unwrap())).unwrap();
                    None
                }
                Err(message) => Some((page, message)),
            });
        let (page, message) = noticed.unwrap();
        assert!(page < 8, "noticed on page {page}");
        assert!(message.contains("read already"));
    }

    /// Follows links that are always new over pages of these rows; answers on which page that was noticed, and the words.
    fn followed(rows: impl Fn(usize) -> Vec<String>) -> Option<(usize, String)> {
        let mut cursor = Cursor::default();
        (0..2_000).find_map(|page| match cursor.after_link(format!("Items?token={page}"), &rows(page)) {
            Ok(next) => {
                cursor = Cursor::read(Some(&next.write().unwrap())).unwrap();
                None
            }
            Err(message) => Some((page, message)),
        })
    }

    #[test]
    fn links_that_are_always_new_end_where_their_rows_are_old() {
        let row = |number: usize| vec![format!("{{\"id\":{number}}}")];
        for circle in [1, 2, 7, 100] {
            let (page, message) = followed(|page| row(page % circle)).unwrap();
            assert!(page <= 4 * circle, "a circle of {circle} is noticed on page {page}");
            assert!(message.contains("rows were read already"), "{message}");
        }
        let (page, message) = followed(|_| Vec::new()).unwrap();
        assert_eq!(page, 1_000, "{message}");
        assert!(message.contains("hold nothing"), "{message}");
        // Pages that hold nothing between others are no circle.
        assert_eq!(followed(|page| if page % 3 == 0 { row(page) } else { Vec::new() }), None);
    }

    #[test]
    fn a_first_page_of_one_value_alone_comes_twice_and_no_more() {
        let rows = vec!["{\"id\":1}".to_owned(), "{\"id\":2}".to_owned()];
        let value = || Some("\"2026-11-02\"".to_owned());
        let from_value = Cursor::default().after_value(&rows, value()).unwrap();
        let second = from_value.after_value(&rows, value()).unwrap();
        assert_eq!((from_value.ties, second.ties), (0, 1));
        assert!(second.after_value(&rows, value()).is_err(), "now the system ignores the page number");
    }

    #[test]
    fn the_same_page_twice_is_noticed() {
        let rows = vec!["{\"id\":1}".to_owned(), "{\"id\":2}".to_owned()];
        let next = Cursor::default().after_full_page(&rows).unwrap();
        assert_eq!((next.pages, next.rows), (1, 2));
        assert!(next.after_full_page(&rows).is_err());
    }
}
