//! `mapwright explain`: the page of a code, or the list of all codes.

use mapwright_values::names::closest;

use super::Answer;
use crate::pages::PAGES;
use crate::report::{Status, Stream};

pub(crate) fn run(code: Option<&str>) -> Answer {
    let Some(code) = code else {
        for (code, page) in PAGES {
            Stream::Output.say(format_args!("{code}  {}", title(page)));
        }
        return Ok(Status::Good);
    };
    let wanted = code.to_uppercase();
    match PAGES.iter().find(|(known, _)| *known == wanted) {
        Some((_, page)) => {
            Stream::Output.say(page.trim_end());
            Ok(Status::Good)
        }
        None => {
            let mut some = PAGES.iter().filter(|(known, _)| known.starts_with(&wanted)).peekable();
            if wanted.len() < 2 || some.peek().is_none() {
                return Err(match closest(&wanted, PAGES.iter().map(|(known, _)| *known)) {
                    Some(near) => {
                        format!("there is no code {code}: did you mean {near}? `mapwright explain` lists all")
                    }
                    None => format!("there is no code {code}: `mapwright explain` lists all"),
                });
            }
            // `E04`: the codes that begin so.
            some.for_each(|(code, page)| Stream::Output.say(format_args!("{code}  {}", title(page))));
            Ok(Status::Good)
        }
    }
}

/// What stands behind `# E0401: `.
fn title(page: &str) -> &str {
    let head = page.lines().next().unwrap_or_default();
    head.split_once(": ").map_or(head, |(_, title)| title)
}
