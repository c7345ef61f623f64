//! The duties of flows between two systems of one kind: two ways, deletes, joined changes, batches, fields written once.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests stop at once")]

mod common;

use std::time::Duration;

use common::open;
use common::pair::{Mishap, Side};
use common::pair_project::{ERP, Pair, SHOP, UPDATE, UPSERT, flow, leak, two_way, write};
use mapwright_engine::Sync;
use mapwright_engine::clock::Clock;
use mapwright_engine::connector::{Batching, Class, Guard};
use mapwright_engine::state::{Reason, State};
use mapwright_engine::store::{Action, MessageId, Operation, Selection};
use mapwright_values::Test;
use mapwright_values::plan::{AlsoReadPlan, DeliveryLevel, Manner, TermPlan, WritePlan};

#[tokio::test]
async fn a_change_goes_the_other_way_once_and_comes_back_as_nothing() {
    let pair = two_way("shop", "to_erp");
    pair.shop.edit("item", "1", &[("name", "one")]);
    pair.sync().await;
    assert_eq!(pair.erp.field("Items", "1", "name").as_deref(), Some("one"));
    pair.sync().await;
    assert_eq!((pair.erp.requests().len(), pair.shop.requests().len()), (1, 0), "the echo is nothing to be sent");
    assert_eq!(pair.count("back", State::Noop).await, 1);
    assert_eq!(pair.newest_words().await, "nothing but what the flow `out` has written");
    pair.erp.edit("Items", "1", &[("name", "uno")]);
    for _ in 0..3 {
        pair.sync().await;
    }
    assert_eq!(pair.shop.field("item", "1", "name").as_deref(), Some("uno"));
    assert_eq!((pair.erp.requests().len(), pair.shop.requests().len()), (0, 1));
    // What was there before is a change like any other.
    pair.shop.edit("item", "1", &[("name", "one")]);
    for _ in 0..3 {
        pair.sync().await;
    }
    assert_eq!(pair.erp.field("Items", "1", "name").as_deref(), Some("one"));
    assert_eq!((pair.erp.requests().len(), pair.shop.requests().len()), (1, 0));
}

#[tokio::test]
async fn where_both_have_changed_the_one_that_wins_is_kept() {
    for (winner, kept) in [("shop", "s2"), ("erp", "e2")] {
        let pair = two_way(winner, "to_erp");
        pair.shop.edit("item", "1", &[("name", "first")]);
        pair.sync().await;
        pair.sync().await;
        pair.shop.edit("item", "1", &[("name", "s2")]);
        pair.erp.edit("Items", "1", &[("name", "e2")]);
        pair.shop.requests();
        pair.erp.requests();
        for _ in 0..4 {
            pair.sync().await;
        }
        for (side, entity) in [(&pair.shop, "item"), (&pair.erp, "Items")] {
            assert_eq!(side.field(entity, "1", "name").as_deref(), Some(kept), "{winner} wins");
        }
        let sent = pair.shop.requests().len() + pair.erp.requests().len();
        assert_eq!(sent, 1, "{winner} wins: one write settles it");
    }
}

#[tokio::test]
async fn mappings_that_are_not_the_reverse_of_one_another_do_not_ping_pong() {
    let pair = two_way("shop", "louder");
    pair.shop.edit("item", "1", &[("name", "hey")]);
    for _ in 0..5 {
        pair.sync().await;
    }
    assert_eq!(pair.erp.field("Items", "1", "name").as_deref(), Some("hey!"));
    assert_eq!(pair.shop.field("item", "1", "name").as_deref(), Some("hey"));
    assert_eq!((pair.erp.requests().len(), pair.shop.requests().len()), (1, 0));
}

#[tokio::test]
async fn what_never_agreed_becomes_as_the_winner_has_it() {
    for (winner, kept) in [("shop", "s"), ("erp", "e")] {
        let pair = two_way(winner, "to_erp");
        pair.shop.edit("item", "1", &[("name", "s")]);
        pair.erp.edit("Items", "1", &[("name", "e")]);
        for _ in 0..4 {
            pair.sync().await;
        }
        for (side, entity) in [(&pair.shop, "item"), (&pair.erp, "Items")] {
            assert_eq!(side.field(entity, "1", "name").as_deref(), Some(kept), "{winner} wins");
        }
        // And from then on both sides carry their changes.
        pair.shop.edit("item", "1", &[("name", "s2")]);
        pair.sync().await;
        pair.sync().await;
        pair.erp.edit("Items", "1", &[("name", "e2")]);
        pair.sync().await;
        pair.sync().await;
        assert_eq!(pair.shop.field("item", "1", "name").as_deref(), Some("e2"), "{winner} wins");
    }
}

