//! What every doorbell must do, asked of each through the calls of the trait alone: the embedded one always, RabbitMQ and Redis
//! where the crate is built with them (`tests/servers` starts both). What a doorbell loses is no loss: see `workers.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    unused_imports,
    reason = "tests stop at once; without brokers only some cases are asked"
)]

use std::sync::Arc;
use std::time::Duration;

use mapwright_engine::doorbell::{Doorbell, DoorbellFault, EmbeddedDoorbell, Heard, Place};

/// Longer than any server here takes, so that a test fails only where nothing comes.
const LONG: Duration = Duration::from_secs(20);
/// Long enough for a ring to come that must not.
const SHORT: Duration = Duration::from_millis(300);
/// After so long without an answer a ring goes to another process.
const IDLE: Duration = Duration::from_millis(700);

/// A doorbell that several processes may open.
trait House: Send + Sync {
    fn open(&self) -> Arc<dyn Doorbell>;
}

async fn heard(doorbell: &Arc<dyn Doorbell>) -> Heard {
    tokio::time::timeout(LONG, doorbell.listen()).await.expect("a ring comes").unwrap()
}

async fn hears_nothing(doorbell: &Arc<dyn Doorbell>) {
    let heard = tokio::time::timeout(SHORT, doorbell.listen()).await;
    assert!(heard.is_err(), "a ring came that must not: {heard:?}");
}

async fn a_ring_wakes_one_and_is_answered_once(house: &dyn House) {
    let doorbell = house.open();
    doorbell.ring(1).await.unwrap();
    let ring = heard(&doorbell).await;
    doorbell.answer(ring).await.unwrap();
    hears_nothing(&doorbell).await;
    // Whoever listens already hears it too.
    let listening = {
        let doorbell = Arc::clone(&doorbell);
        tokio::spawn(async move { heard(&doorbell).await })
    };
    tokio::time::sleep(SHORT).await;
    doorbell.ring(1).await.unwrap();
    doorbell.answer(listening.await.unwrap()).await.unwrap();
    hears_nothing(&doorbell).await;
}

async fn as_many_wake_as_it_rings(house: &dyn House) {
    let doorbells: Vec<_> = (0..3).map(|_| house.open()).collect();
    doorbells[0].ring(3).await.unwrap();
    for doorbell in &doorbells {
        // None of them answers before all are awake: one process cannot have taken two.
        let ring = heard(doorbell).await;
        assert!(!ring.receipt.is_empty());
    }
}

async fn what_a_dead_process_heard_wakes_another_one(house: &dyn House) {
    let (ringer, dead) = (house.open(), house.open());
    ringer.ring(1).await.unwrap();
    heard(&dead).await;
    drop(dead);
    let heir = house.open();
    let ring = heard(&heir).await;
    heir.answer(ring).await.unwrap();
    tokio::time::sleep(IDLE).await;
    hears_nothing(&heir).await;
}

