//! What conditions and orders of flows become in the model.

use mapwright_model::ir::{DeliveryLevel, Flow, Schedule};
use mapwright_values::Test;

use crate::project::{checked, errors, shown};

const MAPPING: &str = r#"setting zone text = "Europe/Berlin"
setting wanted text = "open"
mapping orders from shop.order as order to erp.Orders {
  owner "Sales"
  Number <- order.number
  Amount <- order.total
  leave rest because "not used"
  ignore rest because "not used"
}
"#;

fn flow_with(condition: &str) -> (Flow, usize) {
    let condition = if condition.is_empty() { String::new() } else { format!(" where {condition}") };
    let spec = format!(
        "{MAPPING}flow orders {{\n  daily at 02:00 in zone\n  every 1 hour reading everything\n  read shop.order as order{condition}\n  write orders create once by Number\n}}\n"
    );
    let (model, faults, _) = checked(&spec);
    assert_eq!(errors(&faults), Vec::<&str>::new(), "{}", shown(&spec));
    let late = faults.iter().filter(|fault| fault.code == "W0607").count();
    (model.flows.into_iter().next().unwrap(), late)
}

#[test]
fn what_the_source_can_answer_is_asked() {
    for (condition, field, test, value) in [
        ("order.status == \"open\"", "status", Test::Eq, "\"open\""),
        ("\"open\" == order.status", "status", Test::Eq, "\"open\""),
        ("order.status == \"in-work\"", "status", Test::Eq, "\"In work\""),
        ("order.status != \"cancelled\"", "status", Test::Ne, "\"cancelled\""),
        ("order.status in [\"open\", \"in-work\"]", "status", Test::In, "[\"open\",\"In work\"]"),
        ("order.paid", "paid", Test::Eq, "\"Y\""),
        ("not order.paid", "paid", Test::Eq, "\"N\""),
        ("order.comment is missing", "comment", Test::Missing, "null"),
        ("order.number >= \"1000\"", "number", Test::Ge, "\"1000\""),
        ("\"1000\" < order.number", "number", Test::Gt, "\"1000\""),
    ] {
        let (flow, late) = flow_with(condition);
        let filter: Vec<_> =
            flow.filter.iter().map(|term| (term.field.as_str(), term.test, term.value.as_str())).collect();
        assert_eq!(filter, [(field, test, value)], "{condition}");
        assert!(flow.keep.is_none() && late == 0, "{condition}");
    }
}

#[test]
fn the_rest_is_evaluated_after_reading() {
    for condition in [
        "order.total > 0",
        "order.status == wanted",
        "order.comment != \"x\"",
        "order.comment is not missing",
        "order.status not in [\"open\"]",
        "order.status == \"open\" or order.paid",
        "order.extra.erpNumber is missing",
    ] {
        let (flow, late) = flow_with(condition);
        assert!(flow.filter.is_empty() && flow.keep.is_some() && late == 1, "{condition}");
    }
    let (flow, _) = flow_with("order.paid and order.total > 0 and order.extra.erpNumber is missing");
    assert_eq!(flow.filter.len(), 1);
    for field in ["extra.erpNumber", "id", "number", "total", "updated"] {
        assert!(flow.select.iter().any(|path| path == field), "{field}: {:?}", flow.select);
    }
}

#[test]
fn a_flow_has_its_times_and_defaults() {
    let (flow, _) = flow_with("");
    let [Schedule::Daily { at, zone, everything: false }, Schedule::Every { seconds: 3600, everything: true }] =
        flow.schedules.as_slice()
    else {
        panic!("{:?}", flow.schedules)
    };
    assert_eq!((at.as_str(), zone.as_str()), ("02:00", "{zone}"));
    assert_eq!((flow.owner.as_str(), flow.retry_up_to_s, flow.latest_wins), ("Sales", 86_400, false));
    assert_eq!(flow.writes[0].level, DeliveryLevel::Probeable);
}

#[test]
fn flows_stand_behind_those_they_come_after() {
    let one = |name: &str, after: &str| {
        format!(
            "flow {name} {{\n  on demand\n  read shop.order as order\n  write orders create once by Number\n{after}}}\n"
        )
    };
    let spec =
        format!("{MAPPING}{}{}{}", one("c", "  after flows b, a\n"), one("b", "  after flows a\n"), one("a", ""));
    let (model, faults, _) = checked(&spec);
    assert_eq!(errors(&faults), Vec::<&str>::new(), "{}", shown(&spec));
    let names: Vec<&str> = model.flows.iter().map(|flow| flow.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "c"]);
}