/// Test K at its size, larger by `MAPWRIGHT_RECORDS`: a thousand records, edits on one side, the other, and both.
#[tokio::test]
async fn a_thousand_records_with_edits_on_both_sides_converge_with_one_write_an_edit() {
    let records: usize = std::env::var("MAPWRIGHT_RECORDS").ok().map_or(1000, |text| text.parse().unwrap());
    let pair = two_way("erp", "to_erp");
    for number in 0..records {
        pair.shop.edit("item", &format!("{number:06}"), &[("name", &format!("n{number}"))]);
    }
    pair.sync().await;
    pair.sync().await;
    assert_eq!((pair.shop.requests().len(), pair.erp.requests().len()), (0, records));
    let (mut in_shop, mut in_erp) = (0, 0);
    for number in 0..records {
        let key = format!("{number:06}");
        if number % 3 == 0 {
            in_shop += 1;
            pair.shop.edit("item", &key, &[("name", &format!("s{number}"))]);
        }
        if number % 5 == 0 {
            in_erp += 1;
            pair.erp.edit("Items", &key, &[("name", &format!("e{number}"))]);
        }
    }
    for _ in 0..4 {
        pair.sync().await;
    }
    let (to_shop, to_erp) = (pair.shop.requests(), pair.erp.requests());
    assert!(to_shop.len() <= in_erp && to_erp.len() <= in_shop, "{} and {}", to_shop.len(), to_erp.len());
    for number in 0..records {
        let key = format!("{number:06}");
        let name = match number {
            number if number % 5 == 0 => format!("e{number}"),
            number if number % 3 == 0 => format!("s{number}"),
            number => format!("n{number}"),
        };
        assert_eq!(pair.shop.field("item", &key, "name"), Some(name.clone()), "{key}");
        assert_eq!(pair.erp.field("Items", &key, "name"), Some(name), "{key}");
    }
    for _ in 0..3 {
        pair.sync().await;
    }
    assert_eq!((pair.shop.requests().len(), pair.erp.requests().len()), (0, 0), "no loops");
    let settled = pair.count("out", State::Noop).await + pair.count("back", State::Noop).await;
    assert!(settled >= records as u64, "what we wrote ourselves ends as NOOP: {settled}");
}

#[tokio::test]
async fn a_change_between_reading_and_writing_is_refused_by_its_version_and_settled() {
    for (winner, kept) in [("shop", "two"), ("erp", "late")] {
        let pair = two_way(winner, "to_erp");
        pair.shop.edit("item", "1", &[("name", "one")]);
        pair.sync().await;
        pair.sync().await;
        pair.erp.requests();
        pair.shop.edit("item", "1", &[("name", "two")]);
        *pair.erp.mishaps.lock().unwrap() = vec![Mishap::Meanwhile("name", "late")];
        for _ in 0..4 {
            pair.sync().await;
        }
        assert_eq!(pair.erp.field("Items", "1", "name").as_deref(), Some(kept), "{winner} wins");
        assert_eq!(pair.shop.field("item", "1", "name").as_deref(), Some(kept), "{winner} wins");
    }
}

#[tokio::test]
async fn a_system_that_demands_a_version_is_told_one_in_a_one_way_flow_too() {
    let pair = Pair::new(vec![flow("out", SHOP, vec![write("to_erp", UPDATE)])]);
    *pair.erp.guard.lock().unwrap() = Guard::Required;
    pair.erp.edit("Items", "1", &[("name", "zero")]);
    pair.shop.edit("item", "1", &[("name", "one")]);
    *pair.erp.mishaps.lock().unwrap() = vec![Mishap::Meanwhile("other", "x")];
    pair.sync().await;
    assert_eq!(pair.erp.field("Items", "1", "name").as_deref(), Some("one"), "read and written once more");
    assert_eq!(pair.erp.requests().len(), 2);
    assert_eq!(pair.erp.field("Items", "1", "other").as_deref(), Some("x"));
}

fn deleting(manner: Manner, mapping: &'static str) -> Pair {
    let mut out = flow("out", SHOP, vec![write("to_erp", UPSERT)]);
    out.on_delete = leak(vec![write(mapping, manner)]);
    Pair::new(vec![out])
}

fn everything() -> Sync {
    Sync { everything: true, ..Sync::default() }
}

