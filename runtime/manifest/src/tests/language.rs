//! The whole vocabulary: every shipped manifest is read, `extends` lays one over another, and each part is data.

use crate::tests::{lines, parse};
use crate::{
    Auth, BatchForm, BatchOutcome, Carries, Codec, Driver, FilterForm, Join, Lock, Manifest, More, PagingKind, Pass,
    Place, ProbeTarget, Select, TopicName, Verb, Verify,
};

/// The shipped manifests; that none is left out is seen by `tests/systems`.
const SHIPPED: [(&str, &str); 10] = [
    ("business-central", include_str!("../../../../specs/systems/business-central/connector.yaml")),
    ("kontor", include_str!("../../../../specs/systems/kontor/connector.yaml")),
    ("magento", include_str!("../../../../specs/systems/magento/connector.yaml")),
    ("nordwind", include_str!("../../../../specs/systems/nordwind/connector.yaml")),
    ("sage-200", include_str!("../../../../specs/systems/sage-200/connector.yaml")),
    ("sage-x3", include_str!("../../../../specs/systems/sage-x3/connector.yaml")),
    ("sap-business-one", include_str!("../../../../specs/systems/sap-business-one/connector.yaml")),
    ("shopify", include_str!("../../../../specs/systems/shopify/connector.yaml")),
    ("shopware-6", include_str!("../../../../specs/systems/shopware-6/connector.yaml")),
    ("woocommerce", include_str!("../../../../specs/systems/woocommerce/connector.yaml")),
];

fn text(system: &str) -> &'static str {
    SHIPPED.iter().find(|(name, _)| *name == system).map(|(_, text)| *text).unwrap()
}

fn shipped(system: &str) -> Manifest {
    parse(text(system))
}

#[test]
fn every_shipped_manifest_is_read() {
    for (name, text) in SHIPPED {
        let manifest = parse(text);
        assert_eq!(manifest.system, name);
        assert!(manifest.check.is_some(), "{name}");
    }
}

#[test]
fn limits_locks_and_batches_of_business_central() {
    let manifest = shipped("business-central");
    assert_eq!(manifest.limits.rate.unwrap().requests, 6000);
    assert!(matches!(&manifest.lock, Lock::Etag { send, optional: false, .. } if send == "If-Match"));
    let batch = manifest.entity("salesOrders").unwrap().operation(Verb::Batch).unwrap().batch.clone().unwrap();
    assert_eq!((batch.form, batch.size, batch.outcome), (BatchForm::OdataJson, 100, BatchOutcome::PerRow));
    assert!(batch.matched.is_some() && batch.row.status.is_some());
    assert!(matches!(
        manifest.action("ship_and_invoice").unwrap().probe.as_ref().unwrap().target,
        ProbeTarget::Gone(_)
    ));
    let webhooks = manifest.webhooks.unwrap();
    assert!(matches!(webhooks.verify, Verify::Shared { .. }));
    assert_eq!(webhooks.never_answer, [401, 403, 404, 410]);
    assert!(webhooks.topics.iter().any(|topic| topic.carries == Carries::Window));
    assert!(matches!(webhooks.topics[0].name, TopicName::Pattern(_)));
    assert_eq!(webhooks.subscribe.unwrap().renew.unwrap().1.as_secs(), 2 * 86_400);
}

#[test]
fn calls_and_codecs_of_sage() {
    let manifest = shipped("sage-x3");
    assert_eq!(manifest.driver, Driver::Soap);
    assert!(manifest.soap.rpc_encoded && !manifest.soap.twelve);
    assert!(matches!(&manifest.codec, Codec::NamedXml(codec) if codec.root == "PARAM"));
    let order = manifest.entity("SOH").unwrap();
    let list = order.operation(Verb::List).unwrap();
    assert!(list.gives_keys && list.call.as_ref().unwrap().with == ["context"]);
    let changes = order.changes.as_ref().unwrap();
    assert!(!changes.filterable && changes.resolution.as_secs() == 86_400);
    assert!(matches!(&changes.passes[0], Pass::Field { from_list: true, .. }));
    let parts = manifest.entity("BPC").unwrap().changes.as_ref().unwrap().partition.clone().unwrap();
    assert_eq!((parts.beginnings.len(), parts.beginnings[9].as_str(), parts.beginnings[10].as_str()), (36, "9", "A"));
    assert!(manifest.filters.last_step && manifest.paging.full_page_is_error);
}

#[test]
fn documents_and_cursors_of_shopify() {
    let manifest = shipped("shopify");
    assert_eq!(manifest.driver, Driver::Graphql);
    assert!(matches!(manifest.select, Select::Graphql));
    assert!(matches!(manifest.paging.kind, PagingKind::Cursor { .. }) && matches!(manifest.paging.more, More::Says(_)));
    assert!(manifest.limits.cost.is_some());
    assert_eq!(manifest.entity("orders").unwrap().connections["lineItems"], 100);
    let FilterForm::Templated(filters) = &manifest.filters.form else { panic!("templated") };
    assert_eq!((filters.join.clone(), filters.exact), (Join::Text(" AND ".to_owned()), false));
    assert_eq!(filters.into, Place::Variables(vec!["q".to_owned()]));
    assert!(manifest.action("set_stock").unwrap().operation.batch.as_ref().is_some_and(|batch| batch.split));
}

#[test]
fn rotation_and_overlays_of_sage_200() {
    let manifest = shipped("sage-200");
    let Auth::LogIn(login) = &manifest.auth else { panic!("a log-in") };
    assert_eq!((login.durable.as_slice(), login.first.len()), (["refresh".to_owned()].as_slice(), 1));
    assert!(manifest.entity("customers").unwrap().operation(Verb::Update).unwrap().whole);
}

