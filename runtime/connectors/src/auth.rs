//! What a log-in gave, and for how long. In: the answer of a log-in. Out: values for templates, headers for requests.
//! Nothing here is ever logged or shown.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex as Flag, PoisonError};
use std::time::{Duration, Instant};

use mapwright_manifest::{Auth, Lifetime, LogIn, Manifest, Send};
use mapwright_values::Json;
use secrecy::SecretString;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mapwright_engine::connector::Class;

use crate::answer::ReadAnswer;
use crate::template::{Scope, Unfilled, percent};

/// Longest time before its end at which a log-in is renewed, where the manifest does not say.
const EARLY_MAX: Duration = Duration::from_secs(30);

/// What one log-in gave.
pub(crate) struct Session {
    /// Counts log-ins, so that one that is already replaced is not dropped again.
    pub(crate) number: u64,
    pub(crate) kept: Vec<(String, SecretString)>,
    fresh_until: Option<Instant>,
    idle_max: Option<Duration>,
    used: Flag<Instant>,
}

impl Session {
    /// Reads what the manifest keeps of a log-in's answer. `Err` = what the answer lacks.
    /// `known` = what the log-in started from: it stays where the answer brings nothing newer.
    pub(crate) fn keep(
        login: &LogIn,
        read: &ReadAnswer<'_>,
        known: Vec<(String, SecretString)>,
        number: u64,
    ) -> Result<Self, String> {
        let entity = Json::Null;
        let needed = |name: &str| {
            let sent = login.send.headers.iter().chain(&login.send.query).chain(&login.send.cookies);
            sent.flat_map(|(_, template)| template.slots().collect::<Vec<_>>()).any(|slot| {
                slot.root == "session" && !slot.optional && slot.path.first().is_some_and(|first| first == name)
            })
        };
        let mut kept = known;
        for (name, selectors) in &login.keep {
            let optional = selectors.iter().any(|selector| selector.optional);
            match read.text(selectors, &entity) {
                Some(value) if !value.is_empty() => {
                    kept.retain(|(known, _)| known != name);
                    kept.push((name.clone(), SecretString::from(value)));
                }
                Some(_) | None if needed(name) && !optional => {
                    let place = selectors.first().map_or("", |selector| selector.text.as_str());
                    return Err(format!("the log-in's answer holds no `{place}`"));
                }
                Some(_) | None => {}
            }
        }
        let number_at = |selectors| read.text(selectors, &entity).and_then(|text| text.parse::<u64>().ok());
        let (lifetime, idle) = match &login.lifetime {
            Some(Lifetime::Seconds(selectors)) => (number_at(selectors).map(Duration::from_secs), None),
            Some(Lifetime::After(duration)) => (Some(*duration), None),
            Some(Lifetime::IdleMinutes(minutes)) => (None, Some(minutes_long(*minutes))),
            Some(Lifetime::IdleMinutesOf(selectors)) => (None, number_at(selectors).map(minutes_long)),
            None => (None, None),
        };
        let shortened = |whole: Duration| whole.saturating_sub(early(login, whole));
        let now = Instant::now();
        Ok(Self {
            number,
            kept,
            fresh_until: lifetime.and_then(|whole| now.checked_add(shortened(whole))),
            idle_max: idle.map(shortened),
            used: Flag::new(now),
        })
    }

    /// A session that is nothing but a token which we signed.
    pub(crate) fn signed(login: &LogIn, kept: Vec<(String, SecretString)>, number: u64) -> Self {
        let life = login.jwt.as_ref().map_or(Duration::ZERO, |jwt| jwt.life);
        let now = Instant::now();
        Self {
            number,
            kept,
            fresh_until: now.checked_add(life.saturating_sub(early(login, life))),
            idle_max: None,
            used: Flag::new(now),
        }
    }

    /// May it still be used? Notes the use.
    pub(crate) fn usable(&self) -> bool {
        let now = Instant::now();
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = self.fresh_until.is_none_or(|until| now < until)
            && self.idle_max.is_none_or(|idle| now.duration_since(*used) < idle);
        if fresh {
            *used = now;
        }
        fresh
    }
}