#[tokio::test]
async fn what_is_gone_is_found_by_a_full_scan_and_told_once() {
    let pair = deleting(UPDATE, "gone");
    for key in ["1", "2", "3"] {
        pair.shop.edit("item", key, &[("name", key)]);
    }
    pair.sync().await;
    pair.shop.remove("item", "2");
    pair.sync().await;
    assert_eq!(pair.erp.field("Items", "2", "active"), None, "a window shows nothing of it");
    pair.sync_as(&everything()).await;
    assert_eq!(pair.erp.field("Items", "2", "active").as_deref(), Some("no"));
    assert_eq!(pair.erp.field("Items", "1", "active"), None);
    pair.erp.requests();
    pair.sync_as(&everything()).await;
    assert_eq!(pair.erp.requests().len(), 0, "once");
    // It comes back with the content that was written before: a new record all the same.
    pair.shop.edit("item", "2", &[("name", "2")]);
    pair.sync().await;
    assert_eq!(pair.erp.requests().len(), 1);
}

#[tokio::test]
async fn a_record_that_left_the_flows_condition_is_not_gone() {
    let mut out = flow("out", SHOP, vec![write("to_erp", UPSERT)]);
    out.read.filter = leak(vec![TermPlan { field: "kind", test: Test::Eq, value: "\"a\"" }]);
    out.on_delete = leak(vec![write("gone", UPDATE)]);
    let pair = Pair::new(vec![out]);
    for key in ["1", "2"] {
        pair.shop.edit("item", key, &[("name", key), ("kind", "a")]);
    }
    pair.sync().await;
    pair.shop.edit("item", "1", &[("kind", "b")]);
    pair.shop.remove("item", "2");
    pair.sync_as(&everything()).await;
    assert_eq!(pair.erp.field("Items", "1", "active"), None);
    assert_eq!(pair.erp.field("Items", "2", "active").as_deref(), Some("no"));
}

#[tokio::test]
async fn a_deleted_target_is_forgotten_so_that_a_record_that_returns_is_made_again() {
    let create = Manner::CreateOnce { by: &["id"] };
    let mut out = flow("out", SHOP, vec![WritePlan { level: DeliveryLevel::Probeable, ..write("to_erp", create) }]);
    out.on_delete = leak(vec![write("removed", Manner::Delete { by: &["id"] })]);
    let pair = Pair::new(vec![out]);
    pair.shop.edit("item", "1", &[("name", "one")]);
    pair.shop.edit("item", "2", &[("name", "two")]);
    pair.sync().await;
    pair.shop.remove("item", "1");
    pair.sync_as(&everything()).await;
    assert_eq!(pair.erp.count("Items"), 1);
    pair.shop.edit("item", "1", &[("name", "one")]);
    pair.sync().await;
    assert_eq!((pair.erp.count("Items"), pair.count("out", State::Done).await), (2, 4));
}

/// By the target's key, and by another field that is looked up first.
#[tokio::test]
async fn what_is_to_be_removed_and_is_not_there_is_removed_and_can_come_back() {
    for by in [&["id"] as &'static [&'static str], &["name"]] {
        let mapping = if by == ["id"] { "removed" } else { "removed_by_name" };
        let create = Manner::CreateOnce { by: &["id"] };
        let mut out = flow("out", SHOP, vec![WritePlan { level: DeliveryLevel::Probeable, ..write("to_erp", create) }]);
        out.on_delete = leak(vec![write(mapping, Manner::Delete { by })]);
        let pair = Pair::new(vec![out]);
        pair.shop.edit("item", "1", &[("name", "1")]);
        pair.sync().await;
        // Its own request did it and the answer was lost, or somebody else was quicker: the target cannot tell.
        pair.erp.remove("Items", "1");
        pair.shop.remove("item", "1");
        pair.sync_as(&everything()).await;
        let ended = pair.count("out", State::Done).await + pair.count("out", State::Noop).await;
        assert_eq!(ended, 2, "by {by:?}: nothing waits for what is gone: {}", pair.newest_words().await);
        pair.shop.edit("item", "1", &[("name", "1")]);
        pair.sync().await;
        assert_eq!(pair.erp.count("Items"), 1, "by {by:?}: a new record of the same content is made");
    }
}

