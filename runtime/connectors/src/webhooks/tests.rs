//! Calls as the vendors make them, right ones and forged ones, through the manifests that are shipped.

use mapwright_values::plan::SystemPlan;

use super::*;

const NOW: &str = "2026-11-23T10:00:00Z";

fn receiver(name: &'static str, secrets: &[(&str, &str)]) -> Receiver {
    let file = format!("{}/../../specs/systems/{name}/connector.yaml", env!("CARGO_MANIFEST_DIR"));
    let manifest: &'static str = Box::leak(std::fs::read_to_string(file).unwrap().into_boxed_str());
    of(name, manifest, secrets).unwrap()
}

fn of(name: &'static str, manifest: &'static str, secrets: &[(&str, &str)]) -> Result<Receiver, Vec<String>> {
    let plan = SystemPlan { alias: "shop", name, manifest, entities: &[] };
    let credentials =
        secrets.iter().map(|(name, secret)| ((*name).to_owned(), SecretString::from((*secret).to_owned())));
    let settings = ConnectionSettings { credentials: credentials.collect(), ..ConnectionSettings::default() };
    Receiver::of(&plan, &settings).map(Option::unwrap)
}

fn call(receiver: &Receiver, headers: &[(&str, &str)], query: Option<&str>, body: &str) -> Received {
    let headers: Vec<(String, String)> =
        headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    receiver.receive(&Incoming { headers: &headers, query, body: body.as_bytes() }, NOW.parse().unwrap())
}

fn told(received: Received) -> Vec<(String, String, Option<String>)> {
    match received {
        Received::Told(told) => told.into_iter().map(|told| (told.topic, told.entity, told.key)).collect(),
        other => panic!("{other:?}"),
    }
}

