//! Tokens that we sign ourselves (RFC 7519). In: claims, a key, the time. Out: the token. Pure but for the clock it is given.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use mapwright_engine::connector::Class;
use mapwright_manifest::{Jwt, JwtAlgorithm};
use mapwright_values::Json;
use ring::rand::SystemRandom;
use ring::{hmac, signature};

use crate::template::{Scope, Unfilled};

/// A clock that is behind ours by no more than this still takes the token.
const CLOCKS_APART_S: i64 = 10;

/// The signed token.
///
/// # Errors
/// A value is missing, or the key is none.
pub(crate) fn sign(jwt: &Jwt, scope: &Scope<'_>, now: Timestamp) -> Result<String, Unfilled> {
    let halt = |message: &str| Unfilled { class: Class::Halt, message: message.to_owned() };
    let key = scope.text(&jwt.key)?.unwrap_or_default();
    let Some(Json::Record(mut claims)) = scope.tree(&jwt.claims)? else {
        return Err(halt("the claims of `jwt` are no map"));
    };
    let begins = now.as_second().saturating_sub(CLOCKS_APART_S);
    let ends = now.as_second().saturating_add(i64::try_from(jwt.life.as_secs()).unwrap_or(i64::MAX));
    for (name, second) in [("iat", begins), ("exp", ends)] {
        claims.retain(|(known, _)| known != name);
        claims.push((name.into(), Json::Number(second.to_string().into())));
    }
    let algorithm = match jwt.algorithm {
        JwtAlgorithm::Hs256 => "HS256",
        JwtAlgorithm::Rs256 => "RS256",
    };
    let header = format!("{{\"alg\":\"{algorithm}\",\"typ\":\"JWT\"}}");
    let signed =
        format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(Json::Record(claims).to_text()));
    let signature = match jwt.algorithm {
        JwtAlgorithm::Hs256 => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
            hmac::sign(&key, signed.as_bytes()).as_ref().to_vec()
        }
        JwtAlgorithm::Rs256 => {
            let pair = key_pair(&key).ok_or_else(|| halt("the key of `jwt` is no private RSA key in PEM (PKCS #8)"))?;
            let mut bytes = vec![0; pair.public().modulus_len()];
            pair.sign(&signature::RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut bytes)
                .map_err(|_| halt("the key of `jwt` cannot sign"))?;
            bytes
        }
    };
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

fn key_pair(pem: &str) -> Option<signature::RsaKeyPair> {
    let inner = pem.split("-----BEGIN PRIVATE KEY-----").nth(1)?.split("-----END PRIVATE KEY-----").next()?;
    let der = STANDARD.decode(inner.split_whitespace().collect::<String>()).ok()?;
    signature::RsaKeyPair::from_pkcs8(&der).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mapwright_manifest::{At, Template, TemplatePart, Tree, TreeMember};

    use super::*;

    #[test]
    fn a_token_with_a_shared_secret() {
        let literal = |text: &str| Template { at: At::default(), parts: vec![TemplatePart::Literal(text.to_owned())] };
        let jwt = Jwt {
            algorithm: JwtAlgorithm::Hs256,
            key: literal("hush"),
            claims: Tree::Map(vec![TreeMember::One("iss".to_owned(), Tree::Text(literal("us")))]),
            life: Duration::from_secs(300),
        };
        let token = sign(&jwt, &Scope::default(), Timestamp::from_second(1_000).unwrap()).unwrap();
        let parts: Vec<&str> = token.split('.').collect();
        assert_eq!(URL_SAFE_NO_PAD.decode(parts[0]).unwrap(), br#"{"alg":"HS256","typ":"JWT"}"#);
        assert_eq!(URL_SAFE_NO_PAD.decode(parts[1]).unwrap(), br#"{"iss":"us","iat":990,"exp":1300}"#);
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"hush");
        let signed = format!("{}.{}", parts[0], parts[1]);
        hmac::verify(&key, signed.as_bytes(), &URL_SAFE_NO_PAD.decode(parts[2]).unwrap()).unwrap();
        let wrong = Jwt { algorithm: JwtAlgorithm::Rs256, ..jwt };
        assert!(sign(&wrong, &Scope::default(), Timestamp::UNIX_EPOCH).unwrap_err().message.contains("RSA"));
    }
}
