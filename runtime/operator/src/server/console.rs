//! The operator's console: one page with flows, backlog, connections, alerts and dead letters.
//!
//! In: the store's report. Out: HTML without scripts. It shows keys and causes, never a record's values: those are for
//! `dead-letters show`. What decides something is a form with a token that no other site knows.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Form, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use jiff::Timestamp;
use mapwright_engine::clock::SystemClock;
use mapwright_engine::crash::CrashPoint;
use mapwright_engine::dead_letters::DeadLetters;
use mapwright_engine::state::State as MessageState;
use mapwright_engine::status::{DeadLetter, FlowStatus, Status};
use mapwright_engine::store::{MessageId, Selection};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{Shared, now, plain};

/// Dead letters on the page.
const LETTERS_MAX: u32 = 100;

const STYLE: &str = "
body{font:15px/1.45 system-ui,sans-serif;margin:0 auto;max-width:1100px;padding:1.5rem;color:#1c2430;background:#f6f7f9}
h1{font-size:1.4rem;margin:0 0 .2rem}h2{font-size:1.05rem;margin:1.8rem 0 .5rem}
.sub{color:#5b6675;margin:0 0 1rem}table{border-collapse:collapse;width:100%;background:#fff;border:1px solid #dfe3e8}
th,td{text-align:left;padding:.45rem .6rem;border-bottom:1px solid #e8ebef;vertical-align:top}
th{font-weight:600;color:#46505e;background:#fafbfc}.at{white-space:nowrap}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
.good{color:#14713d}.bad{color:#b3261e;font-weight:600}.dim{color:#7a8594}
form.in{display:inline-flex;gap:.3rem;margin:0 .4rem .2rem 0}input{font:inherit;padding:.2rem .4rem;border:1px solid #c5ccd5;border-radius:4px}
input.why{width:9rem}button{font:inherit;padding:.2rem .6rem;border:1px solid #c5ccd5;border-radius:4px;background:#fff;cursor:pointer}
button.go{background:#1f5fbf;border-color:#1f5fbf;color:#fff}.empty{background:#fff;border:1px solid #dfe3e8;padding:.6rem}";

/// Nothing from elsewhere, no scripts, no frames, and nothing kept by caches.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new().route("/", get(show)).route("/login", post(log_in)).route("/dead-letters/{id}/{action}", post(decide))
}

#[derive(serde::Deserialize)]
pub(super) struct LogIn {
    token: String,
}

#[derive(serde::Deserialize)]
pub(super) struct Decision {
    form_token: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    operator: String,
}

async fn show(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    if !shared.guard.lets_in(&headers) {
        return match shared.guard.has_token() {
            true => page(StatusCode::UNAUTHORIZED, "Log in", &log_in_form(None)),
            false => plain(
                StatusCode::FORBIDDEN,
                "without `server.token` this page is for this machine alone: open it under localhost\n".to_owned(),
            ),
        };
    }
    let letters = shared.engine.store().dead_letters(Selection::default(), LETTERS_MAX).await;
    match (shared.engine.status().await, letters) {
        (Ok(status), Ok(letters)) => {
            let body = report(&shared, &status, &letters, now());
            page(StatusCode::OK, &status.project, &body)
        }
        (Err(error), _) => failed(&error),
        (_, Err(error)) => failed(&error),
    }
}

fn failed(error: &dyn std::fmt::Display) -> Response {
    tracing::error!(%error, "the console cannot be shown");
    plain(StatusCode::SERVICE_UNAVAILABLE, "the store does not answer: the log says why\n".to_owned())
}

async fn log_in(State(shared): State<Arc<Shared>>, Form(form): Form<LogIn>) -> Response {
    if !shared.guard.is_token(form.token.trim()) {
        // Guessing is slow for whoever guesses, and for nobody else.
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        return page(StatusCode::UNAUTHORIZED, "Log in", &log_in_form(Some("This is not the token.")));
    }
    let cookie = format!("{}={}; HttpOnly; SameSite=Strict; Path=/", super::auth::COOKIE, shared.guard.cookie());
    ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response()
}

async fn decide(
    State(shared): State<Arc<Shared>>,
    Path((id, action)): Path<(i64, String)>,
    headers: HeaderMap,
    Form(decision): Form<Decision>,
) -> Response {
    if !shared.guard.lets_in(&headers) || !shared.guard.is_form_token(&decision.form_token) {
        return plain(
            StatusCode::FORBIDDEN,
            "this form is not of this page, or of an earlier run: load the page anew\n".to_owned(),
        );
    }
    let operator = match decision.operator.trim() {
        "" => "console".to_owned(),
        name => format!("{name} (console)"),
    };
    let crash = CrashPoint::default();
    let letters = DeadLetters { store: shared.engine.store().as_ref(), clock: &SystemClock, operator, crash: &crash };
    let selection = Selection { ids: vec![MessageId(id)], ..Selection::default() };
    let done = match action.as_str() {
        "retry" => letters.retry(selection, &decision.reason).await,
        "discard" => letters.discard(selection, &decision.reason).await,
        _ => return plain(StatusCode::NOT_FOUND, "no such action\n".to_owned()),
    };
    match done {
        Ok(_) => {
            shared.engine.ring();
            Redirect::to("/#dead-letters").into_response()
        }
        Err(error) => plain(StatusCode::CONFLICT, format!("{error}\n")),
    }
}

fn page(status: StatusCode, title: &str, body: &Markup) -> Response {
    let whole = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " - Mapwright" }
                style { (PreEscaped(STYLE)) }
            }
            body { (body) }
        }
    };
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, headers, whole.into_string()).into_response()
}

fn log_in_form(fault: Option<&str>) -> Markup {
    html! {
        h1 { "Mapwright" }
        @if let Some(fault) = fault { p.bad { (fault) } }
        form.in method="post" action="/login" {
            input type="password" name="token" placeholder="token of the deployment" autofocus required;
            button.go { "Log in" }
        }
    }
}

fn report(shared: &Shared, status: &Status, letters: &[DeadLetter], now: Timestamp) -> Markup {
    html! {
        h1 { (status.project) }
        p.sub { "at " (now.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()) }
        h2 { "Flows" }
        table {
            tr {
                th { "flow" } th { "state" } th.n { "delivered" } th.n { "on its way" } th.n { "waiting" }
                th.n { "need a person" } th { "all done up to" } th { "last error" }
            }
            @for flow in &status.flows { (flow_row(flow)) }
        }
        h2 { "Connections" }
        @let troubled: Vec<_> =
            status.connections.iter().filter(|one| one.halted_since.is_some() || one.open_since.is_some()).collect();
        @if troubled.is_empty() { p.empty { "none is halted, none rests" } } @else {
            table {
                tr { th { "system" } th { "state" } th { "since" } }
                @for connection in troubled {
                    tr {
                        td { (connection.alias) }
                        td.bad { @if connection.halted_since.is_some() { "halted" } @else { "rests after too many failures" } }
                        td { (moment(connection.halted_since.or(connection.open_since))) }
                    }
                }
            }
        }
        @if let Some(fault) = &status.doorbell.fault {
            h2 { "Doorbell" }
            p { span.bad { (status.doorbell.kind) " does not work" } " since " (moment(status.doorbell.down_since)) }
            p { (fault) }
            p.dim { "Nothing is lost: this process looks into the store every 5 seconds instead." }
        }
        h2 { "Alerts" }
        @if status.alerts.is_empty() { p.empty { "none" } } @else {
            table {
                tr { th { "about" } th { "what" } th.n { "times" } th { "since" } th { "newest" } th { "told to" } }
                @for alert in &status.alerts {
                    tr {
                        td { (alert.subject) } td { (alert.message) } td.n { (alert.count) }
                        td { (moment(Some(alert.first_at))) } td { (moment(Some(alert.last_at))) }
                        td {
                            @if alert.channel.is_empty() { span.dim { "nobody" } } @else { (alert.channel) }
                            @if let Some(error) = &alert.channel_error { div.bad { (error) } }
                        }
                    }
                }
            }
        }
        h2 id="dead-letters" { "Records that need a person" }
        @if letters.is_empty() { p.empty { "none" } } @else {
            table {
                tr { th.n { "number" } th { "flow" } th { "record" } th { "cause" } th { "since" } th { "decide" } }
                @for letter in letters { (letter_row(shared, letter)) }
            }
            p.dim { "At most " (LETTERS_MAX) " are shown. `dead-letters show NUMBER` shows a record with its attempts." }
        }
    }
}

fn flow_row(flow: &FlowStatus) -> Markup {
    let sum = |wanted: fn(MessageState) -> bool| -> u64 {
        flow.counts.iter().filter(|count| wanted(count.state)).map(|count| count.messages).sum()
    };
    let waiting = sum(|state| matches!(state, MessageState::Waiting(_)));
    let person = sum(|state| matches!(state, MessageState::Dead | MessageState::ParkedAmbiguous));
    let parked = flow.count(MessageState::ParkedAmbiguous);
    let on_its_way = flow.open().saturating_sub(waiting).saturating_sub(parked);
    html! {
        tr {
            td { (flow.flow) }
            td {
                @if person > 0 { span.bad { "needs a person" } }
                @else if flow.silent_since.is_some() { span.bad { "silent" } }
                @else if flow.last_error.is_some() { span.bad { "cannot read" } }
                @else if flow.last_read_at.is_none() { span.dim { "not read yet" } }
                @else { span.good { "works" } }
            }
            td.n { (flow.count(MessageState::Done)) } td.n { (on_its_way) } td.n { (waiting) } td.n { (person) }
            td { (moment(flow.done_wm)) }
            // The error of a record may hold its values; that of a reading is the connector's own.
            td { @if person == 0 { @if let Some(error) = &flow.last_error { (error) } } @else { span.dim { "see below" } } }
        }
    }
}

fn letter_row(shared: &Shared, letter: &DeadLetter) -> Markup {
    let form = |action: &str, words: &str, required: bool| {
        html! {
            form.in method="post" action={ "/dead-letters/" (letter.id) "/" (action) } {
                input type="hidden" name="form_token" value=(shared.guard.form_token());
                input.why name="reason" placeholder="reason" aria-label={ "reason to " (action) } required[required];
                button.go[action == "retry"] { (words) }
            }
        }
    };
    html! {
        tr {
            td.n { (letter.id) } td { (letter.flow) " / " (letter.write.saturating_add(1)) } td { (letter.source_key) }
            td { (letter.cause) @if letter.state == MessageState::ParkedAmbiguous { div.bad { "parked: look into the target first" } } }
            td { (moment(Some(letter.since))) }
            td { (form("retry", "Retry", false)) (form("discard", "Discard", true)) }
        }
    }
}

fn moment(at: Option<Timestamp>) -> Markup {
    match at {
        Some(at) => html! { span.at { (at.strftime("%Y-%m-%d %H:%M").to_string()) } },
        None => html! { span.dim { "-" } },
    }
}
