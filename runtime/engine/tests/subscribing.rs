//! Subscriptions: made when a flow listens, renewed before they end, made again when lost, ended when nobody listens any more;
//! what is known of them outlives the process, and a system that refuses is asked ever more rarely.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests stop at once")]

mod common;

use std::time::Duration;

use common::open;
use common::pair_project::{Pair, SHOP, UPSERT, flow, write};
use mapwright_engine::clock::Clock;
use mapwright_engine::connector::Subscribing;
use mapwright_engine::store::Subscription;
use mapwright_values::plan::Schedule;

const ADDRESS: &str = "https://hooks.example/";
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

fn pair(listens: bool) -> Pair {
    let mut out = flow("out", SHOP, vec![write("to_erp", UPSERT)]);
    out.schedules = match listens {
        true => &[
            Schedule::Every { seconds: 3600, everything: false },
            Schedule::Webhook { topic: "item.written", system: "shop" },
        ],
        false => &[Schedule::Every { seconds: 3600, everything: false }],
    };
    let pair = Pair::new(vec![out]);
    pair.shop.desk.lock().unwrap().how = Some(Subscribing { look_every: Some(HOUR), renew_every: Some(2 * DAY) });
    pair
}

/// Looks after subscriptions with a process of its own, as after a restart; answers what the system was asked.
async fn tend(pair: &Pair, address: &str) -> Vec<String> {
    pair.engine().tend_subscriptions(address).await.unwrap();
    std::mem::take(&mut pair.shop.desk.lock().unwrap().asked)
}

async fn known(pair: &Pair) -> Vec<Subscription> {
    open(pair.folder.path()).status(pair.clock.now()).await.unwrap().subscriptions
}

#[tokio::test]
async fn one_is_made_once_looked_for_and_renewed_before_it_ends() {
    let pair = pair(true);
    pair.shop.desk.lock().unwrap().lasts = Some(3 * DAY);
    assert_eq!(tend(&pair, ADDRESS).await, ["Made ITEM.WRITTEN"]);
    assert_eq!(pair.shop.desk.lock().unwrap().standing["ITEM.WRITTEN"].1, "https://hooks.example/hooks/shop");
    assert_eq!(tend(&pair, ADDRESS).await, Vec::<String>::new(), "it is not asked again at once");
    let mut asked = Vec::new();
    for _ in 0..60 {
        pair.clock.advance(HOUR);
        asked.extend(tend(&pair, ADDRESS).await);
    }
    let renewed: Vec<usize> =
        asked.iter().enumerate().filter(|(_, one)| one.starts_with("Renewed")).map(|(hour, _)| hour + 1).collect();
    assert_eq!(renewed, [48], "{asked:?}");
    assert_eq!(asked.len(), 60, "it is looked for every hour: {asked:?}");
    assert_eq!(known(&pair).await[0].lost, 0);
    // A life that is shorter than the manifest thinks is what counts.
    pair.shop.desk.lock().unwrap().lasts = Some(3 * HOUR);
    let mut asked = Vec::new();
    for _ in 0..42 {
        pair.clock.advance(HOUR);
        asked.extend(tend(&pair, ADDRESS).await);
    }
    let renewed = asked.iter().filter(|one| one.starts_with("Renewed")).count();
    assert!(renewed >= 2, "{asked:?}");
}

#[tokio::test]
async fn one_that_is_lost_is_made_again_and_told() {
    let pair = pair(true);
    tend(&pair, ADDRESS).await;
    pair.shop.desk.lock().unwrap().standing.clear();
    pair.clock.advance(HOUR);
    assert_eq!(tend(&pair, ADDRESS).await, ["Made ITEM.WRITTEN"]);
    let known = known(&pair).await;
    assert_eq!((known[0].lost, known[0].held["id"].as_str()), (1, "2"));
}

#[tokio::test]
async fn a_refusal_is_kept_and_asked_for_ever_more_rarely() {
    let pair = pair(true);
    pair.shop.desk.lock().unwrap().refuses = true;
    let mut asked = 0;
    for _ in 0..120 {
        asked += tend(&pair, ADDRESS).await.len();
        pair.clock.advance(Duration::from_secs(1));
    }
    assert!((5..=9).contains(&asked), "{asked} times in two minutes");
    let refused = known(&pair).await.swap_remove(0);
    assert_eq!((refused.made_at, refused.error.as_deref()), (None, Some("the system said no rights; see its manual")));
    assert!(refused.failures >= 5, "{refused:?}");
    pair.shop.desk.lock().unwrap().refuses = false;
    pair.clock.advance(HOUR);
    assert_eq!(tend(&pair, ADDRESS).await, ["Made ITEM.WRITTEN"]);
    let made = known(&pair).await.swap_remove(0);
    assert_eq!((made.failures, made.error, made.lost), (0, None, 0));
}

#[tokio::test]
async fn another_address_makes_another_one_and_nobody_who_listens_none() {
    let pair = pair(true);
    tend(&pair, ADDRESS).await;
    let asked = tend(&pair, "https://other.example").await;
    assert_eq!(asked, ["Ended ITEM.WRITTEN at https://hooks.example/hooks/shop", "Made ITEM.WRITTEN"]);
    let mut deaf = self::pair(false);
    std::mem::swap(&mut deaf.folder, &mut { pair }.folder);
    deaf.shop.desk.lock().unwrap().how = Some(Subscribing::default());
    assert_eq!(tend(&deaf, ADDRESS).await, ["Ended ITEM.WRITTEN at https://other.example/hooks/shop"]);
    assert_eq!(known(&deaf).await, Vec::new());
}

#[tokio::test]
async fn a_system_that_needs_none_is_asked_nothing() {
    let pair = pair(true);
    pair.shop.desk.lock().unwrap().how = None;
    assert_eq!(tend(&pair, ADDRESS).await, Vec::<String>::new());
    assert_eq!(pair.engine().tend_subscriptions(ADDRESS).await.unwrap(), None);
    assert_eq!(known(&pair).await, Vec::new());
}
