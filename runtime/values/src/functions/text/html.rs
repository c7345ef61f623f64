//! Markup out of text: what is left of HTML when only its words count.
//!
//! In: HTML of any quality. Out: its text, never longer, one line a block. Never a parser: nothing is interpreted, nothing fetched, nothing fails.

use std::borrow::Cow;

/// Tags that begin or end a line of their own.
const BLOCKS: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "br",
    "dd",
    "div",
    "dl",
    "dt",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "li",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "tr",
    "ul",
];
/// Tags that keep words apart within a line.
const CELLS: &[&str] = &["td", "th", "option"];
/// Tags of which the content is no text.
const UNSEEN: &[&str] = &["script", "style", "template", "head"];

/// The entities that shops' editors write. A no-break space becomes a blank.
#[rustfmt::skip]
const ENTITIES: &[(&str, char)] = &[
    ("amp", '&'), ("lt", '<'), ("gt", '>'), ("quot", '"'), ("apos", '\''), ("nbsp", ' '),
    ("Agrave", 'À'), ("Aacute", 'Á'), ("Acirc", 'Â'), ("Atilde", 'Ã'), ("Auml", 'Ä'), ("Aring", 'Å'), ("AElig", 'Æ'),
    ("Ccedil", 'Ç'), ("Egrave", 'È'), ("Eacute", 'É'), ("Ecirc", 'Ê'), ("Euml", 'Ë'), ("Igrave", 'Ì'), ("Iacute", 'Í'),
    ("Icirc", 'Î'), ("Iuml", 'Ï'), ("Ntilde", 'Ñ'), ("Ograve", 'Ò'), ("Oacute", 'Ó'), ("Ocirc", 'Ô'), ("Otilde", 'Õ'),
    ("Ouml", 'Ö'), ("Oslash", 'Ø'), ("Ugrave", 'Ù'), ("Uacute", 'Ú'), ("Ucirc", 'Û'), ("Uuml", 'Ü'), ("szlig", 'ß'),
    ("agrave", 'à'), ("aacute", 'á'), ("acirc", 'â'), ("atilde", 'ã'), ("auml", 'ä'), ("aring", 'å'), ("aelig", 'æ'),
    ("ccedil", 'ç'), ("egrave", 'è'), ("eacute", 'é'), ("ecirc", 'ê'), ("euml", 'ë'), ("igrave", 'ì'), ("iacute", 'í'),
    ("icirc", 'î'), ("iuml", 'ï'), ("ntilde", 'ñ'), ("ograve", 'ò'), ("oacute", 'ó'), ("ocirc", 'ô'), ("otilde", 'õ'),
    ("ouml", 'ö'), ("oslash", 'ø'), ("ugrave", 'ù'), ("uacute", 'ú'), ("ucirc", 'û'), ("uuml", 'ü'), ("yuml", 'ÿ'),
    ("euro", '€'), ("pound", '£'), ("cent", '¢'), ("yen", '¥'), ("sect", '§'), ("copy", '©'), ("reg", '®'),
    ("trade", '™'), ("deg", '°'), ("plusmn", '±'), ("sup2", '²'), ("sup3", '³'), ("micro", 'µ'), ("middot", '·'),
    ("frac14", '¼'), ("frac12", '½'), ("frac34", '¾'), ("times", '×'), ("divide", '÷'), ("ndash", '–'), ("mdash", '—'),
    ("hellip", '…'), ("bull", '•'), ("lsquo", '‘'), ("rsquo", '’'), ("sbquo", '‚'), ("ldquo", '“'), ("rdquo", '”'),
    ("bdquo", '„'), ("laquo", '«'), ("raquo", '»'), ("iexcl", '¡'), ("iquest", '¿'), ("ordf", 'ª'), ("ordm", 'º'),
];

/// The longest entity between `&` and `;`, in bytes.
const ENTITY_BYTES_MAX: usize = 10;

/// What is still to be written before the next word.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    None,
    Blank,
    Line,
}

/// Text that is gathered: white space becomes one blank, a block one line end, none of either at both ends.
struct Gathered {
    text: String,
    gap: Gap,
}

impl Gathered {
    fn gap(&mut self, gap: Gap) {
        if !self.text.is_empty() {
            self.gap = self.gap.max(gap);
        }
    }

    fn push(&mut self, character: char) {
        if character.is_whitespace() {
            self.gap(Gap::Blank);
            return;
        }
        match std::mem::replace(&mut self.gap, Gap::None) {
            Gap::None => {}
            Gap::Blank => self.text.push(' '),
            Gap::Line => self.text.push('\n'),
        }
        self.text.push(character);
    }
}

