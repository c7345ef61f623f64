//! Optimistic locking: the version of a record, read with it and sent with the write that it was read for.
//!
//! In: the manifest's `lock`. Out: versions in answers, what a write adds to its request. It compares nothing: the system
//! does, and refuses a write whose version is no longer the record's.

use mapwright_engine::connector::Guard;
use mapwright_manifest::{At, Lock, Operation, Template, TemplatePart};
use mapwright_values::Json;

use crate::answer::{ReadAnswer, leaf};
use crate::places;

/// How a system's writes are guarded.
pub(crate) const fn guard(lock: &Lock) -> Guard {
    match lock {
        Lock::None { .. } => Guard::None,
        Lock::Etag { optional: true, .. } => Guard::Version,
        Lock::Etag { optional: false, .. } | Lock::Field(_) => Guard::Required,
    }
}

/// The field that holds the version, to be asked for with the record.
pub(crate) fn field(lock: &Lock) -> Option<&str> {
    match lock {
        Lock::Field(field) => Some(field),
        Lock::Etag { .. } | Lock::None { .. } => None,
    }
}

/// The version in an answer, beside the record.
pub(crate) fn tag(lock: &Lock, read: &ReadAnswer<'_>) -> Option<String> {
    match lock {
        Lock::Etag { from, .. } => read.text(from, &Json::Null),
        Lock::Field(_) | Lock::None { .. } => None,
    }
}

/// The version in the record itself.
pub(crate) fn version(lock: &Lock, record: &Json<'_>) -> Option<String> {
    leaf(field(lock)?.split('.').try_fold(record, |value, step| value.get(step))?)
}

/// The header that tells the version, unless the manifest's request has it written out.
pub(crate) fn header(lock: &Lock, operation: &Operation, version: Option<&str>) -> Option<(String, Template)> {
    let (Lock::Etag { send, .. }, Some(version)) = (lock, version) else { return None };
    let written = operation.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(send));
    let template = Template { at: At::default(), parts: vec![TemplatePart::Literal(version.to_owned())] };
    (!written).then(|| (send.clone(), template))
}

/// Puts the version into the record where the system wants it there.
pub(crate) fn put(lock: &Lock, record: &mut Json<'static>, version: Option<&str>) {
    if let (Some(field), Some(version)) = (field(lock), version) {
        let path: Vec<String> = field.split('.').map(str::to_owned).collect();
        places::put(record, &path, Json::text(version.to_owned()));
    }
}
