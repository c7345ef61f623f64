//! The whole way of a webhook, of every system that can be subscribed to: the driver makes the subscription at the played system,
//! which looks whether its subscriber answers and calls it when a record changes; the receiver believes the call and tells what of.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use mapwright_connectors::{ConnectionSettings, Incoming, Received, Receiver};
use mapwright_engine::Told;
use mapwright_engine::connector::{Connector, SubscriptionDeed, SubscriptionRequest};
use mapwright_values::Json;
use mapwright_values::plan::SystemPlan;
use secrecy::SecretString;

use crate::played::Played;

const PATIENCE: Duration = Duration::from_secs(20);

/// A subscriber: what it was told, and why it did not believe a call.
struct Subscriber {
    receiver: Receiver,
    told: Mutex<Vec<Told>>,
    refused: Mutex<Vec<String>>,
    handshakes: Mutex<usize>,
    /// It answers this, whatever it is told.
    answers: Mutex<Option<u16>>,
}

async fn receive(
    State(subscriber): State<Arc<Subscriber>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> axum::response::Response {
    let headers: Vec<(String, String)> =
        headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    let incoming = Incoming { headers: &headers, query: query.as_deref(), body: &body };
    if let Some(status) = *subscriber.answers.lock().unwrap() {
        return StatusCode::from_u16(status).unwrap().into_response();
    }
    match subscriber.receiver.receive(&incoming, jiff::Timestamp::now()) {
        Received::Handshake { status, text } => {
            *subscriber.handshakes.lock().unwrap() += 1;
            (StatusCode::from_u16(status).unwrap(), text).into_response()
        }
        Received::Told(told) => {
            subscriber.told.lock().unwrap().extend(told);
            StatusCode::from_u16(subscriber.receiver.accepted()).unwrap().into_response()
        }
        Received::NotBelieved(why) | Received::Unreadable(why) => {
            subscriber.refused.lock().unwrap().push(why);
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

impl Subscriber {
    async fn start(plan: &SystemPlan, played: &Played) -> (Arc<Self>, String) {
        let credentials = played.sandbox.credentials();
        let settings = ConnectionSettings {
            config: played.sandbox.config().clone(),
            credentials: credentials.into_iter().map(|(name, value)| (name, SecretString::from(value))).collect(),
            ..ConnectionSettings::default()
        };
        let receiver = Receiver::of(plan, &settings).expect("a sound manifest").expect("webhooks");
        let subscriber = Arc::new(Self {
            receiver,
            told: Mutex::default(),
            refused: Mutex::default(),
            handshakes: Mutex::default(),
            answers: Mutex::default(),
        });
        let routes = axum::Router::new().fallback(receive).with_state(Arc::clone(&subscriber));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}/hooks/it", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        (subscriber, address)
    }

    /// Waits until it was told of that record; answers under which topic.
    async fn told_of(&self, system: &str, entity: &str, key: &str) -> Told {
        let began = Instant::now();
        loop {
            let told = self.told.lock().unwrap().clone();
            if let Some(one) = told.iter().find(|one| one.entity == entity && one.key.as_deref() == Some(key)) {
                return one.clone();
            }
            let refused = self.refused.lock().unwrap().clone();
            assert!(began.elapsed() < PATIENCE, "{system}: {entity} {key}: told {told:?}, refused {refused:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// What to listen to, the entity, and a change of it.
const LISTENED: [(&str, &str, &str, &str); 7] = [
    ("business-central", "items", "items", r#"{"displayName":"Another"}"#),
    ("business-central", "salesInvoices", "salesInvoices", r#"{"externalDocumentNumber":"X-1"}"#),
    ("shopify", "orders/updated", "orders", r#"{"note":"Another"}"#),
    ("woocommerce", "order.updated", "orders", r#"{"customer_note":"Another"}"#),
    ("woocommerce", "products", "products", r#"{"name":"Another"}"#),
    ("sap-business-one", "Items", "Items", r#"{"ItemName":"Another"}"#),
    ("sap-business-one", "DeliveryNotes", "DeliveryNotes", r#"{"NumAtCard":"Another"}"#),
];

fn request(name: &str, address: &str, held: &BTreeMap<String, String>, renew: bool) -> SubscriptionRequest {
    SubscriptionRequest { name: name.to_owned(), address: address.to_owned(), held: held.clone(), renew }
}

#[tokio::test]
async fn a_change_is_told_to_whoever_has_subscribed() {
    for (system, topic, entity, change) in LISTENED {
        let played = Played::start(system, 3).await;
        let (subscriber, address) = Subscriber::start(played.plan, &played).await;
        let names = played.connector.subscriptions(topic);
        assert!(!names.is_empty(), "{system}: {topic} needs a subscription");
        for name in &names {
            let wanted = request(name, &address, &BTreeMap::new(), false);
            assert_eq!(played.connector.look_for_subscription(&wanted).await.expect("an answer"), None, "{system}");
            let made = played.connector.subscribe(&wanted).await.unwrap_or_else(|failure| panic!("{failure}"));
            assert_eq!(made.deed, SubscriptionDeed::Made, "{system} {name}");
            assert!(made.held.contains_key("id"), "{system} {name}: {made:?}");
        }
        assert_eq!(played.sandbox.subscriptions().len(), names.len(), "{system}");
        let record = played.sandbox.records(entity).pop().unwrap_or_else(|| panic!("{system} has no {entity}"));
        let key = played.sandbox.key_of(entity, &record);
        let change = Json::parse(change).unwrap().into_owned();
        assert!(played.sandbox.change(entity, &key, &change, Duration::ZERO), "{system}: {entity} is changed");
        let told = subscriber.told_of(system, entity, key.last().unwrap()).await;
        assert_eq!(told.system, "it");
        assert!(told.id.is_some(), "{system}: what tells this call from others");
        assert_eq!(*subscriber.refused.lock().unwrap(), Vec::<String>::new(), "{system}");
        let shaken = *subscriber.handshakes.lock().unwrap();
        assert_eq!(shaken, if played.shakes_hands() { names.len() } else { 0 }, "{system}: handshakes");
        played.sandbox.stop().await;
    }
}

#[tokio::test]
async fn a_subscription_is_found_renewed_made_again_and_ended() {
    for (system, topic) in [
        ("business-central", "items"),
        ("shopify", "orders/create"),
        ("woocommerce", "orders"),
        ("sap-business-one", "Items"),
    ] {
        let played = Played::start(system, 1).await;
        let (subscriber, address) = Subscriber::start(played.plan, &played).await;
        let name = played.connector.subscriptions(topic).swap_remove(0);
        let connector: &dyn Connector = played.connector.as_ref();
        let subscribe = async |held: &BTreeMap<String, String>, renew| {
            let answer = connector.subscribe(&request(&name, &address, held, renew)).await;
            answer.unwrap_or_else(|failure| panic!("{system}: {failure}"))
        };
        let made = subscribe(&BTreeMap::new(), false).await;
        let how = connector.subscribing().expect("it is said how");
        assert_eq!(how.renew_every.is_some(), made.expires_at.is_some(), "{system}: what ends is renewed");
        // An attempt whose answer was lost has left one: it is adopted, not made a second time.
        let found = subscribe(&BTreeMap::new(), false).await;
        assert_eq!((found.deed, &found.held), (SubscriptionDeed::Found, &made.held), "{system}");
        if how.renew_every.is_some() {
            let renewed = subscribe(&found.held, true).await;
            assert_eq!(renewed.deed, SubscriptionDeed::Renewed, "{system}");
            assert_ne!(renewed.held["version"], found.held["version"], "{system}: the version is the new one");
            played.sandbox.shorten_subscriptions(Duration::ZERO);
            let again = subscribe(&renewed.held, true).await;
            assert_eq!(again.deed, SubscriptionDeed::Made, "{system}: it had ended");
        }
        played.sandbox.lose_subscriptions();
        let again = subscribe(&made.held, false).await;
        assert_eq!(again.deed, SubscriptionDeed::Made, "{system}: it was lost");
        let other = request(&name, "http://127.0.0.1:1/hooks/it", &BTreeMap::new(), false);
        assert_eq!(connector.look_for_subscription(&other).await.expect("an answer"), None, "{system}: another's");
        connector.unsubscribe(&request(&name, &address, &again.held, false)).await.expect("it is ended");
        assert_eq!(played.sandbox.subscriptions(), Vec::new(), "{system}");
        // A 404 of a GraphQL endpoint speaks of the endpoint, not of what was asked for.
        if system != "shopify" {
            let gone = connector.unsubscribe(&request(&name, &address, &again.held, false)).await;
            gone.unwrap_or_else(|failure| panic!("{system}: ended before is no failure: {failure}"));
        }
        drop(subscriber);
        played.sandbox.stop().await;
    }
}

/// Each hour by itself; a shop that drops its subscriptions soon is worth a nearer look.
#[test]
fn how_often_subscriptions_are_looked_for_is_the_deployments_to_say() {
    for system in ["business-central", "shopify", "woocommerce", "sap-business-one"] {
        for (said, looked) in
            [(None, Duration::from_secs(3600)), (Some(Duration::from_secs(300)), Duration::from_secs(300))]
        {
            let vault = tempfile::tempdir().unwrap();
            let connector = crate::samples::open_with(crate::catalogue::plan(system), vault.path(), |settings| {
                settings.webhooks.look_every = said;
            });
            assert_eq!(connector.subscribing().expect("it is said how").look_every, Some(looked), "{system}");
        }
    }
}

#[tokio::test]
async fn a_subscriber_that_answers_wrongly_is_not_subscribed_or_loses_it() {
    let played = Played::start("business-central", 1).await;
    let (subscriber, address) = Subscriber::start(played.plan, &played).await;
    *subscriber.answers.lock().unwrap() = Some(500);
    let wanted = request("items", &address, &BTreeMap::new(), false);
    let refused = played.connector.subscribe(&wanted).await.expect_err("the handshake failed");
    assert!(refused.message.contains("handshake"), "{refused}");
    assert_eq!(played.sandbox.subscriptions(), Vec::new());

    *subscriber.answers.lock().unwrap() = None;
    played.connector.subscribe(&wanted).await.expect("made");
    // 404 deletes a subscription of Business Central: the one answer that our receiver must never give.
    *subscriber.answers.lock().unwrap() = Some(404);
    let record = played.sandbox.records("items").pop().expect("an item");
    let key = played.sandbox.key_of("items", &record);
    let change = Json::parse(r#"{"displayName":"Another"}"#).unwrap().into_owned();
    assert!(played.sandbox.change("items", &key, &change, Duration::ZERO));
    let began = Instant::now();
    while !played.sandbox.subscriptions().is_empty() {
        assert!(began.elapsed() < PATIENCE, "the subscription stands");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    played.sandbox.stop().await;
}