/// How long before its end a log-in is renewed. INVARIANT: half of its life at most, or a system whose sessions are short would be asked
/// for one with every request, until its licence has no more.
fn early(login: &LogIn, whole: Duration) -> Duration {
    login.early.unwrap_or(EARLY_MAX.min(whole / 10)).min(whole / 2)
}

const fn minutes_long(minutes: u64) -> Duration {
    Duration::from_secs(minutes.saturating_mul(60))
}

/// The sessions of a connection, no more than its manifest allows (`pool`).
pub(crate) struct Keeper {
    places: Vec<SessionPlace>,
    /// Counts log-ins; locked during each, so that there is one at a time.
    pub(crate) logins: tokio::sync::Mutex<u64>,
}

/// Where one session is kept. Its lock is held while the session is being made: whoever waits for it gets what came of that.
#[derive(Default)]
pub(crate) struct SessionPlace {
    pub(crate) session: tokio::sync::Mutex<Option<Arc<Session>>>,
    under_way: AtomicUsize,
}

/// A request that uses a session, until it is dropped.
pub(crate) struct Using<'k>(&'k SessionPlace);

impl<'k> Using<'k> {
    /// The session's place.
    pub(crate) const fn place(&self) -> &'k SessionPlace {
        self.0
    }
}

impl Drop for Using<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Keeper {
    /// Places for so many sessions.
    pub(crate) fn new(sessions_max: usize) -> Self {
        let places = (0..sessions_max.max(1)).map(|_| SessionPlace::default()).collect();
        Self { places, logins: tokio::sync::Mutex::default() }
    }

    /// The place with the fewest requests under way, the first of several: a further session is made only where one is not enough.
    pub(crate) fn take(&self) -> Option<Using<'_>> {
        let place = self.places.iter().min_by_key(|place| place.under_way.load(Ordering::Relaxed))?;
        place.under_way.fetch_add(1, Ordering::Relaxed);
        Some(Using(place))
    }

    /// Drops a session that the target refused, unless it has been replaced meanwhile.
    pub(crate) async fn forget(&self, number: u64) {
        for place in &self.places {
            let mut session = place.session.lock().await;
            if session.as_ref().is_some_and(|session| session.number == number) {
                *session = None;
            }
        }
    }

    /// Takes every session out.
    pub(crate) async fn empty(&self) -> Vec<Arc<Session>> {
        let mut found = Vec::new();
        for place in &self.places {
            found.extend(place.session.lock().await.take());
        }
        found
    }
}

/// What authentication adds to a request.
pub(crate) struct Added {
    pub(crate) headers: Vec<(String, String)>,
    /// Percent-encoded.
    pub(crate) query: Vec<(String, String)>,
}

/// Fills in what authentication adds to each request.
pub(crate) fn added(manifest: &Manifest, scope: &Scope<'_>) -> Result<Added, Unfilled> {
    match &manifest.auth {
        Auth::None => Ok(Added { headers: Vec::new(), query: Vec::new() }),
        Auth::Basic { user, password, .. } => {
            let user = scope.text(user)?.unwrap_or_default();
            let password = scope.text(password)?.unwrap_or_default();
            let value = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
            Ok(Added { headers: vec![("Authorization".to_owned(), value)], query: Vec::new() })
        }
        Auth::Token(send) => filled(send, scope),
        Auth::LogIn(login) => filled(&login.send, scope),
    }
}

fn filled(send: &Send, scope: &Scope<'_>) -> Result<Added, Unfilled> {
    let mut headers = Vec::new();
    for (name, template) in &send.headers {
        headers.extend(scope.header(name, template)?.map(|value| (name.clone(), value)));
    }
    let mut cookies = Vec::new();
    for (name, template) in &send.cookies {
        let Some(value) = scope.header("Cookie", template)? else { continue };
        if value.contains([';', ',', ' ']) {
            let message = format!("the cookie {name} holds a character that no cookie may hold");
            return Err(Unfilled { class: Class::Halt, message });
        }
        cookies.push(format!("{name}={value}"));
    }
    if !cookies.is_empty() {
        headers.push(("Cookie".to_owned(), cookies.join("; ")));
    }
    let mut query = Vec::new();
    for (name, template) in &send.query {
        query.extend(scope.text(template)?.map(|value| (name.clone(), percent(&value))));
    }
    Ok(Added { headers, query })
}
