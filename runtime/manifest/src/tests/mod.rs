//! The shipped manifests parse, and ordinary faults are told with their line.

mod language;
mod schema;
mod yaml;

use std::borrow::Cow;

use mapwright_values::hooks::Outgoing;
use mapwright_values::{Hook, Json, Test};

use crate::{CatalogueEntity, Codec, Manifest, ManifestFault, Repeat, Verb};

const SHOPWARE: &str = include_str!("../../../../specs/systems/shopware-6/connector.yaml");
const BUSINESS_ONE: &str = include_str!("../../../../specs/systems/sap-business-one/connector.yaml");

fn parse(text: &str) -> Manifest {
    Manifest::parse(text, "connector.yaml").unwrap_or_else(|faults| panic!("{}", lines(&faults)))
}

fn lines(faults: &[ManifestFault]) -> String {
    faults.iter().map(ManifestFault::to_string).collect::<Vec<_>>().join("\n")
}

/// The faults of the Shopware manifest after one replacement.
fn broken(from: &str, to: &str) -> Vec<ManifestFault> {
    assert!(SHOPWARE.contains(from), "the manifest no longer holds `{from}`");
    Manifest::parse(&SHOPWARE.replacen(from, to, 1), "connector.yaml").unwrap_err()
}

/// The line of a text in the Shopware manifest.
fn line_of(text: &str) -> u32 {
    let before = SHOPWARE.split(text).next().unwrap();
    u32::try_from(before.lines().count()).unwrap().max(1) + u32::from(before.ends_with('\n'))
}

#[test]
fn shopware_answers_the_compilers_questions() {
    let manifest = parse(SHOPWARE);
    assert_eq!(manifest.system, "shopware-6");
    assert!(manifest.can("order", Verb::List));
    assert!(!manifest.can("order", Verb::Create));
    assert!(manifest.filterable("order", "stateMachineState.technicalName", Test::Eq));
    assert!(!manifest.filterable("order", "customerComment", Test::Eq));
    assert!(manifest.expandable("order", "deliveries"));
    assert!(manifest.expandable("order", "deliveries.shippingOrderAddress.country"));
    assert!(!manifest.expandable("order", "orderNumber"));
    assert_eq!(manifest.create_repeat("product").repeat, Repeat::Keyed);
    let passes: Vec<&str> = manifest.changes("order").unwrap().passes.iter().map(crate::Pass::name).collect();
    assert_eq!(passes, ["updatedAt", "createdAt", "deliveries.updatedAt"]);
    assert!(manifest.action("order_state").unwrap().probe.is_some());
}

#[test]
fn business_one_answers_the_compilers_questions() {
    let manifest = parse(BUSINESS_ONE);
    assert!(manifest.filterable("Orders", "U_ShopOrderId", Test::Eq));
    assert_eq!(manifest.create_repeat("Orders").repeat, Repeat::Unsafe);
    assert_eq!(manifest.create_repeat("Items").repeat, Repeat::Keyed);
    assert_eq!(manifest.probe_fields("Orders"), ["NumAtCard", "U_*"]);
    assert!(manifest.can_probe_by("Orders", "U_ShopOrderId"));
    assert!(!manifest.can_probe_by("Orders", "Comments"));
    assert_eq!(manifest.changes("Items").unwrap().misses.len(), 2);
    assert!(manifest.changes("PriceLists").is_none());
    assert!(manifest.can("Invoices", Verb::Get), "`like` carries `can` over");
    assert_eq!(manifest.entity("Invoices").unwrap().entries["path"].literal().unwrap(), "Invoices");
}

#[test]
fn a_misspelt_key_is_told_with_its_line() {
    let faults = broken("settle: 2 min", "setle: 2 min");
    assert_eq!(faults.len(), 1, "{}", lines(&faults));
    assert_eq!(faults[0].line, line_of("settle: 2 min"));
    assert_eq!(faults[0].message, "a manifest has no key `setle`");
    assert_eq!(faults[0].help.as_deref(), Some("did you mean `settle`?"));
}

#[test]
fn several_faults_are_told_at_once_and_each_once() {
    let text = SHOPWARE.replacen("settle: 2 min", "settle: 2 minits", 1).replacen("{entity.path}", "{entty.path}", 1);
    let faults = Manifest::parse(&text, "connector.yaml").unwrap_err();
    assert_eq!(faults.len(), 2, "{}", lines(&faults));
    assert!(faults[1].message.contains("entty"));
}

#[test]
fn undeclared_and_misplaced_secrets() {
    let faults = broken("{secret.client_id}", "{secret.clientid}");
    assert_eq!(faults[0].help.as_deref(), Some("did you mean `client_id`?"));
    let faults = broken("limit: \"{page.size}\"", "limit: \"{secret.client_id}\"");
    assert!(faults[0].message.contains("may not be used here"), "{}", lines(&faults));
}

