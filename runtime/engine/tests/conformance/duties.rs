//! What the duties of flows ask of a store: records that go and come back, batches, parts of one message.

use mapwright_engine::store::*;

use crate::Place;
use crate::book::{at, begin, capture, conclude, deliver, delivery, fault, intend, intent, lease_one, link, page, row};

fn gone(key: &str, second: i64) -> CapturePage {
    let on_gone = Some(NextWrite { write: 2, target: ("erp".to_owned(), "Orders".to_owned()) });
    let row = CaptureRow { kind: RowKind::Gone, body: format!(r#"{{"id":"{key}"}}"#), ..row(key, "", second) };
    CapturePage { on_gone, ..page(vec![row], second) }
}

/// A record that is gone is a message of its own write, knows it, and takes with it what was known of its target.
pub(crate) async fn a_removed_target_is_forgotten_and_a_record_comes_back(place: &dyn Place) {
    let store = place.open();
    begin(store.as_ref(), "w", false).await;
    capture(store.as_ref(), vec![row("a", "1", 1)], 1).await;
    let first = lease_one(store.as_ref(), 2).await;
    assert!(!first.gone);
    deliver(store.as_ref(), &first, "K", 2).await;
    assert_eq!(store.links(vec![link("a")]).await.unwrap(), [Some("K".to_owned())]);
    assert_eq!(store.capture(gone("a", 3)).await.unwrap().accepted, 1);
    let end = lease_one(store.as_ref(), 4).await;
    assert!(end.gone && end.write == 2 && end.body == r#"{"id":"a"}"#, "{end:?}");
    assert_eq!(end.link.as_deref(), Some("K"));
    intend(store.as_ref(), &end, 4).await;
    let removed = Delivery { links: Vec::new(), removed: true, ..delivery("a", "K") };
    conclude(store.as_ref(), &end, Verdict::Done(Box::new(removed)), 4).await;
    assert_eq!(store.links(vec![link("a")]).await.unwrap(), [None]);
    // The content that was written before: a new record, of which nothing was written.
    capture(store.as_ref(), vec![row("a", "1", 5)], 5).await;
    let again = lease_one(store.as_ref(), 6).await;
    assert_eq!((again.gone, again.link, again.last_written), (false, None, None));
}

/// `latest wins`: a write that may be at the target and the end of its record go one after the other, in either order.
pub(crate) async fn an_unproven_write_is_not_overtaken_by_the_end_of_its_record(place: &dyn Place) {
    let store = place.open();
    begin(store.as_ref(), "w", true).await;
    let unproven = |second| Verdict::Retry {
        at: at(second),
        fault: fault("ambiguous"),
        quiet_until: Some(at(second)),
        alone: false,
    };
    capture(store.as_ref(), vec![row("a", "1", 1)], 1).await;
    let first = lease_one(store.as_ref(), 2).await;
    intend(store.as_ref(), &first, 2).await;
    conclude(store.as_ref(), &first, unproven(20), 3).await;
    // A newer state writes over it, and answers for what the older one may have done.
    capture(store.as_ref(), vec![row("a", "2", 4)], 4).await;
    store.capture(gone("a", 5)).await.unwrap();
    let again = lease_one(store.as_ref(), 20).await;
    assert!(again.id != first.id && !again.gone, "what may be there is proved before it is removed");
    deliver(store.as_ref(), &again, "K", 21).await;
    let end = lease_one(store.as_ref(), 22).await;
    assert_eq!((end.gone, end.link.as_deref()), (true, Some("K")));
    intend(store.as_ref(), &end, 22).await;
    conclude(store.as_ref(), &end, unproven(40), 23).await;
    capture(store.as_ref(), vec![row("a", "3", 24)], 24).await;
    let again = lease_one(store.as_ref(), 40).await;
    assert_eq!(again.id, end.id, "a record that comes back waits until the old one is known to be gone");
    // The target has none: nothing was sent, and what was known of it is forgotten all the same.
    let none = Verdict::Noop {
        reason: "there is none".to_owned(),
        written: None,
        next: None,
        agreed: Vec::new(),
        removed: true,
    };
    conclude(store.as_ref(), &again, none, 41).await;
    let new = lease_one(store.as_ref(), 42).await;
    assert_eq!((new.gone, new.link, new.last_written), (false, None, None));
}

/// A record that nobody carried is not gone; one that is gone twice is gone once.
pub(crate) async fn only_what_was_carried_can_be_gone(place: &dyn Place) {
    let store = place.open();
    begin(store.as_ref(), "w", false).await;
    assert_eq!(store.capture(gone("stranger", 1)).await.unwrap().accepted, 0);
    capture(store.as_ref(), vec![row("a", "1", 1)], 1).await;
    let ignored = CapturePage { on_gone: None, ..gone("a", 2) };
    assert_eq!(store.capture(ignored).await.unwrap().accepted, 0, "a flow that leaves them alone");
    assert_eq!(store.capture(gone("a", 3)).await.unwrap().accepted, 1);
    assert_eq!(store.capture(gone("a", 4)).await.unwrap().accepted, 0);
}

/// Each part of a message that writes them together has a link and a claim of its own.
pub(crate) async fn parts_of_one_message_have_links_and_claims_of_their_own(place: &dyn Place) {
    let store = place.open();
    begin(store.as_ref(), "w", false).await;
    capture(store.as_ref(), vec![row("a", "1", 1), row("b", "1", 1)], 1).await;
    let mut leased = crate::book::lease(store.as_ref(), "w", 2).await;
    let (second, first) = (leased.pop().unwrap(), leased.pop().unwrap());
    let claim = |part: &str, leased: &Leased| Claim {
        system: "erp".to_owned(),
        entity: "Orders".to_owned(),
        value: part.to_owned(),
        create_key: format!("create {} {part}", leased.source_key),
    };
    let claims = |leased: &Leased, parts: &[&str]| Intent {
        claims: parts.iter().map(|part| claim(part, leased)).collect(),
        ..intent(leased, None, 2)
    };
    assert_eq!(store.intend(claims(&first, &["1", "2"])).await.unwrap(), Intended::Granted);
    assert_eq!(store.intend(claims(&second, &["3", "2"])).await.unwrap(), Intended::KeyInUse);
    let part = |part: &str| NewLink {
        link: link("a"),
        target_key: format!("K{part}"),
        exclusive: true,
        part: Some(part.to_owned()),
    };
    let done = Delivery { target_key: None, links: vec![part("1"), part("2")], ..delivery("a", "K") };
    conclude(store.as_ref(), &first, Verdict::Done(Box::new(done)), 3).await;
    assert_eq!(store.links(vec![link("a")]).await.unwrap(), [Some("K1".to_owned())]);
    // From the other side each is found.
    let back = |key: &str| mapwright_values::Link {
        system: "shop".to_owned(),
        entity: "order".to_owned(),
        of_system: "erp".to_owned(),
        of_entity: "Orders".to_owned(),
        key: key.to_owned(),
    };
    let found = store.links(vec![back("K2"), back("K3")]).await.unwrap();
    assert_eq!(found, [Some("a".to_owned()), None]);
}

/// What failed with its batch stays out of the next one, through a retry and a wait, until it is done.
pub(crate) async fn a_message_that_goes_alone_stays_so(place: &dyn Place) {
    let store = place.open();
    begin(store.as_ref(), "w", false).await;
    capture(store.as_ref(), vec![row("a", "1", 1)], 1).await;
    let leased = lease_one(store.as_ref(), 2).await;
    assert!(!leased.alone);
    let batch = Intent { batch: Some("b1".to_owned()), ..intent(&leased, None, 2) };
    assert_eq!(store.intend(batch).await.unwrap(), Intended::Granted);
    let retry = |second, alone| Verdict::Retry { at: at(second), fault: fault("permanent"), quiet_until: None, alone };
    conclude(store.as_ref(), &leased, retry(3, true), 3).await;
    let leased = lease_one(store.as_ref(), 4).await;
    assert!(leased.alone);
    intend(store.as_ref(), &leased, 4).await;
    conclude(store.as_ref(), &leased, retry(5, false), 5).await;
    assert!(lease_one(store.as_ref(), 6).await.alone, "a later failure of its own does not bring it back");
}
