//! A connector manifest as far as an OpenAPI description tells it: address, log-in, operations, pages, conditions, errors.
//!
//! In: the description, and which of its schemas are definitions of the draft. Out: YAML for a person to go through; what is
//! a guess says so. What no description tells (how changes are told, what a second sending does) is left to that person.

use indexmap::{IndexMap, IndexSet};

use crate::draft::folded;
use crate::node::Node;
use crate::openapi::{answers, last_parameter, record, requests};
use crate::schema::Schemas;

/// Names of query parameters that number pages, and of those that say how many records a page has.
const PAGES: [&str; 4] = ["page", "pagenumber", "pageno", "pageindex"];
const OFFSETS: [&str; 5] = ["offset", "skip", "start", "startindex", "$skip"];
const SIZES: [&str; 11] =
    ["limit", "perpage", "pagesize", "size", "count", "top", "$top", "itemsperpage", "rows", "take", "maxresults"];
/// Fields of an error answer.
const CODES: [&str; 4] = ["code", "errorcode", "type", "error"];
const MESSAGES: [&str; 5] = ["message", "detail", "errordescription", "description", "title"];

/// What a description tells of a connection.
#[derive(Debug, Default)]
pub(crate) struct Connection {
    /// Behind the deployment's address.
    base: String,
    /// Variables of the address, with their defaults.
    variables: Vec<(String, String)>,
    log_in: LogIn,
    /// By the key of the definition.
    entities: IndexMap<String, Vec<Call>>,
    code: Option<String>,
    message: Option<String>,
}

#[derive(Debug, Default)]
struct LogIn {
    secrets: Vec<&'static str>,
    lines: Vec<String>,
}

/// An operation of an entity.
#[derive(Debug)]
struct Call {
    word: &'static str,
    method: &'static str,
    path: String,
    /// Where its record or records are in the answer.
    selector: Option<String>,
    statuses: Vec<String>,
    query: Vec<String>,
}

/// Reads what a description tells.
pub(crate) fn read(schemas: &Schemas<'_>, root: &Node) -> Connection {
    let mut connection = Connection { log_in: log_in(root), ..Connection::default() };
    address(root, &mut connection);
    for (path, item) in root.get("paths").and_then(Node::map).into_iter().flatten() {
        let at = format!("/paths/{}", path.replace('~', "~0").replace('/', "~1"));
        let leads_to_one = last_parameter(path).is_some();
        // Beneath a parent: that needs a key of several parts, which no description tells.
        if path.matches('{').count() > usize::from(leads_to_one) {
            continue;
        }
        let mut of_path: Option<String> = None;
        for (method, http) in
            [("get", "GET"), ("post", "POST"), ("patch", "PATCH"), ("put", "PUT"), ("delete", "DELETE")]
        {
            let Some(operation) = item.get(method) else { continue };
            let call = format!("{at}/{method}");
            let answered = answers(root, &call).iter().find_map(|schema| record(schemas, schema));
            let taken = requests(root, &call).iter().find_map(|schema| record(schemas, schema));
            let word = match (method, leads_to_one, answered.as_ref().is_some_and(|found| found.listed)) {
                ("get", false, true) => "list",
                ("get", true, false) => "get",
                ("post", false, _) => "create",
                ("patch" | "put", true, _) => "update",
                ("delete", true, _) => "delete",
                (_, _, _) => continue,
            };
            let found = if matches!(word, "create" | "update") { taken.as_ref() } else { answered.as_ref() };
            let owner = found.map(|found| schemas.key(&found.pointer)).or_else(|| of_path.clone());
            let Some(owner) = owner else { continue };
            of_path = of_path.or_else(|| Some(owner.clone()));
            let calls = connection.entities.entry(owner).or_default();
            if calls.iter().any(|known| known.word == word) {
                continue;
            }
            let good = operation.get("responses").and_then(Node::map).into_iter().flatten();
            let statuses = good.map(|(status, _)| status.clone()).filter(|status| {
                status.len() == 3 && status.starts_with('2') && status.bytes().all(|digit| digit.is_ascii_digit())
            });
            let query = [Some(item), Some(operation)].into_iter().flatten().flat_map(|node| parameters(root, node));
            calls.push(Call {
                word,
                method: http,
                path: path.clone(),
                selector: answered.map(|found| found.selector),
                statuses: statuses.collect(),
                query: query.collect(),
            });
        }
    }
    errors(root, schemas, &mut connection);
    connection
}

