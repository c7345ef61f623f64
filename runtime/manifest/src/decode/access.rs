//! Log-ins, limits and locks from YAML.

use std::time::Duration;

use super::fields::{Decoder, Fields};
use crate::model::{Auth, Cost, Jwt, JwtAlgorithm, Lifetime, Limits, Lock, LogIn, Send};
use crate::node::{Node, Value};

/// Longest one request may take, where a manifest does not say.
const REQUEST_TIMEOUT_DEFAULT: Duration = Duration::from_secs(60);
/// Largest answer, where a manifest does not say.
const BODY_BYTES_MAX_DEFAULT: usize = 32 * 1024 * 1024;
/// How long a token that we sign holds, where a manifest does not say.
const JWT_LIFE_DEFAULT: Duration = Duration::from_secs(300);

impl Decoder {
    /// The `auth` section.
    pub(crate) fn auth(&mut self, node: &Node) -> Auth {
        self.secrets_allowed = true;
        let auth = self.auth_section(node);
        self.secrets_allowed = false;
        auth.unwrap_or(Auth::None)
    }

    fn auth_section(&mut self, node: &Node) -> Option<Auth> {
        let mut fields = self.fields(node, "`auth`")?;
        let Some(kind_node) = fields.get("kind") else {
            self.faults.add(node.at, "`auth` does not say its `kind`");
            return None;
        };
        let kinds = ["none", "basic", "bearer", "api_key", "oauth2", "session", "jwt"];
        let kind = self.word(kind_node, "`auth.kind`", &kinds)?;
        let auth = match kind.as_str() {
            "basic" => {
                let user = fields.get("user").and_then(|node| self.template(node, "`user`"));
                let password = fields.get("password").and_then(|node| self.template(node, "`password`"));
                let over = fields.get("over").and_then(|node| self.word(node, "`over`", &["https", "any"]));
                match (user, password) {
                    (Some(user), Some(password)) => {
                        Some(Auth::Basic { user, password, https_only: over.as_deref() == Some("https") })
                    }
                    (_, _) => {
                        self.faults.add(node.at, "`basic` needs `user` and `password`");
                        None
                    }
                }
            }
            "bearer" | "api_key" => self.token(&mut fields, &kind),
            "oauth2" | "session" | "jwt" => self.log_in(node, &mut fields, &kind),
            _ => Some(Auth::None),
        };
        fields.finish(self, &[]);
        auth
    }

    fn token(&mut self, fields: &mut Fields<'_>, kind: &str) -> Option<Auth> {
        let token = fields.get("token");
        let send = fields.get("send");
        match (send, token) {
            (Some(node), _) => Some(Auth::Token(self.send(node))),
            (None, Some(token)) if kind == "bearer" => {
                let text = self.text(token, "`token`")?;
                let value = self.template_of(&format!("Bearer {text}"), token.at)?;
                Some(Auth::Token(Send { headers: vec![("Authorization".to_owned(), value)], ..Send::default() }))
            }
            (None, _) => {
                self.faults.add(fields.at, format!("`{kind}` does not say what to `send`"));
                None
            }
        }
    }

