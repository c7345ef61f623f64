//! `mapwright explain`: the page of a code, or the list of all codes.

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
        None => Err(format!("there is no code {code}: `mapwright explain` lists them all")),
    }
}

/// What stands behind `# E0401: `.
fn title(page: &str) -> &str {
    let head = page.lines().next().unwrap_or_default();
    head.split_once(": ").map_or(head, |(_, title)| title)
}
