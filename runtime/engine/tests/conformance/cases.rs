//! One owner, one promise a case.

use std::collections::BTreeMap;
use std::time::Duration;

use mapwright_engine::alert::AlertState;
use mapwright_engine::connector::Deed;
use mapwright_engine::state::{Reason, State};
use mapwright_engine::store::*;
use mapwright_values::Link;

use super::Place;
use super::book::*;

/// T1: rows, tallies and position in one commit.
pub(crate) async fn a_page_is_kept_whole_with_its_position(place: &dyn Place) {
    let store = place.open();
    begin(store.as_ref(), "w", false).await;
    assert_eq!(store.position("orders", "changed").await.unwrap(), Position::default());
    let window = OpenWindow { since: Some(at(-5)), until: Some(at(9)), cursor: Some("p2".to_owned()) };
    let position = Position { read_wm: Some(at(3)), window: Some(window) };
    let broken = CaptureRow { fault: Some(fault("unreadable")), ..row("c", "x", 2) };
    let first = CapturePage {
        position: position.clone(),
        filtered: 4,
        ..page(vec![row("a", "x", 1), row("b", "x", 2), broken], 5)
    };
    let kept = store.capture(first).await.unwrap();
    let keys: std::collections::BTreeSet<String> = kept.keys.iter().cloned().collect();
    assert_eq!(
        (keys.len(), kept.keys.len(), kept.accepted, kept.unchanged, kept.dead),
        (3, 3, 3, 0, 1),
        "each has a key"
    );
    assert_eq!(store.position("orders", "changed").await.unwrap(), position);
    assert_eq!(store.position("orders", "other").await.unwrap(), Position::default());
    let flow = flow(store.as_ref()).await;
    assert_eq!((flow.read, flow.filtered, flow.accepted, flow.count(State::Dead)), (7, 4, 3, 1));
    // I3: below every open record.
    assert!(flow.done_wm < Some(at(1)), "{flow:?}");
    assert_eq!(store.next_due(false).await.unwrap(), Some(at(5)));
}

/// T2, by content and by capture key.
pub(crate) async fn a_change_that_was_read_before_ends_before_the_inbox(place: &dyn Place) {
    let store = place.open();
    begin(store.as_ref(), "w", false).await;
    capture(store.as_ref(), vec![row("a", "1", 1)], 1).await;
    assert_eq!(capture(store.as_ref(), vec![row("a", "1", 1)], 2).await.unchanged, 1);
    assert_eq!(capture(store.as_ref(), vec![row("a", "2", 2), row("a", "2", 2)], 3).await.accepted, 1);
    // An older state that is read once more, as an overlap does, is known too.
    assert_eq!(capture(store.as_ref(), vec![row("a", "1", 1)], 4).await.unchanged, 1);
    // Without a stamp a content that has come back is a change.
    let unstamped = |content: &str| CaptureRow { stamp: None, ..row("b", content, 0) };
    for (content, accepted) in [("1", 1), ("2", 1), ("1", 1), ("1", 0)] {
        assert_eq!(capture(store.as_ref(), vec![unstamped(content)], 5).await.accepted, accepted, "{content}");
    }
    assert_eq!(flow(store.as_ref()).await.accepted, 5);
}

/// T3, T5, T6.
pub(crate) async fn a_delivery_goes_all_its_way(place: &dyn Place) {
    let store = place.open();
    begin(store.as_ref(), "w", false).await;
    capture(store.as_ref(), vec![row("a", "1", 1)], 1).await;
    let leased = lease_one(store.as_ref(), 2).await;
    assert_eq!((leased.state, leased.source_key.as_str(), leased.write, leased.attempts), (State::Leased, "a", 0, 0));
    assert_eq!((leased.captured_at, leased.link.clone(), leased.last_written.clone()), (at(1), None, None));
    assert!(lease(store.as_ref(), "other", 2).await.is_empty());
    assert_eq!(store.next_due(false).await.unwrap(), Some(at(102)), "the lease's end");
    assert_eq!(intend(store.as_ref(), &leased, 3).await, Intended::Granted);
    assert_eq!(count(store.as_ref(), State::Intent).await, 1);
    let written = WrittenRecord {
        name: "written".to_owned(),
        system: "erp".to_owned(),
        entity: "Orders".to_owned(),
        key: "K".to_owned(),
        body: Some("{}".to_owned()),
    };
    let next = NextWrite { write: 1, target: ("shop".to_owned(), "order".to_owned()) };
    let done = Delivery { written: Some(written.clone()), next: Some(next), ..delivery("a", "K") };
    assert_eq!(
        conclude(store.as_ref(), &leased, Verdict::Done(Box::new(done)), 4).await,
        Concluded::Applied(State::Done)
    );
    let next = lease_one(store.as_ref(), 5).await;
    assert_eq!((next.write, next.written.clone(), next.body.clone()), (1, vec![written], leased.body.clone()));
    let skip = Verdict::Skipped { reason: "not wanted".to_owned() };
    assert_eq!(conclude(store.as_ref(), &next, skip, 6).await, Concluded::Applied(State::Skipped));
    assert_eq!(store.links(vec![link("a"), link("b")]).await.unwrap(), [Some("K".to_owned()), None]);
    // The same record again: its link and what was written last are known, and an unchanged one ends as NOOP.
    capture(store.as_ref(), vec![row("a", "2", 7)], 7).await;
    let again = lease_one(store.as_ref(), 8).await;
    assert_eq!((again.link.as_deref(), again.last_written.as_deref()), (Some("K"), Some("written a")));
    let noop =
        Verdict::Noop { reason: "the same".to_owned(), written: None, next: None, agreed: Vec::new(), removed: false };
    assert_eq!(conclude(store.as_ref(), &again, noop, 9).await, Concluded::Applied(State::Noop));
    assert_eq!((lease(store.as_ref(), "w", 500).await.len(), store.next_due(false).await.unwrap()), (0, None));
    let detail = store.dead_letter(leased.id).await.unwrap().unwrap();
    assert_eq!((detail.attempts.len(), detail.attempts[0].class.as_deref()), (1, Some("done")));
    assert_eq!(detail.mapping_version.as_deref(), Some("v1"));
    assert_eq!(flow(store.as_ref()).await.done_wm, Some(at(7)));
}

