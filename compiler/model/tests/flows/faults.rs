//! Every fault of a flow has a case: a small spec and the message it gives, seen together.

use mapwright_syntax::{Style, render};

use crate::project::{ERP_MANIFEST, SHOP_MANIFEST, checked, checked_with, errors, mended, shown, shown_without};

/// Mappings that flows write.
const MAPPINGS: &str = r#"mapping orders from shop.order as order to erp.Orders {
  Number <- order.number
  ShopId <- order.id
  Amount <- order.total
  leave rest because "not used"
  ignore rest because "not used"
}
mapping items from shop.item as item to erp.Items {
  Code  <- item.sku
  Name  <- item.name
  leave rest because "not used"
  ignore rest because "not used"
}
mapping names from shop.item as item to part of erp.Items {
  Code  <- item.sku
  Name  <- item.name
}
mapping stocks from shop.item as item to part of erp.Items {
  Code  <- item.sku
  Stock <- item.stock
}
mapping names_back from erp.Items as item to part of shop.item {
  sku   <- item.Code
  name  <- item.Name otherwise reject "no name"
  ignore rest because "not used"
}
mapping back from shop.order as order, erp.Orders as written to part of shop.order {
  id <- order.id
  extra { erpNumber <- written.Number }
}
mapping close from shop.order as order, erp.Orders as written to erp.Orders_Close {
  Entry <- written.Entry
}
mapping notes from shop.order as order to erp.Notes {
  Number <- order.number
  leave Text because "not used"
}
mapping visits from shop.visit as visit to part of erp.Items {
  Code  <- visit.id | fit
  Name  <- visit.page
}
mapping groups from erp.Items as item to part of erp.Groups {
  Code  <- item.Code
  Title <- item.Name otherwise reject "no name"
  ignore rest because "not used"
}
mapping groups_back from erp.Groups as group to part of shop.item {
  sku  <- group.Code
  name <- group.Title
  ignore rest because "not used"
}
mapping group_gone from deleted erp.Groups as group to part of shop.item {
  sku <- group.Code
}
mapping orders_of_lines from shop.basket as basket to erp.Orders one per basket.lines as line {
  Number <- "{basket.id}-{line.no}" | fit
  Amount <- 1
  leave rest because "not used"
  ignore rest because "not used"
}
mapping items_of_lines from shop.basket as basket to part of erp.Items one per basket.lines as line {
  Code  <- line.no
  Group <- 1
  ignore rest because "not used"
}
mapping by_status from shop.order as order grouped by order.number as orders to part of erp.Orders {
  Number <- orders.key
  Remark <- join(each orders.rows as row take row.status, ", ") | cut
}
mapping by_total from shop.order as order grouped by order.total as orders to part of erp.Orders {
  Number <- "{orders.key}" | fit
}
mapping gone from deleted shop.order as order to part of erp.Orders {
  Number <- order.id | fit
}
mapping pages from erp.Items as item to part of shop.page {
  sku  <- item.Code
  name <- item.Name otherwise reject "no name"
  ignore rest because "not used"
}
mapping losses from shop.lost as lost to part of erp.Items {
  Code  <- lost.id | fit
}
"#;

/// A mapping that asks for links.
const LINKED: &str = r#"mapping follow from shop.order as order to part of erp.Notes {
  Number <- linked erp.Items of shop.order by order.id otherwise wait
}
"#;

const ROWS: &str = "  every 5 minutes\n  read shop.order as order\n  write by_status upsert by Number\n";
const PAGES: &str = "  every 5 minutes\n  read erp.Items as item\n  write pages update by sku\n";
const ORDERS: &str = "  every 5 minutes\n  read shop.order as order\n  write orders create once by Number as written\n";
const NAMES: &str = "  every 5 minutes\n  read shop.item as item\n  write names update by Code\n";

fn flow(name: &str, lines: &str) -> String {
    format!("flow {name} {{\n{lines}}}\n")
}