#[tokio::test]
async fn a_source_that_hides_its_records_deletes_nothing_until_a_person_says_so() {
    let pair = deleting(Manner::Delete { by: &["id"] }, "removed");
    for number in 0..60 {
        pair.shop.edit("item", &format!("{number:02}"), &[("name", "x")]);
    }
    pair.sync().await;
    *pair.shop.blind.lock().unwrap() = true;
    let summary = pair.sync_as(&everything()).await;
    assert_eq!(pair.erp.count("Items"), 60);
    assert!(summary.failed_readings[0].1.contains("60 of the 60 known records"), "{summary:?}");
    let alerts = pair.recorder.alerts.lock().unwrap().len();
    assert_eq!(alerts, 1);
    *pair.shop.blind.lock().unwrap() = false;
    for number in 0..60 {
        pair.shop.remove("item", &format!("{number:02}"));
    }
    pair.sync_as(&everything()).await;
    assert_eq!(pair.erp.count("Items"), 60);
    pair.sync_as(&Sync { accept_gone: true, ..everything() }).await;
    assert_eq!(pair.erp.count("Items"), 0);
}

#[tokio::test]
async fn a_flow_of_changes_compares_everything_once_a_week() {
    let pair = deleting(UPDATE, "gone");
    pair.shop.edit("item", "1", &[("name", "one")]);
    pair.shop.edit("item", "2", &[("name", "two")]);
    pair.sync().await;
    // Neither leaves a mark: a change under an old stamp, and a delete.
    pair.clock.advance(Duration::from_secs(3600));
    pair.sync().await;
    pair.shop.edit_silently("item", "1", &[("name", "uno")]);
    pair.shop.remove("item", "2");
    pair.sync().await;
    assert_eq!(pair.erp.field("Items", "1", "name").as_deref(), Some("one"));
    pair.clock.advance(Duration::from_secs(7 * 24 * 3600));
    pair.sync().await;
    assert_eq!(pair.erp.field("Items", "1", "name").as_deref(), Some("uno"));
    assert_eq!(pair.erp.field("Items", "2", "active").as_deref(), Some("no"));
}

#[tokio::test]
async fn a_change_of_a_joined_record_is_one_of_its_parent() {
    let mut out = flow("out", SHOP, vec![write("to_erp", UPSERT)]);
    out.read.filter = leak(vec![TermPlan { field: "kind", test: Test::Eq, value: "\"a\"" }]);
    out.read.also = leak(vec![AlsoReadPlan {
        system: "shop",
        entity: "price",
        filter: &[],
        select: &["id", "item"],
        parent: "item",
    }]);
    let pair = Pair::new(vec![out]);
    for key in ["1", "2", "3"] {
        pair.shop.edit("item", key, &[("name", key), ("kind", if key == "3" { "b" } else { "a" })]);
    }
    pair.clock.advance(Duration::from_secs(24 * 3600));
    pair.sync().await;
    assert_eq!(pair.erp.count("Items"), 2);
    pair.erp.requests();
    // What the join changes leaves the item's own stamp where it was.
    for (price, item, name) in [("p1", "1", "uno"), ("p3", "3", "tre"), ("p9", "9", "")] {
        if item != "9" {
            pair.shop.edit_silently("item", item, &[("name", name)]);
        }
        pair.shop.edit("price", price, &[("item", item)]);
    }
    pair.sync().await;
    assert_eq!(pair.erp.requests().iter().map(|request| request.keys.join(",")).collect::<Vec<_>>(), ["1"]);
    assert_eq!(pair.erp.field("Items", "1", "name").as_deref(), Some("uno"));
    assert_eq!(pair.erp.count("Items"), 2, "the flow's condition holds for what is fetched too");
    pair.shop.edit("price", "p1", &[("item", "1")]);
    pair.sync().await;
    assert_eq!(pair.erp.requests().len(), 0, "an unchanged parent ends before the inbox");
    assert_eq!(pair.count("out", State::Done).await, 3);
}

fn batched(size: u32, atomic: bool) -> Pair {
    let pair = Pair::new(vec![flow("out", SHOP, vec![WritePlan { batch: Some(size), ..write("to_erp", UPSERT) }])]);
    *pair.erp.batching.lock().unwrap() = Some(Batching { size_max: 100, atomic });
    pair
}

fn sizes(side: &Side) -> Vec<usize> {
    let mut sizes: Vec<usize> = side.requests().iter().map(|request| request.keys.len()).collect();
    sizes.sort_unstable();
    sizes
}

