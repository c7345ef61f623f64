//! `example` lines: what a table or rule is expected to answer. In: the model. Out: a diagnostic for each example that does not hold.

use mapwright_model::ir::{Example, Expected, Model, State};
use mapwright_syntax::{Diagnostic, Files};
use mapwright_values::compare;
use mapwright_values::fault::Stop;
use mapwright_values::run::Run;
use mapwright_values::value::Value;
use mapwright_values::{Input, Json, References, Sources};

use crate::cases::{CAPTURED_AT, DefaultSetting, complete_settings};
use crate::eval::{Eval, Evaluated, Frame, Prepared, is};

/// Every code that this crate reports.
pub const CODES: &[&str] = &[WRONG, UNDECIDED];

/// Another answer than expected.
const WRONG: &str = "E0330";
/// An example whose answer hangs on a reference.
const UNDECIDED: &str = "E0331";

/// Evaluates every `example` line with the settings' defaults.
#[must_use]
pub fn run_examples(model: &Model, files: &Files) -> Vec<Diagnostic> {
    let prepared = Prepared::new(model, files);
    let defaults: Vec<DefaultSetting<'_>> = model
        .settings
        .iter()
        .map(|setting| DefaultSetting { name: &setting.name, default: setting.default.as_deref() })
        .collect();
    let settings = complete_settings(&defaults, &[]).unwrap_or(Json::Record(Vec::new()));
    let references = References::new();
    let Ok(captured_at) = CAPTURED_AT.parse() else { return Vec::new() };
    let input = Input { sources: Sources::Whole(&[]), references: &references, settings: &settings, captured_at };
    let run = Run::new(&input, "");
    let eval = Eval { model, prepared: &prepared, run: &run, watch: None };
    model.examples.iter().filter_map(|example| judge(&eval, example)).collect()
}

fn judge(eval: &Eval<'_, '_>, example: &Example) -> Option<Diagnostic> {
    let frame = Frame::new(&[]);
    let got = eval.expr(&frame, &example.call);
    let wrong = |expected: &str| {
        let headline = format!("this example does not hold: expected {expected}, got {}", said(&got));
        Some(Diagnostic::error(WRONG, example.span, headline).help("change the example, or the table or rule above it"))
    };
    if let Err(Stop::Unresolved(_) | Stop::Wait(_)) = got {
        let headline = "this example needs a record of a system, which no example can give".to_owned();
        let help = "write it as a case in `cases/`, where references are given beside the input";
        return Some(Diagnostic::error(UNDECIDED, example.span, headline).help(help));
    }
    match &example.expected {
        Expected::Rejects if matches!(got, Err(Stop::Failed(_) | Stop::Rejected(_))) => None,
        Expected::Rejects => wrong("a rejection"),
        Expected::State(state) => match &got {
            Ok(value) if is(value.as_ref(), *state) => None,
            Ok(_) | Err(_) => wrong(state_name(*state)),
        },
        Expected::Value(expr) => {
            let expected = eval.expr(&frame, expr);
            match (&expected, &got) {
                (Ok(expected), Ok(got)) if compare::same(expected.as_ref(), got.as_ref()) => None,
                (Ok(_) | Err(_), Ok(_) | Err(_)) => wrong(&said(&expected)),
            }
        }
    }
}

fn state_name(state: State) -> &'static str {
    match state {
        State::Missing => "a missing value",
        State::Present => "a value",
        State::Blank => "a blank value",
        State::Empty => "an empty value",
    }
}

pub(crate) fn said(result: &Evaluated<'_>) -> String {
    match result {
        Ok(None) => "a missing value".to_owned(),
        Ok(Some(value)) => shown(value),
        Err(Stop::Failed(fault)) => format!("a failure: {}", fault.reason),
        Err(Stop::Rejected(reason)) => format!("a rejection: {reason}"),
        Err(Stop::Skipped(reason)) => format!("`skip`: {reason}"),
        Err(Stop::Omit) => "`omit`".to_owned(),
        Err(Stop::Clear) => "`clear`".to_owned(),
        Err(Stop::Wait(_) | Stop::Unresolved(_)) => "a reference".to_owned(),
        Err(Stop::Held) => "a failure".to_owned(),
    }
}

fn shown(value: &Value<'_>) -> String {
    match value {
        Value::Text(text) => Json::text(text.as_ref()).to_text(),
        Value::Record(node) => node.content().to_text(),
        Value::Json(json) => json.to_text(),
        Value::List(elements) => {
            let shown: Vec<String> =
                elements.iter().map(|element| element.as_ref().map_or("missing".to_owned(), shown)).collect();
            format!("[{}]", shown.join(", "))
        }
        Value::Quotient(_) => "an unrounded quotient".to_owned(),
        Value::Money(money) => format!("money({}, \"{}\")", money.amount, money.currency),
        Value::Number(_) | Value::Boolean(_) | Value::Date(_) | Value::Time(_) | Value::Instant(_) | Value::Uuid(_) => {
            compare::show_value(value).unwrap_or_default()
        }
    }
}