/// Name of the case, its flows. The name begins with the code it must show, alone among errors.
fn cases() -> Vec<(&'static str, String)> {
    let orders = |from: &str, to: &str| {
        assert!(ORDERS.contains(from), "{from}");
        flow("orders", &ORDERS.replace(from, to))
    };
    let baskets =
        |write: &str| flow("baskets", &format!("  every 5 minutes\n  read shop.basket as basket\n  write {write}\n"));
    let orders_and = |lines: &str| flow("orders", &format!("{ORDERS}{lines}"));
    vec![
        ("E0201_webhook_of_nothing", orders_and("  on webhook \"order.placed\" of shp\n")),
        ("E0208_two_records_of_one_name", orders_and("  write orders create once by Number as written\n")),
        ("E0204_unknown_zone_setting", orders("every 5 minutes", "daily at 02:00 in zone")),
        ("E0203_unknown_field_in_where", orders("as order\n  w", "as order where order.paied\n  w")),
        ("E0212_unknown_mapping", orders("orders create", "order create")),
        (
            "E0212_unknown_mapping_of_a_record_that_is_used",
            orders(
                "orders create once by Number as written",
                "ordres create once by Number as written\n  write back update by id",
            ),
        ),
        ("E0501_unknown_flow", format!("{}{}", flow("names", NAMES), orders_and("  after flows name\n"))),
        (
            "E0502_circular_flows",
            format!(
                "{}{}",
                flow("names", &format!("{NAMES}  after flows orders\n")),
                orders_and("  after flows names\n")
            ),
        ),
        ("E0502_after_itself", orders_and("  after flows orders\n")),
        ("E0503_no_schedule", orders("  every 5 minutes\n", "")),
        ("E0503_no_write", orders("  write orders create once by Number as written\n", "")),
        ("E0504_repeated_duty", orders_and("  latest wins\n  strict order\n")),
        ("E0505_unknown_zone", orders("every 5 minutes", "daily at 02:00 in \"Europe/Berlim\"")),
        ("E0505_no_webhooks", orders_and("  on webhook \"order.placed\" of shop\n")),
        ("E0506_action_for_an_entity", orders("create once by Number", "action")),
        ("E0506_create_for_an_action", orders_and("  write close create once by Entry\n")),
        ("E0506_part_cannot_create", orders_and("  write back create once by id\n")),
        ("E0507_not_a_key", orders("by Number", "by Amount")),
        ("E0507_key_of_the_system", orders("once by Number", "once by Entry")),
        ("E0507_unaskable_key", orders("create once by Number", "upsert by ShopId")),
        ("E0507_one_key", flow("names", &NAMES.replace("by Code", "by Name"))),
        ("E0508_unmapped_key", orders("create once by Number", "update by Entry")),
        ("E0509_impossible_operation", orders_and("  write notes create once by Number\n")),
        ("E0510_no_source", orders(" as written", "\n  write back update by id")),
        (
            "E0510_several_sources",
            orders_and("  write orders create once by ShopId as again\n  write back update by id\n"),
        ),
        (
            "E0511_changes_not_told",
            flow("visits", &NAMES.replace("item as item", "visit as visit").replace("names", "visits")),
        ),
        ("E0511_missed_field", flow("stocks", &NAMES.replace("names", "stocks"))),
        ("E0512_shared_field", format!("{}{}", flow("names", NAMES), flow("names_again", NAMES))),
        (
            "E0513_echoing_flows",
            format!(
                "{}{}",
                flow("names", NAMES),
                flow("names_back", "  every 5 minutes\n  read erp.Items as item\n  write names_back update by sku\n")
            ),
        ),
        (
            "E0704_unserved_entity",
            flow("losses", &NAMES.replace("item as item", "lost as lost").replace("names", "losses")),
        ),
        ("E0504_second_read", orders("as order\n", "as order\n  read shop.item as item\n")),
        (
            "E0504_left_and_written",
            orders_and("  on delete leave because \"kept\"\n  on delete write gone update by Number\n"),
        ),
        ("E0505_cron", orders("every 5 minutes", "cron \"0 25 * * *\" in \"Europe/Berlin\"")),
        ("E0509_conflict_without_get", flow("pages", &format!("{PAGES}  on conflict erp wins\n"))),
        (
            "E0513_circle_of_three",
            format!(
                "{}{}{}",
                flow("names", NAMES),
                flow("names_on", "  every 5 minutes\n  read erp.Items as item\n  write groups update by Code\n"),
                flow(
                    "names_back",
                    "  every 5 minutes\n  read erp.Groups as group\n  write groups_back update by sku\n"
                ),
            ),
        ),
        (
            "E0522_stranger_wins",
            flow(
                "groups",
                "  every 5 minutes\n  read erp.Items as item\n  write groups update by Code\n  on conflict shop wins\n",
            ),
        ),
        (
            "E0522_winners_disagree",
            format!(
                "{}{}",
                flow("names", &format!("{NAMES}  on conflict erp wins\n")),
                flow(
                    "names_back",
                    "  every 5 minutes\n  read erp.Items as item\n  write names_back update by sku\n  on conflict shop wins\n"
                )
            ),
        ),
        ("E0523_gone_in_its_place", orders("write orders create once by Number", "write gone update by Number")),
        ("E0523_there_on_delete", orders_and("  on delete write orders update by Number\n")),
        (
            "E0524_deletes_not_told",
            flow(
                "silent",
                "  every 5 minutes\n  read erp.Groups as group\n  write groups_back update by sku\n  on delete write group_gone update by sku\n",
            ),
        ),
        ("E0525_no_field", orders_and("  also read shop.item as item for order.id\n")),
        ("E0525_no_changes", orders_and("  also read shop.visit as visit for visit.id\n")),
        ("E0526_unlinked_pair", format!("{LINKED}{}", flow("orders", ORDERS))),
        ("E0527_no_batches", orders("by Number", "by Number in batches of 20")),
        (
            "E0527_other_deeds",
            flow(
                "items",
                "  every 5 minutes\n  read shop.item as item\n  write items create once by Code in batches of 20\n",
            ),
        ),
        (
            "E0527_malformed_batch",
            flow(
                "names",
                "  every 5 minutes\n  read shop.item as item\n  write names update by Code in batches of 1\n",
            ),
        ),
        ("E0529_rows_that_cannot_be_asked", flow("rows", &ROWS.replace("by_status", "by_total"))),
        ("E0529_two_kinds", flow("rows", &format!("{ROWS}  write orders create once by Number\n"))),
        ("E0529_also_read", flow("rows", &format!("{ROWS}  also read shop.item as item for item.sku\n"))),
        ("E0528_one_record", orders("by Number", "by Number together")),
        ("E0528_not_atomic", baskets("orders_of_lines create once by Number together")),
        ("E0528_named", baskets("items_of_lines update by Code together as item")),
        ("E0528_conflict", baskets("items_of_lines update by Code together\n  on conflict erp wins")),
        ("E0528_batches", baskets("items_of_lines update by Code together in batches of 5")),
    ]
}

