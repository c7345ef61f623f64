//! The shipped manifests against the simulated systems, which were written from the vendors' papers by another hand.

use std::collections::BTreeSet;

use jiff::Timestamp;
use mapwright_engine::connector::{Class, Connector, Deed, Probe, Window};
use mapwright_sandbox::{Sandbox, SandboxConfig};
use mapwright_values::{Json, Test};
use secrecy::SecretString;

use crate::tests::systems::{erp_settings, everything, find, open_erp, open_shop, shop_settings, term, write};

/// Enough orders for three pages.
fn few_orders() -> SandboxConfig {
    let mut config = SandboxConfig::default();
    config.seed.orders = 120;
    config
}

fn secret(text: &str) -> SecretString {
    SecretString::from(text.to_owned())
}

fn shop(sandbox: &Sandbox, config: &SandboxConfig) -> std::sync::Arc<dyn Connector> {
    let mut settings = shop_settings(sandbox.shop.url());
    settings.config.insert("page_size".to_owned(), "50".to_owned());
    settings.credentials.insert("client_id".to_owned(), secret(&config.shop.client_id));
    settings.credentials.insert("client_secret".to_owned(), secret(&config.shop.client_secret));
    open_shop(settings).unwrap()
}

fn erp(sandbox: &Sandbox, config: &SandboxConfig) -> std::sync::Arc<dyn Connector> {
    let mut settings = erp_settings(String::new());
    settings.url = sandbox.erp.url();
    settings.config.insert("company".to_owned(), config.erp.company.clone());
    settings.config.insert("zone".to_owned(), config.erp.zone.clone());
    settings.credentials.insert("user".to_owned(), secret(&config.erp.user));
    settings.credentials.insert("password".to_owned(), secret(&config.erp.password));
    open_erp(settings).unwrap()
}

#[tokio::test]
async fn every_order_of_the_shop_is_read_with_what_it_is_asked_for() {
    let config = few_orders();
    let sandbox = Sandbox::start(config.clone()).await.unwrap();
    let shop = shop(&sandbox, &config);
    shop.check().await.unwrap();
    let mut request = everything("order");
    request.select =
        ["id", "deliveries.shippingOrderAddress.country.iso", "lineItems.label"].map(str::to_owned).to_vec();
    let since: Timestamp = "2000-01-01T00:00:00Z".parse().unwrap();
    // The second pass goes by `createdAt`, which every order has.
    request.window = Some(Window { pass: 1, since: Some(since), until: Some("2100-01-01T00:00:00Z".parse().unwrap()) });
    let mut read = BTreeSet::new();
    loop {
        let page = shop.fetch_page(&request).await.unwrap();
        for row in &page.rows {
            assert!(row.stamp.is_some());
            let order = Json::parse(&row.record).unwrap();
            assert!(matches!(order.get("lineItems"), Some(Json::List(lines)) if !lines.is_empty()), "{}", row.record);
            read.insert(order.get("id").unwrap().to_text());
        }
        request.cursor = page.next;
        if request.cursor.is_none() {
            break;
        }
        sandbox.shop.expire_sessions();
    }
    assert_eq!(read.len(), sandbox.shop.records("order").len());
    assert!(read.len() >= 100, "enough for several pages");
    sandbox.stop().await;
}

#[tokio::test]
async fn an_order_is_created_once_and_found_again() {
    let config = few_orders();
    let sandbox = Sandbox::start(config.clone()).await.unwrap();
    let erp = erp(&sandbox, &config);
    erp.check().await.unwrap();
    let item = sandbox.seed.erp().items.iter().find(|item| !item.frozen).unwrap().code.clone();
    let finds = [find("Items", "ItemCode", &item), find("Items", "ItemCode", "NO-SUCH")];
    let found: Vec<usize> = erp.find(&finds).await.unwrap().iter().map(Vec::len).collect();
    assert_eq!(found, [1, 0]);
    let record = format!(
        r#"{{"CardCode":"C-1","NumAtCard":"T-1","DocDueDate":"2026-12-01","DocumentLines":[{{"ItemCode":"{item}","Quantity":1,"UnitPrice":10.50}}]}}"#
    );
    let refused = erp.send(&write("Orders", Deed::Create, &record)).await.unwrap_err();
    assert!(matches!(refused.class, Class::Permanent | Class::Dependency), "{refused}");
    let by = ["NumAtCard".to_owned()];
    assert_eq!(erp.probe("Orders", &by, &record).await.unwrap(), Probe::Absent);
    let partner = r#"{"CardCode":"C-1","CardName":"Invented Ltd","CardType":"cCustomer"}"#;
    erp.send(&write("BusinessPartners", Deed::Create, partner)).await.unwrap();
    let again = erp.send(&write("BusinessPartners", Deed::Create, partner)).await.unwrap_err();
    assert_eq!(again.class, Class::Exists, "{again}");
    let same = erp.probe("BusinessPartners", &["CardCode".to_owned()], partner).await.unwrap();
    assert!(matches!(same, Probe::Same { .. }), "{same:?}");
    sandbox.erp.expire_sessions();
    let written = erp.send(&write("Orders", Deed::Create, &record)).await.unwrap();
    assert!(matches!(erp.probe("Orders", &by, &record).await.unwrap(), Probe::Same { key, .. } if key == written.key));
    let stored = erp.fetch_record("Orders", &written.key, &["NumAtCard".to_owned()]).await.unwrap().unwrap();
    assert_eq!(Json::parse(&stored).unwrap().get("NumAtCard"), Some(&Json::text("T-1")));
    let mut request = everything("Orders");
    request.filter = vec![term("NumAtCard", Test::Eq, "\"T-1\"")];
    assert_eq!(erp.fetch_page(&request).await.unwrap().rows.len(), 1);
    erp.close().await;
    sandbox.stop().await;
}
