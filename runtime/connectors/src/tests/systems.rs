//! The two shipped manifests with a few catalogued fields.

use std::sync::Arc;
use std::time::Duration;

use crate::{ConnectionSettings, Connectors};
use mapwright_engine::connector::{Connector, Deed, PageRequest, WriteRequest};
use mapwright_values::plan::{EntityPlan, FieldPlan, Kind, SystemPlan};
use mapwright_values::{Find, Term, Test};
use secrecy::SecretString;

use crate::tests::server::Server;

pub(crate) const fn field(name: &'static str, kind: Kind) -> FieldPlan {
    FieldPlan::new(name, kind).optional()
}

pub(crate) const fn entity(
    name: &'static str,
    action: bool,
    key: &'static [&'static str],
    fields: &'static [FieldPlan],
) -> EntityPlan {
    EntityPlan { name, action, key, natural_keys: &[], fields }
}

const ID: FieldPlan = field("id", Kind::Uuid(true));
const ORDER: &[FieldPlan] = &[
    ID,
    field("orderNumber", Kind::Text(Some(64))),
    field("createdAt", Kind::DateTime),
    field("updatedAt", Kind::DateTime),
];

const SHOP: SystemPlan = SystemPlan {
    alias: "shop",
    name: "shopware-6",
    manifest: include_str!("../../../../specs/systems/shopware-6/connector.yaml"),
    entities: &[
        entity("order", false, &["id"], ORDER),
        entity("product", false, &["id"], &[ID, field("productNumber", Kind::Text(Some(64)))]),
        entity(
            "order_state",
            true,
            &["order_id"],
            &[field("order_id", Kind::Uuid(true)), field("transition", Kind::Text(None))],
        ),
    ],
};

const LINES: Kind = Kind::List(&Kind::Record(&[field("ItemCode", Kind::Text(Some(50)))]));
const ORDERS: &[FieldPlan] = &[
    field("DocEntry", Kind::Integer),
    field("NumAtCard", Kind::Text(Some(100))),
    FieldPlan { personal: true, ..field("CardCode", Kind::Text(Some(15))) },
    field("U_ShopOrderId", Kind::Text(Some(32))),
    field("DocTotal", Kind::Decimal(19, 6)),
    field("UpdateDate", Kind::Date),
    field("UpdateTime", Kind::Time),
    field("DocumentLines", LINES),
];

pub(crate) const ERP: SystemPlan = SystemPlan {
    alias: "erp",
    name: "sap-business-one",
    manifest: include_str!("../../../../specs/systems/sap-business-one/connector.yaml"),
    entities: &[
        entity("Orders", false, &["DocEntry"], ORDERS),
        entity(
            "BusinessPartners",
            false,
            &["CardCode"],
            &[field("CardCode", Kind::Text(Some(15))), field("CardName", Kind::Text(Some(100)))],
        ),
        entity("Drafts", false, &["DocEntry"], ORDERS),
        entity(
            "Items",
            false,
            &["ItemCode"],
            &[field("ItemCode", Kind::Text(Some(50))), field("UpdateDate", Kind::Date)],
        ),
        entity("Orders_Close", true, &["DocEntry"], &[field("DocEntry", Kind::Integer)]),
    ],
};

/// The settings of a shop at this address.
pub(crate) fn shop_settings(url: String) -> ConnectionSettings {
    ConnectionSettings {
        url,
        config: [("page_size".to_owned(), "2".to_owned())].into(),
        credentials: secrets(&[("client_id", "SWIA-ID"), ("client_secret", "hush-hush")]),
        request_timeout: Some(Duration::from_secs(5)),
        ..ConnectionSettings::default()
    }
}

/// The settings of a Service Layer at this address.
pub(crate) fn erp_settings(url: String) -> ConnectionSettings {
    ConnectionSettings {
        url: format!("{url}/b1s/v2"),
        config: [("company", "SBO"), ("zone", "Europe/Berlin")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        credentials: secrets(&[("user", "manager"), ("password", "hush-hush")]),
        request_timeout: Some(Duration::from_secs(5)),
        ..ConnectionSettings::default()
    }
}

/// A connection to a system of this plan.
pub(crate) fn connect(
    plan: &SystemPlan,
    url: &str,
    config: &[(&str, &str)],
    credentials: &[(&str, &str)],
) -> Arc<dyn Connector> {
    let settings = ConnectionSettings {
        url: url.to_owned(),
        config: config.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        credentials: secrets(credentials),
        request_timeout: Some(Duration::from_secs(5)),
        ..ConnectionSettings::default()
    };
    Connectors::open(plan, settings).unwrap()
}

pub(crate) fn secrets(all: &[(&str, &str)]) -> std::collections::BTreeMap<String, SecretString> {
    all.iter().map(|(name, value)| ((*name).to_owned(), SecretString::from((*value).to_owned()))).collect()
}

pub(crate) fn open_shop(settings: ConnectionSettings) -> Result<Arc<dyn Connector>, Vec<String>> {
    Connectors::open(&SHOP, settings)
}

pub(crate) fn open_erp(settings: ConnectionSettings) -> Result<Arc<dyn Connector>, Vec<String>> {
    Connectors::open(&ERP, settings)
}

pub(crate) fn shop(server: &Server) -> Arc<dyn Connector> {
    open_shop(shop_settings(server.url())).unwrap()
}

pub(crate) fn erp(server: &Server) -> Arc<dyn Connector> {
    open_erp(erp_settings(server.url())).unwrap()
}

/// A question for the first page of everything.
pub(crate) fn everything(entity: &str) -> PageRequest {
    PageRequest { entity: entity.to_owned(), filter: Vec::new(), select: Vec::new(), window: None, cursor: None }
}

pub(crate) fn term(field: &str, test: Test, value: &str) -> Term {
    Term { field: field.to_owned(), test, value: value.to_owned() }
}

pub(crate) fn find(entity: &str, field: &str, value: &str) -> Find {
    Find {
        system: "erp".to_owned(),
        entity: entity.to_owned(),
        terms: vec![term(field, Test::Eq, &format!("\"{value}\""))],
        select: vec![field.to_owned()],
    }
}

pub(crate) fn write(entity: &str, deed: Deed, record: &str) -> WriteRequest {
    WriteRequest {
        entity: entity.to_owned(),
        deed,
        record: record.to_owned(),
        create_key: "key-1".to_owned(),
        version: None,
    }
}
