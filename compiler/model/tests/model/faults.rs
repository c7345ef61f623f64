//! Every fault has a case: a small spec and the message it gives, seen together.

use std::collections::BTreeSet;

use mapwright_syntax::{Diagnostic, Severity};

use crate::project::{checked, errors, mended, shown};

/// A mapping of orders whose body is given.
fn mapping(body: &str) -> String {
    let body: Vec<String> = body.lines().map(|line| format!("  {line}")).collect();
    format!("mapping orders from shop.order as order to part of erp.Orders {{\n{}\n}}\n", body.join("\n"))
}

/// Name of the case, its spec. The name begins with the code it must show.
fn cases() -> Vec<(&'static str, String)> {
    let definitions = [
        (
            "E0201_unknown_system",
            "mapping m from shp.order as order to part of erp.Orders {\n  Number <- order.number | fit\n}\n",
        ),
        (
            "E0202_unknown_entity",
            "mapping m from shop.orders as order to part of erp.Orders {\n  Number <- order.number | fit\n}\n",
        ),
        (
            "E0206_unknown_table",
            "rule r(n text(2)) text(8) = lookup vatgroups(n)\ntable vat_groups from country text(2) to text(8) {\n  otherwise -> \"A1\"\n}\n",
        ),
        ("E0207_unknown_type", "setting zone txt = \"Europe/Berlin\"\n"),
        ("E0208_duplicate_name", "setting zone text = \"a\"\nsetting zone text = \"b\"\n"),
        ("E0210_circular_definition", "rule a(n integer) integer = b(n)\nrule b(n integer) integer = a(n)\n"),
        ("E0208_enum_word_twice", "setting mode enum(fast, slow, fast) = \"fast\"\n"),
        ("E0211_text_of_no_length", "setting head text(0) = \"\"\n"),
        ("E0211_enum_without_words", "setting mode enum() = \"fast\"\n"),
        ("E0322_no_such_day", "setting start date = 2026-02-30\n"),
        ("E0322_no_such_time", "setting start time = 25:00\n"),
        ("E0211_malformed_type", "setting rate decimal(40,2) = 1\n"),
        ("E0211_unknown_character_set", "setting head text(30 bytes \"ebcdic\") = \"a\"\n"),
        ("E0322_format_that_loses", "setting start date as text(\"%d.%m.\") = 2026-11-02\n"),
        (
            "E0515_parts_without_key",
            "mapping m from shop.order as order to part of erp.Orders one per (each order.items as item each item.taxes as tax) as tax {\n  Number <- order.number | fit\n}\n",
        ),
        (
            "E0326_partly_on_create",
            "mapping m from shop.order as order to part of erp.Orders {\n  Lines <- each order.items as item {\n    Remark <- item.label | cut\n  }\n  on create {\n    Lines also <- each order.items as item { Remark <- \"once\" }\n  }\n}\n",
        ),
        (
            "E0325_ambiguous_reverse_lookup",
            "table t from method text(9) to integer {\n  \"dhl\", \"dpd\" -> 2\n  otherwise -> 1\n}\nrule r(n integer) text(9) = reverse_lookup(t, n)\n",
        ),
        ("E0211_encoding", "setting rate integer as hex = 1\nsetting kind enum(a, b) as number = \"a\"\n"),
        ("E0213_unknown_example_subject", "example nothing(1) is 2\n"),
        ("E0214_missing_file", "table t from m text(9) to integer in csv \"carrier.csv\" columns method, code\n"),
        (
            "E0311_incomplete_table",
            "table t from country text(2), business boolean to text(8) {\n  \"DE\", any -> \"A1\"\n  any, true -> \"A2\"\n}\n",
        ),
        (
            "E0311_a_pair_without_a_row",
            "setting express boolean = false\ntable t from kind erp.Orders.Kind, gross boolean to text(8) {\n  \"normal\", true -> \"A1\"\n  \"normal\", false -> \"A2\"\n  \"rush\", true -> \"A3\"\n}\n",
        ),
        (
            "E0313_unreachable_row",
            "table t from country text(2), rate decimal(5,2) to text(8) {\n  \"DE\", 19.00 -> \"A1\"\n  \"DE\", 19 -> \"A2\"\n  otherwise -> \"A3\"\n}\n",
        ),
        (
            "E0313_row_behind_a_general_one",
            "table t from country text(2), rate decimal(5,2) to text(8) {\n  any, 19 -> \"A1\"\n  \"DE\", 19 -> \"A2\"\n  otherwise -> \"A3\"\n}\n",
        ),
        (
            "E0320_malformed_row",
            "table t from country text(2), rate decimal(5,2) to text(8) {\n  \"DE\" -> \"A1\"\n  otherwise -> \"A3\"\n}\n",
        ),
        (
            "E0301_wrong_cell",
            "table t from rate decimal(5,2) to text(8) {\n  \"DE\" -> \"A1\"\n  otherwise -> \"A3\"\n}\n",
        ),
        ("E0415_omitted_required_field", "mapping m from shop.order as order to erp.Orders {\n  Customer <- omit\n}\n"),
        (
            "E0201_unknown_used_system",
            "use \"shpo\" as web\nmapping m from web.order as order to part of erp.Orders {\n  Number <- order.number | fit\n}\nignore rest of web.order because \"not in this case\"\n",
        ),
        (
            "E0416_result_too_long",
            "table t from rate decimal(5,2) to text(2) {\n  19 -> \"A-1\"\n  otherwise -> \"A3\"\n}\n",
        ),
        ("E0310_missing_rounding", "rule r(x decimal(9,4)) decimal(9,2) = x | round(2)\n"),
        (
            "E0308_table_leaves_out",
            "table t from n integer to text(8) {\n  1 -> \"A1\"\n  otherwise -> omit\n}\nrule r(n integer) text(8) = lookup t(n)\n",
        ),
        (
            "W0606_row_that_replaces_nothing",
            "table t from kind erp.Orders.Kind, gross boolean to text(8) {\n  \"normal\", any -> \"A1\"\n  any, true -> \"A2\"\n  \"rush\", false -> \"A3\"\n  otherwise -> \"A4\"\n}\n",
        ),
        ("W0623_unused_parameter", "rule r(n integer, m integer) integer = n\n"),
        (
            "E0401_fields_of_the_same_name",
            "system own \"Own\" {\n  entity orders {\n    Number text(30) key, required\n    comment text(10) required\n    Total decimal(28,10) required\n    street text(300) required\n    Placed date required\n    Quantity integer required\n  }\n}\nmapping m from shop.order as order to own.orders {\n  Number <- order.number | fit\n  ignore order.quantity because \"counted elsewhere\"\n}\n",
        ),
        ("W0602_unused_setting", "setting zone text = \"Europe/Berlin\"\n"),
        ("W0603_unused_table", "table t from n integer to text(8) {\n  otherwise -> \"A\"\n}\n"),
        ("W0604_unused_rule", "rule r(n integer) integer = n\n"),
        (
            "W0624_unused_system",
            "use \"erp\" as archive\nmapping m from shop.order as order to part of erp.Orders {\n  Number <- order.number | fit\n}\n",
        ),
        (
            "W0625_unused_type",
            "system own \"Own\" {\n  type place = { hall text(4) }\n  type shelf = text(8)\n  entity e { id integer key;  at shelf }\n}\n",
        ),
        (
            "E0322_format_of_a_day",
            "system own \"Own\" {\n  entity e { id integer key;  day date(\"%Y%m%d\")?;  at time(\"%H:%M\");  when datetime(\"%d.%m.\");  ever date(3) }\n}\n",
        ),
    ];
    let bodies = [
        ("E0203_unknown_field", "Number <- order.nubmer | fit"),
        ("E0203_unknown_target", "Cusstomer <- \"C1\""),
        ("E0203_field_beneath_a_list", "Lines.Item <- order.number"),
        ("E0203_field_of_a_text", "Number <- order.number.first"),
        ("E0204_unknown_name", "Number <- something"),
        ("E0204_used_too_early", "Comment <- text\nlet text = \"a\"\nShort <- text"),
        ("E0204_forgotten_source", "Number <- number | fit"),
        ("E0205_unknown_function", "Number <- order.number | toUpper | fit"),
        ("E0209_shadowed_name", "let order = \"x\"\nNumber <- order"),
        ("E0301_wrong_type", "Pieces <- order.number"),
        (
            "E0301_answer_in_every_case",
            "Short <- trim(if order.number == \"1\" then reject \"paid\" else skip \"unpaid\") | cut",
        ),
        (
            "E0301_answer_taken_in_every_case",
            "Short <- (each order.items as line take (match order.number { \"a\" -> reject \"a\"; otherwise -> skip \"b\" })) | first",
        ),
        ("E0301_uuid_into_text", "Comment <- order.id"),
        ("E0302_missing_operand", "Amount <- (order.weight * 2) | fit"),
        ("E0302_missing_in_text", "Comment <- \"Note: {order.comment}\" | cut"),
        ("E0303_unknown_enum_value", "Closed <- order.status == \"canceled\""),
        ("E0303_unknown_target_word", "Kind <- \"rushed\""),
        ("E0303_words_of_another_list", "Kind <- order.status"),
        ("E0304_incomparable_types", "Closed <- order.total == \"gross\""),
        ("E0305_in_a_text", "Comment <- \"A third is {order.total / 3}\" | cut"),
        ("W0606_with_a_value_behind", "Comment <- order.number otherwise \"-\"   # never\nShort <- \"a\""),
        ("E0305_unrounded_quotient", "Amount <- order.total / 3"),
        ("E0306_wrong_arguments", "Comment <- replace(order.number, \"a\")"),
        ("E0307_misplaced_wait", "Comment <- order.comment otherwise wait"),
        ("E0308_misplaced_answer", "let c = order.comment otherwise omit\nComment <- c | cut"),
        (
            "E0324_position_in_its_own_condition",
            "let few = each order.items as item where position(item) < 3\nlet ranked = each order.items as item sorted by position(item)\nComment <- \"{count(few)} {count(ranked)}\" | cut",
        ),
        ("E0309_unknown_place", "let c = order.number | fit\nComment <- c"),
        (
            "E0312_incomplete_match",
            "Kind <- match order.status {\n  \"open\" -> \"normal\"\n  \"cancelled\" -> \"rush\"\n}",
        ),
        (
            "E0314_unreachable_arm",
            "Kind <- match order.status {\n  \"open\", \"open\" -> \"normal\"\n  otherwise -> \"rush\"\n}",
        ),
        ("E0315_double_assignment", "Short <- \"a\"\nShort <- \"b\""),
        ("E0316_different_branches", "let x = if order.gross then 1 else \"one\"\nComment <- \"{x}\""),
        (
            "E0317_unasked_find",
            "let i = find erp.Items as i where length(i.Code) > 3 otherwise reject \"none\"\nComment <- i.Code",
        ),
        ("E0318_write_only_field_read", "Short <- order.secret | cut"),
        ("E0319_read_only_field_written", "Total <- order.total"),
        ("E0321_open_record", "let r = { a <- 1 }\nComment <- \"x\""),
        ("E0322_malformed_literal", "Date <- order.placed | date_in(\"Europe/Berlinn\")"),
        ("E0411_text_too_long", "Number <- order.number"),
        ("E0411_template_too_long", "Short <- \"SW-{order.quantity}\""),
        ("E0412_decimals_lost", "Amount <- order.total"),
        ("E0412_decimals_of_a_product", "Amount <- order.total * 2"),
        ("E0413_decimal_into_integer", "Pieces <- order.total"),
        ("E0414_instant_into_date", "Date <- order.placed"),
        ("E0415_missing_into_required", "Customer <- order.billing.company | cut"),
        ("E0416_literal_too_long", "Short <- \"too long\""),
        ("E0417_integer_out_of_range", "Parcels <- order.quantity"),
        ("E0418_shortened_key", "Number <- \"SW-{order.number}\" | cut"),
        ("E0418_shortened_before", "let number = order.number | cut(20)\nNumber <- \"SW-{number}\""),
        (
            "E0418_shortened_and_looked_up",
            "Number <- find erp.Items as i where i.Code == (order.number | cut(20)) take i.Code otherwise reject \"none\"",
        ),
        (
            "W0606_arm_that_replaces_nothing",
            "Kind <- match order.gross {\n  true -> \"normal\"\n  false -> \"rush\"\n  otherwise -> \"rush\"\n}",
        ),
        ("E0312_on_one_line", "Kind <- match order.status { \"open\" -> \"normal\" }"),
        (
            "W0621_rounded_lines",
            "Amount <- order.total | round(2)\nLines <- each order.items as item {\n  Item     <- item.sku | fit otherwise reject \"no number\"\n  Quantity <- item.count\n  Price    <- item.price | round(2)\n}",
        ),
        (
            "W0621_rounded_by_a_rule",
            "Amount <- order.total | round(2)\nlet few = each order.items as item where item.count < 9\nLines <- each few as item sorted by item.label {\n  let price = round(item.price, 2)\n  Item     <- item.sku | fit otherwise reject \"no number\"\n  Quantity <- item.count\n  Price    <- price\n}",
        ),
        ("W0601_unused_let", "let unused = order.number\nShort <- \"a\""),
        ("W0605_deprecated_field", "Number <- order.oldNumber"),
        ("W0606_needless_otherwise", "Number <- (order.number otherwise \"-\") | fit"),
        ("E0306_reverse_lookup", "Short <- reverse_lookup(\"t\")"),
        ("E0301_reverse_lookup_of_no_table", "Short <- reverse_lookup(\"t\", 1)"),
        (
            "E0203_two_errors_at_once",
            "Number <- order.nubmer | fit\nShort <- \"good\"\nKind <- \"rushd\"\nAmount <- order.total",
        ),
    ];
    let mut all: Vec<(&'static str, String)> =
        definitions.iter().map(|(name, spec)| (*name, (*spec).to_owned())).collect();
    let rounding = "rounding half_up\n";
    all.extend(bodies.iter().map(|(name, body)| (*name, format!("{rounding}{}", mapping(body)))));
    all
}

#[test]
fn every_fault_is_told() {
    for (name, spec) in cases() {
        let (_, faults, _) = checked(&spec);
        let code = name.split('_').next().unwrap();
        assert!(faults.iter().any(|fault| fault.code == code), "{name} shows no {code}: {}", shown(&spec));
        insta::assert_snapshot!(name, shown(&spec));
    }
}

#[test]
fn a_fix_mends_its_fault_and_makes_no_other() {
    let mut mended_codes = BTreeSet::new();
    for (name, spec) in cases() {
        let (_, faults, project) = checked(&spec);
        for fault in &faults {
            let in_spec = project.files.get(fault.span().file).is_some_and(|file| file.path == "test.mapspec");
            let Some(better) = mended(&spec, fault).filter(|_| in_spec) else { continue };
            let (_, left, _) = checked(&better);
            let of_this = |all: &[Diagnostic]| all.iter().filter(|known| known.code == fault.code).count();
            let warned = usize::from(fault.severity == Severity::Warning);
            assert!(
                of_this(&left) < of_this(&faults) && errors(&left).len() < errors(&faults).len() + warned,
                "{name}: the fix of {} mends nothing:\n{}",
                fault.code,
                shown(&better)
            );
            mended_codes.insert(fault.code);
        }
    }
    let expected = [
        "E0201", "E0202", "E0203", "E0205", "E0206", "E0207", "E0302", "E0303", "E0311", "E0305", "E0312", "E0313",
        "E0401", "E0411", "E0412", "E0413", "E0414", "E0415", "E0417", "E0418", "W0606", "W0621",
    ];
    for code in expected {
        assert!(mended_codes.contains(code), "no case shows the fix of {code}");
    }
}

#[test]
fn codes_are_listed_once() {
    let mut seen = BTreeSet::new();
    for (code, name, meaning) in mapwright_model::CODES {
        assert!(seen.insert(*code), "{code} is listed twice");
        assert!(!name.is_empty() && !meaning.is_empty());
    }
    for (name, spec) in cases() {
        for fault in checked(&spec).1 {
            assert!(seen.contains(fault.code) || fault.code.starts_with("E01"), "{name}: {} is not listed", fault.code);
        }
    }
}

#[test]
fn one_fault_hides_no_sound_mapping() {
    let good = mapping("Short <- \"good\"");
    let bad = mapping("Short <- order.nothing").replace("mapping orders", "mapping broken");
    let (model, _, _) = checked(&format!("{good}{bad}"));
    let names: Vec<&str> = model.mappings.iter().map(|mapping| mapping.name.as_str()).collect();
    assert_eq!(names, ["orders"]);
}

#[test]
fn a_mapping_that_uses_a_broken_rule_is_left_out() {
    let spec = format!("rule r(n integer) integer = n + \"x\"\n{}", mapping("Pieces <- r(order.quantity)"));
    let (model, faults, _) = checked(&spec);
    assert!(model.mappings.is_empty());
    assert_eq!(errors(&faults).len(), 1, "the mapping has no fault of its own");
}
