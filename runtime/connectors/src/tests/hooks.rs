//! Hooks: a request signed as OAuth 1.0a wants it, records in a letter of the system's own, answers that only code can judge.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mapwright_engine::connector::{Class, Connector, Deed};
use mapwright_sandbox::derived::{Derived, DerivedConfig, Schema};
use mapwright_values::hooks::{AnswerClass, Answered, Outgoing};
use mapwright_values::plan::{EntityPlan, Kind, SystemPlan};
use mapwright_values::{Hook, Json, Test};
use ring::hmac;

use crate::template::percent;
use crate::tests::server::{Seen, Server, json};
use crate::tests::systems::{entity, everything, field, secrets, term, write};
use crate::{ConnectionSettings, Connectors};

const MANIFEST: &str = r#"
manifest: 1
system: letters
title: Letters
driver: rest
base: "{config.url}"
config: { page_size: { default: 2, about: "rows a page" } }
secrets: { consumer: required, consumer_secret: required }
CODEC
hooks: { sign: oauth1, classify: words }
filters: { eq: { query.sku: "{value}" }, into: query.where, all: { join: ";" } }
paging: { kind: page, first: 1, size: "{config.page_size}", into: { query.page: "{page.number}", query.n: "{page.size}" }, more: full_page }
operations:
  list:   { request: GET /items, records: "body.rows[]" }
  get:    { request: "GET /items/{key}", record: body }
  create: { request: POST /items, body: "{record}", success: { status: 201, body.id: present }, key: body.id, repeat: unsafe }
entities:
  items: { path: items, can: [list, get, create], filter_on: { eq: [sku] }, changes: none }
check: { request: GET /about, expect: { status: 200 } }
"#;

const ITEMS: EntityPlan = EntityPlan {
    natural_keys: &[&["sku"]],
    ..entity(
        "items",
        false,
        &["id"],
        &[
            mapwright_values::plan::FieldPlan { read_only: true, ..field("id", Kind::Integer) },
            field("sku", Kind::Text(Some(20))),
            field("label", Kind::Text(Some(20))),
        ],
    )
};

const HOOKS: &[Hook] = &[
    Hook::Sign { name: "oauth1", sign: oauth1 },
    Hook::Classify { name: "words", classify: words },
    Hook::Codec { name: "lines", content_type: "text/x-lines", encode: written, decode: read },
];

fn plan(codec: &str) -> SystemPlan {
    let manifest = MANIFEST.replace("CODEC\n", codec);
    SystemPlan { alias: "erp", name: "letters", manifest: manifest.leak(), entities: &[ITEMS] }
}

fn settings(url: String) -> ConnectionSettings {
    let credentials = secrets(&[("consumer", "ck_1"), ("consumer_secret", "hush-hush")]);
    ConnectionSettings { url, credentials, hooks: HOOKS, ..ConnectionSettings::default() }
}

fn open(codec: &str, url: String) -> Arc<dyn Connector> {
    Connectors::open(&plan(codec), settings(url)).unwrap()
}

/// RFC 5849, with HMAC-SHA1.
fn oauth1(request: &Outgoing<'_>) -> Result<Vec<(String, String)>, String> {
    let consumer = request.secret("consumer").ok_or("no consumer")?;
    let secret = request.secret("consumer_secret").ok_or("no secret")?;
    let at = request.at.as_second().to_string();
    let signature = oauth1_signature((request.method, request.url), consumer, secret, (request.nonce, &at));
    let header = format!(
        "OAuth oauth_consumer_key=\"{consumer}\", oauth_nonce=\"{}\", oauth_timestamp=\"{at}\", \
         oauth_signature_method=\"HMAC-SHA1\", oauth_version=\"1.0\", oauth_signature=\"{}\"",
        request.nonce,
        percent(&signature)
    );
    Ok(vec![("Authorization".to_owned(), header)])
}

fn oauth1_signature((method, url): (&str, &str), consumer: &str, secret: &str, (nonce, at): (&str, &str)) -> String {
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let own = [
        ("oauth_consumer_key", consumer),
        ("oauth_nonce", nonce),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", at),
        ("oauth_version", "1.0"),
    ];
    let mut pairs: Vec<String> = own.map(|(name, value)| format!("{name}={}", percent(value))).to_vec();
    pairs.extend(query.split('&').filter(|pair| !pair.is_empty()).map(str::to_owned));
    pairs.sort();
    let base = format!("{method}&{}&{}", percent(address), percent(&pairs.join("&")));
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, format!("{}&", percent(secret)).as_bytes());
    STANDARD.encode(hmac::sign(&key, base.as_bytes()))
}

/// This system says in a sentence what others say in a status.
fn words(answer: &Answered<'_>) -> Option<AnswerClass> {
    match answer.body {
        body if body.contains("gone fishing") => Some(AnswerClass::Transient),
        body if body.contains("never heard of") => Some(AnswerClass::Permanent),
        body if body.contains("break down") => panic!("a fault of the hook"),
        _ => None,
    }
}

/// `name=value` a line; an empty line between records, `rows` where there are several.
fn written(tree: &Json<'_>) -> Result<String, String> {
    let record = |record: &Json<'_>| match record {
        Json::Record(members) => Ok(members
            .iter()
            .map(|(name, value)| match value {
                Json::Text(text) => Ok(format!("{name}={text}\n")),
                Json::Number(digits) => Ok(format!("{name}=#{digits}\n")),
                _ => Err(format!("`{name}` holds more than a line")),
            })
            .collect::<Result<String, String>>()?),
        _ => Err("only records are written in lines".to_owned()),
    };
    match tree.get("rows") {
        Some(Json::List(rows)) => {
            let rows: Vec<String> = rows.iter().map(record).collect::<Result<_, String>>()?;
            Ok(format!("rows\n{}", rows.iter().map(|row| format!("\n{row}")).collect::<String>()))
        }
        _ => record(tree),
    }
}

