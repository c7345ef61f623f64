//! "Did you mean": the known word that is closest to a written one.
//!
//! In: a word and the words that could stand there. Out: at most one of them. It never guesses beyond a limit.

/// The candidate that needs the fewest changes to become `written`: one in four of its letters, at least one and at most three.
///
/// A word that differs in case only is always close enough.
#[must_use]
pub fn closest<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (written.chars().count() / 4).clamp(1, 3);
    let distance = |candidate: &str| {
        if candidate.eq_ignore_ascii_case(written) { 0 } else { changes(written, candidate) }
    };
    let close = candidates
        .into_iter()
        .filter(|candidate| *candidate != written)
        .map(|candidate| (distance(candidate), candidate));
    close
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many letters must be changed, put in, taken out or swapped with their neighbour.
fn changes(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    let mut previous = None;
    for (row, letter) in from.chars().enumerate() {
        let mut current = vec![row + 1];
        for (column, other) in to.iter().enumerate() {
            let get = |line: &[usize], at: usize| line.get(at).copied().unwrap_or(usize::MAX - 1);
            let replaced = get(&last, column) + usize::from(letter != *other);
            let mut best = replaced.min(get(&last, column + 1) + 1).min(get(&current, column) + 1);
            let swapped = column > 0 && previous == Some(*other) && to.get(column - 1) == Some(&letter);
            if swapped {
                best = best.min(get(&before, column - 1) + 1);
            }
            current.push(best);
        }
        before = std::mem::replace(&mut last, current);
        previous = Some(letter);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn a_slip_of_the_pen_is_understood() {
        assert_eq!(closest("maping", ["mapping", "table", "flow"]), Some("mapping"));
        assert_eq!(closest("tabel", ["mapping", "table", "flow"]), Some("table"));
        assert_eq!(closest("Mapping", ["mapping", "table"]), Some("mapping"));
        assert_eq!(closest("igonre", ["leave", "ignore"]), Some("ignore"));
    }

    #[test]
    fn what_is_far_away_is_not_suggested() {
        assert_eq!(closest("customer", ["mapping", "table", "flow"]), None);
        assert_eq!(closest("something", ["setting"]), None);
        assert_eq!(closest("flow", ["flow"]), None);
    }
}