#[tokio::test]
async fn records_go_in_batches_with_an_outcome_each() {
    let pair = batched(20, false);
    for number in 0..45 {
        let name = if number == 7 { "bad" } else { "good" };
        pair.shop.edit("item", &format!("{number:02}"), &[("name", name)]);
    }
    pair.erp.refused.lock().unwrap().push("bad".to_owned());
    pair.sync().await;
    assert_eq!(pair.erp.count("Items"), 44);
    assert_eq!((pair.count("out", State::Done).await, pair.count("out", State::Dead).await), (44, 1));
    let sizes = sizes(&pair.erp);
    assert!(sizes.iter().sum::<usize>() == 45 && sizes.len() <= 6 && sizes.iter().all(|size| *size <= 20), "{sizes:?}");
}

#[tokio::test]
async fn a_bad_record_of_an_atomic_batch_is_found_and_costs_nobody_else() {
    let pair = batched(10, true);
    for number in 0..10 {
        let name = if number == 7 { "bad" } else { "good" };
        pair.shop.edit("item", &format!("{number:02}"), &[("name", name)]);
    }
    pair.erp.refused.lock().unwrap().push("bad".to_owned());
    pair.sync().await;
    assert_eq!(pair.erp.count("Items"), 9);
    assert_eq!((pair.count("out", State::Done).await, pair.count("out", State::Dead).await), (9, 1));
    let sizes = sizes(&pair.erp);
    assert_eq!(sizes.iter().sum::<usize>(), 20, "each once more by itself: {sizes:?}");
}

#[tokio::test]
async fn a_lost_answer_leaves_each_record_of_its_batch_unproven() {
    let create = Manner::CreateOnce { by: &["id"] };
    let write = WritePlan { batch: Some(10), level: DeliveryLevel::Probeable, ..write("to_erp", create) };
    let pair = Pair::new(vec![flow("out", SHOP, vec![write])]);
    *pair.erp.batching.lock().unwrap() = Some(Batching { size_max: 100, atomic: false });
    for number in 0..10 {
        pair.shop.edit("item", &format!("{number:02}"), &[("name", "x")]);
    }
    *pair.erp.mishaps.lock().unwrap() = vec![Mishap::LostReply];
    pair.sync_as(&Sync { stop: mapwright_engine::Stop::Once, ..Sync::default() }).await;
    let unproven = pair.count("out", State::Ambiguous).await;
    assert!(unproven >= 5, "{unproven}");
    assert_eq!(pair.count("out", State::Done).await, 10 - unproven, "the rest was in another request");
    pair.sync().await;
    assert_eq!((pair.erp.count("Items"), pair.count("out", State::Done).await), (10, 10));
    let sent: usize = sizes(&pair.erp).iter().sum();
    assert_eq!(sent, 10, "what a probe finds is not sent again");
    let detail = open(pair.folder.path()).dead_letter(MessageId(1)).await.unwrap().unwrap();
    assert_eq!(detail.attempts.iter().filter(|attempt| attempt.kind == "send").count(), 1, "an intent of its own");
}

#[tokio::test]
async fn what_is_written_once_is_left_out_of_every_update() {
    let pair = Pair::new(vec![flow("out", SHOP, vec![write("once", UPSERT)])]);
    pair.shop.edit("item", "1", &[("name", "one")]);
    pair.erp.edit("Items", "2", &[("first", "theirs")]);
    pair.shop.edit("item", "2", &[("name", "two")]);
    pair.sync().await;
    assert_eq!(pair.erp.field("Items", "1", "first").as_deref(), Some("one"));
    assert_eq!(pair.erp.field("Items", "2", "first").as_deref(), Some("theirs"), "it was there before");
    assert_eq!(pair.erp.field("Items", "2", "name").as_deref(), Some("two"));
    pair.shop.edit("item", "1", &[("name", "uno")]);
    pair.sync().await;
    assert_eq!(pair.erp.field("Items", "1", "name").as_deref(), Some("uno"));
    assert_eq!(pair.erp.field("Items", "1", "first").as_deref(), Some("one"));
    // Somebody has deleted it: it is made anew, and whole.
    pair.erp.remove("Items", "1");
    pair.shop.edit("item", "1", &[("name", "ein")]);
    pair.sync().await;
    assert_eq!(pair.erp.field("Items", "1", "first").as_deref(), Some("ein"));
}

#[tokio::test]
async fn an_update_never_writes_what_is_written_once() {
    let pair = Pair::new(vec![flow("out", SHOP, vec![write("once", UPDATE)])]);
    pair.erp.edit("Items", "1", &[("first", "theirs")]);
    pair.shop.edit("item", "1", &[("name", "one")]);
    pair.sync().await;
    assert_eq!(pair.erp.field("Items", "1", "first").as_deref(), Some("theirs"));
    assert_eq!(pair.erp.field("Items", "1", "name").as_deref(), Some("one"));
}

