//! Spans of a record's way from its source to its targets, for whoever exports them.
//!
//! In: what happens to a record. Out: spans of the target [`TARGET`], all of one change of a record under one trace id that
//! follows from its capture key, whichever process works on it and when. INVARIANT: no value of a record is in them: a key
//! is, unless the catalogue calls its field personal; of a fault its class alone.

use mapwright_values::plan::{EntityPlan, FieldPlan, FlowPlan, Kind, MappingPlan, Plan};
use tracing::{Span, info_span};

use crate::state::State;
use crate::store::{Fault, Leased, Sent};

/// The target of these spans, by which they are told from all others.
pub const TARGET: &str = "mapwright_engine::trace";

/// A change was kept.
pub(crate) fn captured(flow: &FlowPlan, capture_key: &str) {
    let span = info_span!(
        "capture",
        flow = flow.name,
        record = capture_key,
        system = flow.read.system,
        entity = flow.read.entity
    );
    belongs_to(&span, capture_key);
}

/// A message's turn: the parent of all that happens in it.
pub(crate) fn turn(plan: &Plan, leased: &Leased, flow: &FlowPlan) -> Span {
    let span = info_span!(
        "message",
        otel.name = "deliver",
        id = leased.id.0,
        trace = %leased.capture_key,
        flow = flow.name,
        write = leased.write,
        generation = leased.generation,
        source = shown(plan, (flow.read.system, flow.read.entity), flow.read.key, &leased.source_key),
    );
    belongs_to(&span, &leased.capture_key);
    span
}

/// The mapping runs.
pub(crate) fn map(turn: &Span, mapping: &MappingPlan) -> Span {
    info_span!(parent: turn, "map", mapping = mapping.name, version = mapping.version)
}

/// A request goes out.
pub(crate) fn send(turn: &Span, mapping: &MappingPlan, sent: &Sent, attempt: u32) -> Span {
    let deed = sent.deed.word();
    info_span!(parent: turn, "send", otel.kind = "client", system = mapping.system, entity = mapping.entity, deed, attempt)
}

/// The target is asked whether an effect is there.
pub(crate) fn probe(turn: &Span, mapping: &MappingPlan) -> Span {
    info_span!(parent: turn, "probe", otel.kind = "client", system = mapping.system, entity = mapping.entity)
}

/// How a turn ended: a span that is named for the state.
pub(crate) fn concluded(turn: &Span, state: State, fault: Option<&Fault>, target: Option<&str>) {
    let name = state.name().to_ascii_lowercase();
    let failed = match state {
        State::Dead | State::ParkedAmbiguous => Some("ERROR"),
        State::Queued | State::Leased | State::Intent | State::Ambiguous | State::RetryWait | State::Waiting(_) => None,
        State::Done | State::Noop | State::Superseded | State::Skipped | State::Discarded => None,
    };
    let class = fault.map(|fault| fault.class.as_str());
    drop(info_span!(parent: turn, "conclude", otel.name = name, otel.status_code = failed, class, target));
}

/// A key as it may be shown: not where its field is personal.
pub(crate) fn shown<'k>(plan: &Plan, (system, entity): (&str, &str), fields: &[&str], key: &'k str) -> Option<&'k str> {
    let known = plan.system(system).and_then(|system| system.entity(entity));
    let personal = known.is_some_and(|entity| fields.iter().any(|path| is_personal(entity, path)));
    (!personal).then_some(key)
}

/// Is a field, or one that it lies in, personal?
fn is_personal(entity: &EntityPlan, path: &str) -> bool {
    let mut fields: &[FieldPlan] = entity.fields;
    for step in path.split('.') {
        let Some(field) = fields.iter().find(|field| field.name == step) else { return false };
        if field.personal {
            return true;
        }
        fields = match field.kind {
            Kind::Record(inner) => inner,
            Kind::List(Kind::Record(inner)) => inner,
            Kind::Text(_) | Kind::Integer | Kind::Decimal(..) | Kind::Boolean(_) | Kind::Date | Kind::Time => &[],
            Kind::DateTime | Kind::Uuid(_) | Kind::Enum(_) | Kind::List(_) | Kind::Json => &[],
        };
    }
    false
}

/// Puts a span under the trace of a record's change.
#[cfg(feature = "otlp")]
fn belongs_to(span: &Span, capture_key: &str) {
    use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
    use sha2::Digest;
    use tracing_opentelemetry::OpenTelemetrySpanExt;

    if span.is_disabled() {
        return;
    }
    let digest = sha2::Sha256::digest(capture_key.as_bytes());
    let (mut trace, mut id) = ([0; 16], [0; 8]);
    trace.iter_mut().chain(&mut id).zip(digest).for_each(|(byte, from)| *byte = from);
    let (trace, id) = (TraceId::from_bytes(trace), SpanId::from_bytes(id));
    let record = SpanContext::new(trace, id, TraceFlags::SAMPLED, true, TraceState::default());
    // Where nobody exports, there is nothing to be put anywhere.
    let _nobody = span.set_parent(opentelemetry::Context::new().with_remote_span_context(record));
}

#[cfg(not(feature = "otlp"))]
const fn belongs_to(_span: &Span, _capture_key: &str) {}

#[cfg(test)]
mod tests {
    use super::*;
    use mapwright_values::plan::SystemPlan;

    #[test]
    fn a_key_is_shown_unless_its_field_is_personal() {
        const fn field(name: &'static str, kind: Kind, personal: bool) -> FieldPlan {
            FieldPlan {
                name,
                kind,
                optional: false,
                required: false,
                read_only: false,
                create_only: false,
                refers_to: None,
                personal,
                as_text: false,
            }
        }
        const INNER: &[FieldPlan] = &[field("city", Kind::Text(None), false)];
        const FIELDS: &[FieldPlan] = &[
            field("number", Kind::Text(None), false),
            field("email", Kind::Text(None), true),
            field("address", Kind::Record(INNER), true),
        ];
        const ENTITIES: &[EntityPlan] =
            &[EntityPlan { name: "customer", action: false, key: &["number"], natural_keys: &[], fields: FIELDS }];
        const SYSTEMS: &[SystemPlan] = &[SystemPlan { alias: "shop", name: "shop", manifest: "", entities: ENTITIES }];
        let plan = Plan { name: "p", systems: SYSTEMS, settings: &[], mappings: &[], flows: &[] };
        let shown = |path| shown(&plan, ("shop", "customer"), &[path], "k");
        assert_eq!((shown("number"), shown("email"), shown("address.city")), (Some("k"), None, None));
    }
}
