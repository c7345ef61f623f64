//! "Did you mean": the closest of some known names.
//!
//! In: a name and the names that exist. Out: the one that was probably meant, if any is close enough. Never a guess beyond the limit.

/// The candidate nearest to `name`, if it is near enough: at most one edit for every three characters of the longer name,
/// at most three. A swap of neighbours is one edit; a difference in case alone costs nothing.
/// Of equally near ones the first wins.
#[must_use]
pub fn closest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let folded: Vec<char> = name.to_lowercase().chars().collect();
    let mut best: Option<(usize, &'c str)> = None;
    for candidate in candidates {
        if candidate == name {
            continue;
        }
        let other: Vec<char> = candidate.to_lowercase().chars().collect();
        let limit = (folded.len().max(other.len()) / 3).clamp(1, 3);
        if folded.len().abs_diff(other.len()) > limit {
            continue;
        }
        let edits = distance(&folded, &other);
        // A name of one or two letters resembles every other such name.
        let too_short = folded.len().min(other.len()) < 3 && edits > 0;
        if edits <= limit && !too_short && best.is_none_or(|(least, _)| edits < least) {
            best = Some((edits, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Edits (insert, delete, replace, swap of neighbours) from one to the other.
fn distance(from: &[char], to: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for (row, from_char) in from.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, to_char) in to.iter().enumerate() {
            let at = |line: &[usize], index: usize| line.get(index).copied().unwrap_or(usize::MAX - 1);
            let replace = at(&last, column) + usize::from(from_char != to_char);
            let insert = at(&current, column) + 1;
            let delete = at(&last, column + 1) + 1;
            let mut least = replace.min(insert).min(delete);
            let swapped =
                row > 0 && column > 0 && from.get(row - 1) == Some(to_char) && to.get(column - 1) == Some(from_char);
            if swapped {
                least = least.min(at(&before_last, column - 1) + 1);
            }
            current.push(least);
        }
        before_last = std::mem::replace(&mut last, current);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_meant_name_is_found() {
        let names = ["CardCode", "CardName", "DocDate", "TaxDate"];
        assert_eq!(closest("CardCod", names), Some("CardCode"));
        assert_eq!(closest("cardname", names), Some("CardName"));
        assert_eq!(closest("DcoDate", names), Some("DocDate"));
        assert_eq!(closest("Warehouse", names), None);
        assert_eq!(closest("CardCode", ["CardCode"]), None);
    }

    #[test]
    fn short_names_are_not_guessed() {
        assert_eq!(closest("ab", ["cd", "ax"]), None);
        assert_eq!(closest("a", ["b"]), None);
    }

    #[test]
    fn distance_counts_edits() {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        assert_eq!(distance(&chars("kitten"), &chars("sitting")), 3);
        assert_eq!(distance(&chars("ab"), &chars("ba")), 1);
        assert_eq!(distance(&chars(""), &chars("abc")), 3);
    }
}