#[tokio::test]
async fn a_link_is_found_from_the_other_side() {
    let out = flow("out", SHOP, vec![write("to_erp", UPSERT)]);
    let back = flow("back", ERP, vec![write("by_link", UPDATE)]);
    let pair = Pair::new(vec![out, back]);
    pair.shop.edit("item", "1", &[("name", "one")]);
    pair.erp.edit("Items", "9", &[("name", "nobody's")]);
    pair.sync().await;
    pair.sync().await;
    assert_eq!(pair.shop.field("item", "1", "erp").as_deref(), Some("1"));
    assert_eq!((pair.shop.count("item"), pair.count("back", State::Skipped).await), (1, 1));
}

#[tokio::test]
async fn a_newer_state_overtakes_one_that_is_to_be_tried_again() {
    let pair = Pair::new(vec![flow("out", SHOP, vec![write("to_erp", UPSERT)])]);
    *pair.erp.mishaps.lock().unwrap() = vec![Mishap::Refused(Class::Transient)];
    pair.shop.edit("item", "1", &[("name", "old")]);
    pair.sync_as(&Sync { stop: mapwright_engine::Stop::Once, ..Sync::default() }).await;
    assert_eq!(pair.count("out", State::RetryWait).await, 1);
    pair.shop.edit("item", "1", &[("name", "new")]);
    pair.sync().await;
    assert_eq!(pair.erp.field("Items", "1", "name").as_deref(), Some("new"));
    assert_eq!((pair.count("out", State::Superseded).await, pair.count("out", State::Done).await), (1, 1));
}

#[tokio::test]
async fn the_end_of_a_record_overtakes_its_dead_state_or_waits_behind_it() {
    for latest_wins in [true, false] {
        let mut out = flow("out", SHOP, vec![write("to_erp", UPSERT)]);
        out.latest_wins = latest_wins;
        out.on_delete = leak(vec![write("removed", Manner::Delete { by: &["id"] })]);
        let pair = Pair::new(vec![out]);
        pair.shop.edit("item", "1", &[("name", "good")]);
        pair.shop.edit("item", "2", &[("name", "good")]);
        pair.sync().await;
        pair.erp.refused.lock().unwrap().push("bad".to_owned());
        pair.shop.edit("item", "1", &[("name", "bad")]);
        pair.sync().await;
        assert_eq!(pair.count("out", State::Dead).await, 1);
        pair.shop.remove("item", "1");
        pair.sync_as(&Sync { everything: true, ..Sync::default() }).await;
        let left = if latest_wins { (0, 1) } else { (1, 2) };
        assert_eq!((pair.count("out", State::Dead).await, pair.erp.count("Items") as u64), left);
    }
}

/// A record whose first write has happened, and whose second try will be refused.
async fn lost_and_refused() -> Pair {
    let mut out = flow("out", SHOP, vec![write("to_erp", UPSERT)]);
    out.on_delete = leak(vec![write("removed_if_linked", Manner::Delete { by: &["id"] })]);
    let pair = Pair::new(vec![out]);
    *pair.erp.mishaps.lock().unwrap() = vec![Mishap::LostReply];
    pair.shop.edit("item", "1", &[("name", "bad")]);
    pair.sync_as(&Sync { stop: mapwright_engine::Stop::Once, ..Sync::default() }).await;
    pair.erp.refused.lock().unwrap().push("bad".to_owned());
    pair
}

#[tokio::test]
async fn the_end_of_a_record_waits_behind_a_dead_write_that_may_have_happened() {
    for captured_first in [true, false] {
        let pair = lost_and_refused().await;
        if !captured_first {
            pair.sync().await;
            assert_eq!(pair.count("out", State::Dead).await, 1);
        }
        pair.shop.remove("item", "1");
        pair.sync_as(&everything()).await;
        let blocked = State::Waiting(Reason::KeyBlocked);
        assert_eq!((pair.count("out", State::Dead).await, pair.count("out", blocked).await), (1, 1));
        assert_eq!(pair.erp.count("Items"), 1, "the first write had happened");
        // A person sets it going again: what was written is known then, and removed.
        pair.erp.refused.lock().unwrap().clear();
        let all = Operation {
            action: Action::Redrive,
            selection: Selection::default(),
            limit: 10,
            operator: "tester".to_owned(),
            reason: String::new(),
            now: pair.clock.now(),
        };
        assert_eq!(open(pair.folder.path()).operate(all).await.unwrap(), 1);
        pair.sync().await;
        assert_eq!((pair.count("out", State::Done).await, pair.erp.count("Items")), (2, 0));
    }
}

