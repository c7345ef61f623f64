//! What every store must do, asked of each through the calls of the trait alone: SQLite always, PostgreSQL where the crate is
//! built with it (`MAPWRIGHT_TEST_POSTGRES` names a server; `tests/servers` starts one).

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests stop at once")]

mod book;
mod cases;
mod duties;
mod places;
mod shared;

use std::sync::Arc;

use mapwright_engine::store::Store;

/// A database that can be opened several times, as by several processes or after a restart.
pub(crate) trait Place: Send + Sync {
    /// Opens the store.
    fn open(&self) -> Arc<dyn Store>;
}

struct File(tempfile::TempDir);

impl Place for File {
    fn open(&self) -> Arc<dyn Store> {
        Arc::new(mapwright_engine::store::sqlite::SqliteStore::open(&self.0.path().join("state.db")).unwrap())
    }
}

fn file() -> File {
    File(tempfile::tempdir().unwrap())
}

#[cfg(feature = "postgres")]
pub(crate) mod server {
    use super::*;

    /// A database of its own.
    pub(crate) struct Database(pub(crate) String);

    impl Place for Database {
        fn open(&self) -> Arc<dyn Store> {
            Arc::new(mapwright_engine::store::postgres::PostgresStore::open(&self.0).unwrap())
        }
    }

    /// Makes a database. A test without a server fails: what is not tested must not look as if it were.
    pub(crate) async fn database() -> Database {
        static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let server = std::env::var("MAPWRIGHT_TEST_POSTGRES")
            .unwrap_or_else(|_| panic!("MAPWRIGHT_TEST_POSTGRES names no server: start one with tests/servers"));
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let name = format!("conformance_{}_{number}", std::process::id());
        let (client, connection) =
            tokio_postgres::connect(&format!("{server}/postgres"), tokio_postgres::NoTls).await.unwrap();
        let driving = tokio::spawn(connection);
        client.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        drop(client);
        driving.await.unwrap().unwrap();
        Database(format!("{server}/{name}"))
    }
}

macro_rules! conformance {
    ($($module:ident :: $case:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$module::$case(&super::file()).await;
            })+
        }
        #[cfg(feature = "postgres")]
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$module::$case(&super::server::database().await).await;
            })+
        }
    };
}

conformance! {
    cases::a_page_is_kept_whole_with_its_position,
    cases::a_change_that_was_read_before_ends_before_the_inbox,
    cases::a_delivery_goes_all_its_way,
    cases::proof_of_no_effect_is_tried_again_later,
    cases::no_proof_is_asked_for_and_parked_ones_wait_for_a_person,
    cases::dead_ones_are_listed_edited_retried_and_discarded,
    cases::an_old_fence_is_refused_everywhere,
    cases::a_record_is_poison_only_if_its_owners_never_come_back,
    cases::claims_of_a_suspect_count_when_it_is_begun,
    cases::a_key_is_worked_on_in_order,
    cases::the_newest_state_overtakes,
    cases::a_natural_key_has_one_owner,
    cases::a_target_record_has_one_source,
    cases::a_link_wakes_whoever_waits_for_it_in_either_direction,
    cases::a_halted_connection_holds_everything_and_lets_it_go,
    cases::an_open_circuit_lets_one_message_pass,
    cases::alerts_are_one_a_cause_counted_told_and_closed,
    cases::time_that_is_spent_ends_a_message,
    cases::texts_of_every_kind_come_back_as_they_were,
    cases::parts_are_messages_of_their_own_and_the_next_write_waits_for_all,
    cases::what_is_not_met_may_be_gone,
    cases::agreed_states_are_kept,
    duties::a_removed_target_is_forgotten_and_a_record_comes_back,
    duties::an_unproven_write_is_not_overtaken_by_the_end_of_its_record,
    duties::only_what_was_carried_can_be_gone,
    duties::parts_of_one_message_have_links_and_claims_of_their_own,
    duties::a_message_that_goes_alone_stays_so,
    places::whoever_makes_a_record_goes_before_who_changes_it,
    places::a_maker_that_comes_later_wakes_who_waits_for_its_record,
    places::a_maker_that_dies_lets_go_who_gave_way_to_it,
    places::a_maker_that_was_parked_goes_on_with_who_gave_way_to_it,
    places::a_letter_that_is_tried_again_goes_before_who_waits_for_its_record,
    cases::a_turn_to_read_is_one_owners,
    cases::notices_are_kept_once_and_followed,
    cases::subscriptions_are_kept_and_forgotten,
    cases::what_is_old_is_purged_and_what_is_private_forgotten,
    shared::many_workers_claim_each_message_once,
    shared::many_writers_of_one_key_keep_its_order,
    shared::a_second_opening_finds_everything,
}

/// Only what several processes share can show this.
#[cfg(feature = "postgres")]
mod of_a_server {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn two_owners_share_it_and_a_beginning_frees_only_its_own() {
        shared::a_beginning_frees_only_its_own(&server::database().await).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_lost_session_is_replaced() {
        let database = server::database().await;
        shared::a_lost_session_is_replaced(&database, &database.0).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn many_openings_at_once_migrate_once() {
        let database = Arc::new(server::database().await);
        let mut openings = tokio::task::JoinSet::new();
        for _ in 0..6 {
            let database = Arc::clone(&database);
            openings.spawn_blocking(move || drop(database.open()));
        }
        while let Some(opened) = openings.join_next().await {
            opened.unwrap();
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn work_costs_the_same_in_a_large_ledger() {
        let database = server::database().await;
        shared::work_costs_the_same_in_a_large_ledger(&database, &database.0).await;
    }

    #[test]
    fn an_unusable_server_says_why() {
        let said = |url: &str| mapwright_engine::store::postgres::PostgresStore::open(url).unwrap_err().to_string();
        let server = std::env::var("MAPWRIGHT_TEST_POSTGRES").expect("a server: start one with tests/servers");
        let missing = said(&format!("{server}/no_such_database"));
        assert!(missing.contains("create the database"), "{missing}");
        let refused = said("postgres://u:hunter2@127.0.0.1:1/db");
        assert!(refused.contains("look whether the server runs") && !refused.contains("hunter2"), "{refused}");
    }
}