/// Names of the query parameters beside a path or an operation.
fn parameters<'n>(root: &'n Node, node: &'n Node) -> Vec<String> {
    let listed = node.get("parameters").map(Node::list).unwrap_or_default().iter();
    let followed = listed.filter_map(|parameter| match parameter.text_of("$ref") {
        Some(reference) => root.pointer(reference.strip_prefix('#')?),
        None => Some(parameter),
    });
    followed
        .filter(|parameter| parameter.text_of("in") == Some("query"))
        .filter_map(|parameter| parameter.text_of("name"))
        .map(str::to_owned)
        .collect()
}

/// The path of the first server; the host is the deployment's.
fn address(root: &Node, connection: &mut Connection) {
    let server = root.get("servers").map(Node::list).unwrap_or_default().first();
    let url = server.and_then(|server| server.text_of("url")).or_else(|| root.text_of("basePath")).unwrap_or_default();
    let path = match url.split_once("://") {
        Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default(),
        None => url,
    };
    path.trim_end_matches('/').clone_into(&mut connection.base);
    for (name, variable) in server.and_then(|server| server.get("variables")).and_then(Node::map).into_iter().flatten()
    {
        if connection.base.contains(&format!("{{{name}}}")) {
            connection.variables.push((name.clone(), variable.text_of("default").unwrap_or_default().to_owned()));
        }
    }
}

fn log_in(root: &Node) -> LogIn {
    let schemes = root.pointer("/components/securitySchemes").or_else(|| root.get("securityDefinitions"));
    let schemes = schemes.and_then(Node::map);
    let asked = root.get("security").map(Node::list).unwrap_or_default().iter().filter_map(Node::map);
    let asked: Vec<&String> = asked.flat_map(|one| one.keys()).collect();
    let known = |name: &&String| schemes.is_some_and(|schemes| schemes.contains_key(*name));
    let first = asked.into_iter().find(known).or_else(|| schemes.and_then(|schemes| schemes.keys().next()));
    let Some((name, scheme)) = first.and_then(|name| Some((name, schemes?.get(name)?))) else {
        return LogIn {
            secrets: Vec::new(),
            lines: vec!["auth: { kind: none }   # the description tells of no log-in".to_owned()],
        };
    };
    let kind = scheme.text_of("type").unwrap_or_default();
    let way = scheme.text_of("scheme").unwrap_or_default().to_ascii_lowercase();
    match (kind, way.as_str()) {
        ("http", "basic") | ("basic", _) => LogIn {
            secrets: vec!["user", "password"],
            lines: vec![
                "auth: { kind: basic, user: \"{secret.user}\", password: \"{secret.password}\", over: https }"
                    .to_owned(),
            ],
        },
        ("http", "bearer") => LogIn {
            secrets: vec!["token"],
            lines: vec!["auth: { kind: bearer, token: \"{secret.token}\" }".to_owned()],
        },
        ("apiKey", _) => {
            let place = match scheme.text_of("in") {
                Some("query") => "query",
                Some("cookie") => "cookies",
                _ => "headers",
            };
            let header = quoted(scheme.text_of("name").unwrap_or("Authorization"));
            let send = format!("auth: {{ kind: api_key, send: {{ {place}: {{ {header}: \"{{secret.key}}\" }} }} }}");
            LogIn { secrets: vec!["key"], lines: vec![send] }
        }
        ("oauth2", _) => oauth2(name, scheme),
        (_, _) => unknown(name),
    }
}

