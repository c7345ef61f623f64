//! The seam to the engine: each question handed to the part that answers it.

use std::time::Duration;

use mapwright_engine::connector::{
    Class, Connector, Current, Failure, Page, PageRequest, Probe, Reading, Reply, Subscribed, Subscribing,
    SubscriptionRequest, WriteRequest, Writing, Written,
};
use mapwright_manifest::{Matcher, Repeat, Verb};
use mapwright_values::{Find, Json};

use crate::classify::Asked;
use crate::connection::{Call, RestConnector};
use crate::lock;
use crate::request::Extras;
use crate::template::plain;

impl Connector for RestConnector {
    fn alias(&self) -> &str {
        &self.alias
    }

    fn reading(&self, entity: &str) -> Reading {
        let changes = self.manifest.changes(entity);
        Reading {
            passes: changes
                .map_or_else(Vec::new, |changes| changes.passes.iter().map(|pass| pass.name().to_owned()).collect()),
            ordered_by_time: changes.is_some_and(|changes| changes.ordered_by_time),
            resolution: changes.map_or(Duration::ZERO, |changes| changes.resolution),
            overlap: changes.map_or(Duration::ZERO, |changes| changes.overlap),
            index_lag: self.manifest.index_lag,
        }
    }

    fn writing(&self, entity: &str) -> Writing {
        let known = self.manifest.entity(entity);
        let action = self.manifest.action(entity);
        let operation_settle = match action {
            Some(action) => action.operation.settle,
            None => known.and_then(|entity| entity.operation(Verb::Create)).and_then(|operation| operation.settle),
        };
        let repeat = match action {
            Some(action) => action.operation.repeat.unwrap_or(Repeat::Unsafe),
            None => self.manifest.create_repeat(entity).repeat,
        };
        // A job is followed to its end within the call.
        let operations = known.map_or(&[][..], |entity| entity.operations.as_slice()).iter().map(|(_, one)| &**one);
        let jobs = operations.chain(action.map(|action| &action.operation)).filter_map(|one| one.job.as_ref());
        let jobs = jobs.map(|job| job.lost_after).max().unwrap_or_default();
        let settle = operation_settle.or_else(|| known.and_then(|entity| entity.settle));
        Writing {
            settle: settle.unwrap_or(self.manifest.settle),
            create_is_keyed: matches!(repeat, Repeat::Safe | Repeat::Keyed),
            probe_by: self.probe_by(entity),
            request_timeout: self.request_timeout.saturating_add(jobs),
            parallel: self.manifest.limits.parallel,
            guard: lock::guard(&self.manifest.lock),
            batching: self.batching(entity),
        }
    }

    fn fetch_page<'a>(&'a self, request: &'a PageRequest) -> Reply<'a, Result<Page, Failure>> {
        Box::pin(self.page(request))
    }

