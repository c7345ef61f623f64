//! Who may look and decide. In: headers. Out: yes or no, and what forms must carry.
//!
//! A token is compared in a time that tells nothing. A browser logs in once and holds a cookie that is a digest of the token;
//! forms carry another digest, which no other site can know. Without a token only this machine is served, and only under
//! a name of its own, so that no foreign name can be made to point here.

use axum::http::{HeaderMap, header};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The cookie of a browser that has logged in.
pub(crate) const COOKIE: &str = "mapwright";

/// Guards pages and decisions.
pub(crate) struct Guard {
    token: Option<SecretString>,
    /// New in each process: cookies and forms end with it.
    salt: [u8; 32],
}

impl Guard {
    pub(crate) fn new(token: Option<SecretString>) -> Self {
        let mut salt = [0; 32];
        if getrandom::fill(&mut salt).is_err() {
            // Without randomness forms could be guessed: the time and the process are at least not known to all.
            let seed = format!("{}{:?}", std::process::id(), std::time::Instant::now());
            salt.copy_from_slice(&Sha256::digest(seed.as_bytes()));
        }
        Self { token, salt }
    }

    pub(crate) fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// May whoever sends these headers look?
    pub(crate) fn lets_in(&self, headers: &HeaderMap) -> bool {
        let text = |name| headers.get(name).and_then(|value: &header::HeaderValue| value.to_str().ok());
        if self.token.is_none() {
            let host = text(header::HOST).unwrap_or_default();
            let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
            return matches!(name, "localhost" | "127.0.0.1" | "[::1]" | "[::1");
        }
        let bearer = text(header::AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
        if bearer.is_some_and(|given| self.is_token(given.trim())) {
            return true;
        }
        let cookie = text(header::COOKIE).unwrap_or_default().split(';').filter_map(|one| one.trim().split_once('='));
        let wanted = self.derived("cookie");
        cookie.filter(|(name, _)| *name == COOKIE).any(|(_, given)| equal(given, &wanted))
    }

    pub(crate) fn is_token(&self, given: &str) -> bool {
        self.token.as_ref().is_some_and(|token| equal(given, token.expose_secret()))
    }

    /// What the cookie holds.
    pub(crate) fn cookie(&self) -> String {
        self.derived("cookie")
    }

    /// What every form that decides something carries.
    pub(crate) fn form_token(&self) -> String {
        self.derived("form")
    }

    pub(crate) fn is_form_token(&self, given: &str) -> bool {
        equal(given, &self.form_token())
    }

    fn derived(&self, purpose: &str) -> String {
        let mut hasher = Sha256::new();
        hasher.update(self.salt);
        hasher.update(purpose.as_bytes());
        hasher.update(self.token.as_ref().map_or("", |token| token.expose_secret()).as_bytes());
        hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Digests of both are compared, so that not even a length is told.
fn equal(given: &str, wanted: &str) -> bool {
    Sha256::digest(given.as_bytes()).as_slice().ct_eq(Sha256::digest(wanted.as_bytes()).as_slice()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(header::HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().expect("a header"))).collect()
    }

    #[test]
    fn the_token_or_its_cookie_lets_in_and_nothing_else() {
        let guard = Guard::new(Some(SecretString::from("t0ken".to_owned())));
        let cookie = format!("a=b; {COOKIE}={}", guard.cookie());
        for (given, lets_in) in [
            ((header::AUTHORIZATION, "Bearer t0ken"), true),
            ((header::AUTHORIZATION, "Bearer t0ke"), false),
            ((header::AUTHORIZATION, "t0ken"), false),
            ((header::COOKIE, cookie.as_str()), true),
            ((header::COOKIE, "mapwright=t0ken"), false),
            ((header::HOST, "localhost"), false),
        ] {
            assert_eq!(guard.lets_in(&headers(std::slice::from_ref(&given))), lets_in, "{given:?}");
        }
        assert!(guard.is_form_token(&guard.form_token()) && !guard.is_form_token(&guard.cookie()));
    }

    #[test]
    fn without_a_token_a_foreign_name_is_refused() {
        let guard = Guard::new(None);
        for (host, lets_in) in
            [("localhost:8080", true), ("127.0.0.1:8080", true), ("[::1]:8080", true), ("evil.example:8080", false)]
        {
            assert_eq!(guard.lets_in(&headers(&[(header::HOST, host)])), lets_in, "{host}");
        }
    }
}