#[test]
fn ordinary_mistakes() {
    let cases = [
        ("driver: rest", "driver: rst", "`driver` cannot be `rst`"),
        ("can: [list, get, update]", "can: [list, gett, update]", "there is no operation `gett`"),
        ("class: throttled", "class: throtled", "`class` cannot be `throtled`"),
        ("request: POST /search/{entity.path}", "request: SEARCH /{entity.path}", "is no request"),
        ("records: body.data[]", "records: bdoy.data[]", "starts with `bdoy`"),
        ("/^VIOLATION::|_DUPLICATE|FRAMEWORK__/", "/^VIOLATION::(/", "is no regular expression"),
        ("resolution: 1 ms", "resolution: soon", "is no length of time"),
        ("probe: { read: order,", "probe: { read: ordr,", "`ordr` is no entity of this manifest"),
        ("{config.page_size}", "{config.pagesize}", "`pagesize` is not declared under `config`"),
        ("limit: \"{page.size}\"", "limit: \"{page.sizes}\"", "a page has no `sizes`"),
        ("{session.token}", "{session.tokn}", "the log-in keeps no `tokn`"),
    ];
    for (from, to, message) in cases {
        let faults = broken(from, to);
        assert!(faults.iter().any(|fault| fault.message.contains(message)), "{from} -> {to}: {}", lines(&faults));
        assert_eq!(faults[0].line, line_of(from), "{from} -> {to}: {}", lines(&faults));
    }
}

#[test]
fn an_operation_that_reads_says_where_its_records_are() {
    let faults = broken("records: body.data[]", "record: body.data[]");
    assert!(faults[0].message.starts_with("`list` has no `records`: where in the answer"), "{}", lines(&faults));
    assert_eq!(faults[0].help.as_deref(), Some("write for example `records: \"body.items[]\"`"));
}

#[test]
fn text_that_is_no_yaml() {
    let faults = Manifest::parse("manifest: 1\nsystem: [", "connector.yaml").unwrap_err();
    assert_eq!(faults.len(), 1);
    assert!(faults[0].message.starts_with("this is not YAML"), "{}", lines(&faults));
}

fn loud(_: &Outgoing<'_>) -> Result<Vec<(String, String)>, String> {
    Ok(Vec::new())
}

#[test]
fn hooks_are_bound_by_name_and_kind() {
    let hooked = "codec: { kind: hook, hook: letters }\nhooks: { sign: loud, classify: words }\n";
    let text = SHOPWARE.replacen("codec: { kind: json }\n", hooked, 1);
    let (mut manifest, mut half) = (parse(&text), parse(&text));
    let letters = Hook::Codec {
        name: "letters",
        content_type: "text/plain",
        encode: |tree| Ok(tree.to_text()),
        decode: |_| panic!("a fault of the integration"),
    };
    let words = Hook::Classify { name: "words", classify: |_| None };
    let absent = half.bind(&[letters, words, Hook::Sign { name: "quiet", sign: loud }]).unwrap_err();
    let line = line_of("codec: { kind: json }") + 1;
    assert_eq!(
        absent,
        [format!(
            "`hooks.sign` (line {line}) names the hook `loud`, which this program does not give: \
             add a `Hook::Sign` of that name to the integration's `hooks` in src/main.rs"
        )]
    );
    manifest.bind(&[letters, words, Hook::Sign { name: "loud", sign: loud }]).unwrap();
    let Codec::Hook(codec) = &manifest.codec else { panic!("{:?}", manifest.codec) };
    assert_eq!(codec.encode(&Json::text("a")).unwrap(), "\"a\"");
    assert_eq!(codec.decode("a").unwrap_err(), "the hook `letters` broke down: a fault of this program");
}

#[test]
fn held_against_a_catalogue() {
    let manifest = parse(SHOPWARE);
    let mut paths: Vec<Cow<'_, str>> =
        manifest.entity("tax").unwrap().filter_on.iter().map(|field| field.pattern.as_str().into()).collect();
    paths.retain(|path| path != "taxRate");
    paths.push("taxRat".into());
    let faults = manifest.check_against(&[CatalogueEntity { name: "tax", action: false, paths }]);
    let fault = faults.iter().find(|fault| fault.message.contains("`tax` has no field `taxRate`")).unwrap();
    assert_eq!(fault.line, line_of("tax:           { path: tax"));
    assert_eq!(fault.help.as_deref(), Some("did you mean `taxRat`?"));
    assert!(faults.iter().any(|fault| fault.message == "the catalogue has no entity `order`"));
    assert!(faults.iter().any(|fault| fault.message == "the catalogue has no action `order_state`"));
}

#[test]
fn what_nests_too_deeply_is_refused() {
    for count in [30, 64, 1_000, 100_000] {
        let text = format!("manifest: {}1{}\n", "[".repeat(count), "]".repeat(count));
        let faults = Manifest::parse(&text, "connector.yaml").err().unwrap_or_default();
        let told = faults.first().map(|fault| fault.message.as_str());
        assert_eq!(told, Some("lists and maps nest deeper than 24 levels here"), "{count}");
    }
}