/// Only what is said from the first flow on: the mappings are the same in every case, and most are written by none.
fn from_the_flows(spec: &str) -> String {
    let text = shown_without(spec, "W0622");
    text.strip_prefix(MAPPINGS).map(str::to_owned).unwrap_or(text)
}

#[test]
fn a_mapping_that_no_flow_writes_is_warned_of() {
    let lone =
        "mapping lone from shop.item as item to part of erp.Items {\n  Code <- item.sku\n  Name <- item.name\n}\n";
    let names = lone.replace("lone", "names");
    let spec = format!("{lone}{names}ignore rest of shop.item because \"not used\"\n{}", flow("names", NAMES));
    insta::assert_snapshot!("W0622_unused_mapping", shown(&spec));
    assert!(checked(lone).1.iter().all(|fault| fault.code != "W0622"), "a project without flows maps by command");
}

#[test]
fn every_fault_is_told() {
    for (name, flows) in cases() {
        let spec = format!("{MAPPINGS}{flows}");
        let (_, faults, _) = checked(&spec);
        let code = name.split('_').next().unwrap();
        assert_eq!(errors(&faults), [code], "{name}: {}", from_the_flows(&spec));
        insta::assert_snapshot!(name, from_the_flows(&spec));
    }
}

#[test]
fn a_webhook_alone_is_refused_and_a_reading_mends_it() {
    let shop = format!(
        "{SHOP_MANIFEST}webhooks:\n  verify: {{ kind: none }}\n  topic: body.event\n  topics: {{ order.placed: {{ entity: order, key: body.id }} }}\n"
    );
    let spec = |lines: &str| format!("{MAPPINGS}{}", flow("orders", &ORDERS.replace("  every 5 minutes\n", lines)));
    let hook = "  on webhook \"order.placed\" of shop\n";
    for alone in [hook.to_owned(), format!("{hook}  on demand\n")] {
        let (_, faults, _) = checked_with(&spec(&alone), &shop, ERP_MANIFEST);
        assert_eq!(errors(&faults), ["E0521"]);
        let fault = faults.iter().find(|fault| fault.code == "E0521").unwrap();
        let better = mended(&spec(&alone), fault).unwrap();
        assert_eq!(errors(&checked_with(&better, &shop, ERP_MANIFEST).1), Vec::<&str>::new(), "{better}");
    }
}

