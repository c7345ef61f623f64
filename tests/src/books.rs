//! What the ERP and the shop of a sandbox must hold in the end, by their own ledgers.

use std::collections::BTreeMap;

use mapwright_sandbox::Sandbox;

/// Every order that the shop wants delivered and the ERP can take is there once; each other one is not. The shop knows the numbers.
///
/// # Panics
/// When something is missing, or there twice.
pub fn examine(sandbox: &Sandbox, when: &str) {
    let duplicates = sandbox.erp.ledger().duplicates();
    assert!(duplicates.is_empty(), "{when}: {duplicates:?}");
    let mut written: BTreeMap<String, usize> = BTreeMap::new();
    for order in sandbox.erp.records("Orders") {
        let key = order.get("U_ShopOrderId").and_then(|key| key.as_str()).unwrap_or_default();
        *written.entry(key.to_owned()).or_default() += 1;
    }
    for order in &sandbox.seed.summaries {
        let wanted = usize::from(!order.cancelled && order.unknown_products.is_empty());
        let found = written.get(&order.id).copied().unwrap_or_default();
        assert_eq!(found, wanted, "{when}: order {} stands {found} times in the ERP", order.number);
        if wanted == 1 {
            let known = sandbox.shop.order(&order.id);
            let told = known.as_ref().and_then(|order| order.get("customFields")?.get("erp_order_number"));
            let told = told.is_some_and(serde_json::Value::is_string);
            assert!(told, "{when}: the shop was not told the number of order {}", order.number);
        }
    }
}