/// Rings, however often that fails, until one is heard: what was lost before is nobody's loss.
async fn works_again(ringer: &Arc<dyn Doorbell>, listener: &Arc<dyn Doorbell>) {
    let listening = {
        let listener = Arc::clone(listener);
        tokio::spawn(async move {
            loop {
                match listener.listen().await {
                    Ok(heard) => return listener.answer(heard).await,
                    Err(DoorbellFault { message }) => {
                        assert!(message.contains("RabbitMQ") || message.contains("Redis"), "{message}");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                }
            }
        })
    };
    let ringing = async {
        while !listening.is_finished() {
            let _ = ringer.ring(1).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(LONG, ringing).await.expect("it works again");
    listening.await.unwrap().unwrap();
}

async fn an_absent_one_says_so_without_a_password(doorbell: &dyn Doorbell) {
    let rung = tokio::time::timeout(LONG, doorbell.ring(1)).await.expect("it ends").unwrap_err().message;
    let heard = tokio::time::timeout(LONG, doorbell.listen()).await.expect("it ends").unwrap_err().message;
    for said in [rung, heard] {
        assert!(said.contains("127.0.0.1") && said.contains("look whether the server runs"), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}

struct Embedded(Arc<EmbeddedDoorbell>);

impl House for Embedded {
    fn open(&self) -> Arc<dyn Doorbell> {
        Arc::clone(&self.0) as Arc<dyn Doorbell>
    }
}

#[tokio::test]
async fn embedded_a_ring_wakes_one_and_is_answered_once() {
    a_ring_wakes_one_and_is_answered_once(&Embedded(Arc::default())).await;
}

#[cfg(any(feature = "rabbitmq", feature = "redis"))]
fn place(variable: &str, name: &str) -> Place {
    let url =
        std::env::var(variable).unwrap_or_else(|_| panic!("{variable} names no server: start one with tests/servers"));
    Place { url, name: format!("mapwright-test-{}-{name}", std::process::id()), ca_file: None, idle: IDLE }
}

/// The same server, encrypted: with its authority a ring goes through, with another one nobody is spoken to.
#[cfg(any(feature = "rabbitmq", feature = "redis"))]
async fn an_encrypted_one_is_believed_by_its_certificate(open: impl Fn(&Place) -> Arc<dyn Doorbell>, place: Place) {
    let authority = std::env::var("MAPWRIGHT_TEST_CA").expect("an authority: tests/servers makes one").into();
    let doorbell = open(&Place { ca_file: Some(authority), ..place.clone() });
    doorbell.ring(1).await.unwrap();
    let ring = heard(&doorbell).await;
    doorbell.answer(ring).await.unwrap();
    let stranger = std::env::var("MAPWRIGHT_TEST_OTHER_CA").expect("an authority: tests/servers makes one").into();
    let doorbell = open(&Place { ca_file: Some(stranger), ..place });
    let refused = tokio::time::timeout(LONG, doorbell.ring(1)).await.expect("it ends");
    assert!(refused.unwrap_err().message.contains("certificate"));
}

#[cfg(feature = "rabbitmq")]
mod rabbitmq {
    use mapwright_engine::doorbell::rabbitmq::RabbitDoorbell;

    use super::*;

    struct Server(Place);

    impl House for Server {
        fn open(&self) -> Arc<dyn Doorbell> {
            Arc::new(RabbitDoorbell::new(&self.0).unwrap())
        }
    }

    fn server(name: &str) -> Server {
        Server(place("MAPWRIGHT_TEST_RABBITMQ", name))
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_ring_wakes_one_and_is_answered_once() {
        super::a_ring_wakes_one_and_is_answered_once(&server("once")).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn as_many_wake_as_it_rings() {
        super::as_many_wake_as_it_rings(&server("many")).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_a_dead_process_heard_wakes_another_one() {
        super::what_a_dead_process_heard_wakes_another_one(&server("dead")).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_wiped_one_works_again() {
        let server = server("wiped");
        let (ringer, listener) = (server.open(), server.open());
        works_again(&ringer, &listener).await;
        for _ in 0..2 {
            let connection =
                lapin::Connection::connect(&server.0.url, lapin::ConnectionProperties::default()).await.unwrap();
            let channel = connection.create_channel().await.unwrap();
            channel
                .queue_delete(server.0.name.as_str().into(), lapin::options::QueueDeleteOptions::default())
                .await
                .unwrap();
            works_again(&ringer, &listener).await;
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn an_encrypted_one_is_believed_by_its_certificate() {
        let open = |place: &Place| Arc::new(RabbitDoorbell::new(place).unwrap()) as Arc<dyn Doorbell>;
        super::an_encrypted_one_is_believed_by_its_certificate(open, place("MAPWRIGHT_TEST_RABBITMQ_TLS", "tls")).await;
    }

    #[tokio::test]
    async fn an_absent_one_says_so() {
        let url = "amqp://u:hunter2@127.0.0.1:1/%2f".to_owned();
        let doorbell = RabbitDoorbell::new(&Place { url, ..server("absent").0 }).unwrap();
        an_absent_one_says_so_without_a_password(&doorbell).await;
        let url = "amqp://u:hunter2@host:port/%2f".to_owned();
        let said = RabbitDoorbell::new(&Place { url, ..server("absent").0 }).unwrap_err().message;
        assert!(said.contains("amqps://USER") && !said.contains("hunter2"), "{said}");
    }
}

#[cfg(feature = "redis")]
mod redis {
    use mapwright_engine::doorbell::redis::RedisDoorbell;

    use super::*;

    struct Server(Place);

    impl House for Server {
        fn open(&self) -> Arc<dyn Doorbell> {
            Arc::new(RedisDoorbell::new(&self.0).unwrap())
        }
    }

    fn server(name: &str) -> Server {
        Server(place("MAPWRIGHT_TEST_REDIS", name))
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_ring_wakes_one_and_is_answered_once() {
        super::a_ring_wakes_one_and_is_answered_once(&server("once")).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn as_many_wake_as_it_rings() {
        // None answers at once here: an idle time that is over would give one of them the ring of another.
        let Server(place) = server("many");
        super::as_many_wake_as_it_rings(&Server(Place { idle: LONG, ..place })).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_a_dead_process_heard_wakes_another_one() {
        super::what_a_dead_process_heard_wakes_another_one(&server("dead")).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_wiped_one_works_again() {
        let server = server("wiped");
        let (ringer, listener) = (server.open(), server.open());
        works_again(&ringer, &listener).await;
        let client = ::redis::Client::open(server.0.url.as_str()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        for _ in 0..2 {
            // This stream alone: other tests share the server.
            ::redis::cmd("DEL").arg(&server.0.name).exec_async(&mut connection).await.unwrap();
            works_again(&ringer, &listener).await;
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn an_encrypted_one_is_believed_by_its_certificate() {
        let open = |place: &Place| Arc::new(RedisDoorbell::new(place).unwrap()) as Arc<dyn Doorbell>;
        super::an_encrypted_one_is_believed_by_its_certificate(open, place("MAPWRIGHT_TEST_REDIS_TLS", "tls")).await;
    }

    #[tokio::test]
    async fn an_absent_one_says_so() {
        let url = "redis://u:hunter2@127.0.0.1:1/0".to_owned();
        let doorbell = RedisDoorbell::new(&Place { url, ..server("absent").0 }).unwrap();
        an_absent_one_says_so_without_a_password(&doorbell).await;
        let url = "redis://u:hunter2@host:port/0".to_owned();
        let said = RedisDoorbell::new(&Place { url, ..server("absent").0 }).unwrap_err().message;
        assert!(said.contains("rediss://USER") && !said.contains("hunter2"), "{said}");
    }
}