/// T7, and the clock of the attempts.
pub(crate) async fn proof_of_no_effect_is_tried_again_later(place: &dyn Place) {
    let store = place.open();
    begin(store.as_ref(), "w", false).await;
    capture(store.as_ref(), vec![row("a", "1", 1)], 1).await;
    for turn in 0..3_i64 {
        let second = 10 * (turn + 1);
        let leased = lease_one(store.as_ref(), second).await;
        assert_eq!((i64::from(leased.failures), i64::from(leased.attempts)), (turn, turn));
        assert_eq!(leased.first_attempt_at, (turn > 0).then(|| at(10)));
        intend(store.as_ref(), &leased, second).await;
        assert_eq!(
            conclude(store.as_ref(), &leased, retry(second + 10), second).await,
            Concluded::Applied(State::RetryWait)
        );
        assert!(lease(store.as_ref(), "w", second + 9).await.is_empty(), "it rests");
    }
    let leased = lease_one(store.as_ref(), 40).await;
    assert_eq!(conclude(store.as_ref(), &leased, Verdict::HandBack, 41).await, Concluded::Applied(State::Queued));
    let leased = lease_one(store.as_ref(), 41).await;
    assert_eq!(deliver(store.as_ref(), &leased, "K", 42).await, Concluded::Applied(State::Done));
    let attempts = store.dead_letter(leased.id).await.unwrap().unwrap().attempts;
    let classes: Vec<&str> = attempts.iter().filter_map(|attempt| attempt.class.as_deref()).collect();
    assert_eq!(classes, ["transient", "transient", "transient", "done"]);
    assert_eq!(attempts[0].status, Some(500));
}

/// T8 to T11, T13.
pub(crate) async fn no_proof_is_asked_for_and_parked_ones_wait_for_a_person(place: &dyn Place) {
    let store = place.open();
    begin(store.as_ref(), "w", false).await;
    capture(store.as_ref(), vec![row("a", "1", 1), row("b", "1", 1), row("c", "1", 1)], 1).await;
    let unproven = |probes, second| Verdict::Ambiguous { at: at(second), fault: fault("ambiguous"), probes };
    for leased in lease(store.as_ref(), "w", 2).await {
        intend(store.as_ref(), &leased, 3).await;
        assert_eq!(conclude(store.as_ref(), &leased, unproven(0, 20), 4).await, Concluded::Applied(State::Ambiguous));
    }
    assert!(lease(store.as_ref(), "w", 19).await.is_empty(), "never before it has settled");
    let mut asked = lease(store.as_ref(), "w", 20).await;
    asked.sort_by(|a, b| a.source_key.cmp(&b.source_key));
    assert!(asked.iter().all(|one| one.state == State::Ambiguous && one.sent.as_ref().unwrap().deed == Deed::Create));
    // One is found, one is absent twice, one cannot be told.
    let found = Delivery { by_probe: true, ..delivery("a", "K") };
    let conclusion = Conclusion {
        id: asked[0].id,
        fence: asked[0].fence,
        order_key: asked[0].order_key.clone(),
        now: at(21),
        verdict: Verdict::Done(Box::new(found)),
        probe: Some("found".to_owned()),
    };
    assert_eq!(store.conclude(conclusion).await.unwrap(), Concluded::Applied(State::Done));
    conclude(store.as_ref(), &asked[1], unproven(1, 30), 21).await;
    let second = lease_one(store.as_ref(), 30).await;
    assert_eq!((second.probes, second.source_key.as_str()), (1, "b"));
    assert_eq!(conclude(store.as_ref(), &second, retry(31), 30).await, Concluded::Applied(State::RetryWait));
    let park = Verdict::Park { fault: fault("several") };
    assert_eq!(conclude(store.as_ref(), &asked[2], park, 22).await, Concluded::Applied(State::ParkedAmbiguous));
    let kinds: Vec<String> =
        store.dead_letter(asked[0].id).await.unwrap().unwrap().attempts.into_iter().map(|one| one.kind).collect();
    assert_eq!(kinds, ["send", "probe"]);
    let parked = vec![asked[2].id];
    // To edit it is refused: what may be at the target was made of the old record.
    let edit = Action::Edit { body: "{}".to_owned() };
    assert_eq!(store.operate(operation(edit, parked.clone(), 40)).await.unwrap(), 0);
    assert_eq!(store.operate(operation(Action::Redrive, parked.clone(), 41)).await.unwrap(), 1);
    let again = lease(store.as_ref(), "w", 42).await.into_iter().find(|one| one.id == parked[0]).unwrap();
    assert_eq!((again.state, again.generation), (State::Ambiguous, 1));
    conclude(store.as_ref(), &again, Verdict::Park { fault: fault("several") }, 43).await;
    let answer = Answer { target_key: "T".to_owned(), next: None, link: Some(link("c")), written: None };
    let there = Action::AnswerThere(Box::new(answer));
    assert_eq!(store.operate(operation(there, parked, 44)).await.unwrap(), 1);
    assert_eq!(store.links(vec![link("c")]).await.unwrap(), [Some("T".to_owned())]);
    assert_eq!(count(store.as_ref(), State::Done).await, 2);
}

