//! Cron expressions: five fields, as the runtime understands them.
//!
//! In: a text. Out: what is wrong with it, in words. It accepts no more than the runtime does, so that a flow which
//! compiles also starts.

/// One field: its name, its smallest and largest number, and names that may stand for numbers.
struct Field {
    name: &'static str,
    least: u32,
    most: u32,
    words: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field { name: "minute", least: 0, most: 59, words: &[] },
    Field { name: "hour", least: 0, most: 23, words: &[] },
    Field { name: "day of the month", least: 1, most: 31, words: &[] },
    Field {
        name: "month",
        least: 1,
        most: 12,
        words: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
    },
    Field { name: "weekday", least: 0, most: 7, words: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"] },
];

/// The longest that each month can be.
const DAYS: [u32; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// What is wrong with a cron expression.
pub(super) fn fault(expression: &str) -> Option<String> {
    let texts: Vec<&str> = expression.split_whitespace().collect();
    if texts.len() != FIELDS.len() {
        return Some(format!("it has {} fields, not five", texts.len()));
    }
    let mut sets = Vec::new();
    for (field, text) in FIELDS.iter().zip(&texts) {
        match numbers(field, text) {
            Ok(set) => sets.push(set),
            Err(part) => return Some(format!("`{part}` is no {}", field.name)),
        }
    }
    let [_, _, days, months, _] = sets.as_slice() else { return None };
    // With a weekday as well the days are only one way to be met.
    let only_days = texts.get(4).is_some_and(|text| *text == "*");
    let comes = months.iter().any(|month| {
        let longest = DAYS.get((*month as usize).saturating_sub(1)).copied().unwrap_or(31);
        days.iter().any(|day| *day <= longest)
    });
    (only_days && !comes).then(|| "there is no such day".to_owned())
}

/// All numbers of a field; `Err` = the part that cannot be read.
fn numbers<'t>(field: &Field, text: &'t str) -> Result<Vec<u32>, &'t str> {
    let mut found = Vec::new();
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, step.parse::<u32>().ok().filter(|step| *step > 0).ok_or(part)?),
            None => (part, 1),
        };
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (field.least, field.most),
            Some((first, last)) => (number(field, first).ok_or(part)?, number(field, last).ok_or(part)?),
            // A step needs a range to go through.
            None if step > 1 || part.contains('/') => return Err(part),
            None => {
                let only = number(field, range).ok_or(part)?;
                (only, only)
            }
        };
        if first > last {
            return Err(part);
        }
        found.extend((first..=last).step_by(usize::try_from(step).unwrap_or(usize::MAX)));
    }
    Ok(found)
}

fn number(field: &Field, text: &str) -> Option<u32> {
    if let Some(place) = field.words.iter().position(|word| word.eq_ignore_ascii_case(text)) {
        return u32::try_from(place).ok()?.checked_add(if field.least == 1 { 1 } else { 0 });
    }
    let plain = !text.is_empty() && text.chars().all(|letter| letter.is_ascii_digit());
    let number = text.parse::<u32>().ok().filter(|_| plain)?;
    (field.least..=field.most).contains(&number).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::fault;

    #[test]
    fn expressions_are_read_field_by_field() {
        for sound in
            ["* * * * *", "*/5 8-18 * * MON-FRI", "0 2 29 2 *", "15,45 0 1 1,7 *", "0 0 31 2 SUN", "0 22 * * 1-5/2"]
        {
            assert_eq!(fault(sound), None, "{sound}");
        }
        for (wrong, part) in [
            ("* * * *", "4 fields"),
            ("0 30 6 * * *", "6 fields"),
            ("60 * * * *", "`60` is no minute"),
            ("0 24 * * *", "`24` is no hour"),
            ("0 0 0 * *", "`0` is no day of the month"),
            ("0 0 1 13 *", "`13` is no month"),
            ("0 0 * * 8", "`8` is no weekday"),
            ("0 0 * * FRI-MON", "`FRI-MON` is no weekday"),
            ("*/0 * * * *", "`*/0` is no minute"),
            ("5/10 * * * *", "`5/10` is no minute"),
            ("0 0 30 2 *", "no such day"),
            ("0 0 31 2,4 *", "no such day"),
            ("+5 * * * *", "`+5` is no minute"),
            ("", "0 fields"),
        ] {
            assert!(fault(wrong).is_some_and(|fault| fault.contains(part)), "{wrong}: {:?}", fault(wrong));
        }
    }
}
