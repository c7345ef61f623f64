//! A message that is to change what is not there gives its place to another flow's, which may make it.

use mapwright_engine::state::{Reason, State};
use mapwright_engine::store::*;

use super::Place;
use super::book::*;

/// What the flow that only changes records reads; the other one makes them.
async fn changed(store: &dyn Store, content: &str, second: i64) {
    let page = page(vec![row("a", content, second)], second);
    assert_eq!(store.capture(CapturePage { flow: "customers".to_owned(), ..page }).await.unwrap().accepted, 1);
}

fn missing(own: bool, second: i64) -> Verdict {
    Verdict::WaitDependency { fault: fault("missing"), links: vec![link("a")], at: at(second), own }
}

const BEHIND: Concluded = Concluded::Applied(State::Waiting(Reason::KeyBlocked));
const WAITS: Concluded = Concluded::Applied(State::Waiting(Reason::Dependency));

/// The change was read first, and the record is made although it comes later; then changes follow in their order.
pub(crate) async fn whoever_makes_a_record_goes_before_who_changes_it(place: &dyn Place) {
    let store = place.open();
    begin(store.as_ref(), "w", false).await;
    changed(store.as_ref(), "1", 1).await;
    changed(store.as_ref(), "2", 2).await;
    capture(store.as_ref(), vec![row("a", "2", 2)], 3).await;
    let change = lease_one(store.as_ref(), 4).await;
    assert_eq!(change.flow, "customers");
    // Another record is missing, which the one behind does not make: the order of the key stays.
    assert_eq!(conclude(store.as_ref(), &change, missing(false, 10), 5).await, WAITS);
    assert!(lease(store.as_ref(), "w", 6).await.is_empty());
    let change = lease_one(store.as_ref(), 10).await;
    assert_eq!(conclude(store.as_ref(), &change, missing(true, 1000), 11).await, BEHIND);
    let maker = lease_one(store.as_ref(), 11).await;
    assert_eq!((maker.flow.as_str(), maker.source_key.as_str()), ("orders", "a"));
    // Whatever comes now is behind both.
    changed(store.as_ref(), "3", 12).await;
    assert!(lease(store.as_ref(), "w", 12).await.is_empty());
    deliver(store.as_ref(), &maker, "K", 13).await;
    for body in ["1", "2", "3"] {
        let next = lease_one(store.as_ref(), 14).await;
        assert!(next.flow == "customers" && next.body.contains(&format!(r#""is":"{body}""#)), "{next:?}");
        assert_eq!(next.link.as_deref(), Some("K"));
        deliver(store.as_ref(), &next, "K", 14).await;
    }
    assert!(lease(store.as_ref(), "w", 5000).await.is_empty());
}

/// A maker that comes later finds the change asleep; it looks again at once, and gives way.
pub(crate) async fn a_maker_that_comes_later_wakes_who_waits_for_its_record(place: &dyn Place) {
    let store = place.open();
    begin(store.as_ref(), "w", true).await;
    changed(store.as_ref(), "1", 1).await;
    let change = lease_one(store.as_ref(), 2).await;
    assert_eq!(conclude(store.as_ref(), &change, missing(true, 1000), 3).await, WAITS);
    assert!(lease(store.as_ref(), "w", 4).await.is_empty());
    capture(store.as_ref(), vec![row("a", "1", 1)], 5).await;
    let again = lease_one(store.as_ref(), 5).await;
    assert_eq!((again.flow.as_str(), again.waits), ("customers", 1));
    assert_eq!(conclude(store.as_ref(), &again, missing(true, 1000), 6).await, BEHIND);
    let maker = lease_one(store.as_ref(), 6).await;
    assert_eq!(maker.flow, "orders");
    // It is to change something as well: nobody is left to make it, and both wait, the earlier one behind the later.
    assert_eq!(conclude(store.as_ref(), &maker, missing(true, 50), 7).await, WAITS);
    assert!(lease(store.as_ref(), "w", 49).await.is_empty());
    let maker = lease_one(store.as_ref(), 50).await;
    deliver(store.as_ref(), &maker, "K", 51).await;
    let change = lease_one(store.as_ref(), 51).await;
    assert_eq!((change.flow.as_str(), change.link.as_deref()), ("customers", Some("K")));
}

/// The order is strict and the maker dies: what is later waits for a person, what gave way goes on.
pub(crate) async fn a_maker_that_dies_lets_go_who_gave_way_to_it(place: &dyn Place) {
    let store = place.open();
    begin(store.as_ref(), "w", false).await;
    changed(store.as_ref(), "1", 1).await;
    capture(store.as_ref(), vec![row("a", "1", 1)], 2).await;
    capture(store.as_ref(), vec![row("a", "2", 2)], 2).await;
    let change = lease_one(store.as_ref(), 3).await;
    assert_eq!(conclude(store.as_ref(), &change, missing(true, 1000), 4).await, BEHIND);
    let maker = lease_one(store.as_ref(), 5).await;
    conclude(store.as_ref(), &maker, Verdict::Dead { fault: fault("permanent") }, 6).await;
    let change = lease_one(store.as_ref(), 6).await;
    assert_eq!(change.flow, "customers");
    // The letter is in the way of the maker's next state: there is nobody to give way to.
    assert_eq!(conclude(store.as_ref(), &change, missing(true, 20), 7).await, WAITS);
    assert_eq!(store.operate(operation(Action::Redrive, vec![maker.id], 8)).await.unwrap(), 1);
    let change = lease_one(store.as_ref(), 8).await;
    assert_eq!(change.flow, "customers", "a person set the maker going: it looks again at once");
    assert_eq!(conclude(store.as_ref(), &change, missing(true, 1000), 9).await, BEHIND);
    assert_eq!(lease_one(store.as_ref(), 9).await.id, maker.id);
}

/// The maker's outcome is unknown: a person says that nothing came of it, and both go on.
pub(crate) async fn a_maker_that_was_parked_goes_on_with_who_gave_way_to_it(place: &dyn Place) {
    let store = place.open();
    begin(store.as_ref(), "w", false).await;
    changed(store.as_ref(), "1", 1).await;
    capture(store.as_ref(), vec![row("a", "1", 1)], 2).await;
    let change = lease_one(store.as_ref(), 3).await;
    assert_eq!(conclude(store.as_ref(), &change, missing(true, 1000), 4).await, BEHIND);
    let maker = lease_one(store.as_ref(), 5).await;
    assert_eq!(intend(store.as_ref(), &maker, 5).await, Intended::Granted);
    conclude(store.as_ref(), &maker, Verdict::Park { fault: fault("ambiguous") }, 6).await;
    assert!(lease(store.as_ref(), "w", 2000).await.is_empty());
    assert_eq!(store.operate(operation(Action::AnswerAbsent, vec![maker.id], 2000)).await.unwrap(), 1);
    let change = lease_one(store.as_ref(), 2000).await;
    assert_eq!(change.flow, "customers");
    assert_eq!(conclude(store.as_ref(), &change, missing(true, 3000), 2001).await, BEHIND);
    let maker = lease_one(store.as_ref(), 2001).await;
    assert_eq!(maker.flow, "orders");
    deliver(store.as_ref(), &maker, "K", 2002).await;
    assert_eq!(lease_one(store.as_ref(), 2002).await.flow, "customers");
}

/// The maker died before the change was read, and is set going while the change waits.
pub(crate) async fn a_letter_that_is_tried_again_goes_before_who_waits_for_its_record(place: &dyn Place) {
    let store = place.open();
    begin(store.as_ref(), "w", true).await;
    capture(store.as_ref(), vec![row("a", "1", 1)], 1).await;
    let maker = lease_one(store.as_ref(), 2).await;
    conclude(store.as_ref(), &maker, Verdict::Dead { fault: fault("permanent") }, 3).await;
    changed(store.as_ref(), "1", 4).await;
    let change = lease_one(store.as_ref(), 4).await;
    assert_eq!(conclude(store.as_ref(), &change, missing(true, 1000), 5).await, WAITS);
    assert_eq!(store.operate(operation(Action::Redrive, vec![maker.id], 6)).await.unwrap(), 1);
    let change = lease_one(store.as_ref(), 6).await;
    assert_eq!(conclude(store.as_ref(), &change, missing(true, 1000), 7).await, BEHIND);
    assert_eq!(lease_one(store.as_ref(), 7).await.id, maker.id);
}