#[test]
fn a_topic_that_the_system_never_sends_is_refused() {
    let shop = format!(
        "{SHOP_MANIFEST}webhooks:\n  verify: {{ kind: none }}\n  topic: body.event\n  topics: {{ order.placed: {{ entity: order, key: body.id }} }}\n"
    );
    let hooked = ORDERS.replace("  every 5 minutes\n", "  every 5 minutes\n  on webhook \"order.paced\" of shop\n");
    let spec = format!("{MAPPINGS}{}", flow("orders", &hooked));
    let (_, faults, _) = checked_with(&spec, &shop, ERP_MANIFEST);
    assert_eq!(errors(&faults), ["E0505"]);
    let fault = faults.iter().find(|fault| fault.code == "E0505").unwrap();
    assert_eq!(fault.headline, "`shop` sends no webhook \"order.paced\"");
    let better = mended(&spec, fault).unwrap();
    assert_eq!(errors(&checked_with(&better, &shop, ERP_MANIFEST).1), Vec::<&str>::new(), "{better}");
}

#[test]
fn circles_that_are_settled_and_links_that_are_made_are_no_faults() {
    let back =
        "  every 5 minutes\n  read erp.Items as item\n  write names_back update by sku\n  on conflict shop wins\n";
    let items = "  on demand\n  read shop.item as item\n  write items create once by Code\n";
    let linked = "mapping sku_of from erp.Items as item to part of erp.Notes {\n  Number <- linked shop.item of erp.Items by item.Code otherwise wait\n  ignore rest because \"not used\"\n}\n";
    let spec =
        format!("{MAPPINGS}{linked}{}{}{}", flow("names", NAMES), flow("names_back", back), flow("items", items));
    assert_eq!(errors(&checked(&spec).1), Vec::<&str>::new(), "{}", from_the_flows(&spec));
}

#[test]
fn a_flow_that_feeds_itself_is_warned_of() {
    let own = "mapping tidy from shop.item as item to part of shop.item {\n  sku <- item.sku\n  name <- item.name | trim\n}\n";
    let spec = format!(
        "{MAPPINGS}{own}{}",
        flow("tidy", "  every 5 minutes\n  read shop.item as item\n  write tidy update by sku\n")
    );
    assert_eq!(errors(&checked(&spec).1), Vec::<&str>::new());
    insta::assert_snapshot!("W0611_self_feeding_flow", from_the_flows(&spec));
}

#[test]
fn what_an_also_read_cannot_be_asked_is_warned_of() {
    let lines = format!("{ORDERS}  also read shop.item as item for item.name where item.price is present\n");
    let spec = format!("{MAPPINGS}{}", flow("orders", &lines));
    assert_eq!(errors(&checked(&spec).1), Vec::<&str>::new());
    insta::assert_snapshot!("W0607_also_read", from_the_flows(&spec));
}

#[test]
fn rows_are_grouped_by_a_field_that_each_has() {
    let spec = |by: &str| {
        format!(
            "mapping odd from shop.order as order grouped by {by} as orders to part of erp.Orders {{\n  Number <- \"x\"\n  ignore rest because \"not used\"\n}}\n"
        )
    };
    for by in ["order.comment", "\"x\"", "order.extra.erpNumber", "order.extra", "orders.key"] {
        assert_eq!(errors(&checked(&spec(by)).1), ["E0340"], "{}", shown(&spec(by)));
    }
    insta::assert_snapshot!("E0340_may_be_missing", shown(&spec("order.comment")));
    insta::assert_snapshot!("E0340_no_field", shown(&spec("\"x\"")));
    assert_eq!(errors(&checked(&spec("order.nubmer")).1), ["E0203"]);
}

#[test]
fn fixes_mend() {
    let mut codes = Vec::new();
    for (name, flows) in cases() {
        let spec = format!("{MAPPINGS}{flows}");
        for fault in checked(&spec).1 {
            let Some(better) = mended(&spec, &fault) else { continue };
            // The shop that was meant takes no webhooks.
            let left: &[&str] = if name == "E0201_webhook_of_nothing" { &["E0505"] } else { &[] };
            assert_eq!(errors(&checked(&better).1), left, "{name}: {}", from_the_flows(&better));
            codes.push(fault.code);
        }
    }
    for code in ["E0201", "E0203", "E0212", "E0501", "E0507", "E0511", "E0527"] {
        assert!(codes.contains(&code), "no case shows the fix of {code}");
    }
}

