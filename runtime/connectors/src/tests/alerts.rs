//! Alerts arrive as one message, and a refusal says so without the address.

use crate::WebhookAlert;
use mapwright_engine::alert::{Alert, AlertChannel, AlertState};
use mapwright_engine::connector::Class;
use secrecy::SecretString;

use crate::tests::server::{Server, json};

fn alert() -> Alert {
    let at = "2026-11-23T21:09:29Z".parse().unwrap();
    Alert {
        id: 7,
        subject: "orders".to_owned(),
        channel: "sales_ops".to_owned(),
        cause: "missing item".to_owned(),
        message: "the ERP has no item A1: add it, then retry".to_owned(),
        count: 12,
        first_at: at,
        last_at: at,
        state: AlertState::Open,
        channel_error: None,
        failures: 0,
    }
}

fn channel(server: &Server) -> WebhookAlert {
    WebhookAlert::new("sales_ops", SecretString::from(format!("{}/hook/T0K3N", server.url()))).unwrap()
}

#[tokio::test]
async fn an_alert_is_posted_for_people_and_programs() {
    let server = Server::start(|_| json(200, "ok")).await;
    channel(&server).send(&alert()).await.unwrap();
    let seen = &server.seen_at("/hook/T0K3N")[0];
    let body: serde_json::Value = serde_json::from_str(&seen.body).unwrap();
    assert_eq!(
        body["text"],
        "Attention: orders: the ERP has no item A1: add it, then retry (12 times since 2026-11-23T21:09:29Z)"
    );
    assert_eq!((&body["state"], &body["count"], &body["cause"]), (&"open".into(), &12.into(), &"missing item".into()));
}

#[tokio::test]
async fn refusals_keep_the_address_secret() {
    for (status, class) in [(404, Class::Halt), (500, Class::Transient), (429, Class::Transient)] {
        let server = Server::start(move |_| json(status, "no")).await;
        let failure = channel(&server).send(&alert()).await.unwrap_err();
        assert_eq!(failure.class, class);
        assert!(!failure.message.contains("T0K3N") && failure.message.contains("sales_ops"), "{failure}");
    }
}

#[tokio::test]
async fn an_address_that_is_none_is_told_at_once() {
    assert!(WebhookAlert::new("sales_ops", SecretString::from("hooks".to_owned())).unwrap_err().contains("sales_ops"));
}