    fn log_in(&mut self, node: &Node, fields: &mut Fields<'_>, kind: &str) -> Option<Auth> {
        // The request's own keys are read as an operation, so that bodies and headers mean the same everywhere.
        let own =
            ["request", "body", "form", "headers", "success", "let", "call", "with", "args", "document", "variables"];
        for key in own {
            fields.get(key);
        }
        let request: Vec<_> = match &node.value {
            Value::Map(entries) => entries.iter().filter(|entry| own.contains(&entry.key.as_str())).cloned().collect(),
            Value::Null | Value::Boolean(_) | Value::Number(_) | Value::Text(_) | Value::List(_) => Vec::new(),
        };
        let asks = request.iter().any(|entry| matches!(entry.key.as_str(), "request" | "call" | "document"));
        let operation = if asks || kind != "jwt" {
            self.operation(&Node { at: node.at, value: Value::Map(request) }, "`auth`")
        } else {
            None
        };
        self.secrets_allowed = true;
        let jwt = if kind == "jwt" { self.jwt(node, fields) } else { None };
        let keep: Vec<_> = match fields.get("keep") {
            Some(keep) => self
                .entries(keep, "`keep`")
                .unwrap_or_default()
                .iter()
                .map(|entry| (entry.key.clone(), self.selectors(&entry.node, "`keep`")))
                .collect(),
            None => Vec::new(),
        };
        let first = fields.get("first").map(|node| self.named_templates(node, "`first`")).unwrap_or_default();
        let durable = fields.get("durable").map(|node| self.texts(node, "`durable`")).unwrap_or_default();
        for (name, at) in &durable {
            if !keep.iter().any(|(known, _)| known == name) {
                let help = crate::fault::did_you_mean(name, keep.iter().map(|(known, _)| known.as_str()));
                self.faults.add_with_help(*at, format!("`durable` names `{name}`, which is not kept"), help);
            }
        }
        let (lifetime, early) = fields.get("expires").map(|node| self.expires(node)).unwrap_or_default();
        let names = keep.iter().map(|(name, _)| name).chain(first.iter().map(|(name, _)| name)).cloned();
        self.kept = Some(names.chain(jwt.is_some().then(|| "jwt".to_owned())).collect());
        let send = fields.get("send").map(|node| self.send(node)).unwrap_or_default();
        let pool_node = fields.get("pool");
        let pool = pool_node.and_then(|node| self.number(node, "`pool`")).unwrap_or(1);
        if let (Some(node), true) = (pool_node, pool > 1 && !durable.is_empty()) {
            self.faults.add_with_help(
                node.at,
                "a value that rotates belongs to one session, so there cannot be several",
                "take `pool` out, or `durable`",
            );
        }
        let logout = fields.get("logout").and_then(|node| {
            let text = self.text(node, "`logout`")?;
            self.request(&text, node.at)
        });
        Some(Auth::LogIn(Box::new(LogIn {
            oauth2: kind == "oauth2",
            operation,
            jwt,
            first,
            durable: durable.into_iter().map(|(name, _)| name).collect(),
            pool: usize::try_from(pool).unwrap_or(1).max(1),
            keep,
            lifetime,
            early,
            send,
            logout,
        })))
    }

    fn jwt(&mut self, node: &Node, fields: &mut Fields<'_>) -> Option<Jwt> {
        let algorithm = fields.get("algorithm").and_then(|node| self.word(node, "`algorithm`", &["HS256", "RS256"]));
        let key = fields.get("key").and_then(|node| self.template(node, "`key`"));
        let claims = fields.get("claims").and_then(|node| self.tree(node));
        let life = fields.get("life").and_then(|node| self.duration(node, "`life`")).unwrap_or(JWT_LIFE_DEFAULT);
        match (algorithm, key, claims) {
            (Some(algorithm), Some(key), Some(claims)) => Some(Jwt {
                algorithm: if algorithm == "HS256" { JwtAlgorithm::Hs256 } else { JwtAlgorithm::Rs256 },
                key,
                claims,
                life,
            }),
            (_, _, _) => {
                self.faults.add(node.at, "`jwt` needs `algorithm`, `key` and `claims`");
                None
            }
        }
    }

    fn expires(&mut self, node: &Node) -> (Option<Lifetime>, Option<Duration>) {
        let Some(mut fields) = self.fields(node, "`expires`") else { return (None, None) };
        let seconds = fields.get("seconds").map(|node| Lifetime::Seconds(self.selectors(node, "`seconds`")));
        let idle = fields.get("idle_minutes").map(|node| match node.leaf().and_then(|text| text.parse().ok()) {
            Some(minutes) => Lifetime::IdleMinutes(minutes),
            None => Lifetime::IdleMinutesOf(self.selectors(node, "`idle_minutes`")),
        });
        let after = fields.get("after").and_then(|node| self.duration(node, "`after`")).map(Lifetime::After);
        let early = fields.get("early").and_then(|node| self.duration(node, "`early`"));
        fields.finish(self, &[]);
        (seconds.or(idle).or(after), early)
    }