#[test]
fn unsafe_writes_and_late_conditions_are_warned_of() {
    let lines = "  every 5 minutes\n  read shop.order as order where order.total > 0 and order.status == \"open\"\n  write orders create once by ShopId as written\n  write close action\n";
    let spec = format!("{MAPPINGS}{}", flow("orders", lines));
    assert_eq!(errors(&checked(&spec).1), Vec::<&str>::new());
    insta::assert_snapshot!(from_the_flows(&spec));
}

#[test]
fn what_is_written_back_and_read_by_nobody_is_no_echo() {
    let spec = format!("{MAPPINGS}{}", flow("orders", &format!("{ORDERS}  write back update by id\n")));
    assert_eq!(errors(&checked(&spec).1), Vec::<&str>::new(), "{}", from_the_flows(&spec));
}

#[test]
fn a_flow_that_creates_and_one_that_updates_share_a_field_in_peace() {
    let create = flow("items", &NAMES.replace("write names update", "write items create once"));
    let spec = format!("{MAPPINGS}{create}{}", flow("names", NAMES));
    assert_eq!(errors(&checked(&spec).1), Vec::<&str>::new(), "{}", from_the_flows(&spec));
}

#[test]
fn a_field_that_is_written_once_has_its_owner_elsewhere() {
    let once = "mapping items_once from shop.item as item to part of erp.Items {\n  Code <- item.sku\n  Group <- 1\n  on create { Name <- item.name }\n}\n";
    let spec = |mapping: &str| {
        let flow_of = flow("items", "  every 5 minutes\n  read shop.item as item\n  write items_once update by Code\n");
        format!("{MAPPINGS}{mapping}{flow_of}{}", flow("names", NAMES))
    };
    assert_eq!(errors(&checked(&spec(once)).1), Vec::<&str>::new(), "{}", from_the_flows(&spec(once)));
    let always = once.replace("on create { Name <- item.name }", "Name <- item.name");
    assert_eq!(errors(&checked(&spec(&always)).1), ["E0512"]);
}

#[test]
fn a_manifest_that_invents_names_is_told_at_its_own_line() {
    let erp = ERP_MANIFEST.replace("filter_on: [Code, Name]", "filter_on: [Cod, Name]").replace("  Notes:", "  Note:");
    let (_, faults, project) = checked_with("", SHOP_MANIFEST, &erp);
    let told: Vec<String> = faults.iter().map(|fault| render(fault, &project.files, Style::Plain)).collect();
    assert_eq!(errors(&faults), ["E0703", "E0703"]);
    insta::assert_snapshot!(told.join("\n\n"));
}

#[test]
fn a_find_needs_a_connector_that_lists() {
    let spec = "mapping m from shop.order as order to part of erp.Orders {\n  let item = find erp.Items as i where i.Code == order.number otherwise reject \"none\"\n  Number <- item.Code\n  ignore rest because \"not used\"\n}\n";
    assert_eq!(errors(&checked(spec).1), Vec::<&str>::new(), "{}", shown(spec));
    let without_entity = ERP_MANIFEST.replace(
        "  Items:\n    path: Items\n    can: [list, get, create, update, batch]",
        "  Items:\n    path: Items\n    can: [create, update]",
    );
    assert_ne!(without_entity, ERP_MANIFEST);
    assert_eq!(errors(&checked_with(spec, SHOP_MANIFEST, &without_entity).1), ["E0509"]);
}

#[test]
fn a_linked_record_that_is_read_needs_a_key_to_ask_by() {
    let spec = "mapping m from shop.order as order to part of erp.Orders {\n  Remark <- linked erp.Items as item of shop.order by order.id take item.Name otherwise wait\n  ignore rest because \"not used\"\n}\n";
    assert_eq!(errors(&checked(spec).1), Vec::<&str>::new(), "{}", shown(spec));
    let without_key = ERP_MANIFEST.replace("filter_on: [Code, Name]", "filter_on: [Name]");
    assert_ne!(without_key, ERP_MANIFEST);
    let (_, faults, project) = checked_with(spec, SHOP_MANIFEST, &without_key);
    assert_eq!(errors(&faults), ["E0514"]);
    let told: Vec<String> = faults.iter().map(|fault| render(fault, &project.files, Style::Plain)).collect();
    insta::assert_snapshot!(told.join("\n\n"));
}