#[test]
fn a_flow_with_a_fault_is_left_out_and_hides_no_other() {
    let good = "flow good {\n  on demand\n  read shop.order as order\n  write orders create once by Number\n}\n";
    let bad = good.replace("good", "bad").replace("by Number", "by Amount");
    let (model, _, _) = checked(&format!("{MAPPING}{bad}{good}"));
    let names: Vec<&str> = model.flows.iter().map(|flow| flow.name.as_str()).collect();
    assert_eq!(names, ["good"]);
}

#[test]
fn every_duty_reaches_the_model() {
    let mappings = r#"
mapping gone from deleted shop.order as order, erp.Orders as written to part of erp.Orders {
  Entry  <- written.Entry
  Remark <- "gone: {order.id}"
}
mapping stocks from shop.order as order to part of erp.Items {
  Code <- order.number
  Name <- order.id
}
"#;
    let duties = r#"flow orders {
  cron "30 6 * * MON-FRI" in zone reading everything
  every 5 minutes
  read shop.order as order
  also read shop.item as item for item.sku where item.name == "x"
  write orders upsert by Number as written
  write stocks update by Code in batches of 200
  on delete write gone update by Entry
  on conflict erp wins
}
"#;
    let mapping = MAPPING.replace("leave rest", "on create { Remark <- order.comment otherwise clear }\n  leave rest");
    let spec = format!("{mapping}{mappings}{duties}");
    let (model, faults, _) = checked(&spec);
    assert_eq!(errors(&faults), Vec::<&str>::new(), "{}", shown(&spec));
    let flow = &model.flows[0];
    assert!(matches!(&flow.schedules[0], Schedule::Cron { expression, zone, everything: true }
        if expression == "30 6 * * MON-FRI" && zone == "{zone}"));
    assert_eq!(flow.conflict.as_deref(), Some("erp"));
    let also = &flow.also[0];
    assert_eq!((also.entity.entity.as_str(), also.parent.as_str()), ("item", "sku"));
    assert_eq!(also.filter[0].field, "name");
    assert_eq!(also.select, ["name", "sku", "updated"]);
    assert_eq!((flow.writes[0].batch, flow.writes[1].batch), (None, Some(200)));
    assert_eq!(flow.on_delete.len(), 1);
    assert_eq!(flow.on_delete[0].sources, [None, Some("written".to_owned())]);
    // What a write for deleted records reads of an earlier one is asked for there.
    assert_eq!(flow.writes[0].select, ["Entry"]);
}

#[test]
fn parts_that_are_written_together_are_one_message() {
    let spec = "mapping lines from shop.basket as basket to part of erp.Items one per basket.lines as line {\n  Code <- line.no\n  Group <- 1\n  ignore rest because \"not used\"\n}\nflow lines {\n  on demand\n  read shop.basket as basket\n  write lines update by Code together\n}\n";
    let (model, faults, _) = checked(spec);
    assert_eq!(errors(&faults), Vec::<&str>::new(), "{}", shown(spec));
    assert!(model.flows[0].writes[0].together && model.flows[0].writes[0].batch.is_none());
}

#[test]
fn a_flow_of_groups_asks_for_the_fields_of_their_rows() {
    let spec = "mapping sums from shop.order as order grouped by order.number as group to part of erp.Orders {\n  Number <- group.key\n  Amount <- sum(each group.rows as row take row.total)\n  ignore order.status, order.comment, order.paid, order.extra, order.id, order.updated because \"not used\"\n}\nflow sums {\n  every 5 minutes\n  read shop.order as order where order.paid\n  write sums upsert by Number\n}\n";
    let (model, faults, _) = checked(spec);
    assert_eq!(errors(&faults), Vec::<&str>::new(), "{}", shown(spec));
    let flow = &model.flows[0];
    assert_eq!(flow.group.as_deref(), Some("number"));
    assert_eq!(flow.select, ["id", "number", "total", "updated"]);
    assert_eq!(model.mappings[0].sources[0].select, ["id", "number", "total"]);
}
