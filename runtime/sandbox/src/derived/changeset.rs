//! OData's multipart batch. In: a body of change sets, each of requests. Out: the answers of each, in the same parts; a set of which
//! one request is refused changes nothing, and has that refusal for its only answer.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use mapwright_manifest::Verb;
use mapwright_values::Json;

use super::check::{Cause, Refused, refused};
use super::list::Listing;
use super::reply::{For, Said, plain_refusal};
use super::route::{Asked, Route, What};
use super::system::{System, given_record};
use super::tree::Names;
use super::unify::{Bound, Reader};
use super::write::{Done, Work};
use crate::server::Answer;

/// A part within a part, and no deeper.
const DEPTH_MAX: usize = 3;
/// The mark between the parts of an answer.
const BOUNDARY: &str = "batch_of_the_sandbox";
/// The mark between the answers of one set.
const SET: &str = "changeset_of_the_sandbox";

/// One request of a set.
struct Member<'r> {
    id: Option<String>,
    asked: Asked,
    route: &'r Route,
    bound: Bound,
}

impl System {
    /// Answers a multipart batch.
    pub(super) fn change_sets(&self, reader: Reader<'_>, asked: &Asked, size_max: usize, sequence: u64) -> Answer {
        let kind = asked.header("content-type").unwrap_or_default();
        let mut sets: Vec<Vec<(Option<String>, String)>> = Vec::new();
        let read = match boundary(kind) {
            Some(mark) => parts(&asked.text, mark, DEPTH_MAX, &mut sets),
            None => Err("a batch is multipart/mixed with a boundary".to_owned()),
        };
        if let Err(words) = read {
            return self.no_batch(reader, &words);
        }
        if sets.iter().map(Vec::len).sum::<usize>() > size_max {
            return self.no_batch(reader, &format!("at most {size_max} requests at once"));
        }
        let mut text = String::new();
        for set in sets {
            text.push_str(&format!("--{BOUNDARY}\r\n"));
            match self.change_set(reader, asked, set, sequence) {
                Ok(answers) => {
                    text.push_str(&format!("Content-Type: multipart/mixed; boundary={SET}\r\n\r\n"));
                    for (id, answer) in answers {
                        text.push_str(&format!("--{SET}\r\n{}", part(id.as_deref(), &answer)));
                    }
                    text.push_str(&format!("--{SET}--\r\n"));
                }
                Err(refusal) => text.push_str(&part(None, &refusal)),
            }
        }
        text.push_str(&format!("--{BOUNDARY}--\r\n"));
        Answer::new(200, &format!("multipart/mixed; boundary={BOUNDARY}"), text)
    }

    /// Carries out one set: all of it, or nothing.
    fn change_set(
        &self,
        reader: Reader<'_>,
        batch: &Asked,
        requests: Vec<(Option<String>, String)>,
        sequence: u64,
    ) -> Result<Vec<(Option<String>, Answer)>, Answer> {
        let mut members = Vec::with_capacity(requests.len());
        for (id, text) in requests {
            members.push(self.member(reader, batch, id, &text)?);
        }
        let mut state = self.state();
        let before = state.store.clone();
        let mut work = Work { store: &mut state.store, effects: Vec::new() };
        let mut done = Vec::with_capacity(members.len());
        for member in &members {
            match self.carried_out(&mut work, member) {
                Ok(one) => done.push(one),
                Err(refused) => {
                    state.store = before;
                    drop(state);
                    let of = self.of_member(reader, member);
                    return Err(self.refuse(of, &refused).finish(of));
                }
            }
        }
        let effects = std::mem::take(&mut work.effects);
        drop(state);
        self.commit(sequence, effects);
        let answers = members.into_iter().zip(done).map(|(member, done)| {
            let answer = self.answered(reader, &member, &done);
            (member.id, answer)
        });
        Ok(answers.collect())
    }