fn digest(secret: &str, body: &str) -> Vec<u8> {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
    ring::hmac::sign(&key, body.as_bytes()).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

const WRITTEN: &str = r#"{"source":{"eventId":"e1","url":"https://shop.example","shopId":"s"},"data":{"event":"order.written","payload":[{"entity":"order","operation":"update","primaryKey":"a1","payload":[]},{"entity":"order_line_item","operation":"update","primaryKey":"l1"},{"entity":"order","operation":"insert","primaryKey":"a2"}]}}"#;

/// The samples of calls, as each vendor would sign them.
#[test]
fn the_samples_of_calls_are_believed_and_say_what_changed() {
    type Tells = &'static [(&'static str, Option<&'static str>)];
    let samples: [(&str, &str, Tells); 4] = [
        ("shopware-6", "webhook-order-written.json", &[("order", Some("0e82404bceac2241296612c69aea36f6"))]),
        ("shopify", "webhook-orders-updated.json", &[("orders", Some("gid://shopify/Order/5900000010231"))]),
        (
            "sap-business-one",
            "webhook-notification.json",
            &[("Invoices", Some("655")), ("Items", Some("HD-4711-BL-M"))],
        ),
        (
            "business-central",
            "webhook-notification.json",
            &[("salesInvoices", Some("ac5585d9-8646-d255-299c-359140537783")), ("items", None)],
        ),
    ];
    for (system, file, tells) in samples {
        let secret = "shared-secret-sample";
        let path = format!("{}/../../specs/systems/{system}/samples/{file}", env!("CARGO_MANIFEST_DIR"));
        let body = std::fs::read_to_string(path).unwrap();
        let (named, signature) = match system {
            "shopware-6" => ("app_secret", ("shopware-shop-signature", hex(&digest(secret, &body)))),
            "shopify" => ("client_secret", ("X-Shopify-Hmac-Sha256", base64(&digest(secret, &body)))),
            "sap-business-one" => ("webhook_key", ("B1-Signature", base64(&digest(secret, &body)))),
            _ => ("client_state", ("content-type", "application/json".to_owned())),
        };
        let receiver = receiver(system, &[(named, secret)]);
        let headers = [(signature.0, signature.1.as_str()), ("X-Shopify-Topic", "orders/updated")];
        let found = told(call(&receiver, &headers, None, &body));
        let found: Vec<(&str, Option<&str>)> = found.iter().map(|told| (told.1.as_str(), told.2.as_deref())).collect();
        assert_eq!(found, tells, "{system}");
    }
}

/// The digest is a known one (RFC 4231, case 2), so that a mistake on both sides would show.
#[test]
fn the_digest_is_the_standard_one() {
    let known = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    assert_eq!(hex(&digest("Jefe", "what do ya want for nothing?")), known);
}

#[test]
fn shopware_signs_the_raw_body_and_tells_several_records() {
    let receiver = receiver("shopware-6", &[("app_secret", "s3cret")]);
    let signature = hex(&digest("s3cret", WRITTEN));
    let order = |key: &str| ("order.written".to_owned(), "order".to_owned(), Some(key.to_owned()));
    assert_eq!(
        told(call(&receiver, &[("Shopware-Shop-Signature", &signature)], None, WRITTEN)),
        [order("a1"), order("a2")]
    );
    assert_eq!(receiver.accepted(), 204);
    // Another spelling of the same JSON is another body.
    let respelt = WRITTEN.replace("\":", "\": ");
    for (signature, body) in [
        (signature.as_str(), respelt.as_str()),
        (signature.split_at(62).0, WRITTEN),
        ("", WRITTEN),
        ("zz", WRITTEN),
        (&hex(&digest("other", WRITTEN)), WRITTEN),
    ] {
        let received = call(&receiver, &[("shopware-shop-signature", signature)], None, body);
        assert!(matches!(received, Received::NotBelieved(_)), "{received:?}");
    }
    assert!(matches!(call(&receiver, &[], None, WRITTEN), Received::NotBelieved(_)));
    let placed =
        r#"{"source":{"eventId":"e2"},"data":{"event":"checkout.order.placed","payload":{"order":{"id":"o7"}}}}"#;
    let signature = hex(&digest("s3cret", placed));
    let placed = told(call(&receiver, &[("shopware-shop-signature", &signature)], None, placed));
    assert_eq!(placed, [("checkout.order.placed".to_owned(), "order".to_owned(), Some("o7".to_owned()))]);
}

#[test]
fn one_call_tells_each_record_under_an_id_of_its_own() {
    let receiver = receiver("shopware-6", &[("app_secret", "s")]);
    let signature = hex(&digest("s", WRITTEN));
    let Received::Told(told) = call(&receiver, &[("shopware-shop-signature", &signature)], None, WRITTEN) else {
        panic!("it is signed")
    };
    assert_ne!(told[0].id, told[1].id);
    assert!(told[0].id.as_ref().unwrap().starts_with("e1"));
}

#[test]
fn while_a_secret_is_rotated_both_are_believed() {
    let receiver = receiver("shopify", &[("client_secret", "old\nnew\n")]);
    let body = r#"{"id":1,"admin_graphql_api_id":"gid://shopify/Order/1"}"#;
    for (secret, believed) in [("old", true), ("new", true), ("older", false), ("old\nnew", false)] {
        let signature = base64(&digest(secret, body));
        let headers = [("x-shopify-hmac-sha256", signature.as_str()), ("X-Shopify-Topic", "orders/create")];
        let received = call(&receiver, &headers, None, body);
        assert_eq!(matches!(received, Received::Told(_)), believed, "{secret}: {received:?}");
        if believed {
            assert_eq!(told(received)[0].2.as_deref(), Some("gid://shopify/Order/1"));
        }
    }
}

#[test]
fn woocommerce_pings_unsigned_and_signs_in_base64() {
    let receiver = receiver("woocommerce", &[("webhook_secret", "w"), ("consumer_secret", "c"), ("consumer_key", "k")]);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    assert_eq!(call(&receiver, &form, None, "webhook_id=7"), Received::Handshake { status: 200, text: String::new() });
    let body = r#"{"id":77,"status":"processing"}"#;
    let signature = base64(&digest("w", body));
    let headers = [("X-WC-Webhook-Signature", signature.as_str()), ("X-WC-Webhook-Topic", "order.updated")];
    assert_eq!(
        told(call(&receiver, &headers, None, body)),
        [("order.updated".to_owned(), "orders".to_owned(), Some("77".to_owned()))]
    );
    let unknown = [("X-WC-Webhook-Signature", signature.as_str()), ("X-WC-Webhook-Topic", "coupon.created")];
    assert_eq!(told(call(&receiver, &unknown, None, body)), []);
    let topicless = [("X-WC-Webhook-Signature", signature.as_str())];
    assert!(matches!(call(&receiver, &topicless, None, body), Received::Unreadable(_)));
}

#[test]
fn business_central_shakes_hands_and_is_believed_by_its_client_state() {
    let receiver = receiver("business-central", &[("client_state", "c1")]);
    let shaken = call(&receiver, &[], Some("validationToken=a%20b%2Fc"), "");
    assert_eq!(shaken, Received::Handshake { status: 200, text: "a b/c".to_owned() });
    let notice = |state: &str| {
        format!(
            r#"{{"value":[{{"subscriptionId":"s","clientState":"{state}","resource":"https://api/v2.0/companies(c)/salesInvoices(1a-2b)","changeType":"updated","lastModifiedDateTime":"t"}},{{"subscriptionId":"s","clientState":"c1","resource":"/v2.0/items?$filter=x","lastModifiedDateTime":"t"}}]}}"#
        )
    };
    let believed = told(call(&receiver, &[], None, &notice("c1")));
    assert_eq!(
        believed.iter().map(|told| (told.1.as_str(), told.2.as_deref())).collect::<Vec<_>>(),
        [("salesInvoices", Some("1a-2b")), ("items", None)]
    );
    // One stranger among the notices of a call is enough.
    assert!(matches!(call(&receiver, &[], None, &notice("c2")), Received::NotBelieved(_)));
    assert!(matches!(call(&receiver, &[], None, &notice("")), Received::NotBelieved(_)));
    for status in [401, 403, 404, 410] {
        assert!(!receiver.may_answer(status));
    }
    assert!(receiver.may_answer(503) && receiver.needs_subscription());
    assert_eq!(told(call(&receiver, &[], None, r#"{"value":[]}"#)), []);
}

const STANDARD_HOOKS: &str = r#"
manifest: 1
system: other
driver: rest
base: "{config.url}"
secrets: { hook: required }
entities: { item: { path: item, can: [], changes: none } }
webhooks:
  verify: { kind: standard, secret: "{secret.hook}" }
  id: header.webhook-id
  topic: body.type
  topics:
    item.changed: { entity: item, key: "{body.data.id}", carries: hint }
"#;

/// The example of the Standard Webhooks specification's own library.
#[test]
fn standard_webhooks_with_rotation_and_a_bound_in_time() {
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let receiver = of("other", STANDARD_HOOKS, &[("hook", secret)]).unwrap();
    let body = r#"{"type":"item.changed","data":{"id":"i1"}}"#;
    let now: Timestamp = NOW.parse().unwrap();
    let sign = |at: &str, body: &str| {
        use base64::Engine as _;
        let bytes = base64::engine::general_purpose::STANDARD.decode(secret.trim_start_matches("whsec_")).unwrap();
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &bytes);
        let signature = ring::hmac::sign(&key, format!("msg_1.{at}.{body}").as_bytes());
        format!("v1,{}", base64(signature.as_ref()))
    };
    let headers = |at: &str, signature: &str| {
        let headers = [("webhook-id", "msg_1"), ("webhook-timestamp", at), ("webhook-signature", signature)];
        call(&receiver, &headers, None, body)
    };
    let at = now.as_second().to_string();
    let good = sign(&at, body);
    assert_eq!(told(headers(&at, &good))[0].2.as_deref(), Some("i1"));
    let rotated = format!("v1,{} v1a,xxx {good}", base64(b"another key's signature, as it is"));
    assert_eq!(told(headers(&at, &rotated)).len(), 1);
    for late in [301, -301] {
        let old = (now.as_second() - late).to_string();
        let received = headers(&old, &sign(&old, body));
        assert!(matches!(&received, Received::NotBelieved(why) if why.contains("301 s")), "{received:?}");
    }
    let nearly = (now.as_second() - 299).to_string();
    assert_eq!(told(headers(&nearly, &sign(&nearly, body))).len(), 1);
    assert!(matches!(headers(&at, &sign(&nearly, body)), Received::NotBelieved(_)), "the time is signed too");
    assert!(matches!(headers("soon", &good), Received::NotBelieved(_)));
}

#[test]
fn a_secret_that_is_not_given_is_told_before_anything_is_received() {
    let faults = of("other", STANDARD_HOOKS, &[]).unwrap_err();
    assert_eq!(faults.len(), 1);
    assert!(faults[0].contains("`hook`") && faults[0].contains("add it under `credentials`"), "{faults:?}");
}

#[test]
fn what_is_signed_and_no_json_is_unreadable() {
    let receiver = receiver("shopware-6", &[("app_secret", "s")]);
    for body in ["", "{", "[1,2", "\u{0}", "nonsense"] {
        let signature = hex(&digest("s", body));
        let received = call(&receiver, &[("shopware-shop-signature", &signature)], None, body);
        assert!(matches!(received, Received::Unreadable(_)), "{body:?}: {received:?}");
    }
}
