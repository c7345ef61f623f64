//! Every field is spoken of, once.

use crate::project::{checked, errors, mended, shown};

/// A mapping that makes whole orders, sound but for what a test changes.
fn orders(body: &str) -> String {
    format!("mapping orders from shop.order as order to erp.Orders {{\n{body}\n}}\n")
}

const MAPPED: &str = "  Number <- order.number\n  Remark <- order.comment\n  Amount <- order.total";
const LEFT: &str = "  leave ShopId, Address, Lines because \"not used\"";
const IGNORED: &str = "  ignore order.id, order.status, order.paid, order.extra, order.updated because \"not used\"";

/// Name of the case, its spec. The name begins with the code it must show, alone.
fn cases() -> Vec<(&'static str, String)> {
    let sound = [MAPPED, LEFT, IGNORED];
    let without = |line: &str| orders(&sound.join("\n").replace(&format!("{line}\n"), ""));
    let replaced = |from: &str, to: &str| {
        let text = sound.join("\n");
        assert!(text.contains(from), "{from}");
        orders(&text.replace(from, to))
    };
    let rule = "rule line_of(order shop.order) erp.Orders.Lines = {\n  Item <- order.number\n  leave Count because \"one\"\n}\n";
    vec![
        ("E0401_unmapped_required_field", replaced("\n  Amount <- order.total", "\n  let amount = order.total\n  check amount > 0 otherwise reject \"nothing to pay\"")),
        ("E0401_required_field_left", replaced("\n  Amount <- order.total", "\n  leave Amount because \"no\"\n  ignore order.total because \"no\"")),
        (
            "E0401_required_in_a_list",
            replaced("Address, Lines because \"not used\"", "Address because \"not used\"\n  Lines <- each [1] as one {\n    Count <- one\n  }"),
        ),
        ("E0402_several_unmapped_fields", without(LEFT)),
        ("E0402_unmapped_in_a_record", replaced("Address, Lines because \"not used\"", "Lines because \"not used\"\n  Address { City <- \"Berlin\" }")),
        ("E0402_on_one_line", "mapping notes from shop.order as order to erp.Notes { Number <- order.number;  ignore rest because \"not used\" }\n".to_owned()),
        ("E0403_several_unused_fields", orders(&[MAPPED, LEFT].join("\n"))),
        ("E0403_unused_in_a_record", replaced("order.extra, ", "").replace("Number <- order.number", "Number <- order.number\n  check order.extra is present otherwise reject \"no extra\"")),
        ("E0404_left_and_mapped", replaced("leave ShopId, Address", "leave ShopId, Remark, Address")),
        ("E0404_left_alone_and_mapped", replaced(LEFT, &format!("{LEFT}\n  leave Remark because \"not used\"   note \"by mistake\""))),
        ("E0404_a_part_is_mapped", replaced(LEFT, &format!("{LEFT}\n  Address {{ City <- \"Berlin\" }}"))),
        (
            "E0404_left_and_made_by_a_rule",
            format!("{}{}", rule.replace("leave Count", "leave Item, Count"), replaced("Address, Lines because \"not used\"", "Address because \"not used\"\n  Lines <- [line_of(order)]")),
        ),
        ("E0405_ignored_and_used", replaced("ignore order.id, order.status", "ignore order.comment, order.id, order.status")),
        ("E0405_ignored_with_all_beneath", replaced(LEFT, &format!("{LEFT}\n  check order.extra.erpNumber is missing otherwise skip \"known\"")).replace("order.extra,", "order.extra.*,")),
        ("E0405_for_the_whole_project", format!("{}ignore shop.order.comment because \"not used\"\n", orders(&sound.join("\n")))),
    ]
}

#[test]
fn a_sound_mapping_has_no_fault() {
    let spec = orders(&[MAPPED, LEFT, IGNORED].join("\n"));
    assert_eq!(errors(&checked(&spec).1), Vec::<&str>::new(), "{}", shown(&spec));
}

#[test]
fn every_gap_is_told() {
    for (name, spec) in cases() {
        let (_, faults, _) = checked(&spec);
        let code = name.split('_').next().unwrap();
        assert_eq!(errors(&faults), [code], "{name}: {}", shown(&spec));
        insta::assert_snapshot!(name, shown(&spec));
    }
}