    fn member(&self, reader: Reader<'_>, batch: &Asked, id: Option<String>, text: &str) -> Result<Member<'_>, Answer> {
        let (head, body) = halves(text);
        let mut lines = head.lines();
        let first = lines.next().unwrap_or_default();
        let mut words = first.split(' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let target =
            target.split_once("://").map_or(target, |(_, rest)| rest.find('/').map_or("", |at| rest.split_at(at).1));
        let base = batch.path.rsplit_once("/$batch").map_or("", |(base, _)| base);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let path = if path.starts_with('/') { path.to_owned() } else { format!("{base}/{path}") };
        let mut headers: HeaderMap = batch.headers.clone();
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            let name = HeaderName::from_bytes(name.trim().to_lowercase().as_bytes());
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value.trim())) {
                headers.insert(name, value);
            }
        }
        let body = match Json::parse(body.trim()) {
            Ok(json) => Some(json.into_owned()),
            Err(_) if body.trim().is_empty() => None,
            Err(fault) => return Err(self.no_batch(reader, &format!("the body of {first} is no JSON: {fault}"))),
        };
        let query = crate::text::query_pairs(query);
        let asked = Asked { method: method.to_owned(), path, query, headers, body, ..Asked::default() };
        let writes = |route: &&Route| match &route.what {
            What::Entity(_, verb) => matches!(verb, Verb::Create | Verb::Update | Verb::Upsert | Verb::Delete),
            What::Action(_) | What::LogIn | What::LogOut | What::Check | What::Subscription(..) => false,
        };
        let routes = self.routes.iter().filter(writes);
        let found = routes.filter_map(|route| Some((route, route.fits(&self.manifest, reader, &asked)?))).next();
        match found {
            Some((route, bound)) => Ok(Member { id, asked, route, bound }),
            None => Err(self.no_batch(reader, &format!("{first}: no write of the manifest is reached there"))),
        }
    }

    fn carried_out(&self, work: &mut Work<'_>, member: &Member<'_>) -> Result<Done, Refused> {
        let What::Entity(name, verb) = &member.route.what else {
            return Err(refused(Cause::Unplayed, "", "only records are written in a change set"));
        };
        let (Some(entity), Some(known)) = (self.manifest.entity(name), self.schema.entity(name)) else {
            return Err(refused(Cause::Unplayed, "", format!("{name} is not played")));
        };
        let operation = &member.route.operation;
        let given = given_record(&member.bound);
        let version = self.version_of(&member.asked, operation, given.as_ref());
        self.write(work, (entity, known), *verb, operation, (given, &member.bound, version))
    }

    fn answered(&self, reader: Reader<'_>, member: &Member<'_>, done: &Done) -> Answer {
        let of = self.of_member(reader, member);
        let What::Entity(name, verb) = &member.route.what else { return Answer::empty(204) };
        let (Some(entity), Some(known)) = (self.manifest.entity(name), self.schema.entity(name)) else {
            return Answer::empty(204);
        };
        let (manifest, asked, bound) = (&self.manifest, &member.asked, &member.bound);
        let listing = Listing { manifest, entity, known, asked, bound, reader: of.reader };
        match self.written(&listing, &member.route.operation, of, done) {
            Ok(mut reply) => {
                reply.satisfy(&member.route.operation.success, of);
                if reply.status.is_none() && *verb == Verb::Create {
                    reply.status = Some(201);
                }
                reply.finish(of)
            }
            Err(refused) => self.refuse(of, &refused).finish(of),
        }
    }

    fn of_member<'f>(&'f self, reader: Reader<'f>, member: &'f Member<'f>) -> For<'f> {
        self.of(member.route, reader, &member.asked)
    }

    fn no_batch(&self, reader: Reader<'_>, words: &str) -> Answer {
        let nothing = Json::Null;
        let names = Names { any: "error", entity: &nothing };
        let of = For { manifest: &self.manifest, operation: None, word: "", action: false, reader, names };
        plain_refusal(of, 400, &Said { words, ..Said::default() }).finish(of)
    }
}

/// One answer as a part.
fn part(id: Option<&str>, answer: &Answer) -> String {
    let mut text = "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n".to_owned();
    if let Some(id) = id {
        text.push_str(&format!("Content-ID: {id}\r\n"));
    }
    text.push_str(&format!("\r\nHTTP/1.1 {} Answer\r\n", answer.status));
    for (name, value) in &answer.headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str(&format!("\r\n{}\r\n", String::from_utf8_lossy(&answer.body)));
    text
}

/// The sets of a body: the requests of each with their ids; a request beside the sets is a set of its own.
fn parts(text: &str, mark: &str, depth: usize, sets: &mut Vec<Vec<(Option<String>, String)>>) -> Result<(), String> {
    let Some(depth) = depth.checked_sub(1) else { return Err("parts are nested too deep".to_owned()) };
    let (mark, end) = (format!("--{mark}"), format!("--{mark}--"));
    let Some((whole, _)) = text.split_once(&end) else { return Err("the last part is cut off".to_owned()) };
    for one in whole.split(&mark).skip(1) {
        let (head, content) = halves(one.trim_start_matches(['\r', '\n']));
        let value = |name: &str| {
            let lines = head.lines().filter_map(|line| line.split_once(':'));
            lines.filter(|(known, _)| known.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
        };
        match boundary(value("content-type").unwrap_or_default()) {
            Some(inner) => {
                let mut own = Vec::new();
                parts(content, inner, depth, &mut own)?;
                sets.push(own.into_iter().flatten().collect());
            }
            None => sets.push(vec![(value("content-id").map(str::to_owned), content.to_owned())]),
        }
    }
    Ok(())
}

fn boundary(kind: &str) -> Option<&str> {
    let parameters = kind.trim().strip_prefix("multipart/mixed")?;
    let named = parameters.split(';').filter_map(|parameter| parameter.trim().split_once('='));
    named.filter(|(name, _)| name.eq_ignore_ascii_case("boundary")).map(|(_, value)| value.trim_matches('"')).next()
}

fn halves(text: &str) -> (&str, &str) {
    text.split_once("\r\n\r\n").or_else(|| text.split_once("\n\n")).unwrap_or((text, ""))
}
