//! The lines of a flow, sorted by what they speak of.
//!
//! In: a flow as written. Out: its duties, each kind in its place. What is said twice, contradicts itself or cannot be
//! compiled yet is reported here; what the lines mean is asked later.

use mapwright_syntax::Span;
use mapwright_syntax::tree::{self, DutyKind, Name, Remark, WriteDuty, Zone};

use super::{cron, faults};
use crate::context::{Context, Global};
use crate::faults::{unknown_name, unknown_system};
use crate::ir::{Schedule, Type};

/// How long a transient failure is retried where a flow says nothing.
const RETRY_SECONDS: u64 = 24 * 60 * 60;

/// A `read`.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReadDuty<'p> {
    pub(super) entity: &'p tree::Path,
    pub(super) name: &'p Name,
    pub(super) condition: Option<&'p tree::Expr>,
}

/// An `also read`.
#[derive(Clone, Copy, Debug)]
pub(super) struct AlsoDuty<'p> {
    pub(super) read: ReadDuty<'p>,
    pub(super) key: &'p tree::Expr,
}

/// What a flow says.
#[derive(Debug)]
pub(super) struct Duties<'p> {
    pub(super) schedules: Vec<(Schedule, Span)>,
    pub(super) read: Option<ReadDuty<'p>>,
    pub(super) also: Vec<AlsoDuty<'p>>,
    pub(super) writes: Vec<(&'p WriteDuty, Span)>,
    pub(super) on_delete: Vec<(&'p WriteDuty, Span)>,
    pub(super) after: Vec<&'p Name>,
    pub(super) latest_wins: bool,
    pub(super) retry_up_to_s: u64,
    pub(super) on_failure: Option<String>,
    pub(super) on_silence: Option<(u64, String)>,
    pub(super) owner: Option<String>,
    /// `on conflict ... wins`.
    pub(super) conflict: Option<&'p Name>,
}

/// Sorts the lines of a flow.
pub(super) fn collect<'p>(ctx: &mut Context<'p>, flow: &'p tree::Flow) -> Duties<'p> {
    let mut duties = Duties {
        schedules: Vec::new(),
        read: None,
        also: Vec::new(),
        writes: Vec::new(),
        on_delete: Vec::new(),
        after: Vec::new(),
        latest_wins: false,
        retry_up_to_s: RETRY_SECONDS,
        on_failure: None,
        on_silence: None,
        owner: None,
        conflict: None,
    };
    let mut said: Vec<(&'static str, Span)> = Vec::new();
    for duty in &flow.duties {
        if let Some(what) = single(&duty.kind) {
            match said.iter().find(|(known, _)| *known == what) {
                Some((_, first)) => ctx.report(faults::repeated_duty(what, duty.span, *first)),
                None => said.push((what, duty.span)),
            }
        }
        collect_duty(ctx, &mut duties, &duty.kind, duty.span);
    }
    check_leave(ctx, flow);
    if duties.schedules.is_empty() {
        // A schedule with a fault is told by that fault.
        if !flow.duties.iter().any(|duty| is_schedule(&duty.kind)) {
            ctx.report(faults::missing_duty(&flow.name, "when it runs", "every 5 minutes"));
        }
    } else if !duties.schedules.iter().any(|(schedule, _)| is_timed(schedule)) {
        // Calls get lost, whatever their sender promises: only a reading that comes by itself finds what they told.
        let hook = duties.schedules.iter().find(|(schedule, _)| matches!(schedule, Schedule::Webhook { .. }));
        if let Some((_, span)) = hook {
            ctx.report(faults::webhook_without_poll(*span));
        }
    }
    if duties.read.is_none() {
        ctx.report(faults::missing_duty(&flow.name, "what it reads", "read shop.order as order"));
    }
    if duties.writes.is_empty() {
        ctx.report(faults::missing_duty(&flow.name, "what it writes", "write MAPPING create once by FIELD"));
    }
    duties
}

/// Does it come by the clock?
const fn is_timed(schedule: &Schedule) -> bool {
    match schedule {
        Schedule::Every { .. } | Schedule::Daily { .. } | Schedule::Cron { .. } => true,
        Schedule::OnDemand | Schedule::Webhook { .. } => false,
    }
}

/// `on delete leave` and `on delete write` contradict each other.
fn check_leave(ctx: &mut Context<'_>, flow: &tree::Flow) {
    let leave = flow.duties.iter().find(|duty| matches!(duty.kind, DutyKind::OnDeleteLeave(_)));
    let write = flow.duties.iter().find(|duty| matches!(duty.kind, DutyKind::OnDeleteWrite(_)));
    if let (Some(leave), Some(write)) = (leave, write) {
        let (first, second) = if leave.span.start < write.span.start { (leave, write) } else { (write, leave) };
        ctx.report(faults::repeated_duty("on delete", second.span, first.span));
    }
}

/// Does the line say when the flow runs?
const fn is_schedule(kind: &DutyKind) -> bool {
    match kind {
        DutyKind::Every { .. }
        | DutyKind::Daily { .. }
        | DutyKind::Cron { .. }
        | DutyKind::OnDemand
        | DutyKind::Webhook { .. } => true,
        DutyKind::Read { .. }
        | DutyKind::AlsoRead { .. }
        | DutyKind::Write(_)
        | DutyKind::OnDeleteWrite(_)
        | DutyKind::OnDeleteLeave(_)
        | DutyKind::After(_)
        | DutyKind::LatestWins
        | DutyKind::StrictOrder
        | DutyKind::ConflictWins(_)
        | DutyKind::RetryUpTo(_)
        | DutyKind::OnFailure(_)
        | DutyKind::OnSilence { .. }
        | DutyKind::Remark(_) => false,
    }
}

/// What may be said once; `latest wins` and `strict order` speak of one thing.
const fn single(kind: &DutyKind) -> Option<&'static str> {
    match kind {
        DutyKind::Read { .. } => Some("read"),
        DutyKind::LatestWins | DutyKind::StrictOrder => Some("order"),
        DutyKind::RetryUpTo(_) => Some("retry"),
        DutyKind::OnFailure(_) => Some("on failure"),
        DutyKind::OnSilence { .. } => Some("on silence"),
        DutyKind::ConflictWins(_) => Some("on conflict"),
        DutyKind::OnDeleteLeave(_) => Some("on delete leave"),
        DutyKind::Remark(Remark::Owner { .. }) => Some("owner"),
        DutyKind::Every { .. }
        | DutyKind::Daily { .. }
        | DutyKind::Cron { .. }
        | DutyKind::OnDemand
        | DutyKind::Webhook { .. }
        | DutyKind::AlsoRead { .. }
        | DutyKind::Write(_)
        | DutyKind::OnDeleteWrite(_)
        | DutyKind::After(_)
        | DutyKind::Remark(Remark::Note(_) | Remark::Open(_)) => None,
    }
}

fn collect_duty<'p>(ctx: &mut Context<'p>, duties: &mut Duties<'p>, kind: &'p DutyKind, span: Span) {
    match kind {
        DutyKind::Every { .. }
        | DutyKind::Daily { .. }
        | DutyKind::Cron { .. }
        | DutyKind::OnDemand
        | DutyKind::Webhook { .. } => {
            if let Some(schedule) = schedule(ctx, kind) {
                duties.schedules.push((schedule, span));
            }
        }
        // A second one is told already.
        DutyKind::Read { entity, name, condition } => {
            duties.read.get_or_insert(ReadDuty { entity, name, condition: condition.as_ref() });
        }
        DutyKind::AlsoRead { entity, name, key, condition } => {
            let read = ReadDuty { entity, name, condition: condition.as_ref() };
            duties.also.push(AlsoDuty { read, key });
        }
        DutyKind::Write(write) => duties.writes.push((write, span)),
        DutyKind::OnDeleteWrite(write) => duties.on_delete.push((write, span)),
        // What the flow would do without the line: the reason is what counts, for those who read the spec.
        DutyKind::OnDeleteLeave(_) => {}
        DutyKind::After(names) => duties.after.extend(names),
        DutyKind::LatestWins => duties.latest_wins = true,
        DutyKind::StrictOrder => duties.latest_wins = false,
        DutyKind::ConflictWins(system) => duties.conflict = duties.conflict.or(Some(system)),
        DutyKind::RetryUpTo(time) => duties.retry_up_to_s = time.seconds,
        DutyKind::OnFailure(channel) => duties.on_failure = Some(channel.text.clone()),
        DutyKind::OnSilence { span: time, channel } => duties.on_silence = Some((time.seconds, channel.text.clone())),
        DutyKind::Remark(Remark::Owner { who, .. }) => duties.owner = Some(who.text.clone()),
        DutyKind::Remark(Remark::Note(_) | Remark::Open(_)) => {}
    }
}

