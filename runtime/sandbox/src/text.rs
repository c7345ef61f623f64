//! Small text work: percent escapes, query strings, cookies, stable ids.
//!
//! In and out: text. Never: state.

/// Undoes percent escapes; `+` is a blank when `form` is set, as in a query string.
pub(crate) fn unescape(text: &str, form: bool) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let pair = [rest.next(), rest.next()];
                let code = match pair {
                    [Some(high), Some(low)] => hex_digit(high).zip(hex_digit(low)).map(|(h, l)| h * 16 + l),
                    [_, _] => None,
                };
                match code {
                    Some(code) => bytes.push(code),
                    None => {
                        bytes.push(b'%');
                        bytes.extend(pair.into_iter().flatten());
                    }
                }
            }
            b'+' if form => bytes.push(b' '),
            other => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Escapes what cannot stand in a query value, leaving OData's own punctuation readable.
pub(crate) fn escape_query(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~$,'()*:/@".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

/// The pairs of a query string, unescaped, in their order.
pub(crate) fn query_pairs(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (unescape(name, true), unescape(value, true)))
        .collect()
}

/// The value of cookie `name` in a `Cookie` header.
pub(crate) fn cookie(header: &str, name: &str) -> Option<String> {
    header
        .split(';')
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value.to_owned())
}

/// One step of splitmix64: a well-mixed number for every state.
pub(crate) fn mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// 32 lower-case hex digits that depend only on `label`, the shape of a Shopware id.
pub(crate) fn hex_id(label: &str) -> String {
    let seed = label
        .bytes()
        .fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3));
    format!("{:016x}{:016x}", mix(seed), mix(seed ^ 0x5555_5555_5555_5555))
}

#[cfg(test)]
mod tests {
    use super::{cookie, escape_query, hex_id, query_pairs, unescape};

    #[test]
    fn escapes_go_there_and_back() {
        let text = "UpdateDate ge '2026-11-01' & Übergröße 100% + 1";
        assert_eq!(unescape(&escape_query(text), true), text);
        assert_eq!(unescape("A%2F1%", false), "A/1%");
        assert_eq!(
            query_pairs("$top=5&$filter=a+eq%20'b%26c'"),
            [("$top".into(), "5".into()), ("$filter".into(), "a eq 'b&c'".into())]
        );
    }

    #[test]
    fn cookies_and_ids() {
        assert_eq!(cookie("B1SESSION=a-b; ROUTEID=.node1", "ROUTEID").as_deref(), Some(".node1"));
        assert_eq!(hex_id("order 1").len(), 32);
        assert_ne!(hex_id("order 1"), hex_id("order 2"));
    }
}