fn oauth2(name: &str, scheme: &Node) -> LogIn {
    let flow = scheme.pointer("/flows/clientCredentials");
    let flow = flow.or_else(|| Some(scheme).filter(|scheme| scheme.text_of("flow") == Some("application")));
    let Some(address) = flow.and_then(|flow| flow.text_of("tokenUrl")) else { return unknown(name) };
    if !(address.starts_with('/') || address.starts_with("https://")) {
        return unknown(name);
    }
    let lines = [
        "auth:",
        "  kind: oauth2",
        &format!("  request: {}", quoted(&format!("POST {}", literal(address)))),
        "  form: { grant_type: client_credentials, client_id: \"{secret.client_id}\", client_secret: \"{secret.client_secret}\" }",
        "  keep: { token: body.access_token }",
        "  expires: { seconds: body.expires_in }",
        "  send: { headers: { Authorization: \"Bearer {session.token}\" } }",
    ];
    LogIn { secrets: vec!["client_id", "client_secret"], lines: lines.map(str::to_owned).to_vec() }
}

/// A log-in that a manifest says otherwise.
fn unknown(name: &str) -> LogIn {
    let line = format!("auth: {{ kind: none }}   # look: the description's log-in is {}", quoted(name));
    LogIn { secrets: Vec::new(), lines: vec![line] }
}

/// Code and message of the first error answer that has a schema.
fn errors(root: &Node, schemas: &Schemas<'_>, connection: &mut Connection) {
    let paths = root.get("paths").and_then(Node::map).into_iter().flatten();
    for (path, item) in paths {
        for method in item.map().into_iter().flatten().map(|(method, _)| method) {
            let call = format!("/paths/{}/{method}", path.replace('~', "~0").replace('/', "~1"));
            for schema in crate::openapi::refusals(root, &call) {
                let Some((pointer, _)) = schemas.followed(&schema) else { continue };
                let (code, message) = spelled(schemas, &pointer, "body", 0);
                connection.code = connection.code.take().or(code);
                connection.message = connection.message.take().or(message);
                if connection.message.is_some() {
                    return;
                }
            }
        }
    }
}

/// Where a code and a message stand in an error's schema, or in the record within it.
fn spelled(schemas: &Schemas<'_>, pointer: &str, at: &str, depth: usize) -> (Option<String>, Option<String>) {
    let Some((pointer, node)) = schemas.followed(pointer) else { return (None, None) };
    let Some(fields) = node.get("properties").and_then(Node::map) else { return (None, None) };
    let leaf = |name: &str| {
        let found = schemas.followed(&format!("{pointer}/properties/{}", escaped(name)));
        found.is_some_and(|(_, node)| node.get("properties").is_none() && node.get("items").is_none())
    };
    let named = |words: &[&str]| {
        let found = words.iter().find_map(|word| fields.keys().find(|name| folded(name) == *word && leaf(name)));
        found.map(|name| format!("{at}{}", step(name)))
    };
    let (code, message) = (named(&CODES), named(&MESSAGES));
    if message.is_some() || depth > 1 {
        return (code, message);
    }
    let within = fields.keys().map(|name| {
        let inner = format!("{pointer}/properties/{}", escaped(name));
        spelled(schemas, &inner, &format!("{at}{}", step(name)), depth + 1)
    });
    within.into_iter().find(|(_, message)| message.is_some()).unwrap_or((code, None))
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// One step of a selector.
pub(crate) fn step(name: &str) -> String {
    let plain = name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_') && !name.is_empty();
    if plain { format!(".{name}") } else { format!("[{}]", quoted(name)) }
}

/// A text in quotes, which YAML takes as JSON does.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A text without slots.
fn literal(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}")
}

/// An entity that is drafted: its key in the draft, its name and its fields.
pub(crate) struct Drafted<'c> {
    pub(crate) key: &'c str,
    pub(crate) name: &'c str,
    pub(crate) fields: Vec<&'c str>,
}