#[tokio::test]
async fn a_record_that_comes_back_overtakes_its_dead_write_and_its_end() {
    let pair = lost_and_refused().await;
    pair.shop.remove("item", "1");
    pair.sync_as(&everything()).await;
    pair.shop.edit("item", "1", &[("name", "good")]);
    pair.sync().await;
    assert_eq!((pair.count("out", State::Superseded).await, pair.count("out", State::Done).await), (2, 1));
    assert_eq!(pair.erp.field("Items", "1", "name").as_deref(), Some("good"));
}

fn together(manner: Manner, level: DeliveryLevel) -> Pair {
    let pair = Pair::new(vec![flow("out", SHOP, vec![WritePlan { together: true, level, ..write("parts", manner) }])]);
    *pair.erp.batching.lock().unwrap() = Some(Batching { size_max: 3, atomic: true });
    pair
}

#[tokio::test]
async fn all_parts_of_a_record_are_one_delivery() {
    let pair = together(Manner::CreateOnce { by: &["id"] }, DeliveryLevel::Probeable);
    pair.shop.edit("item", "1", &[("name", "a b c")]);
    pair.shop.edit("item", "2", &[("name", "a bad c")]);
    pair.shop.edit("item", "3", &[("name", "a b c d")]);
    pair.erp.refused.lock().unwrap().push("bad".to_owned());
    pair.sync().await;
    assert_eq!((pair.count("out", State::Done).await, pair.count("out", State::Dead).await), (1, 2));
    assert_eq!(pair.erp.count("Items"), 3, "nothing of the record with a bad part, nothing of the one with too many");
    assert_eq!(sizes(&pair.erp), [3, 3]);
    // Created once: a new state of the record writes nothing.
    pair.shop.edit("item", "1", &[("name", "a b")]);
    pair.sync().await;
    assert_eq!((sizes(&pair.erp).len(), pair.count("out", State::Noop).await), (0, 1));
}

#[tokio::test]
async fn parts_whose_answer_is_lost_are_found_together_or_left_to_a_person() {
    let pair = together(Manner::CreateOnce { by: &["id"] }, DeliveryLevel::Probeable);
    *pair.erp.mishaps.lock().unwrap() = vec![Mishap::LostReply];
    pair.shop.edit("item", "1", &[("name", "a b")]);
    pair.sync().await;
    assert_eq!((pair.erp.count("Items"), pair.count("out", State::Done).await, sizes(&pair.erp)), (2, 1, vec![2]));
    *pair.erp.mishaps.lock().unwrap() = vec![Mishap::LostReply];
    pair.shop.edit("item", "2", &[("name", "a b")]);
    pair.sync_as(&Sync { stop: mapwright_engine::Stop::Once, ..Sync::default() }).await;
    assert_eq!(pair.count("out", State::Ambiguous).await, 1);
    pair.erp.remove("Items", "2-a");
    pair.sync().await;
    assert_eq!(pair.count("out", State::ParkedAmbiguous).await, 1);
    assert!(pair.newest_words().await.contains("1 of its 2 parts are there"), "{}", pair.newest_words().await);
}

#[tokio::test]
async fn parts_that_are_updated_together_are_sent_again_as_one() {
    let pair = together(UPSERT, DeliveryLevel::Natural);
    pair.shop.edit("item", "1", &[("name", "a b")]);
    pair.sync().await;
    pair.shop.edit("item", "1", &[("name", "a b c")]);
    *pair.erp.mishaps.lock().unwrap() = vec![Mishap::LostReply];
    pair.sync().await;
    assert_eq!((pair.erp.count("Items"), pair.count("out", State::Done).await), (3, 2));
    assert_eq!(sizes(&pair.erp), [2, 3, 3], "a repeat is harmless");
    pair.shop.edit("item", "1", &[("other", "x")]);
    pair.sync().await;
    assert_eq!(sizes(&pair.erp), Vec::<usize>::new(), "the same parts are not written again");
}

