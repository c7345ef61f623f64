//! Who may come in. In: a manifest's log-in and what a request carries. Out: tokens that hold for a while, or a refusal.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mapwright_manifest::{Auth, Jwt, JwtAlgorithm, Lifetime, LogIn, Manifest, Send};
use mapwright_values::Json;

use super::reply::{For, Reply};
use super::route::Asked;
use super::token;
use super::tree::{Value, number};
use super::unify::{Bound, Reader};
use crate::clock;
use crate::text::{cookie, hex_id};

/// The log-ins that are under way, and values that rotate.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    logins: u64,
    sessions: Vec<Session>,
    /// Current values of what rotates, by name.
    rotating: BTreeMap<String, String>,
}

#[derive(Debug)]
struct Session {
    kept: Vec<(String, String)>,
    until: Option<Instant>,
    idle: Option<Duration>,
    used: Instant,
}

impl Gate {
    /// A log-in whose request has the right shape: are its rotating values the current ones?
    fn current(&self, login: &LogIn, bound: &Bound, reader: Reader<'_>) -> bool {
        let signed = login.jwt.as_ref().is_none_or(|jwt| signed(jwt, bound, reader));
        signed
            && login.durable.iter().all(|name| {
                let first = login.first.iter().find(|(known, _)| known == name);
                let wanted = self.rotating.get(name).cloned().or_else(|| reader.filled(&first?.1));
                bound.text(&format!("session.{name}")) == wanted
            })
    }

    /// Answers a log-in.
    pub(crate) fn log_in(&mut self, login: &LogIn, bound: &Bound, life: Duration, of: For<'_>) -> Option<Reply> {
        if !self.current(login, bound, of.reader) {
            return None;
        }
        self.logins += 1;
        let mut reply = Reply::default();
        let mut kept = Vec::new();
        for (name, selectors) in &login.keep {
            let value = hex_id(&format!("{name} of log-in {}", self.logins));
            if let Some(selector) = selectors.first() {
                reply.put(selector, vec![Json::text(value.clone())], of.names);
            }
            if login.durable.contains(name) {
                self.rotating.insert(name.clone(), value.clone());
            }
            kept.push((name.clone(), value));
        }
        let minutes = life.as_secs().div_ceil(60);
        let (until, idle) = match &login.lifetime {
            Some(Lifetime::Seconds(selectors)) => {
                tell(&mut reply, selectors, life.as_secs(), of);
                (Some(life), None)
            }
            Some(Lifetime::IdleMinutesOf(selectors)) => {
                tell(&mut reply, selectors, minutes, of);
                (None, Some(life))
            }
            Some(Lifetime::IdleMinutes(minutes)) => (None, Some(Duration::from_secs(minutes.saturating_mul(60)))),
            Some(Lifetime::After(whole)) => (Some(*whole), None),
            None => (None, None),
        };
        let now = Instant::now();
        self.sessions.push(Session { kept, until: until.and_then(|life| now.checked_add(life)), idle, used: now });
        Some(reply)
    }

    /// May this request come in? Notes the use of its session.
    pub(crate) fn admits(&mut self, manifest: &Manifest, reader: Reader<'_>, asked: &Asked) -> bool {
        if let Some((user, password)) = &manifest.soap.security {
            let given = asked.called.as_ref().and_then(|called| called.user.clone());
            let wanted = reader.filled(user).zip(reader.filled(password));
            if given.is_none() || given != wanted {
                return false;
            }
        }
        match &manifest.auth {
            Auth::None => true,
            Auth::Basic { user, password, .. } => {
                let wanted = reader.filled(user).zip(reader.filled(password));
                let wanted =
                    wanted.map(|(user, password)| format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))));
                wanted.as_deref() == asked.header("authorization")
            }
            Auth::Token(send) => carried(send, reader, asked).is_some(),
            Auth::LogIn(login) => match carried(&login.send, reader, asked) {
                // A token that is sent as it is signed begins no session.
                Some(bound) => match (&login.jwt, &login.operation) {
                    (Some(jwt), None) => signed(jwt, &bound, reader),
                    (_, _) => self.session_of(&bound).is_some(),
                },
                None => false,
            },
        }
    }

    fn session_of(&mut self, bound: &Bound) -> Option<usize> {
        let now = Instant::now();
        self.sessions.retain(|session| {
            session.until.is_none_or(|until| now < until)
                && session.idle.is_none_or(|idle| now.duration_since(session.used) < idle)
        });
        let carries = |session: &Session| {
            let mut some = false;
            let all = session.kept.iter().all(|(name, value)| match bound.text(&format!("session.{name}")) {
                Some(given) => {
                    some = true;
                    given == *value
                }
                None => true,
            });
            all && some
        };
        let place = self.sessions.iter().position(carries)?;
        if let Some(session) = self.sessions.get_mut(place) {
            session.used = now;
        }
        Some(place)
    }

    /// Forgets the session that a request carries.
    pub(crate) fn forget(&mut self, manifest: &Manifest, reader: Reader<'_>, asked: &Asked) {
        if let Auth::LogIn(login) = &manifest.auth
            && let Some(bound) = carried(&login.send, reader, asked)
            && let Some(place) = self.session_of(&bound)
        {
            self.sessions.remove(place);
        }
    }

    /// Forgets all of them.
    pub(crate) fn forget_all(&mut self) {
        self.sessions.clear();
    }
}

/// Does the token hold that a request carries?
fn signed(jwt: &Jwt, bound: &Bound, reader: Reader<'_>) -> bool {
    bound.text("session.jwt").is_some_and(|given| token::holds(jwt, reader, &given, clock::now()))
}

fn tell(reply: &mut Reply, selectors: &[mapwright_manifest::Selector], value: u64, of: For<'_>) {
    if let Some(selector) = selectors.first() {
        reply.put(selector, vec![number(value)], of.names);
    }
}

/// What a request carries where the manifest sends it.
fn carried(send: &Send, reader: Reader<'_>, asked: &Asked) -> Option<Bound> {
    let mut bound = Bound::default();
    for (name, template) in &send.headers {
        bound.add(reader.text(template, asked.header(name)?, None)?);
    }
    for (name, template) in &send.query {
        bound.add(reader.text(template, asked.query(name)?, None)?);
    }
    for (name, template) in &send.cookies {
        let given = cookie(asked.header("cookie").unwrap_or_default(), name);
        match given {
            Some(given) => bound.add(reader.text(template, &given, None)?),
            None if template.slots().any(|slot| slot.optional) => {}
            None => return None,
        }
    }
    Some(bound)
}

/// The secrets that a sandbox gives out, by name.
pub(crate) fn secrets(manifest: &Manifest) -> Value {
    let pem = match &manifest.auth {
        Auth::LogIn(login) => login.jwt.as_ref().filter(|jwt| jwt.algorithm == JwtAlgorithm::Rs256),
        Auth::None | Auth::Basic { .. } | Auth::Token(_) => None,
    };
    let is_key = |name: &str| {
        pem.is_some_and(|jwt| {
            jwt.key.slots().any(|slot| slot.root == "secret" && slot.path.first().is_some_and(|known| known == name))
        })
    };
    let all = manifest.secrets.keys().map(|name| {
        let value = if is_key(name) { token::KEY.to_owned() } else { format!("sandbox-{name}") };
        (name.clone().into(), Json::text(value))
    });
    Json::Record(all.collect())
}
