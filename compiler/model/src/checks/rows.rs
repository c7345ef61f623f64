//! Can a row of a table still answer something that the rows above it do not?
//!
//! In: rows as patterns, one cell a column, and the values of each column where they are few. Out: yes or no. It is the
//! usefulness test of pattern matching: a table is complete when a row of `any` alone would be useless behind it.

use crate::ir::Literal;

/// One cell a column; `None` = `any`.
pub(crate) type Pattern = Vec<Option<Literal>>;

/// Is there a key that `query` answers and none of `rows` does?
pub(crate) fn useful(rows: &[Pattern], query: &[Option<Literal>], domains: &[Option<Vec<Literal>>]) -> bool {
    let views: Vec<&[Option<Literal>]> = rows.iter().map(Vec::as_slice).collect();
    is_useful(&views, query, domains)
}

fn is_useful(rows: &[&[Option<Literal>]], query: &[Option<Literal>], domains: &[Option<Vec<Literal>>]) -> bool {
    let Some((head, rest)) = query.split_first() else { return rows.is_empty() };
    let (domain, domains) = match domains.split_first() {
        Some((domain, domains)) => (domain.as_ref(), domains),
        None => (None, domains),
    };
    if let Some(value) = head {
        return is_useful(&specialised(rows, value), rest, domains);
    }
    let named = |value: &Literal| rows.iter().any(|row| row.first().is_some_and(|cell| cell.as_ref() == Some(value)));
    if let Some(all) = domain
        && all.iter().all(named)
    {
        return all.iter().any(|value| is_useful(&specialised(rows, value), rest, domains));
    }
    let open: Vec<&[Option<Literal>]> =
        rows.iter().filter(|row| row.first().is_some_and(Option::is_none)).filter_map(|row| row.get(1..)).collect();
    is_useful(&open, rest, domains)
}

/// A key that no row answers, one cell a column; `None` = any value that no row names there.
pub(crate) fn unanswered(rows: &[Pattern], domains: &[Option<Vec<Literal>>]) -> Option<Pattern> {
    let views: Vec<&[Option<Literal>]> = rows.iter().map(Vec::as_slice).collect();
    first_unanswered(&views, domains)
}

fn first_unanswered(rows: &[&[Option<Literal>]], domains: &[Option<Vec<Literal>>]) -> Option<Pattern> {
    let Some((domain, domains)) = domains.split_first() else { return rows.is_empty().then(Vec::new) };
    let named = |value: &Literal| rows.iter().any(|row| row.first().is_some_and(|cell| cell.as_ref() == Some(value)));
    let before = |head: Option<Literal>, mut rest: Pattern| {
        rest.insert(0, head);
        rest
    };
    let all = domain.as_deref().unwrap_or_default();
    if domain.is_some() && all.iter().all(named) {
        return all.iter().find_map(|value| {
            first_unanswered(&specialised(rows, value), domains).map(|rest| before(Some(value.clone()), rest))
        });
    }
    let open: Vec<&[Option<Literal>]> =
        rows.iter().filter(|row| row.first().is_some_and(Option::is_none)).filter_map(|row| row.get(1..)).collect();
    let head = all
        .iter()
        .find(|value| !named(value))
        .filter(|_| rows.iter().any(|row| row.first().is_some_and(Option::is_some)));
    first_unanswered(&open, domains).map(|rest| before(head.cloned(), rest))
}

/// The rows that answer this value in their first column, without that column.
fn specialised<'r>(rows: &[&'r [Option<Literal>]], value: &Literal) -> Vec<&'r [Option<Literal>]> {
    rows.iter()
        .filter(|row| row.first().is_some_and(|cell| cell.as_ref().is_none_or(|cell| cell == value)))
        .filter_map(|row| row.get(1..))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(word: &str) -> Option<Literal> {
        Some(Literal::Text(word.to_owned()))
    }

    fn both() -> Vec<Option<Vec<Literal>>> {
        vec![None, Some(vec![Literal::Boolean(true), Literal::Boolean(false)])]
    }

    #[test]
    fn a_row_behind_a_more_general_one_is_useless() {
        let rows = vec![vec![text("DE"), None]];
        assert!(!useful(&rows, &[text("DE"), Some(Literal::Boolean(true))], &both()));
        assert!(useful(&rows, &[text("AT"), None], &both()));
    }

    #[test]
    fn two_halves_make_a_whole() {
        let rows = vec![vec![None, Some(Literal::Boolean(true))], vec![None, Some(Literal::Boolean(false))]];
        assert!(!useful(&rows, &[None, None], &both()));
        assert!(useful(&rows[..1], &[None, None], &both()));
    }

    #[test]
    fn the_first_key_without_a_row_is_named() {
        let rows = vec![vec![text("DE"), None], vec![None, Some(Literal::Boolean(true))]];
        assert_eq!(unanswered(&rows, &both()), Some(vec![None, Some(Literal::Boolean(false))]));
        assert_eq!(unanswered(&[vec![None, None]], &both()), None);
        assert_eq!(unanswered(&[], &both()), Some(vec![None, None]));
    }

    #[test]
    fn texts_are_never_all_named() {
        let rows = vec![vec![text("DE"), None], vec![text("AT"), None]];
        assert!(useful(&rows, &[None, None], &both()));
    }
}