#[tokio::test]
async fn what_is_written_once_is_left_out_of_parts_that_are_there() {
    for guard in [Guard::Version, Guard::Required] {
        let parts = WritePlan { together: true, ..write("parts_once", UPSERT) };
        let pair = Pair::new(vec![flow("out", SHOP, vec![parts])]);
        *pair.erp.batching.lock().unwrap() = Some(Batching { size_max: 3, atomic: true });
        *pair.erp.guard.lock().unwrap() = guard;
        pair.shop.edit("item", "1", &[("name", "a:1 b:1")]);
        pair.sync().await;
        assert_eq!(pair.erp.field("Items", "1-a", "first").as_deref(), Some("a:1"));
        // One part has changed, one is new, one was emptied there by somebody: only the new one is whole.
        pair.erp.edit("Items", "1-b", &[("first", "theirs")]);
        pair.shop.edit("item", "1", &[("name", "a:2 b:1 c:1")]);
        pair.sync().await;
        let held = |key: &str, name| pair.erp.field("Items", key, name).unwrap_or_default();
        assert_eq!((held("1-a", "name"), held("1-a", "first")), ("a:2".to_owned(), "a:1".to_owned()));
        assert_eq!((held("1-b", "name"), held("1-b", "first")), ("b:1".to_owned(), "theirs".to_owned()));
        assert_eq!((held("1-c", "name"), held("1-c", "first")), ("c:1".to_owned(), "c:1".to_owned()));
        assert_eq!(sizes(&pair.erp), [2, 3]);
        pair.shop.edit("item", "1", &[("other", "x")]);
        pair.sync().await;
        assert_eq!(sizes(&pair.erp), Vec::<usize>::new(), "the same parts are not written again");
    }
}

fn grouped() -> Pair {
    let mut out = flow("out", ("shop", "row"), vec![write("group", UPSERT)]);
    out.read.group = Some("order");
    let pair = Pair::new(vec![out]);
    for (row, order, name) in [("1", "A", "one"), ("2", "B", "two"), ("3", "A", "three"), ("4", "B", "four")] {
        pair.shop.edit("row", row, &[("order", order), ("name", name)]);
    }
    pair
}

#[tokio::test]
async fn a_change_that_is_read_before_its_record_lets_the_record_be_made() {
    let pair = Pair::new(vec![
        flow("changes", SHOP, vec![write("louder", UPDATE)]),
        flow("records", SHOP, vec![write("to_erp", UPSERT)]),
    ]);
    pair.shop.edit("item", "1", &[("name", "one")]);
    let alone = Sync { flows: vec!["changes".to_owned()], ..Sync::default() };
    pair.sync_as(&alone).await;
    assert_eq!(pair.count("changes", State::Waiting(Reason::Dependency)).await, 1);
    // The record is read a second later, long before the change would look again.
    pair.engine().sync(&Sync::default()).await.unwrap();
    assert_eq!(pair.erp.field("Items", "1", "name").as_deref(), Some("one!"), "made, then changed");
    assert_eq!((pair.count("changes", State::Done).await, pair.count("records", State::Done).await), (1, 1));
}

#[tokio::test]
async fn a_change_of_one_row_maps_its_whole_group() {
    let pair = grouped();
    pair.sync().await;
    pair.clock.advance(Duration::from_secs(3600));
    pair.sync().await;
    assert_eq!(pair.erp.field("Items", "A", "name").as_deref(), Some("one three"));
    assert_eq!(pair.erp.field("Items", "B", "name").as_deref(), Some("two four"));
    pair.erp.requests();
    pair.shop.edit("row", "3", &[("name", "tre")]);
    pair.shop.edit("row", "5", &[("name", "nobody's")]);
    pair.sync().await;
    assert_eq!(pair.erp.field("Items", "A", "name").as_deref(), Some("one tre"));
    assert_eq!(pair.erp.requests().len(), 1);
    assert_eq!(pair.count("out", State::Dead).await, 1, "a row without a group is told");
    let letter = open(pair.folder.path()).dead_letters(Selection::default(), 10).await.unwrap().remove(0);
    assert_eq!(letter.message, "the record has no `order`, which names its group");
}

#[tokio::test]
async fn a_full_scan_groups_over_all_its_pages() {
    let pair = grouped();
    *pair.shop.page_rows.lock().unwrap() = 1;
    pair.sync_as(&everything()).await;
    assert_eq!(pair.erp.field("Items", "A", "name").as_deref(), Some("one three"));
    assert_eq!(pair.erp.field("Items", "B", "name").as_deref(), Some("two four"));
    assert_eq!(pair.erp.requests().len(), 2, "no group was written in part");
    pair.sync_as(&everything()).await;
    assert_eq!(pair.erp.requests().len(), 0);
    // A row less is a change of the group.
    pair.shop.remove("row", "1");
    pair.sync_as(&everything()).await;
    assert_eq!(pair.erp.field("Items", "A", "name").as_deref(), Some("three"));
}
