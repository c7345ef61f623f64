//! Several owners at once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use mapwright_engine::state::State;
use mapwright_engine::store::*;

use super::Place;
use super::book::*;

/// I9: no message is with two workers at once, and none is left.
pub(crate) async fn many_workers_claim_each_message_once(place: &dyn Place) {
    const MESSAGES: usize = 120;
    let store = place.open();
    begin(store.as_ref(), "w", false).await;
    capture(store.as_ref(), (0..MESSAGES).map(|n| row(&format!("o{n}"), "a", 1)).collect(), 1).await;
    let mut workers = tokio::task::JoinSet::new();
    for worker in 0..6 {
        let store = Arc::clone(&store);
        workers.spawn(async move {
            let mut mine = Vec::new();
            loop {
                let request = LeaseRequest { limit: 7, ..claim(&format!("w{worker}"), 2) };
                let leased = store.lease(request).await.unwrap();
                if leased.is_empty() {
                    return mine;
                }
                for one in leased {
                    let key = format!("K-{}", one.source_key);
                    assert_eq!(deliver(store.as_ref(), &one, &key, 3).await, Concluded::Applied(State::Done));
                    mine.push(one.id);
                }
            }
        });
    }
    let mut all = HashSet::new();
    while let Some(mine) = workers.join_next().await {
        for id in mine.unwrap() {
            assert!(all.insert(id), "{id} was claimed twice");
        }
    }
    // A worker that found the rest locked by others may have ended early; nobody else has it then.
    for one in lease(store.as_ref(), "last", 4).await {
        assert!(all.insert(one.id));
        deliver(store.as_ref(), &one, &format!("K-{}", one.source_key), 5).await;
    }
    assert_eq!((all.len(), count(store.as_ref(), State::Done).await), (MESSAGES, MESSAGES as u64));
}

/// G3: whoever reads and whoever works, of one key never two are under way and none is forgotten.
pub(crate) async fn many_writers_of_one_key_keep_its_order(place: &dyn Place) {
    const VERSIONS: i64 = 12;
    const KEYS: [&str; 3] = ["a", "b", "c"];
    let store = place.open();
    begin(store.as_ref(), "w", false).await;
    let reader = {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for version in 0..VERSIONS {
                let rows = KEYS.iter().map(|key| row(key, &format!("v{version}"), version)).collect();
                assert_eq!(capture(store.as_ref(), rows, version).await.accepted, KEYS.len() as u64);
            }
        })
    };
    let mut workers = tokio::task::JoinSet::new();
    for worker in 0..4 {
        let store = Arc::clone(&store);
        workers.spawn(async move {
            let mut done: Vec<(i64, String, String)> = Vec::new();
            let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
            while count(store.as_ref(), State::Done).await < VERSIONS as u64 * KEYS.len() as u64 {
                assert!(
                    std::time::Instant::now() < deadline,
                    "the backlog does not reach zero: {:?}",
                    flow(store.as_ref()).await
                );
                for one in lease(store.as_ref(), &format!("w{worker}"), 100).await {
                    let key = format!("K-{}", one.source_key);
                    done.push((one.id.0, one.source_key.clone(), one.body.clone()));
                    assert_eq!(deliver(store.as_ref(), &one, &key, 100).await, Concluded::Applied(State::Done));
                }
                tokio::task::yield_now().await;
            }
            done
        });
    }
    reader.await.unwrap();
    let mut by_key: HashMap<String, Vec<(i64, String)>> = HashMap::new();
    while let Some(done) = workers.join_next().await {
        for (id, key, body) in done.unwrap() {
            by_key.entry(key).or_default().push((id, body));
        }
    }
    for (key, mut delivered) in by_key {
        delivered.sort_unstable();
        let wanted: Vec<String> = (0..VERSIONS).map(|version| row(&key, &format!("v{version}"), 0).body).collect();
        let bodies: Vec<String> = delivered.into_iter().map(|(_, body)| body).collect();
        assert_eq!(bodies, wanted, "{key}");
    }
    assert_eq!(count(store.as_ref(), State::Done).await, VERSIONS as u64 * KEYS.len() as u64);
}

/// A store that is opened once more holds what was answered as kept.
pub(crate) async fn a_second_opening_finds_everything(place: &dyn Place) {
    let store = place.open();
    begin(store.as_ref(), "w", false).await;
    capture(store.as_ref(), vec![row("a", "1", 1), row("b", "1", 1)], 1).await;
    let leased = lease(store.as_ref(), "w", 2).await;
    deliver(store.as_ref(), &leased[0], "K", 3).await;
    assert_eq!(intend(store.as_ref(), &leased[1], 3).await, Intended::Granted);
    drop(store);
    let store = place.open();
    assert_eq!((count(store.as_ref(), State::Done).await, count(store.as_ref(), State::Intent).await), (1, 1));
    assert_eq!(store.position("orders", "changed").await.unwrap().read_wm, Some(at(1)));
    // What was being sent when its worker died comes back to be asked for, never to be sent again.
    let again = lease_one(store.as_ref(), 200).await;
    assert_eq!((again.state, again.id), (State::Ambiguous, leased[1].id));
    assert!(again.fence > leased[1].fence && again.sent.is_some());
}