fn read(text: &str) -> Result<Json<'static>, String> {
    let record = |lines: &str| -> Result<Json<'static>, String> {
        let members = lines.lines().map(|line| {
            let (name, value) = line.split_once('=').ok_or_else(|| format!("`{line}` is no line of a record"))?;
            let value = match value.strip_prefix('#') {
                Some(digits) => Json::Number(digits.to_owned().into()),
                None => Json::text(value.to_owned()),
            };
            Ok((name.to_owned().into(), value))
        });
        Ok(Json::Record(members.collect::<Result<_, String>>()?))
    };
    match text.strip_prefix("rows\n") {
        Some(rows) => {
            let rows = rows.split("\n\n").map(|row| row.trim_start_matches('\n')).filter(|row| !row.is_empty());
            let rows = rows.map(record).collect::<Result<_, String>>()?;
            Ok(Json::Record(vec![("rows".into(), Json::List(rows))]))
        }
        None => record(text.trim_end()),
    }
}

fn part<'s>(header: &'s str, name: &str) -> &'s str {
    header.split(&format!("{name}=\"")).nth(1).unwrap().split('"').next().unwrap()
}

#[tokio::test]
async fn a_hook_signs_each_request_anew() {
    let server = Server::start(|_: &Seen| json(200, r#"{"rows":[]}"#)).await;
    let erp = open("", server.url());
    let mut request = everything("items");
    request.filter = vec![term("sku", Test::Eq, "\"A & B\"")];
    erp.fetch_page(&request).await.unwrap();
    erp.fetch_page(&request).await.unwrap();
    let seen = server.seen();
    let nonces: Vec<&str> = seen.iter().map(|one| part(one.header("authorization").unwrap(), "oauth_nonce")).collect();
    assert!(nonces[0] != nonces[1] && nonces[0].len() == 32, "{nonces:?}");
    for one in &seen {
        let header = one.header("authorization").unwrap();
        let url = format!("{}{}", server.url(), one.target);
        let at = (part(header, "oauth_nonce"), part(header, "oauth_timestamp"));
        let signature = oauth1_signature((&one.method, &url), "ck_1", "hush-hush", at);
        assert_eq!(part(header, "oauth_signature"), percent(&signature), "what is signed is what is sent: {url}");
        assert!(!header.contains("hush-hush"));
    }
}

#[tokio::test]
async fn a_hook_judges_what_no_rule_knows() {
    for (body, class, words) in [
        (r#"{"say":"gone fishing"}"#, Class::Transient, "`status` is 500"),
        (r#"{"say":"never heard of it"}"#, Class::Permanent, "`status` is 500"),
        (r#"{"say":"something else"}"#, Class::Ambiguous, "`status` is 500"),
        (r#"{"say":"break down"}"#, Class::Halt, "the hook `words` broke down: a fault of this program"),
    ] {
        let server = Server::start(move |_: &Seen| json(500, body)).await;
        let failure = open("", server.url()).send(&write("items", Deed::Create, r#"{"sku":"A"}"#)).await.unwrap_err();
        assert_eq!(failure.class, class, "{body}: {failure}");
        assert!(failure.message.contains(words), "{body}: {failure}");
    }
}

#[tokio::test]
async fn a_pair_of_hooks_writes_and_reads_records_as_no_codec_does() {
    let codec = "codec: { kind: hook, hook: lines }\n";
    let plan = plan(codec);
    let config = DerivedConfig { hooks: HOOKS, ..DerivedConfig::default() };
    let played = Derived::start(Schema::of_plan(&plan), plan.manifest, config).await.unwrap();
    let mut settings = settings(played.url());
    settings.credentials = played.credentials().into_iter().map(|(name, value)| (name, value.into())).collect();
    let erp = Connectors::open(&plan, settings).unwrap();
    for (number, label) in ["Bolt", "Nut", "Wheel"].into_iter().enumerate() {
        let record = format!(r#"{{"sku":"S-{number}","label":"{label}"}}"#);
        let made = erp.send(&write("items", Deed::Create, &record)).await.unwrap();
        assert_eq!(made.key, [(number + 1).to_string()]);
    }
    let mut request = everything("items");
    let mut read = Vec::new();
    loop {
        let page = erp.fetch_page(&request).await.unwrap();
        read.extend(page.rows.into_iter().map(|row| row.record));
        request.cursor = page.next;
        if request.cursor.is_none() {
            break;
        }
    }
    let expected = [(1, "Bolt"), (2, "Nut"), (3, "Wheel")]
        .map(|(id, label)| format!(r#"{{"sku":"S-{}","label":"{label}","id":{id}}}"#, id - 1));
    assert_eq!(read, expected);
    let unreadable = Server::start(|_: &Seen| json(200, "rows\n\nno line\n")).await;
    let failure = open(codec, unreadable.url()).fetch_page(&everything("items")).await.unwrap_err();
    assert_eq!(failure.class, Class::Transient);
    assert!(failure.message.contains("`no line` is no line of a record"), "{failure}");
    played.stop().await;
}

#[tokio::test]
async fn a_hook_that_the_program_does_not_give_is_told_before_anything_is_sent() {
    let settings = ConnectionSettings { hooks: &HOOKS[..1], ..settings("http://127.0.0.1:1".to_owned()) };
    let faults = Connectors::open(&plan(""), settings).err().unwrap();
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(
        faults[0].starts_with("erp: the manifest of letters: `hooks.classify` (line 9) names the hook `words`"),
        "{faults:?}"
    );
}
