//! Is a call of whom it says it is? In: the raw body, headers, credentials, the time. Out: yes, or why not.
//!
//! Comparisons take the same time wherever two texts differ. A credential may hold several secrets, one a line: while one is
//! rotated, calls signed with either are believed.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use mapwright_manifest::{Encoding, Hash, Over, Template, Verify};
use mapwright_values::Json;
use ring::hmac;

use super::{Call, Incoming, Receiver};
use crate::template::Scope;

/// How far the time of a signed call may be from ours: an old one is a recorded one.
pub const TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// Signatures of one call that are looked at.
const SIGNATURES_MAX: usize = 20;

impl Receiver {
    /// The credential that verifying names and the deployment does not give.
    pub(super) fn missing_secret(&self) -> Option<String> {
        let templates: Vec<&Template> = match &self.webhooks.verify {
            Verify::None => Vec::new(),
            Verify::Hmac { secret, .. } | Verify::Standard { secret } | Verify::Shared { secret, .. } => vec![secret],
            Verify::Basic { user, password } => vec![user, password],
        };
        let mut named = templates.into_iter().flat_map(Template::slots).filter(|slot| slot.root == "secret");
        let missing = named.find(|slot| {
            let name = slot.path.first().map_or("", String::as_str);
            !self.secrets.iter().any(|(known, _)| known == name)
        });
        missing.map(|slot| slot.path.join("."))
    }

    /// Checks the call against what the manifest says.
    ///
    /// # Errors
    /// Why it is not believed, without any secret.
    pub(super) fn believe(
        &self,
        incoming: &Incoming<'_>,
        call: &Call<'_>,
        items: &[Json<'static>],
        now: Timestamp,
    ) -> Result<(), String> {
        match &self.webhooks.verify {
            Verify::None => Ok(()),
            Verify::Hmac { hash, over: Over::RawBody, encoding, header, prefix, secret } => {
                let Some(given) = header_of(incoming, header) else { return Err(format!("it has no header {header}")) };
                let given = prefix.as_deref().map_or(Some(given), |prefix| given.strip_prefix(prefix));
                let signature = given.and_then(|given| decoded(given.trim(), *encoding));
                let signature = signature.ok_or_else(|| format!("its header {header} holds no signature"))?;
                self.signed(secret, |key| hmac::Key::new(algorithm(*hash), key), incoming.body, &[signature])
            }
            Verify::Standard { secret } => self.standard(secret, incoming, now),
            Verify::Shared { at, secret } => {
                let each = at.root == mapwright_manifest::SelectorRoot::Each;
                let given: Vec<Option<String>> = match each {
                    true => items.iter().map(|item| call.text(at, Some(item))).collect(),
                    false => vec![call.text(at, None)],
                };
                let secrets = self.secrets_of(secret);
                // Nothing is told by a call without items, so nothing is believed of it either.
                let all = given.iter().all(|given| {
                    given
                        .as_ref()
                        .is_some_and(|given| secrets.iter().any(|secret| same(secret.as_bytes(), given.as_bytes())))
                });
                if all { Ok(()) } else { Err(format!("its `{}` is not the secret that was agreed", at.text)) }
            }
            Verify::Basic { user, password } => {
                let given = header_of(incoming, "authorization").and_then(|given| given.strip_prefix("Basic "));
                let given = given.and_then(|given| STANDARD.decode(given.trim()).ok()).unwrap_or_default();
                let user = self.secrets_of(user).into_iter().next().unwrap_or_default();
                let known = self.secrets_of(password);
                let right = known.iter().any(|password| same(format!("{user}:{password}").as_bytes(), &given));
                if right { Ok(()) } else { Err("its user name or password is wrong".to_owned()) }
            }
        }
    }

    /// Standard Webhooks: `id.timestamp.body`, signatures of several keys side by side.
    fn standard(&self, secret: &Template, incoming: &Incoming<'_>, now: Timestamp) -> Result<(), String> {
        let header = |name: &str| header_of(incoming, name).ok_or_else(|| format!("it has no header {name}"));
        let (id, at, signatures) = (header("webhook-id")?, header("webhook-timestamp")?, header("webhook-signature")?);
        let seconds: i64 = at.trim().parse().map_err(|_| "its time is no number of seconds".to_owned())?;
        let apart = now.as_second().abs_diff(seconds);
        if apart > TOLERANCE.as_secs() {
            return Err(format!("its time is {apart} s away from ours: an old call, or a clock that is wrong"));
        }
        let mut signed = format!("{id}.{at}.").into_bytes();
        signed.extend_from_slice(incoming.body);
        let signatures: Vec<Vec<u8>> = signatures
            .split_ascii_whitespace()
            .filter_map(|signature| STANDARD.decode(signature.strip_prefix("v1,")?).ok())
            .take(SIGNATURES_MAX)
            .collect();
        let key = |secret: &[u8]| {
            let plain = std::str::from_utf8(secret).ok().and_then(|secret| secret.strip_prefix("whsec_"));
            let bytes = plain.and_then(|encoded| STANDARD.decode(encoded).ok());
            hmac::Key::new(hmac::HMAC_SHA256, bytes.as_deref().unwrap_or(secret))
        };
        self.signed(secret, key, &signed, &signatures)
    }

    /// Does one of the signatures fit one of the secrets?
    fn signed(
        &self,
        secret: &Template,
        key: impl Fn(&[u8]) -> hmac::Key,
        text: &[u8],
        signatures: &[Vec<u8>],
    ) -> Result<(), String> {
        let keys: Vec<hmac::Key> = self.secrets_of(secret).iter().map(|secret| key(secret.as_bytes())).collect();
        let fits = |signature: &Vec<u8>| keys.iter().any(|key| hmac::verify(key, text, signature).is_ok());
        if signatures.iter().any(fits) { Ok(()) } else { Err("its signature does not fit its body".to_owned()) }
    }

    /// The secrets that a template names: one a line.
    fn secrets_of(&self, template: &Template) -> Vec<String> {
        let scope = Scope { roots: &[("config", &self.config)], secrets: &self.secrets, ..Scope::default() };
        let text = scope.text(template).ok().flatten().unwrap_or_default();
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }
}

fn header_of<'a>(incoming: &Incoming<'a>, name: &str) -> Option<&'a str> {
    incoming.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

fn algorithm(hash: Hash) -> hmac::Algorithm {
    match hash {
        Hash::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        Hash::Sha256 => hmac::HMAC_SHA256,
        Hash::Sha512 => hmac::HMAC_SHA512,
    }
}

fn decoded(text: &str, encoding: Encoding) -> Option<Vec<u8>> {
    match encoding {
        Encoding::Base64 => STANDARD.decode(text).ok(),
        Encoding::Hex => {
            let digits: Option<Vec<u32>> = text.chars().map(|letter| letter.to_digit(16)).collect();
            let (pairs, rest) = digits.as_deref()?.as_chunks::<2>();
            let byte = |pair: &[u32; 2]| u8::try_from(pair[0] * 16 + pair[1]).ok();
            rest.is_empty().then(|| pairs.iter().map(byte).collect::<Option<Vec<u8>>>())?
        }
    }
}

/// Equal, in a time that does not tell where they differ: the digests of both under a key of their own are compared.
fn same(secret: &[u8], given: &[u8]) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"compare");
    hmac::verify(&key, given, hmac::sign(&key, secret).as_ref()).is_ok()
}