#[cfg(feature = "postgres")]
pub(crate) async fn a_beginning_frees_only_its_own(place: &dyn Place) {
    let (one, other) = (place.open(), place.open());
    begin(one.as_ref(), "one", false).await;
    capture(one.as_ref(), vec![row("a", "1", 1), row("b", "1", 1)], 1).await;
    let mine = one.lease(LeaseRequest { limit: 1, ..claim("one", 2) }).await.unwrap().remove(0);
    let theirs = other.lease(LeaseRequest { limit: 1, ..claim("other", 2) }).await.unwrap().remove(0);
    assert_ne!(mine.id, theirs.id);
    begin(one.as_ref(), "one", false).await;
    assert_eq!(intend(one.as_ref(), &mine, 3).await, Intended::LeaseLost, "ours from before is free");
    assert_eq!(deliver(other.as_ref(), &theirs, "K", 3).await, Concluded::Applied(State::Done));
}

/// Many records wait, many are finished, many need a person; what is read for one more does not grow with them.
#[cfg(feature = "postgres")]
pub(crate) async fn work_costs_the_same_in_a_large_ledger(place: &dyn Place, url: &str) {
    const MINE: i64 = 40;
    const READ_MAX: i64 = 200;
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    begin(place.open().as_ref(), "w", false).await;
    client
        .batch_execute(
            "INSERT INTO records (flow, pass, system, entity, source_key, capture_key, hash, body, captured_at)
               SELECT 'orders', 'changed', 'shop', 'order', 'old ' || n, 'old ' || n, '', '{}', n FROM generate_series(1, 30000) n;
             INSERT INTO seen SELECT 'orders', 'old ' || n, '', 1, 0, n FROM generate_series(1, 30000) n;
             INSERT INTO messages (record_id, flow, write_no, source_key, target_system, target_entity, order_key, state,
                                   next_at, cause, created_at, changed_at, ended_at)
               SELECT id, flow, 0, source_key, CASE WHEN id % 4 = 0 THEN 'halted' ELSE 'erp' END, 'Orders', 'old ' || id,
                 CASE WHEN id % 4 = 0 THEN 'QUEUED' WHEN id % 4 = 1 THEN 'DEAD' WHEN id % 4 = 2 THEN 'DONE' ELSE 'QUEUED' END,
                 CASE WHEN id % 4 = 0 THEN 0 WHEN id % 4 = 3 THEN 900000000000000000 END,
                 CASE WHEN id % 4 IN (1, 2) THEN 'orders/1: permanent' END, 0, 0, CASE WHEN id % 4 = 2 THEN 0 END
               FROM records;
             INSERT INTO connections (alias, halted_since) VALUES ('halted', 0);
             ANALYZE",
        )
        .await
        .unwrap();
    // What a session has read is told late by itself, and would be counted as the work's.
    client.batch_execute("SELECT pg_stat_force_next_flush()").await.unwrap();
    let before = rows_read(&client).await;
    let store = place.open();
    let rows = (0..MINE).map(|n| row(&format!("new {n}"), "1", n)).collect();
    assert_eq!(capture(store.as_ref(), rows, 1).await.accepted, 40);
    for leased in lease(store.as_ref(), "w", 2).await {
        assert_eq!(deliver(store.as_ref(), &leased, &leased.source_key, 3).await, Concluded::Applied(State::Done));
    }
    assert!(lease(store.as_ref(), "w", 4).await.is_empty(), "the others are halted or not due");
    store.next_due(false).await.unwrap();
    let flows = vec![("orders".to_owned(), HOUR)];
    store.sweep(Sweep { flows, wait_max: HOUR, now: at(5), limit: 100 }).await.unwrap();
    let discard = Operation { limit: 10, ..operation(Action::Discard, Vec::new(), 6) };
    assert_eq!(store.operate(discard).await.unwrap(), 10);
    drop(store);
    // Sessions tell the server what they have read when they end.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while sessions(&client).await > 1 && std::time::Instant::now() < deadline {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    for ((table, read), (_, read_before)) in rows_read(&client).await.into_iter().zip(before) {
        let each = (read - read_before) / MINE;
        assert!(each < READ_MAX, "{each} rows of `{table}` were read for each record");
    }
}

/// How many rows were read of each large table, without an index and by one.
#[cfg(feature = "postgres")]
async fn rows_read(client: &tokio_postgres::Client) -> Vec<(String, i64)> {
    let rows = client
        .query(
            "SELECT relname::text, seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_user_tables
             WHERE relname IN ('messages', 'records', 'seen') ORDER BY relname",
            &[],
        )
        .await
        .unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[cfg(feature = "postgres")]
async fn sessions(client: &tokio_postgres::Client) -> i64 {
    let others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()";
    client.query_one(others, &[]).await.unwrap().get(0)
}

#[cfg(feature = "postgres")]
pub(crate) async fn a_lost_session_is_replaced(place: &dyn Place, url: &str) {
    let store = place.open();
    begin(store.as_ref(), "w", false).await;
    for turn in 1..4 {
        capture(store.as_ref(), vec![row(&format!("o{turn}"), "1", turn)], turn).await;
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
        let driving = tokio::spawn(connection);
        client
            .batch_execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
            .await
            .unwrap();
        drop(client);
        driving.await.unwrap().unwrap();
        assert_eq!(flow(store.as_ref()).await.accepted, u64::try_from(turn).unwrap());
    }
}