#[test]
fn one_manifest_is_laid_over_another() {
    let below = "manifest: 1\nsystem: base\ndriver: rest\nbase: \"{config.url}\"\nsettle: 2 min\nlimits: { parallel: 2 }\n\
                 operations: { get: { request: \"GET /{key}\", record: body } }\nentities:\n  a: { path: a, can: [get] }\n";
    let over = "manifest: 1\nsystem: ours\nextends: base\nsettle: null\nlimits: { request_timeout: 5 s }\nentities:\n  b: { path: b, can: [get] }\n";
    let read = |name: &str| (name == "base").then(|| below.to_owned());
    let manifest = Manifest::parse_over(over, "ours/connector.yaml", &read).unwrap();
    assert_eq!(
        (manifest.system.as_str(), manifest.limits.parallel, manifest.limits.request_timeout.as_secs()),
        ("ours", 2, 5)
    );
    assert_eq!(manifest.entity_names().collect::<Vec<_>>(), ["a", "b"]);
    // What a compiled project carries needs no other file.
    let again = Manifest::parse(&manifest.text, "ours/connector.yaml").unwrap();
    assert_eq!(again.entity_names().count(), 2);

    let fault = |over: &str| lines(&Manifest::parse_over(over, "ours/connector.yaml", &read).unwrap_err());
    let broken = below.replace("can: [get]", "can: [gett]");
    let read_broken = |_: &str| Some(broken.clone());
    let faults = Manifest::parse_over(over, "ours/connector.yaml", &read_broken).unwrap_err();
    assert_eq!((faults[0].file.as_str(), faults[0].line), ("base/connector.yaml", 9), "{}", lines(&faults));
    assert!(fault("manifest: 1\nsystem: x\nextends: nobody\n").contains("there is no manifest of a system `nobody`"));
    let circle = |_: &str| Some("manifest: 1\nsystem: x\nextends: x\n".to_owned());
    let faults = Manifest::parse_over("manifest: 1\nsystem: x\nextends: x\n", "x", &circle).unwrap_err();
    assert!(lines(&faults).contains("circle"));
}

#[test]
fn ordinary_mistakes_of_the_larger_vocabulary() {
    let cases = [
        ("sage-x3", "with: [context]", "with: [contxt]", "`shared` holds no `contxt`", "did you mean `context`?"),
        ("sage-x3", "style: rpc_encoded", "style: rpc", "`style` cannot be `rpc`", "rpc_encoded"),
        (
            "sage-x3",
            "kind: named_xml",
            "kind: namedxml",
            "`codec.kind` cannot be `namedxml`",
            "did you mean `named_xml`?",
        ),
        ("business-central", "rate: 6000 per 5 min", "rate: often", "`often` is no rate", "600 per 1 min"),
        ("business-central", "outcome: per_row", "outcome: each", "`outcome` cannot be `each`", "per_row"),
        (
            "business-central",
            "kind: shared",
            "kind: sharde",
            "`verify.kind` cannot be `sharde`",
            "did you mean `shared`?",
        ),
        ("shopify", "variables.after", "variabels.after", "is no place in a request", "`variables.NAME`"),
        ("shopify", "restore_per_second:", "restore_a_second:", "`cost` has no key `restore_a_second`", "did you mean"),
        ("woocommerce", "size: 100 ", "sise: 100 ", "a batch needs both `size` and `outcome`", ""),
        (
            "woocommerce",
            "parent: products",
            "parent: prodcts",
            "`prodcts` is no entity of this manifest",
            "did you mean `products`?",
        ),
        ("sage-200", "durable: [refresh]", "durable: [refrsh]", "`durable` names `refrsh`", "did you mean `refresh`?"),
        (
            "magento",
            "more: { at: body.total_count,",
            "more: { it: body.total_count,",
            "`more` has no key `it`",
            "did you mean",
        ),
    ];
    for (system, from, to, message, help) in cases {
        let text = text(system);
        assert!(text.contains(from), "{system} no longer holds `{from}`");
        let faults = Manifest::parse(&text.replacen(from, to, 1), "connector.yaml").unwrap_err();
        let told = lines(&faults);
        let line = u32::try_from(text.split(from).next().unwrap().lines().count()).unwrap();
        let fault =
            faults.iter().find(|fault| fault.message.contains(message)).unwrap_or_else(|| panic!("{to}: {told}"));
        assert!(fault.help.as_deref().unwrap_or_default().contains(help), "{to}: {told}");
        assert!(fault.line.abs_diff(line) <= 5, "{to}: line {} and not {line}", fault.line);
    }
}

#[test]
fn a_name_that_yaml_takes_for_a_truth_is_told_so() {
    for name in ["No", "true", "~"] {
        let text = format!(
            "manifest: 1\nsystem: x\ndriver: rest\nbase: \"{{config.url}}\"\nentities: {{ a: {{ can: [], filter_on: [{name}, id] }} }}\n"
        );
        let faults = Manifest::parse(&text, "x").unwrap_err();
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].message.contains("`filter_on`: YAML takes this word for"), "{faults:?}");
        assert!(faults[0].help.as_deref().unwrap_or_default().contains("in quotes"), "{faults:?}");
        assert_eq!(faults[0].line, 5);
    }
    let quoted = "manifest: 1\nsystem: x\ndriver: rest\nbase: \"{config.url}\"\nentities: { a: { can: [], filter_on: [\"No\"] } }\n";
    assert_eq!(Manifest::parse(quoted, "x").unwrap().entity("a").unwrap().filter_on[0].pattern, "No");
}