/// T12 to T14.
pub(crate) async fn dead_ones_are_listed_edited_retried_and_discarded(place: &dyn Place) {
    let store = place.open();
    begin(store.as_ref(), "w", false).await;
    capture(store.as_ref(), (0..6).map(|n| row(&format!("o{n}"), "1", 1)).collect(), 1).await;
    for leased in lease(store.as_ref(), "w", 2).await {
        let class = if leased.source_key.as_str() < "o3" { "permanent" } else { "key_in_use" };
        let dead = Verdict::Dead { fault: fault(class) };
        assert_eq!(conclude(store.as_ref(), &leased, dead, 3).await, Concluded::Applied(State::Dead));
    }
    let letters = store.dead_letters(Selection::default(), 100).await.unwrap();
    assert_eq!((letters.len(), letters[0].class.as_str(), letters[0].since), (6, "permanent", at(3)));
    let cause = letters[5].cause.clone();
    let of_cause = Selection { cause: Some(cause.clone()), ..Selection::default() };
    assert_eq!(store.dead_letters(of_cause.clone(), 100).await.unwrap().len(), 3);
    assert_eq!(store.dead_letters(of_cause, 2).await.unwrap().len(), 2);
    let elsewhere = Selection { flow: Some("customers".to_owned()), ..Selection::default() };
    assert_eq!(store.dead_letters(elsewhere, 100).await.unwrap().len(), 0);
    let later = Selection { since: Some(at(100_000)), ..Selection::default() };
    assert_eq!(store.dead_letters(later, 10).await.unwrap().len(), 0);
    let earlier = Selection { before: Some(at(2)), ..Selection::default() };
    assert_eq!(store.dead_letters(earlier, 100).await.unwrap().len(), 0);
    let ids: Vec<MessageId> = letters.iter().map(|letter| letter.id).collect();
    assert_eq!(store.operate(operation(Action::Redrive, vec![ids[0]], 5)).await.unwrap(), 1);
    // Live ones are not touched: a second click does nothing.
    assert_eq!(store.operate(operation(Action::Redrive, vec![ids[0]], 5)).await.unwrap(), 0);
    let edit = Action::Edit { body: r#"{"id":"o1","is":"mended"}"#.to_owned() };
    assert_eq!(store.operate(operation(edit, vec![ids[1]], 6)).await.unwrap(), 1);
    assert_eq!(store.operate(operation(Action::Discard, vec![ids[2]], 6)).await.unwrap(), 1);
    let live = lease(store.as_ref(), "w", 7).await;
    let bodies: Vec<bool> = live.iter().map(|one| one.body.contains("mended")).collect();
    assert_eq!((bodies, live[1].generation), (vec![false, true], 1));
    let detail = store.dead_letter(ids[1]).await.unwrap().unwrap();
    assert!(detail.original.contains(r#""is":"1""#) && detail.edits[0].operator == "tester");
    assert_eq!(store.dead_letter(MessageId(999_999)).await.unwrap(), None);
    let mut rest = operation(Action::Discard, Vec::new(), 8);
    rest.limit = 2;
    assert_eq!(store.operate(rest.clone()).await.unwrap(), 2, "no more than asked for");
    assert_eq!(store.operate(rest).await.unwrap(), 1);
    assert_eq!((count(store.as_ref(), State::Discarded).await, count(store.as_ref(), State::Dead).await), (4, 0));
}

/// I9, T15: in every call that a worker makes.
pub(crate) async fn an_old_fence_is_refused_everywhere(place: &dyn Place) {
    let store = place.open();
    begin(store.as_ref(), "w", false).await;
    capture(store.as_ref(), vec![row("a", "1", 1)], 1).await;
    let zombie = store.lease(LeaseRequest { until: at(10), ..claim("zombie", 2) }).await.unwrap().remove(0);
    let heir = lease_one(store.as_ref(), 11).await;
    assert_eq!((heir.id, heir.state), (zombie.id, State::Leased));
    assert!(heir.fence > zombie.fence);
    assert_eq!(intend(store.as_ref(), &zombie, 12).await, Intended::LeaseLost);
    for verdict in [retry(20), Verdict::HandBack, Verdict::Dead { fault: fault("x") }] {
        assert_eq!(conclude(store.as_ref(), &zombie, verdict, 12).await, Concluded::LeaseLost);
    }
    assert_eq!(deliver(store.as_ref(), &heir, "K", 13).await, Concluded::Applied(State::Done));
    let late = Verdict::Done(Box::new(delivery("a", "K2")));
    assert_eq!(conclude(store.as_ref(), &heir, late, 14).await, Concluded::LeaseLost, "it is over");
    assert_eq!(store.links(vec![link("a")]).await.unwrap(), [Some("K".to_owned())]);
}

/// T12, T15: claims whose owners died count against a record, claims that only ran out do not.
pub(crate) async fn a_record_is_poison_only_if_its_owners_never_come_back(place: &dyn Place) {
    let store = place.open();
    begin(store.as_ref(), "w", false).await;
    capture(store.as_ref(), vec![row("slow", "1", 1)], 1).await;
    let short = async |owner: &str, second| {
        let request = LeaseRequest { until: at(second), ..claim(owner, second) };
        let leased = store.lease(request).await.unwrap();
        for suspect in leased.iter().filter(|leased| leased.suspect) {
            assert!(take_up(store.as_ref(), suspect, second).await);
        }
        leased
    };
    // Every claim runs out, and every owner comes back later, each with more than one call.
    let mut late = Vec::new();
    for turn in 0..20 {
        let mut leased = short("slow machine", 30 + turn).await;
        assert_eq!(leased.len(), 1, "{turn}");
        late.push(leased.remove(0));
        if turn % 2 == 1 {
            for zombie in late.drain(..late.len() - 1) {
                assert_eq!(intend(store.as_ref(), &zombie, 31 + turn).await, Intended::LeaseLost);
                let failed = conclude(store.as_ref(), &zombie, retry(20), 31 + turn).await;
                assert_eq!(failed, Concluded::LeaseLost);
            }
        }
    }
    let last = late.pop().unwrap();
    assert_eq!(deliver(store.as_ref(), &last, "K", 60).await, Concluded::Applied(State::Done));
    // Four owners die and one is slow: not poison yet. The fifth death decides, whenever the slow one reports.
    capture(store.as_ref(), vec![row("killer", "1", 1)], 100).await;
    let slow = short("slow", 130).await.remove(0);
    for turn in 1..=4 {
        assert_eq!(short("dies", 130 + turn).await.len(), 1, "{turn}");
    }
    assert_eq!(conclude(store.as_ref(), &slow, Verdict::HandBack, 135).await, Concluded::LeaseLost);
    assert_eq!(conclude(store.as_ref(), &slow, Verdict::HandBack, 135).await, Concluded::LeaseLost, "twice is once");
    assert_eq!(short("dies too", 136).await.len(), 1, "four have died");
    assert!(lease(store.as_ref(), "w", 140).await.is_empty());
    let letter = store.dead_letters(Selection::default(), 10).await.unwrap().remove(0);
    assert_eq!((letter.class.as_str(), letter.source_key.as_str()), ("poison", "killer"));
    assert!(letter.message.contains("begun 5 times"), "{}", letter.message);
}

/// T3, T12: what was claimed together with a poisonous record, and never begun, is not taken for one.
pub(crate) async fn claims_of_a_suspect_count_when_it_is_begun(place: &dyn Place) {
    let store = place.open();
    begin(store.as_ref(), "w", false).await;
    capture(store.as_ref(), vec![row("killer", "1", 1), row("near", "1", 1)], 1).await;
    let dies = async |second| {
        let request = LeaseRequest { until: at(second), ..claim("dies", second) };
        store.lease(request).await.unwrap()
    };
    for second in 10..12 {
        let leased = dies(second).await;
        assert!(leased.len() == 2 && !leased.iter().any(|leased| leased.suspect), "nothing is known yet: {second}");
    }
    for second in 12..15 {
        let leased = dies(second).await;
        assert!(leased.len() == 2 && leased.iter().all(|leased| leased.suspect), "{second}");
        assert!(take_up(store.as_ref(), &leased[0], second).await);
    }
    let leased = dies(15).await;
    let near = leased.iter().find(|leased| leased.source_key == "near").unwrap();
    assert_eq!(leased.len(), 1, "the other one is dead");
    let letter = store.dead_letters(Selection::default(), 10).await.unwrap().remove(0);
    assert_eq!((letter.class.as_str(), letter.source_key.as_str()), ("poison", "killer"));
    // However often it is claimed without being begun.
    for second in 16..30 {
        assert_eq!(dies(second).await.len(), 1, "{second}");
    }
    assert!(!take_up(store.as_ref(), near, 130).await, "its claim was over long ago");
    let heir = dies(31).await.remove(0);
    assert!(take_up(store.as_ref(), &heir, 131).await);
    assert!(dies(32).await.is_empty(), "whoever begins has it for a whole lease");
    assert_eq!(deliver(store.as_ref(), &heir, "K", 33).await, Concluded::Applied(State::Done));
}

/// G3, strict: the next version waits for the one before, a dead one included.
pub(crate) async fn a_key_is_worked_on_in_order(place: &dyn Place) {
    let store = place.open();
    begin(store.as_ref(), "w", false).await;
    for version in 1..=3 {
        capture(store.as_ref(), vec![row("a", &version.to_string(), version)], version).await;
    }
    assert_eq!(count(store.as_ref(), State::Waiting(Reason::KeyBlocked)).await, 2);
    let first = lease_one(store.as_ref(), 10).await;
    deliver(store.as_ref(), &first, "K", 11).await;
    let second = lease_one(store.as_ref(), 12).await;
    assert!(second.body.contains(r#""is":"2""#));
    intend(store.as_ref(), &second, 13).await;
    conclude(store.as_ref(), &second, Verdict::Dead { fault: fault("permanent") }, 13).await;
    assert!(lease(store.as_ref(), "w", 1000).await.is_empty(), "a dead one blocks its key");
    store.operate(operation(Action::Discard, vec![second.id], 1001)).await.unwrap();
    let third = lease_one(store.as_ref(), 1002).await;
    // What may still take effect keeps the next version back.
    intend(store.as_ref(), &third, 1003).await;
    let verdict = Verdict::Retry { at: at(1004), fault: fault("ambiguous"), quiet_until: Some(at(2000)), alone: false };
    conclude(store.as_ref(), &third, verdict, 1003).await;
    let third = lease_one(store.as_ref(), 1004).await;
    deliver(store.as_ref(), &third, "K", 1005).await;
    capture(store.as_ref(), vec![row("a", "4", 4)], 1010).await;
    assert!(lease(store.as_ref(), "w", 1999).await.is_empty());
    assert_eq!(lease(store.as_ref(), "w", 2000).await.len(), 1);
}

/// G3, latest wins; T4.
pub(crate) async fn the_newest_state_overtakes(place: &dyn Place) {
    let store = place.open();
    begin(store.as_ref(), "w", true).await;
    capture(store.as_ref(), vec![row("a", "1", 1), row("a", "2", 2), row("a", "3", 3)], 3).await;
    assert_eq!(count(store.as_ref(), State::Superseded).await, 2);
    let third = lease_one(store.as_ref(), 4).await;
    assert!(third.body.contains(r#""is":"3""#));
    capture(store.as_ref(), vec![row("a", "4", 4)], 5).await;
    intend(store.as_ref(), &third, 6).await;
    assert_eq!(
        conclude(store.as_ref(), &third, retry(100), 6).await,
        Concluded::Applied(State::Superseded),
        "a newer one waits"
    );
    let fourth = lease_one(store.as_ref(), 7).await;
    conclude(store.as_ref(), &fourth, Verdict::Dead { fault: fault("permanent") }, 8).await;
    capture(store.as_ref(), vec![row("a", "5", 5)], 9).await;
    let fifth = lease_one(store.as_ref(), 10).await;
    assert_eq!(deliver(store.as_ref(), &fifth, "K", 11).await, Concluded::Applied(State::Done));
    assert_eq!((count(store.as_ref(), State::Superseded).await, count(store.as_ref(), State::Dead).await), (4, 0));
    // One that dies while a newer one waits: sent again later it would undo the newer state.
    capture(store.as_ref(), vec![row("a", "6", 6)], 12).await;
    let sixth = lease_one(store.as_ref(), 12).await;
    capture(store.as_ref(), vec![row("a", "7", 7)], 13).await;
    let dead = Verdict::Dead { fault: fault("permanent") };
    assert_eq!(conclude(store.as_ref(), &sixth, dead, 14).await, Concluded::Applied(State::Superseded));
    assert_eq!(store.operate(operation(Action::Redrive, Vec::new(), 15)).await.unwrap(), 0);
    assert!(store.status(at(15)).await.unwrap().alerts.iter().all(|alert| alert.state == AlertState::Closed));
    // One that may be at the target is not overtaken: it is asked for first.
    let seventh = lease_one(store.as_ref(), 16).await;
    intend(store.as_ref(), &seventh, 16).await;
    capture(store.as_ref(), vec![row("a", "8", 8)], 17).await;
    let unproven = Verdict::Ambiguous { at: at(40), fault: fault("ambiguous"), probes: 0 };
    assert_eq!(conclude(store.as_ref(), &seventh, unproven, 18).await, Concluded::Applied(State::Ambiguous));
    assert!(lease(store.as_ref(), "w", 39).await.is_empty());
    assert_eq!(lease_one(store.as_ref(), 40).await.id, seventh.id);
}

/// Part 1.2: the unique row of a natural key.
pub(crate) async fn a_natural_key_has_one_owner(place: &dyn Place) {
    let store = place.open();
    begin(store.as_ref(), "w", false).await;
    capture(store.as_ref(), vec![row("a", "1", 1), row("b", "1", 1)], 1).await;
    let leased = lease(store.as_ref(), "w", 2).await;
    assert_eq!(store.intend(intent(&leased[0], Some("N-1"), 3)).await.unwrap(), Intended::Granted);
    assert_eq!(store.intend(intent(&leased[1], Some("N-1"), 3)).await.unwrap(), Intended::KeyInUse);
    assert_eq!(count(store.as_ref(), State::Intent).await, 1, "what is refused stays as it was");
    assert_eq!(store.intend(intent(&leased[1], Some("N-2"), 4)).await.unwrap(), Intended::Granted);
    // The same create asks again: the key is its own.
    conclude(store.as_ref(), &leased[0], retry(5), 4).await;
    let again = lease_one(store.as_ref(), 5).await;
    assert_eq!(store.intend(intent(&again, Some("N-1"), 6)).await.unwrap(), Intended::Granted);
}

/// I6.
pub(crate) async fn a_target_record_has_one_source(place: &dyn Place) {
    let store = place.open();
    begin(store.as_ref(), "w", false).await;
    capture(store.as_ref(), vec![row("a", "1", 1), row("b", "1", 1)], 1).await;
    let leased = lease(store.as_ref(), "w", 2).await;
    assert_eq!(deliver(store.as_ref(), &leased[0], "K", 3).await, Concluded::Applied(State::Done));
    assert_eq!(deliver(store.as_ref(), &leased[1], "K", 3).await, Concluded::Applied(State::ParkedAmbiguous));
    assert_eq!(store.links(vec![link("a"), link("b")]).await.unwrap(), [Some("K".to_owned()), None]);
    let letter = store.dead_letters(Selection::default(), 10).await.unwrap().remove(0);
    assert_eq!((letter.class.as_str(), letter.source_key.as_str()), ("link_in_use", "b"));
}

/// T16 for a dependency.
pub(crate) async fn a_link_wakes_whoever_waits_for_it_in_either_direction(place: &dyn Place) {
    let store = place.open();
    begin(store.as_ref(), "w", false).await;
    capture(store.as_ref(), vec![row("a", "1", 1), row("b", "1", 1), row("c", "1", 1)], 1).await;
    let leased = lease(store.as_ref(), "w", 2).await;
    let reversed = Link {
        system: "shop".to_owned(),
        entity: "order".to_owned(),
        of_system: "erp".to_owned(),
        of_entity: "Orders".to_owned(),
        key: "K".to_owned(),
    };
    let wait =
        |links: Vec<Link>| Verdict::WaitDependency { fault: fault("dependency"), links, at: at(1000), own: false };
    conclude(store.as_ref(), &leased[1], wait(vec![link("a")]), 3).await;
    conclude(store.as_ref(), &leased[2], wait(vec![reversed.clone(), link("nobody")]), 3).await;
    assert_eq!(count(store.as_ref(), State::Waiting(Reason::Dependency)).await, 2);
    assert!(lease(store.as_ref(), "w", 50).await.is_empty());
    assert_eq!(store.next_due(true).await.unwrap(), Some(at(102)), "what waits is left out: this is a lease's end");
    let heir = lease(store.as_ref(), "w", 2000).await;
    assert_eq!(heir.len(), 3, "by itself it asks again at growing intervals");
    for one in &heir[..] {
        if one.source_key != "a" {
            assert_eq!(one.waits, 1);
            let links = if one.source_key == "b" { vec![link("a")] } else { vec![reversed.clone()] };
            let at = at(9000);
            let verdict = Verdict::WaitDependency { fault: fault("dependency"), links, at, own: false };
            conclude(store.as_ref(), one, verdict, 2001).await;
        }
    }
    let first = heir.iter().find(|one| one.source_key == "a").unwrap();
    deliver(store.as_ref(), first, "K", 2002).await;
    let woken = lease(store.as_ref(), "w", 2002).await;
    assert_eq!(woken.len(), 2, "the link wakes both");
    // A link that is there already does not let it wait.
    conclude(store.as_ref(), &woken[0], wait(vec![link("a")]), 2003).await;
    assert_eq!(lease(store.as_ref(), "w", 2003).await.len(), 1);
    assert_eq!(store.links(vec![reversed]).await.unwrap(), [Some("a".to_owned())]);
}

/// T16 for a connection; the canary.
pub(crate) async fn a_halted_connection_holds_everything_and_lets_it_go(place: &dyn Place) {
    let store = place.open();
    begin(store.as_ref(), "w", false).await;
    capture(store.as_ref(), vec![row("a", "1", 1), row("b", "1", 1)], 1).await;
    let leased = lease(store.as_ref(), "w", 2).await;
    let halt = ConnectionChange::Halt {
        alias: "erp".to_owned(),
        fault: fault("halt"),
        channel: Some("ops".to_owned()),
        flow: None,
        canary_at: at(60),
        now: at(3),
    };
    store.connection(halt).await.unwrap();
    for one in &leased {
        let wait = Verdict::WaitConnection { alias: "erp".to_owned(), fault: fault("halt") };
        assert_eq!(
            conclude(store.as_ref(), one, wait, 4).await,
            Concluded::Applied(State::Waiting(Reason::ConnectionHalted))
        );
    }
    capture(store.as_ref(), vec![row("c", "1", 1)], 5).await;
    assert_eq!(count(store.as_ref(), State::Waiting(Reason::ConnectionHalted)).await, 3, "shown as what it is");
    assert!(lease(store.as_ref(), "w", 500).await.is_empty());
    let canary = LeaseRequest { limit: 1, canary: Some("erp".to_owned()), ..claim("w", 60) };
    let bird = store.lease(canary.clone()).await.unwrap().remove(0);
    assert!(bird.canary);
    let still = ConnectionChange::StillHalted { alias: "erp".to_owned(), fault: fault("halt"), canary_at: at(120) };
    store.connection(still).await.unwrap();
    let wait = Verdict::WaitConnection { alias: "erp".to_owned(), fault: fault("halt") };
    conclude(store.as_ref(), &bird, wait, 61).await;
    let connection = store.status(at(61)).await.unwrap().connections.remove(0);
    assert_eq!((connection.halted_since, connection.canary_at), (Some(at(3)), Some(at(120))));
    store.connection(ConnectionChange::Resume { alias: "erp".to_owned(), now: at(121) }).await.unwrap();
    assert_eq!(lease(store.as_ref(), "w", 121).await.len(), 3);
    let alerts = store.alerts_due(at(122), 10).await.unwrap();
    assert!(alerts.iter().any(|alert| alert.subject == "connection erp" && alert.state == AlertState::Closed));
}

/// A circuit, its one trial, a pause.
pub(crate) async fn an_open_circuit_lets_one_message_pass(place: &dyn Place) {
    let store = place.open();
    begin(store.as_ref(), "w", false).await;
    capture(store.as_ref(), vec![row("a", "1", 1), row("b", "1", 1)], 1).await;
    let open = |until| ConnectionChange::Open {
        alias: "erp".to_owned(),
        fault: fault("transient"),
        failures: 10,
        channel: None,
        until: at(until),
        now: at(2),
    };
    store.connection(open(50)).await.unwrap();
    assert!(lease(store.as_ref(), "w", 49).await.is_empty());
    assert_eq!(store.next_due(false).await.unwrap(), Some(at(50)));
    let trial = lease_one(store.as_ref(), 50).await;
    assert!(trial.trial && lease(store.as_ref(), "x", 51).await.is_empty());
    store.connection(open(80)).await.unwrap();
    let connection = store.status(at(51)).await.unwrap().connections.remove(0);
    assert_eq!((connection.open_since, connection.open_until), (Some(at(2)), Some(at(80))));
    store.connection(ConnectionChange::Untried { alias: "erp".to_owned(), now: at(52) }).await.unwrap();
    assert!(lease_one(store.as_ref(), 52).await.trial);
    store.connection(ConnectionChange::Close { alias: "erp".to_owned(), now: at(53) }).await.unwrap();
    capture(store.as_ref(), vec![row("c", "1", 1)], 54).await;
    let pause = |until| ConnectionChange::Pause { alias: "erp".to_owned(), until: at(until) };
    store.connection(pause(70)).await.unwrap();
    store.connection(pause(60)).await.unwrap();
    assert!(lease(store.as_ref(), "w", 69).await.is_empty(), "a shorter wish does not shorten a longer one");
    assert!(!lease_one(store.as_ref(), 70).await.trial);
}

/// I11.
pub(crate) async fn alerts_are_one_a_cause_counted_told_and_closed(place: &dyn Place) {
    let store = place.open();
    begin(store.as_ref(), "w", false).await;
    capture(store.as_ref(), (0..4).map(|n| row(&format!("o{n}"), "1", 1)).collect(), 1).await;
    let leased = lease(store.as_ref(), "w", 2).await;
    for one in &leased[..3] {
        conclude(store.as_ref(), one, Verdict::Dead { fault: fault("permanent") }, 3).await;
    }
    let due = store.alerts_due(at(4), 10).await.unwrap();
    assert_eq!((due.len(), due[0].count, due[0].first_at, due[0].state), (1, 3, at(3), AlertState::Open));
    let told = |count, closed, second, error: Option<&str>| AlertSent {
        id: due[0].id,
        count,
        closed,
        now: at(second),
        error: error.map(str::to_owned),
        again_in: Duration::from_secs(100),
    };
    store.alert_sent(told(3, false, 5, Some("down"))).await.unwrap();
    assert!(store.alerts_due(at(104), 10).await.unwrap().is_empty());
    assert_eq!(store.alerts_due(at(105), 10).await.unwrap()[0].failures, 1);
    store.alert_sent(told(3, false, 105, None)).await.unwrap();
    assert!(store.alerts_due(at(900), 10).await.unwrap().is_empty(), "nothing new to tell");
    conclude(store.as_ref(), &leased[3], Verdict::Dead { fault: fault("permanent") }, 3).await;
    assert_eq!(store.alerts_due(at(205), 10).await.unwrap()[0].count, 4, "what has grown is told again, in its time");
    store.operate(operation(Action::Discard, Vec::new(), 300)).await.unwrap();
    let over = store.alerts_due(at(300), 10).await.unwrap();
    assert_eq!((over.len(), over[0].state), (1, AlertState::Closed));
    store.alert_sent(told(4, true, 301, None)).await.unwrap();
    assert!(store.alerts_due(at(9000), 10).await.unwrap().is_empty());
    assert!(store.status(at(302)).await.unwrap().alerts.is_empty());
}

/// T12 and T16: ages, and the silence of a flow.
pub(crate) async fn time_that_is_spent_ends_a_message(place: &dyn Place) {
    let store = place.open();
    begin(store.as_ref(), "w", false).await;
    capture(store.as_ref(), vec![row("a", "1", 1), row("b", "1", 1)], 1).await;
    let leased = lease(store.as_ref(), "w", 2).await;
    intend(store.as_ref(), &leased[0], 3).await;
    conclude(store.as_ref(), &leased[0], retry(5000), 3).await;
    let wait = Verdict::WaitDependency { fault: fault("dependency"), links: vec![link("x")], at: at(5000), own: false };
    conclude(store.as_ref(), &leased[1], wait, 3).await;
    let sweep =
        |second, limit| Sweep { flows: vec![("orders".to_owned(), HOUR)], wait_max: HOUR, now: at(second), limit };
    assert_eq!(store.sweep(sweep(3000, 10)).await.unwrap(), 0);
    assert_eq!(store.sweep(sweep(6000, 1)).await.unwrap(), 1);
    assert_eq!(store.sweep(sweep(6000, 10)).await.unwrap(), 1);
    let letters = store.dead_letters(Selection::default(), 10).await.unwrap();
    assert!(letters.len() == 2 && letters.iter().all(|letter| letter.class == "expired"));
    let silent =
        |second| SilenceCheck { flow: "orders".to_owned(), span: HOUR, channel: "ops".to_owned(), now: at(second) };
    assert!(!store.silence(silent(3000)).await.unwrap());
    assert!(store.silence(silent(4000)).await.unwrap());
    assert_eq!(flow(store.as_ref()).await.silent_since, Some(at(1)));
    capture(store.as_ref(), vec![row("c", "1", 1)], 4001).await;
    assert!(!store.silence(silent(4002)).await.unwrap());
    let note = |fault| ReadingNote { flow: "orders".to_owned(), now: at(7000), fault, channel: Some("ops".to_owned()) };
    store.reading(note(Some(fault("transient")))).await.unwrap();
    assert_eq!(flow(store.as_ref()).await.last_error.as_deref(), Some("it is transient"));
    store.reading(note(None)).await.unwrap();
    assert_eq!(flow(store.as_ref()).await.last_read_at, Some(at(7000)));
}

/// Whatever a system sends is kept as it was.
pub(crate) async fn texts_of_every_kind_come_back_as_they_were(place: &dyn Place) {
    let store = place.open();
    begin(store.as_ref(), "w", false).await;
    let keys = ["Größe 1/2", "a'b\"c\\", "naught\0here", "\u{e000}0", "🛒", " ", "%_?$1", "\u{fffd}"];
    let rows: Vec<CaptureRow> =
        keys.iter().map(|key| CaptureRow { body: format!("[\"{key}\"]"), ..row(key, key, 1) }).collect();
    assert_eq!(capture(store.as_ref(), rows.clone(), 1).await.accepted, keys.len() as u64);
    assert_eq!(capture(store.as_ref(), rows.clone(), 1).await.unchanged, keys.len() as u64);
    let leased = lease(store.as_ref(), "w", 2).await;
    let found: Vec<(String, String)> = leased.iter().map(|one| (one.source_key.clone(), one.body.clone())).collect();
    let wanted: Vec<(String, String)> = rows.iter().map(|one| (one.source_key.clone(), one.body.clone())).collect();
    assert_eq!(found, wanted);
    for one in &leased {
        assert_eq!(deliver(store.as_ref(), one, &one.source_key, 3).await, Concluded::Applied(State::Done));
    }
    let links = store.links(keys.iter().map(|key| link(key)).collect()).await.unwrap();
    assert_eq!(links, keys.iter().map(|key| Some((*key).to_owned())).collect::<Vec<_>>());
}

/// Parts, and the write behind them.
pub(crate) async fn parts_are_messages_of_their_own_and_the_next_write_waits_for_all(place: &dyn Place) {
    let store = place.open();
    begin(store.as_ref(), "w", false).await;
    capture(store.as_ref(), vec![row("a", "1", 1)], 1).await;
    let whole = lease_one(store.as_ref(), 2).await;
    let parts = ["p1", "p2", "p3"].map(str::to_owned).to_vec();
    assert_eq!(conclude(store.as_ref(), &whole, Verdict::Split { parts }, 3).await, Concluded::Applied(State::Queued));
    let next = NextWrite { write: 1, target: ("shop".to_owned(), "order".to_owned()) };
    for number in 1..=3_i64 {
        let part = lease_one(store.as_ref(), 3 + number).await;
        assert_eq!((part.part.clone(), part.write), (Some(format!("p{number}")), 0), "in order, one at a time");
        assert_eq!(intend(store.as_ref(), &part, 4).await, Intended::Granted);
        let done = Delivery { next: Some(next.clone()), ..delivery("a", &format!("K{number}")) };
        conclude(store.as_ref(), &part, Verdict::Done(Box::new(done)), 3 + number).await;
    }
    let last = lease_one(store.as_ref(), 20).await;
    assert_eq!((last.write, last.part.clone()), (1, None));
    assert_eq!(flow(store.as_ref()).await.accepted, 4);
}

/// The sweep by set difference.
pub(crate) async fn what_is_not_met_may_be_gone(place: &dyn Place) {
    let store = place.open();
    begin(store.as_ref(), "w", false).await;
    capture(store.as_ref(), vec![row("a", "1", 1), row("b", "1", 1), row("c", "1", 1)], 1).await;
    capture(store.as_ref(), vec![CaptureRow { kind: RowKind::There, ..row("b", "", 50) }], 50).await;
    let question = |after: Option<&str>, limit| UnseenQuestion {
        flow: "orders".to_owned(),
        since: at(50),
        after: after.map(str::to_owned),
        limit,
    };
    let unseen = store.unseen(question(None, 1)).await.unwrap();
    assert_eq!((unseen.keys, unseen.unseen, unseen.known), (vec!["a".to_owned()], 2, 3));
    assert_eq!(store.unseen(question(Some("a"), 9)).await.unwrap().keys, ["c"]);
    let on_gone = Some(NextWrite { write: 2, target: ("erp".to_owned(), "Orders".to_owned()) });
    let gone = CaptureRow { kind: RowKind::Gone, ..row("a", "", 60) };
    let gone = CapturePage { on_gone, ..page(vec![gone], 60) };
    assert_eq!(store.capture(gone.clone()).await.unwrap().accepted, 1);
    assert_eq!(store.capture(gone).await.unwrap().accepted, 0, "once");
    assert_eq!(store.unseen(question(None, 9)).await.unwrap().keys, ["c"]);
}

/// What two sides agree on.
pub(crate) async fn agreed_states_are_kept(place: &dyn Place) {
    let store = place.open();
    begin(store.as_ref(), "w", false).await;
    let record = |key: &str| RecordRef { system: "erp".to_owned(), entity: "Orders".to_owned(), key: key.to_owned() };
    for (second, content) in [(1_i64, "one"), (2, "two")] {
        capture(store.as_ref(), vec![row("a", content, second)], second).await;
        let leased = lease_one(store.as_ref(), 10 + second).await;
        intend(store.as_ref(), &leased, 10 + second).await;
        let agreed = Agreed { record: record("K"), body: content.to_owned(), writer: Some("orders".to_owned()) };
        let done = Delivery { agreed: vec![agreed.clone()], ..delivery("a", "K") };
        conclude(store.as_ref(), &leased, Verdict::Done(Box::new(done)), 10 + second).await;
        assert_eq!(store.agreed(vec![record("x"), record("K")]).await.unwrap(), [None, Some(agreed)]);
    }
}

/// One run of a flow at a time, over all processes.
pub(crate) async fn a_turn_to_read_is_one_owners(place: &dyn Place) {
    let store = place.open();
    begin(store.as_ref(), "a", false).await;
    let turn = |owner: &str, second, until: Option<i64>| TurnRequest {
        flow: "orders".to_owned(),
        owner: owner.to_owned(),
        now: at(second),
        until: until.map(at),
    };
    assert!(store.turn(turn("a", 1, Some(50))).await.unwrap());
    assert!(!store.turn(turn("b", 2, Some(60))).await.unwrap());
    assert!(store.turn(turn("a", 40, Some(90))).await.unwrap(), "it is prolonged");
    assert!(!store.turn(turn("b", 60, Some(99))).await.unwrap());
    assert!(store.turn(turn("b", 90, Some(200))).await.unwrap(), "it ends by itself");
    assert!(!store.turn(turn("a", 91, Some(99))).await.unwrap());
    store.turn(turn("a", 92, None)).await.unwrap();
    assert!(!store.turn(turn("a", 93, Some(99))).await.unwrap(), "nobody gives back what is not theirs");
    store.turn(turn("b", 94, None)).await.unwrap();
    assert!(store.turn(turn("a", 95, Some(99))).await.unwrap());
}

/// Hints of webhooks.
pub(crate) async fn notices_are_kept_once_and_followed(place: &dyn Place) {
    let store = place.open();
    begin(store.as_ref(), "w", false).await;
    let notice = |id: &str, key: Option<&str>| Notice {
        system: "shop".to_owned(),
        id: Some(id.to_owned()),
        hints: vec![("orders".to_owned(), key.map(str::to_owned))],
        now: at(1),
    };
    let told = store.notice(vec![notice("1", Some("a")), notice("2", Some("a")), notice("3", None)]).await.unwrap();
    assert_eq!(
        told.iter().map(|one| (one.repeated, one.kept)).collect::<Vec<_>>(),
        [(false, 1), (false, 0), (false, 1)]
    );
    assert!(store.notice(vec![notice("1", Some("a"))]).await.unwrap()[0].repeated);
    let question = |second| HintQuestion { flow: "orders".to_owned(), now: at(second), limit: 10 };
    let hints = store.hints(question(1)).await.unwrap();
    let mut keys: Vec<(Option<String>, u64)> = hints.iter().map(|hint| (hint.key.clone(), hint.told)).collect();
    keys.sort();
    assert_eq!(keys, [(None, 1), (Some("a".to_owned()), 2)]);
    let taken = |failed| HintsTaken { flow: "orders".to_owned(), hints: hints.clone(), failed };
    store.hints_taken(taken(Some(("down".to_owned(), at(9))))).await.unwrap();
    assert!(store.hints(question(8)).await.unwrap().is_empty());
    assert_eq!(store.hints(question(9)).await.unwrap()[0].failures, 1);
    // Told once more meanwhile: that one stays.
    store.notice(vec![notice("4", Some("a"))]).await.unwrap();
    store.hints_taken(taken(None)).await.unwrap();
    assert_eq!(store.hints(question(9)).await.unwrap().len(), 1);
    assert_eq!(flow(store.as_ref()).await.hints, 1);
}

/// Retention, erasure, replay.
pub(crate) async fn what_is_old_is_purged_and_what_is_private_forgotten(place: &dyn Place) {
    let store = place.open();
    begin(store.as_ref(), "w", false).await;
    capture(store.as_ref(), vec![row("a", "1", 1), row("b", "1", 1), row("c", "1", 1)], 1).await;
    let leased = lease(store.as_ref(), "w", 2).await;
    deliver(store.as_ref(), &leased[0], "KA", 3).await;
    deliver(store.as_ref(), &leased[1], "KB", 3).await;
    let mut purge = Purge { flow: "orders".to_owned(), before: at(100), limit: 1, after: None };
    let first = store.purge(purge.clone()).await.unwrap();
    assert_eq!(first.removed, 1, "no more than asked for");
    // The next step looks behind it, at one that is not finished and stays.
    let mut steps = 0;
    purge.after = first.next;
    while purge.after.is_some() {
        purge.after = store.purge(Purge { before: at(2), ..purge.clone() }).await.unwrap().next;
        steps += 1;
        assert!(steps < 5, "a purge comes to its end");
    }
    assert_eq!(count(store.as_ref(), State::Done).await, 2, "what is removed stays counted");
    let forget = |key: &str| Forget {
        flows: vec!["orders".to_owned()],
        source_key: key.to_owned(),
        operator: "tester".to_owned(),
        reason: "asked".to_owned(),
        now: at(200),
    };
    assert_eq!(store.forget(forget("c")).await.unwrap().open, [leased[2].id]);
    assert_eq!(store.forget(forget("b")).await.unwrap().records, 1);
    assert_eq!(store.dead_letter(leased[1].id).await.unwrap().unwrap().original, "");
    assert_eq!(store.links(vec![link("a"), link("b")]).await.unwrap(), [Some("KA".to_owned()), Some("KB".to_owned())]);
    deliver(store.as_ref(), &leased[2], "KC", 5).await;
    let replay = Replay {
        flow: "orders".to_owned(),
        source_key: "c".to_owned(),
        target: ("erp".to_owned(), "Orders".to_owned()),
        on_gone: None,
        operator: "tester".to_owned(),
        reason: "again".to_owned(),
        now: at(300),
    };
    let Replayed::Queued(id) = store.replay(replay.clone()).await.unwrap() else { panic!("it is not queued") };
    assert_eq!(store.replay(replay.clone()).await.unwrap(), Replayed::UnderWay(id));
    let again = lease_one(store.as_ref(), 301).await;
    assert_eq!((again.id, again.last_written.clone(), again.link.as_deref()), (id, None, Some("KC")));
    let unknown = Replay { source_key: "nobody".to_owned(), ..replay };
    assert_eq!(store.replay(unknown).await.unwrap(), Replayed::Unknown);
}

/// Subscriptions at systems, kept over a restart.
pub(crate) async fn subscriptions_are_kept_and_forgotten(place: &dyn Place) {
    let store = place.open();
    begin(store.as_ref(), "w", false).await;
    let one = Subscription {
        system: "erp".to_owned(),
        name: "items".to_owned(),
        address: "https://hooks.example/hooks/erp".to_owned(),
        held: [("id".to_owned(), "17".to_owned()), ("version".to_owned(), "W/\"1\"".to_owned())].into(),
        made_at: Some(at(1)),
        renewed_at: Some(at(2)),
        expires_at: Some(at(300)),
        next_at: at(100),
        lost: 2,
        failures: 1,
        error: Some("down".to_owned()),
    };
    let other = Subscription { name: "invoices".to_owned(), expires_at: None, error: None, ..one.clone() };
    for kept in [&one, &other] {
        store.subscription(SubscriptionChange::Keep(kept.clone())).await.unwrap();
    }
    assert_eq!(store.subscriptions().await.unwrap(), [other.clone(), one.clone()]);
    assert_eq!(store.status(at(3)).await.unwrap().subscriptions, [other.clone(), one.clone()]);
    let changed = Subscription { held: BTreeMap::new(), made_at: None, failures: 2, ..one };
    store.subscription(SubscriptionChange::Keep(changed.clone())).await.unwrap();
    let (system, name) = (other.system, other.name);
    store.subscription(SubscriptionChange::Forget { system, name }).await.unwrap();
    drop(store);
    assert_eq!(place.open().subscriptions().await.unwrap(), [changed]);
}