/// When a flow runs; `None` where the line says nothing usable.
fn schedule(ctx: &mut Context<'_>, kind: &DutyKind) -> Option<Schedule> {
    match kind {
        DutyKind::Every { span: time, .. } if time.seconds == 0 => {
            ctx.report(faults::malformed_schedule(
                time.span,
                "a flow cannot run every 0 seconds",
                "write `every 1 minute`",
            ));
            None
        }
        DutyKind::Every { span: time, everything } => {
            Some(Schedule::Every { seconds: time.seconds, everything: *everything })
        }
        DutyKind::Daily { at, zone, everything } => {
            let zone = zone_name(ctx, zone);
            let at = full_minute(ctx, &at.text, at.span);
            Some(Schedule::Daily { at: at?, zone: zone?, everything: *everything })
        }
        DutyKind::Cron { expression, zone, everything } => {
            let zone = zone_name(ctx, zone);
            if let Some(fault) = cron::fault(&expression.text) {
                let headline = format!("\"{}\" is no cron expression: {fault}", expression.text);
                let help = "write minute, hour, day, month and weekday: \"30 2 * * MON-FRI\"";
                ctx.report(faults::malformed_schedule(expression.span, &headline, help));
                return None;
            }
            Some(Schedule::Cron { expression: expression.text.clone(), zone: zone?, everything: *everything })
        }
        DutyKind::OnDemand => Some(Schedule::OnDemand),
        DutyKind::Webhook { topic, system } => {
            let Some(index) = ctx.system(&system.text) else {
                let fault = unknown_system(ctx, system);
                ctx.report(fault);
                return None;
            };
            let known = ctx.model.systems.get(index).map(|known| known.name.clone());
            let source = ctx.project.systems.iter().find(|source| Some(&source.name) == known.as_ref());
            // A manifest that cannot be read has its own faults.
            if let Some(manifest) = source.and_then(|source| source.manifest.1.as_ref()) {
                match &manifest.webhooks {
                    None => {
                        ctx.report(faults::no_webhooks(system));
                        return None;
                    }
                    Some(webhooks) if webhooks.knows(&topic.text) => {}
                    Some(webhooks) => {
                        let fault = faults::unknown_topic(topic, system, &webhooks.names());
                        ctx.report(fault);
                    }
                }
            }
            Some(Schedule::Webhook { topic: topic.text.clone(), system: system.text.clone() })
        }
        DutyKind::Read { .. }
        | DutyKind::AlsoRead { .. }
        | DutyKind::Write(_)
        | DutyKind::OnDeleteWrite(_)
        | DutyKind::OnDeleteLeave(_)
        | DutyKind::After(_)
        | DutyKind::LatestWins
        | DutyKind::StrictOrder
        | DutyKind::ConflictWins(_)
        | DutyKind::RetryUpTo(_)
        | DutyKind::OnFailure(_)
        | DutyKind::OnSilence { .. }
        | DutyKind::Remark(_) => None,
    }
}

