//! Short ways to say what a test does to a store.

use std::time::Duration;

use jiff::Timestamp;
use mapwright_engine::connector::Deed;
use mapwright_engine::state::State;
use mapwright_engine::status::FlowStatus;
use mapwright_engine::store::*;
use mapwright_values::Link;

/// A second of the day on which the tests play.
pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_764_000_000 + second).unwrap()
}

pub(crate) fn policy(flow: &str, latest_wins: bool) -> FlowPolicy {
    FlowPolicy { flow: flow.to_owned(), latest_wins, channel: Some("ops".to_owned()) }
}

pub(crate) async fn begin(store: &dyn Store, owner: &str, latest_wins: bool) {
    let flows = vec![policy("orders", latest_wins), policy("customers", latest_wins)];
    store.begin(Beginning { owner: owner.to_owned(), flows, now: at(0) }).await.unwrap();
}

pub(crate) fn row(key: &str, content: &str, second: i64) -> CaptureRow {
    CaptureRow {
        kind: RowKind::State,
        source_key: key.to_owned(),
        body: format!(r#"{{"id":"{key}","is":"{content}"}}"#),
        hash: format!("hash of {content}"),
        stamp: Some(at(second)),
        fault: None,
    }
}

pub(crate) fn page(rows: Vec<CaptureRow>, second: i64) -> CapturePage {
    CapturePage {
        flow: "orders".to_owned(),
        pass: "changed".to_owned(),
        source: ("shop".to_owned(), "order".to_owned()),
        target: ("erp".to_owned(), "Orders".to_owned()),
        on_gone: None,
        rows,
        filtered: 0,
        position: Position { read_wm: Some(at(second)), window: None },
        now: at(second),
    }
}

pub(crate) async fn capture(store: &dyn Store, rows: Vec<CaptureRow>, second: i64) -> Captured {
    store.capture(page(rows, second)).await.unwrap()
}

pub(crate) fn claim(owner: &str, second: i64) -> LeaseRequest {
    LeaseRequest {
        owner: owner.to_owned(),
        now: at(second),
        due_by: at(second),
        until: at(second + 100),
        limit: 100,
        flows: vec!["orders".to_owned(), "customers".to_owned()],
        deliveries_max: 5,
        canary: None,
    }
}

pub(crate) async fn lease(store: &dyn Store, owner: &str, second: i64) -> Vec<Leased> {
    store.lease(claim(owner, second)).await.unwrap()
}

/// The one message that is due.
pub(crate) async fn lease_one(store: &dyn Store, second: i64) -> Leased {
    let mut leased = lease(store, "w", second).await;
    assert_eq!(leased.len(), 1, "{leased:?}");
    leased.remove(0)
}

/// Begins with a suspect, and has it until then.
pub(crate) async fn take_up(store: &dyn Store, leased: &Leased, until: i64) -> bool {
    store.take_up(TakeUp { id: leased.id, fence: leased.fence, until: at(until) }).await.unwrap()
}

pub(crate) fn intent(leased: &Leased, natural: Option<&str>, second: i64) -> Intent {
    let create_key = format!("create {}", leased.source_key);
    Intent {
        id: leased.id,
        fence: leased.fence,
        sent: Sent {
            deed: Deed::Create,
            record: leased.body.clone(),
            create_key: create_key.clone(),
            hash: format!("sent {}", leased.body),
            at: at(second),
        },
        version: "v1".to_owned(),
        claims: natural
            .map(|value| Claim {
                system: "erp".to_owned(),
                entity: "Orders".to_owned(),
                value: value.to_owned(),
                create_key: create_key.clone(),
            })
            .into_iter()
            .collect(),
        batch: None,
    }
}

pub(crate) async fn intend(store: &dyn Store, leased: &Leased, second: i64) -> Intended {
    store.intend(intent(leased, None, second)).await.unwrap()
}

pub(crate) async fn conclude(store: &dyn Store, leased: &Leased, verdict: Verdict, second: i64) -> Concluded {
    store
        .conclude(Conclusion {
            id: leased.id,
            fence: leased.fence,
            order_key: leased.order_key.clone(),
            now: at(second),
            verdict,
            probe: None,
        })
        .await
        .unwrap()
}

pub(crate) fn link(key: &str) -> Link {
    Link {
        system: "erp".to_owned(),
        entity: "Orders".to_owned(),
        of_system: "shop".to_owned(),
        of_entity: "order".to_owned(),
        key: key.to_owned(),
    }
}

pub(crate) fn delivery(source_key: &str, target_key: &str) -> Delivery {
    Delivery {
        target_key: Some(target_key.to_owned()),
        links: vec![NewLink { link: link(source_key), target_key: target_key.to_owned(), exclusive: true, part: None }],
        hash: format!("written {source_key}"),
        response_digest: Some("digest".to_owned()),
        written: None,
        next: None,
        by_probe: false,
        agreed: Vec::new(),
        removed: false,
    }
}

pub(crate) async fn deliver(store: &dyn Store, leased: &Leased, target_key: &str, second: i64) -> Concluded {
    assert_eq!(intend(store, leased, second).await, Intended::Granted);
    conclude(store, leased, Verdict::Done(Box::new(delivery(&leased.source_key, target_key))), second).await
}

pub(crate) fn fault(class: &str) -> Fault {
    Fault { code: Some("-1".to_owned()), status: Some(500), ..Fault::own(class, format!("it is {class}")) }
}

pub(crate) fn retry(second: i64) -> Verdict {
    Verdict::Retry { at: at(second), fault: fault("transient"), quiet_until: None, alone: false }
}

pub(crate) async fn flow(store: &dyn Store) -> FlowStatus {
    let flows = store.status(at(0)).await.unwrap().flows;
    let flow = flows.into_iter().find(|flow| flow.flow == "orders").unwrap();
    assert!(flow.is_conserved(), "I10: {flow:?}");
    flow
}

pub(crate) async fn count(store: &dyn Store, state: State) -> u64 {
    flow(store).await.count(state)
}

pub(crate) fn operation(action: Action, ids: Vec<MessageId>, second: i64) -> Operation {
    Operation {
        selection: Selection { ids, ..Selection::default() },
        limit: 100,
        action,
        operator: "tester".to_owned(),
        reason: "because".to_owned(),
        now: at(second),
    }
}

pub(crate) const HOUR: Duration = Duration::from_secs(3600);