#[test]
fn fixes_mend() {
    let mut mends = 0;
    for (name, spec) in cases() {
        let (_, faults, _) = checked(&spec);
        for fault in &faults {
            let Some(better) = mended(&spec, fault) else { continue };
            assert_eq!(errors(&checked(&better).1), Vec::<&str>::new(), "{name}: {}", shown(&better));
            mends += 1;
        }
    }
    assert_eq!(mends, cases().len() - 3, "all but the required fields have a fix");
}

#[test]
fn what_a_rule_makes_and_leaves_counts() {
    let rule = "rule line_of(order shop.order) erp.Orders.Lines = {\n  Item <- order.number\n  leave Count because \"one\"\n}\n";
    let body =
        [MAPPED, IGNORED, "  leave ShopId, Address because \"not used\"", "  Lines <- [line_of(order)]"].join("\n");
    let spec = format!("{rule}{}", orders(&body));
    assert_eq!(errors(&checked(&spec).1), Vec::<&str>::new(), "{}", shown(&spec));
}

#[test]
fn a_field_that_is_written_back_counts_as_used() {
    let back = "mapping back from shop.order as order, erp.Orders as written to part of shop.order {\n  id <- order.id\n  extra { erpNumber <- written.Number }\n}\n";
    let spec = format!(
        "{}{back}",
        orders(&[MAPPED, LEFT, &IGNORED.replace("order.id, ", "").replace("order.extra, ", "")].join("\n"))
    );
    assert_eq!(errors(&checked(&spec).1), Vec::<&str>::new(), "{}", shown(&spec));
}

#[test]
fn rests_and_whole_records_settle_what_is_in_them() {
    for (from, to) in [
        ("ignore order.id, order.status, order.paid, order.extra, order.updated", "ignore rest"),
        ("ignore order.id, order.status, order.paid, order.extra, order.updated", "ignore rest of order"),
        ("order.extra", "order.extra.*"),
        ("order.extra", "rest of order.extra"),
        ("leave ShopId, Address, Lines", "leave rest"),
        ("Lines because", "rest of Lines because"),
        ("Address, Lines", "Address.Street, Address.City, Lines.*"),
    ] {
        let spec = orders(&[MAPPED, LEFT, IGNORED].join("\n").replace(from, to));
        assert!(spec.contains(to));
        assert_eq!(errors(&checked(&spec).1), Vec::<&str>::new(), "{}", shown(&spec));
    }
}

#[test]
fn what_follows_from_an_unreadable_line_is_not_told() {
    let body = [MAPPED, LEFT, IGNORED].join("\n");
    let broken = |from: &str, to: &str| {
        assert!(body.contains(from), "{from}");
        orders(&body.replace(from, to))
    };
    for (spec, code) in [
        // A required field, fields that were left, a source field that was used, a `let` that others use.
        (broken("Amount <- order.total", "Amount = order.total"), "E0111"),
        (broken("leave ShopId, Address, Lines because \"not used\"", "leave ShopId, Address, Lines"), "E0113"),
        (broken("Remark <- order.comment", "let remark = = order.comment\n  Remark <- remark"), "E0117"),
        (orders(&body.replace("Number <- order.number", "Number <- order.number otherwise null")), "E0123"),
    ] {
        assert_eq!(errors(&checked(&spec).1), [code], "{}", shown(&spec));
    }
}

#[test]
fn an_unreadable_line_hides_no_fault_of_another_mapping() {
    let torn = "mapping torn from shop.order as order to erp.Notes {\n  Number = \"1\"\n}\n";
    let spec = format!("{torn}{}", orders(&[&MAPPED.replace("Amount <-", "Amuont <-"), LEFT, IGNORED].join("\n")));
    assert_eq!(errors(&checked(&spec).1), ["E0111", "E0203"], "{}", shown(&spec));
}

#[test]
fn a_field_that_is_ignored_twice_is_warned_of() {
    let again = IGNORED.replace("order.extra,", "order.extra, order.id,");
    let spec = orders(&[MAPPED, LEFT, &again].join("\n"));
    let (_, faults, _) = checked(&spec);
    assert_eq!(faults.iter().map(|fault| fault.code).collect::<Vec<_>>(), ["W0610"], "{}", shown(&spec));
    insta::assert_snapshot!("W0610_dismissed_twice", shown(&spec));
    let better = mended(&spec, &faults[0]).unwrap();
    assert!(checked(&better).1.is_empty(), "{better}");
}

#[test]
fn a_misspelt_field_is_told_once() {
    let spec = orders(&[&MAPPED.replace("Amount <-", "Amuont <-"), LEFT, IGNORED].join("\n"));
    assert_eq!(errors(&checked(&spec).1), ["E0203"], "{}", shown(&spec));
}
