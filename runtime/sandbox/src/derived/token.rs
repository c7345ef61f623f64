//! Tokens that clients sign themselves (RFC 7519). In: a token, what a manifest says of it. Out: whether it holds. A sandbox knows the
//! private key as well, for it gave it out.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use mapwright_manifest::{Jwt, JwtAlgorithm};
use mapwright_values::Json;
use ring::hmac;
use ring::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};

use super::subscriptions::filled;
use super::tree::{members, plain};
use super::unify::Reader;

/// The key that sandboxes give out where a system wants one of RSA: known to everybody, and good for nothing else.
pub(crate) const KEY: &str = include_str!("../../data/sandbox-only.pem");
/// A clock that is ahead of ours by no more than this is taken for right.
const CLOCKS_APART_S: i64 = 60;

/// Is this token signed by the key that was given out, for these claims, and not over?
pub(crate) fn holds(jwt: &Jwt, reader: Reader<'_>, token: &str, now: Timestamp) -> bool {
    held(jwt, reader, token, now).is_some()
}

fn held(jwt: &Jwt, reader: Reader<'_>, token: &str, now: Timestamp) -> Option<()> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (head, claims) = signed.split_once('.')?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    let head = read(head)?;
    let key = reader.filled(&jwt.key)?;
    match jwt.algorithm {
        JwtAlgorithm::Hs256 => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
            (head.get("alg").map(plain)? == "HS256").then_some(())?;
            hmac::verify(&key, signed.as_bytes(), &signature).ok()?;
        }
        JwtAlgorithm::Rs256 => {
            let pair = pair(&key)?;
            (head.get("alg").map(plain)? == "RS256").then_some(())?;
            let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref());
            public.verify(signed.as_bytes(), &signature).ok()?;
        }
    }
    let claims = read(claims)?;
    let second = |name: &str| claims.get(name).map(plain)?.parse::<i64>().ok();
    let in_time = now.as_second() < second("exp")? && second("iat")? <= now.as_second().saturating_add(CLOCKS_APART_S);
    let wanted = filled(reader, &jwt.claims);
    let all = members(&wanted).iter().all(|(name, value)| claims.get(name) == Some(value));
    (in_time && all).then_some(())
}

fn read(part: &str) -> Option<Json<'static>> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(part).ok()?).ok()?;
    Json::parse(&text).ok().map(Json::into_owned)
}

fn pair(pem: &str) -> Option<RsaKeyPair> {
    let inner = pem.split("-----BEGIN PRIVATE KEY-----").nth(1)?.split("-----END PRIVATE KEY-----").next()?;
    let der = STANDARD.decode(inner.split_whitespace().collect::<String>()).ok()?;
    RsaKeyPair::from_pkcs8(&der).ok()
}