    fn send(&mut self, node: &Node) -> Send {
        let Some(mut fields) = self.fields(node, "`send`") else { return Send::default() };
        let send = Send {
            headers: fields.get("headers").map(|node| self.named_templates(node, "`headers`")).unwrap_or_default(),
            query: fields.get("query").map(|node| self.named_templates(node, "`query`")).unwrap_or_default(),
            cookies: fields.get("cookies").map(|node| self.named_templates(node, "`cookies`")).unwrap_or_default(),
        };
        fields.finish(self, &[]);
        send
    }

    pub(crate) fn limits(&mut self, node: Option<&Node>) -> Limits {
        let mut limits = Limits {
            parallel: 4,
            request_timeout: REQUEST_TIMEOUT_DEFAULT,
            body_bytes_max: BODY_BYTES_MAX_DEFAULT,
            rate: None,
            cost: None,
        };
        let Some(mut fields) = node.and_then(|node| self.fields(node, "`limits`")) else { return limits };
        if let Some(parallel) = fields.get("parallel").and_then(|node| self.number(node, "`parallel`")) {
            limits.parallel = usize::try_from(parallel).unwrap_or(1).max(1);
        }
        if let Some(timeout) = fields.get("request_timeout").and_then(|node| self.duration(node, "`request_timeout`")) {
            limits.request_timeout = timeout;
        }
        if let Some(bytes) = fields.get("body_max").and_then(|node| self.bytes(node, "`body_max`")) {
            limits.body_bytes_max = bytes;
        }
        limits.rate = fields.get("rate").and_then(|node| self.rate(node));
        limits.cost = fields.get("cost").and_then(|node| self.cost(node));
        fields.finish(self, &[]);
        limits
    }

    fn cost(&mut self, node: &Node) -> Option<Cost> {
        let mut fields = self.fields(node, "`cost`")?;
        let mut selectors = |decoder: &mut Self, key: &'static str| {
            fields.get(key).map(|node| decoder.selectors(node, key)).unwrap_or_default()
        };
        let requested = selectors(self, "requested");
        let available = selectors(self, "available");
        let restore_per_second = selectors(self, "restore_per_second");
        fields.finish(self, &[]);
        if requested.is_empty() || available.is_empty() || restore_per_second.is_empty() {
            self.faults.add(node.at, "`cost` needs `requested`, `available` and `restore_per_second`");
            return None;
        }
        Some(Cost { requested, available, restore_per_second })
    }

    pub(crate) fn lock(&mut self, node: &Node) -> Option<Lock> {
        let mut fields = self.fields(node, "`lock`")?;
        let kind = fields.get("kind").and_then(|node| self.word(node, "`lock.kind`", &["etag", "field", "none"]));
        let from = fields.get("from").map(|node| self.selectors(node, "`from`")).unwrap_or_default();
        let send = fields.get("send").and_then(|node| self.text(node, "`send`"));
        let field = fields.get("field").and_then(|node| self.text(node, "`field`"));
        let compare = fields.get("compare").and_then(|node| self.text(node, "`compare`"));
        let optional = fields.get("optional").is_some_and(|node| self.boolean(node, "`optional`"));
        fields.finish(self, &[]);
        match kind.as_deref() {
            Some("etag") if from.is_empty() => {
                self.faults.add(node.at, "this lock does not say `from` where the tag is read");
                None
            }
            Some("etag") => Some(Lock::Etag { from, send: send.unwrap_or_else(|| "If-Match".to_owned()), optional }),
            Some("field") => {
                if field.is_none() {
                    self.faults.add(node.at, "this lock does not say which `field`");
                }
                field.map(Lock::Field)
            }
            Some(_) => Some(Lock::None { compare }),
            None => None,
        }
    }
}