    fn fetch_record<'a>(
        &'a self,
        entity: &'a str,
        key: &'a [String],
        select: &'a [String],
    ) -> Reply<'a, Result<Option<String>, Failure>> {
        Box::pin(async move { Ok(self.record(entity, key, select).await?.map(|record| record.to_text())) })
    }

    fn fetch_current<'a>(
        &'a self,
        entity: &'a str,
        key: &'a [String],
        select: &'a [String],
    ) -> Reply<'a, Result<Option<Current>, Failure>> {
        Box::pin(async move {
            let found = self.versioned(entity, key, select).await?;
            Ok(found.map(|(record, version)| Current { record: record.to_text(), version }))
        })
    }

    fn find<'a>(&'a self, finds: &'a [Find]) -> Reply<'a, Result<Vec<Vec<String>>, Failure>> {
        Box::pin(self.look_ups(finds))
    }

    fn send<'a>(&'a self, write: &'a WriteRequest) -> Reply<'a, Result<Written, Failure>> {
        Box::pin(self.write(write))
    }

    fn send_batch<'a>(
        &'a self,
        writes: &'a [WriteRequest],
    ) -> Reply<'a, Result<Vec<Result<Written, Failure>>, Failure>> {
        Box::pin(self.write_batch(writes))
    }

    fn probe<'a>(&'a self, entity: &'a str, by: &'a [String], record: &'a str) -> Reply<'a, Result<Probe, Failure>> {
        Box::pin(self.look_for(entity, by, record))
    }

    fn probe_existing<'a>(
        &'a self,
        entity: &'a str,
        existing: &'a str,
        record: &'a str,
    ) -> Reply<'a, Result<Option<Probe>, Failure>> {
        Box::pin(self.look_at_existing(entity, existing, record))
    }

    fn subscriptions(&self, topic: &str) -> Vec<String> {
        self.subscription_names(topic)
    }

    fn subscribing(&self) -> Option<Subscribing> {
        self.subscriptions_kept()
    }

    fn look_for_subscription<'a>(
        &'a self,
        request: &'a SubscriptionRequest,
    ) -> Reply<'a, Result<Option<Subscribed>, Failure>> {
        Box::pin(self.looked_for(request))
    }

    fn subscribe<'a>(&'a self, request: &'a SubscriptionRequest) -> Reply<'a, Result<Subscribed, Failure>> {
        Box::pin(self.subscribed(request))
    }

    fn unsubscribe<'a>(&'a self, request: &'a SubscriptionRequest) -> Reply<'a, Result<(), Failure>> {
        Box::pin(self.unsubscribed(request))
    }

    fn check(&self) -> Reply<'_, Result<String, Failure>> {
        Box::pin(self.checked())
    }

    fn close(&self) -> Reply<'_, ()> {
        Box::pin(self.log_out())
    }
}

impl RestConnector {
    /// The fields of the catalogue by which a create can be probed: beginnings (`U_*`) spelled out, and the key that we write
    /// ourselves, by which the record is fetched.
    fn probe_by(&self, entity: &str) -> Vec<String> {
        let catalogued = self.plan(entity).map_or(&[][..], |plan| plan.fields);
        let fetched = self.manifest.entity(entity).is_some_and(|entity| entity.operation(Verb::Get).is_some());
        let written = |name: &str| catalogued.iter().any(|field| field.name == name && !field.read_only);
        let key = self.plan(entity).map_or(&[][..], |plan| plan.key);
        let keyed = self.manifest.create_repeat(entity);
        let keyed = keyed.repeat == Repeat::Keyed && keyed.keyed_by.is_none();
        let key = if fetched && keyed && key.iter().all(|name| written(name)) { key } else { &[] };
        self.manifest
            .probe_fields(entity)
            .into_iter()
            .flat_map(|pattern| match pattern.strip_suffix('*') {
                Some(start) => {
                    let named = catalogued.iter().map(|field| field.name).filter(|name| name.starts_with(start));
                    named.map(str::to_owned).collect()
                }
                None => vec![pattern.to_owned()],
            })
            .chain(key.iter().map(|name| (*name).to_owned()))
            .collect()
    }

    async fn checked(&self) -> Result<String, Failure> {
        let Some(operation) = &self.manifest.check else {
            return Err(self.failure(Class::Halt, format!("the manifest of {} has no `check`", self.manifest.title)));
        };
        let call = Call {
            operation,
            asked: Asked::Check,
            name: "",
            plan: None,
            key: &[],
            roots: Vec::new(),
            extras: Extras::default(),
            personal: &[],
        };
        // The values that the check asserts of the body are what an operator wants to see: the version, mostly.
        self.call(&call, |read| {
            let seen: Vec<String> = operation
                .success
                .iter()
                .filter(|condition| {
                    matches!(condition.matcher, Matcher::AnyOf(_)) && condition.subject.text.starts_with("body.")
                })
                .filter_map(|condition| {
                    let found = read.select(&condition.subject, &Json::Null);
                    found.first().map(|value| format!("{} {}", condition.subject.field_path(), plain(value)))
                })
                .collect();
            let seen = if seen.is_empty() { String::new() } else { format!(" ({})", seen.join(", ")) };
            Ok(format!("{}: {} answers at {}{seen}", self.alias, self.manifest.title, self.base))
        })
        .await
    }
}