/// `02:00`; seconds other than none are refused.
fn full_minute(ctx: &mut Context<'_>, at: &str, span: Span) -> Option<String> {
    let mut parts = at.split(':');
    let (hour, minute, second) = (parts.next(), parts.next(), parts.next().unwrap_or("00"));
    let number = |part: Option<&str>| part.and_then(|part| part.parse::<u32>().ok());
    match (number(hour), number(minute), second) {
        (Some(hour @ 0..24), Some(minute @ 0..60), "00") => Some(format!("{hour:02}:{minute:02}")),
        _ => {
            ctx.report(faults::malformed_schedule(
                span,
                "this is no time of day at a full minute",
                "write it like `02:00`",
            ));
            None
        }
    }
}

/// The zone's name, or its setting in braces.
fn zone_name(ctx: &mut Context<'_>, zone: &Zone) -> Option<String> {
    match zone {
        Zone::Text(text) => {
            if mapwright_values::time::zone(&text.text).is_none() {
                let headline = format!("there is no time zone \"{}\"", text.text);
                ctx.report(faults::malformed_schedule(text.span, &headline, "write it like \"Europe/Berlin\""));
                return None;
            }
            Some(text.text.clone())
        }
        Zone::Setting(name) => {
            let Some((Global::Setting(id), _)) = ctx.names.get(&name.text).copied() else {
                let settings: Vec<String> = ctx.model.settings.iter().map(|setting| setting.name.clone()).collect();
                ctx.report(unknown_name(name, settings.iter().map(String::as_str), None));
                return None;
            };
            ctx.used.insert(Global::Setting(id));
            let setting = ctx.model.settings.get(id.0)?;
            if !matches!(setting.ty, Type::Text { .. } | Type::Never) {
                let headline = format!("the setting `{}` is no text, so it cannot name a time zone", name.text);
                ctx.report(faults::malformed_schedule(name.span, &headline, "name a setting of type `text`"));
                return None;
            }
            Some(format!("{{{}}}", name.text))
        }
    }
}