/// The text without tags, comments, scripts and styles, and with entities decoded.
#[must_use]
pub fn strip_html(t: Cow<'_, str>) -> Cow<'_, str> {
    let mut out = Gathered { text: String::with_capacity(t.len()), gap: Gap::None };
    let mut left: &str = &t;
    // Where no tag ends any more, every further `<` is text; so each end is looked for once.
    let mut tags_end = true;
    while let Some(first) = left.chars().next() {
        let rest = left.get(first.len_utf8()..).unwrap_or_default();
        if first == '<' && tags_end && begins_tag(rest) {
            match after_tag(rest, &mut out) {
                Some(after) => left = after,
                None => tags_end = false,
            }
        } else if first == '&'
            && let Some((character, after)) = entity(rest)
        {
            out.push(character);
            left = after;
        } else {
            out.push(first);
            left = rest;
        }
    }
    if out.text == t { t } else { Cow::Owned(out.text) }
}

fn begins_tag(rest: &str) -> bool {
    rest.starts_with(|next: char| next.is_ascii_alphabetic() || matches!(next, '/' | '!' | '?'))
}

/// What follows the tag, comment or unseen element whose `<` was read; `None` if it has no end.
fn after_tag<'t>(rest: &'t str, out: &mut Gathered) -> Option<&'t str> {
    if let Some(comment) = rest.strip_prefix("!--") {
        return Some(comment.split_once("-->").map_or("", |(_, after)| after));
    }
    let (tag, after) = split_tag(rest)?;
    let closes = tag.starts_with('/');
    let name = tag.trim_start_matches('/').split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    let is_one_of = |names: &[&str]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
    if is_one_of(UNSEEN) && !closes && !tag.ends_with('/') {
        return Some(after_element(name, after));
    }
    if is_one_of(BLOCKS) {
        out.gap(Gap::Line);
    } else if is_one_of(CELLS) {
        out.gap(Gap::Blank);
    }
    Some(after)
}

/// The tag up to its `>`, and what follows. A `>` in quotes does not end it, unless the quote is never closed within the tag.
fn split_tag(rest: &str) -> Option<(&str, &str)> {
    let first = rest.find('>')?;
    let mut quote: Option<char> = None;
    for (index, character) in rest.char_indices().take(TAG_CHARACTERS_MAX) {
        match (quote, character) {
            (None, '>') => return split_around(rest, index),
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            (None | Some(_), _) => {}
        }
    }
    split_around(rest, first)
}

/// How far the end of a tag with quotes is looked for, so that broken quotes do not make every tag a search through the whole text.
const TAG_CHARACTERS_MAX: usize = 2_000;

fn split_around(rest: &str, index: usize) -> Option<(&str, &str)> {
    Some((rest.get(..index)?, rest.get(index + 1..)?))
}

/// What follows `</name ...>`; nothing if the element is never closed.
fn after_element<'t>(name: &str, text: &'t str) -> &'t str {
    let mut left = text;
    while let Some((_, after)) = left.split_once("</") {
        if after.get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name)) {
            return after.split_once('>').map_or("", |(_, after)| after);
        }
        left = after;
    }
    ""
}

/// The character of an entity whose `&` was read, and what follows its `;`.
fn entity(rest: &str) -> Option<(char, &str)> {
    let end = rest.bytes().take(ENTITY_BYTES_MAX + 1).position(|byte| byte == b';')?;
    let (name, after) = (rest.get(..end)?, rest.get(end + 1..)?);
    let character = match name.strip_prefix('#') {
        Some(number) => numbered(number)?,
        None => ENTITIES.iter().find(|(known, _)| *known == name)?.1,
    };
    Some((character, after))
}

fn numbered(number: &str) -> Option<char> {
    let (digits, radix) = match number.strip_prefix(['x', 'X']) {
        Some(hex) => (hex, 16),
        None => (number, 10),
    };
    if !digits.starts_with(|first: char| first.is_digit(radix)) {
        return None;
    }
    let character = char::from_u32(u32::from_str_radix(digits, radix).ok()?)?;
    let shown = !character.is_control() || character.is_whitespace();
    shown.then_some(if character == '\u{a0}' { ' ' } else { character })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stripped(html: &str) -> String {
        strip_html(html.into()).into_owned()
    }

    #[test]
    fn blocks_are_lines_and_the_rest_is_one_line() {
        assert_eq!(stripped("<h1>A</h1>\n<p>b\n  c<br/>d</p><ul><li>e<li>f</ul>"), "A\nb c\nd\ne\nf");
        assert_eq!(stripped("<table><tr><td>a</td><td>b</td></tr><tr><td>c</table>"), "a b\nc");
        assert_eq!(stripped("M<b>ü</b>ller"), "Müller");
    }

    #[test]
    fn what_is_no_text_goes() {
        assert_eq!(stripped("a<!-- <p> > -->b<script>if (a<b) '</p>'</SCRIPT>c<style>x{}</style>"), "abc");
        assert_eq!(stripped("a<script>endless"), "a");
        assert_eq!(stripped("a<!-- endless"), "a");
        assert_eq!(stripped(r#"<a title="x > y" href='z'>link</a>"#), "link");
        assert_eq!(stripped(r#"<a title="broken>link</a>"#), "link");
        assert_eq!(stripped("<?xml version='1.0'?><!DOCTYPE html>a"), "a");
    }

    #[test]
    fn what_looks_like_a_tag_or_an_entity_stays() {
        for text in [
            "1 < 2",
            "a<",
            "a <b",
            "a & b",
            "AT&T",
            "&unknown;",
            "&#0;",
            "&#xD800;",
            "&#99999999;",
            "&;",
            "&#;",
            "&#+65;",
        ] {
            assert_eq!(stripped(text), text);
        }
        assert!(matches!(strip_html(Cow::Borrowed("plain text")), Cow::Borrowed(_)));
    }

    #[test]
    fn entities_are_decoded_once() {
        assert_eq!(stripped("Gr&ouml;&szlig;e&nbsp;&lt; 5&#8364; &#x41;&amp;lt;"), "Größe < 5€ A&lt;");
    }

    proptest! {
        #[test]
        fn any_text_is_answered_and_never_grows(text in "([<>&;/!\"'a#1x ]|--|p|br|&amp;|script|\\PC){0,60}") {
            prop_assert!(stripped(&text).chars().count() <= text.chars().count());
        }
    }
}