/// The manifest of the drafted entities.
pub(crate) fn written(
    connection: &Connection,
    system: &str,
    title: &str,
    files: &str,
    drafted: &[Drafted<'_>],
) -> String {
    let calls = |entity: &Drafted<'_>| connection.entities.get(entity.key).map_or(&[][..], Vec::as_slice);
    let listed: IndexSet<&str> = drafted
        .iter()
        .flat_map(calls)
        .filter(|call| call.word == "list")
        .flat_map(|call| call.query.iter().map(String::as_str))
        .collect();
    let first = |words: &[&str]| {
        listed.iter().copied().find(|name| words.contains(&folded(name).as_str()) || words.contains(name))
    };
    let (page, offset, size) = (first(&PAGES), first(&OFFSETS), first(&SIZES));
    let mut text = format!(
        "# Drafted by `mapwright import` from {files}. What the description does not tell is marked with `look`:\n\
         # the book's chapter on connectors says what to look for.\n\
         manifest: 1\nsystem: {system}\ntitle: {}\ndriver: rest\n",
        quoted(title)
    );
    let mut base = connection.base.clone();
    for (name, _) in &connection.variables {
        base = base.replace(&format!("{{{name}}}"), &format!("{{config.{name}}}"));
    }
    if connection.variables.is_empty() {
        base = literal(&base);
    }
    text.push_str(&format!("base: {}\n", quoted(&format!("{{config.url}}{base}"))));
    let sized = size.filter(|_| page.is_some() || offset.is_some());
    let mut config: Vec<String> = connection
        .variables
        .iter()
        .map(|(name, default)| format!("  {name}: {{ default: {}, about: \"of the address\" }}\n", quoted(default)))
        .collect();
    config.extend(sized.map(|_| "  page_size: { default: 50, about: \"records a page\" }\n".to_owned()));
    if !config.is_empty() {
        text.push_str(&format!("config:\n{}", config.concat()));
    }
    if !connection.log_in.secrets.is_empty() {
        let secrets: Vec<String> = connection.log_in.secrets.iter().map(|name| format!("{name}: required")).collect();
        text.push_str(&format!("secrets: {{ {} }}\n", secrets.join(", ")));
    }
    text.push_str(&format!("{}\n", connection.log_in.lines.join("\n")));
    text.push_str("\n# look: how many requests at once and in a minute, and how long a write may still work after its answer was lost.\n");
    text.push_str("limits: { parallel: 2, request_timeout: 60 s }\nsettle: 2 min\n\n");
    let askable = |entity: &Drafted<'_>| -> Vec<String> {
        let list = calls(entity).iter().find(|call| call.word == "list");
        let query = list.map_or(&[][..], |call| call.query.as_slice());
        query.iter().filter(|name| entity.fields.contains(&name.as_str())).cloned().collect()
    };
    let asked: IndexSet<String> = drafted.iter().flat_map(askable).collect();
    if !asked.is_empty() {
        text.push_str("# look: parameters that are named like fields; say which other comparisons there are (`ge`, `lt`, `in`).\n");
        text.push_str("filters:\n  per_field:\n");
        for name in &asked {
            let place = format!("query.{name}");
            text.push_str(&format!("    {}: {{ eq: {{ {}: \"{{value}}\" }} }}\n", quoted(name), quoted(&place)));
        }
    }
    text.push_str(&paging(page, offset, sized, &listed));
    text.push_str("\nentities:\n");
    let mut check = None;
    for entity in drafted {
        let calls = calls(entity);
        if calls.is_empty() {
            continue;
        }
        let words: Vec<&str> = calls.iter().map(|call| call.word).collect();
        text.push_str(&format!("  {}:\n    can: [{}]\n", entity.name, words.join(", ")));
        let askable: Vec<String> = askable(entity).iter().map(|name| quoted(name)).collect();
        if !askable.is_empty() {
            text.push_str(&format!("    filter_on: [{}]\n", askable.join(", ")));
        }
        text.push_str("    changes: none   # look: which field moves with every change, and can be asked by\n");
        for call in calls {
            text.push_str(&operation(call, words.contains(&"get")));
            if call.word == "list" && check.is_none() {
                check = Some(call.path.clone());
            }
        }
    }
    text.push_str("\nerrors:\n");
    for (name, found) in [("code", &connection.code), ("message", &connection.message)] {
        text.push_str(&match found {
            Some(selector) => format!("  {name}: {}\n", quoted(selector)),
            None => String::new(),
        });
    }
    text.push_str("  rules: []   # look: which codes are of which class; without a rule the status decides\n");
    if let Some(path) = check {
        let request = quoted(&format!("GET {}", literal(&path)));
        text.push_str(&format!(
            "\ncheck: {{ request: {request}, expect: {{ status: 200 }} }}   # look: a cheaper call\n"
        ));
    }
    text
}

fn paging(page: Option<&str>, offset: Option<&str>, size: Option<&str>, listed: &IndexSet<&str>) -> String {
    let into = |number: &str, slot: &str| {
        let mut places = vec![format!("{}: \"{{{slot}}}\"", quoted(&format!("query.{number}")))];
        places.extend(size.map(|size| format!("{}: \"{{page.size}}\"", quoted(&format!("query.{size}")))));
        places.join(", ")
    };
    let size_of = if size.is_some() { ", size: \"{config.page_size}\"" } else { "" };
    match (page, offset, size) {
        (Some(page), _, Some(_)) => format!(
            "# look: does the first page have the number 1?\npaging: {{ kind: page, first: 1, into: {{ {} }}{size_of}, more: full_page }}\n",
            into(page, "page.number")
        ),
        (None, Some(offset), Some(_)) => {
            format!(
                "paging: {{ kind: offset, into: {{ {} }}{size_of}, more: full_page }}\n",
                into(offset, "page.offset")
            )
        }
        (_, _, _) => {
            let names: Vec<&str> = listed.iter().copied().collect();
            let told =
                if names.is_empty() { "no parameter of a list is described".to_owned() } else { names.join(", ") };
            format!("paging: {{ kind: none }}   # look: how does a list go on? ({})\n", told.replace(['\n', '\r'], " "))
        }
    }
}

/// One operation, a line.
fn operation(call: &Call, gettable: bool) -> String {
    let path = match last_parameter(&call.path) {
        Some(name) => {
            let whole = format!("{{{name}}}");
            let (before, after) = call.path.rsplit_once(&whole).unwrap_or((&call.path, ""));
            format!("{}{{key}}{}", literal(before), literal(after))
        }
        None => literal(&call.path),
    };
    let mut parts = vec![format!("request: {}", quoted(&format!("{} {path}", call.method)))];
    let writes = matches!(call.word, "create" | "update");
    if writes {
        parts.push("body: \"{record}\"".to_owned());
    }
    if call.word != "list" && call.word != "get" && !call.statuses.is_empty() {
        parts.push(format!("success: {{ status: [{}] }}", call.statuses.join(", ")));
    }
    let mut look = "";
    match (call.word, &call.selector) {
        ("list", Some(selector)) => parts.push(format!("records: {}", quoted(selector))),
        ("get" | "create", Some(selector)) => parts.push(format!("record: {}", quoted(selector))),
        ("create", None) => {
            parts.push("key: body.id".to_owned());
            look = "   # look: where the answer tells the key, and what a second sending does";
        }
        ("update", _) if call.method == "PUT" && gettable => parts.push("merge: whole".to_owned()),
        (_, _) => {}
    }
    match call.word {
        "create" => parts.push("repeat: unsafe".to_owned()),
        "update" | "delete" => parts.push("repeat: safe".to_owned()),
        _ => {}
    }
    if call.word == "delete" {
        parts.push("gone: { status: [404, 410] }".to_owned());
    }
    if call.word == "create" && look.is_empty() {
        look = "   # look: what a second sending does (`repeat`), and how the first is found (`probe`)";
    }
    format!("    {}: {{ {} }}{look}\n", call.word, parts.join(", "))
}
