//! What the language becomes in the model.

use crate::project::{checked, errors, shown};
use mapwright_model::ir::{Branch, ExprKind, Mapping, Model, Statement, Take, Type};

/// The only mapping of a spec without a fault.
fn sound(spec: &str) -> (Model, Mapping) {
    let (model, faults, _) = checked(spec);
    assert!(errors(&faults).is_empty(), "{}", shown(spec));
    let mapping = model.mappings.first().cloned().expect("a sound mapping");
    (model, mapping)
}

fn part(body: &str) -> String {
    format!("rounding half_up\nmapping orders from shop.order as order to part of erp.Orders {{\n{body}\n}}\n")
}

/// Names of the target fields that a block writes, nested ones in brackets.
fn written(statements: &[Statement]) -> Vec<String> {
    statements
        .iter()
        .filter_map(|statement| match statement {
            Statement::Set { field, .. } => Some(field.name.clone()),
            Statement::Nested { field, body, .. } => {
                Some(format!("{}({})", field.name, written(&body.statements).join(" ")))
            }
            Statement::Let { .. } => Some("let".to_owned()),
            Statement::Check { .. } => None,
        })
        .collect()
}

/// The value that the first statement writes.
fn value(mapping: &Mapping) -> &mapwright_model::ir::Expr {
    let value = mapping.body.statements.iter().find_map(|statement| match statement {
        Statement::Set { value: Branch::Value(value), .. } => Some(value),
        _ => None,
    });
    value.expect("a value")
}

/// An order as an analyst would write it, with most of the language in it.
const ORDER: &str = r#"rounding half_up
setting zone   text    = "Europe/Berlin"
setting prefix text(6) = "SW-"
setting guest  text(15) = "C-GUEST"

table groups from country text(2), gross boolean to integer "Groups" {
  "DE", any   -> 1
  any,  true  -> 2
  otherwise   -> reject "no group for {country}"
}
  example groups("DE", true) is 1

table carriers from method text(9) to integer in csv "carriers.csv" columns method, code

rule cents(value shop.amount) decimal(19,2) "To the cent" = value | round(2)
  example cents(1.005) is 1.01

rule order_line(item shop.order.items, code text(20)) erp.Orders.Lines = {
  Item     <- code
  Quantity <- item.count
  Price    <- cents(item.price)
  Remark   <- item.label | cut
}

mapping order_to_erp from shop.order as order to erp.Orders "A placed order" {
  owner "Sales", agreed 2026-03-14
  check order.status != "cancelled" otherwise skip "cancelled before export"
  check order.items is not empty otherwise reject "order {order.number} has no lines"

  let ship    = order.shipping otherwise order.billing
  let country = ship.country.iso otherwise reject "no country"
  let heavy   = (order.weight otherwise 0) > 20
  let sum     = sum(order.items.price)

  Number   <- "{prefix}{order.number}" | fit
  Customer <- (linked erp.Customers of shop.customer by order.customerId otherwise wait)
  Date     <- order.placed | date_in(zone)
  Kind     <- if heavy then "rush" else "normal"
  Amount   <- sum | cents
  Pieces   <- lookup groups(country, order.gross)
  Comment  <- order.comment | collapse_spaces | cut otherwise omit
  Short    <- "dhl" | lookup carriers | text | cut
  Address.Street <- ship.street | cut
  Closed   <- false
  Address.City <- ship.company | cut otherwise omit

  Lines <- each order.items as line where line.count > 0 sorted by line.label {
    let sku  = line.sku otherwise reject "line {position(line)} has no number"
    let item = find erp.Items as i where i.Code == sku and i.Group != 9 otherwise reject "no item {sku}"
    Item     <- item.Code
    Quantity <- line.count
    Price    <- line.price | round(2)
    Remark   <- item.Name | cut otherwise omit
  }
  Lines also <- each order.items as line where line.payload.code is present take order_line(line, guest)
  Notes when order.gross {
    Text <- "gross"
  }
  leave Parcels because "the carrier counts them"
}
"#;

#[test]
fn a_whole_order_has_no_fault() {
    let (model, mapping) = sound(ORDER);
    assert_eq!(mapping.owner, "Sales");
    assert_eq!(mapping.agreed.as_deref(), Some("2026-03-14"));
    assert_eq!(model.examples.len(), 2);
    assert_eq!(model.tables.iter().map(|table| table.rows.len()).collect::<Vec<_>>(), [2, 2]);
    insta::assert_debug_snapshot!("written", written(&mapping.body.statements));
}

#[test]
fn only_what_is_read_is_selected() {
    let (_, mapping) = sound(ORDER);
    insta::assert_debug_snapshot!("select", mapping.sources.first().unwrap().select);
    let spec = part(
        "let item = find erp.Items as i where i.Code == order.number otherwise reject \"none\"\nComment <- item.Name otherwise omit",
    );
    let (_, mapping) = sound(&spec);
    let Some(Statement::Let { value, .. }) = mapping.body.statements.first() else { panic!("a let") };
    let ExprKind::Otherwise { value, .. } = &value.kind else { panic!("an otherwise") };
    let ExprKind::Find(find) = &value.kind else { panic!("a find") };
    assert_eq!(find.select, ["Code", "Name"]);
}

#[test]
fn what_a_caller_reads_of_a_rule_is_selected_in_the_rule() {
    let spec = format!(
        "rule customer(id shop.customer.id) shop.customer = find shop.customer as c where c.id == id otherwise reject \"none\"\n{}",
        part("let c = customer(order.id)\nComment <- c.name | cut")
    );
    let (model, _) = sound(&spec);
    let ExprKind::Otherwise { value, .. } = &model.rules[0].body.kind else { panic!("an otherwise") };
    let ExprKind::Find(find) = &value.kind else { panic!("a find") };
    assert_eq!(find.select, ["id", "name"]);
}

#[test]
fn dotted_targets_make_one_nested_record_behind_its_lets() {
    let spec =
        part("Address.Street <- order.billing.street | cut\nlet city = \"Bonn\"\nShort <- \"a\"\nAddress.City <- city");
    let (_, mapping) = sound(&spec);
    assert_eq!(written(&mapping.body.statements), ["let", "Short", "Address(Street City)"]);
}

#[test]
fn a_path_through_lists_is_one_flat_each() {
    let (_, mapping) = sound(&part("Amount <- sum(order.items.taxes.tax) | round(2)"));
    let ExprKind::Call { arguments, .. } = &value(&mapping).kind else { panic!("round") };
    let mapwright_model::ir::Argument::Value(sum) = &arguments[0] else { panic!("a value") };
    let ExprKind::Call { arguments, .. } = &sum.kind else { panic!("sum") };
    let mapwright_model::ir::Argument::Value(list) = &arguments[0] else { panic!("a value") };
    let ExprKind::Each(each) = &list.kind else { panic!("an each") };
    assert_eq!(each.walks.len(), 2);
    assert!(matches!(&each.take, Take::Value(value) if value.ty == Type::Decimal { precision: 20, scale: 10 }));
    assert_eq!(mapping.sources[0].select, ["id", "items.taxes.tax"]);
}

#[test]
fn conditions_of_a_find_are_asked_or_checked_of_the_answer() {
    let spec = part(
        "let i = find erp.Items as i where i.Code == order.number and length(i.Code) > 3 and 7 < i.Group otherwise reject \"none\"\nComment <- i.Name",
    )
    .replace("let i =", "let item =")
    .replace("i.Name", "item.Name");
    let (_, faults, _) = checked(&spec);
    // `7 < i.Group` compares something that may be missing where the system does not: it is asked, not checked here.
    assert!(errors(&faults).is_empty(), "{}", shown(&spec));
    let (_, mapping) = sound(&spec);
    let Some(Statement::Let { value, .. }) = mapping.body.statements.first() else { panic!("a let") };
    let ExprKind::Otherwise { value, .. } = &value.kind else { panic!("an otherwise") };
    let ExprKind::Find(find) = &value.kind else { panic!("a find") };
    let asked: Vec<(String, mapwright_values::Test)> =
        find.terms.iter().map(|term| (term.field.clone(), term.test)).collect();
    assert_eq!(
        asked,
        [("Code".to_owned(), mapwright_values::Test::Eq), ("Group".to_owned(), mapwright_values::Test::Gt)]
    );
    assert!(find.residual.is_some());
}

#[test]
fn whole_numbers_go_where_decimals_are_expected_and_words_into_texts() {
    sound(&part("Amount <- order.quantity\nComment <- order.status\nShort <- if order.gross then \"a\" else \"bc\""));
}

#[test]
fn settings_keep_their_defaults_as_json() {
    let spec = format!(
        "setting flag erp.Orders.Closed = true\nsetting codes list of text(2) = [\"01\", \"2\"]\nsetting rate decimal(5,2) = -1.50\nsetting kind erp.Orders.Kind = \"rush\"\n{}",
        part("Closed <- flag\nComment <- join(codes, \",\") | cut\nAmount <- rate\nKind <- kind")
    );
    let (model, _) = sound(&spec);
    let defaults: Vec<&str> = model.settings.iter().filter_map(|setting| setting.default.as_deref()).collect();
    assert_eq!(defaults, ["\"Y\"", "[\"01\",\"2\"]", "-1.50", "\"rush\""]);
}

#[test]
fn copy_and_on_create_are_sugar() {
    let spec = "mapping m from erp.Items as item to part of erp.Customers {\n  copy Name from item\n  on create { Group <- item.Group }\n}\n";
    let (_, mapping) = sound(spec);
    let made: Vec<(String, bool)> = mapping
        .body
        .statements
        .iter()
        .filter_map(|statement| match statement {
            Statement::Set { field, on_create, .. } => Some((field.name.clone(), *on_create)),
            _ => None,
        })
        .collect();
    assert_eq!(made, [("Name".to_owned(), false), ("Group".to_owned(), true)]);
}

#[test]
fn a_missing_value_passes_through_a_piped_rule() {
    let rule = "rule shout(t text(255)) text(255) = t | uppercase\n";
    let (_, mapping) =
        sound(&format!("{rule}{}", part("Comment <- order.billing.company | shout | cut otherwise omit")));
    let ExprKind::Otherwise { value, .. } = &value(&mapping).kind else { panic!("an otherwise") };
    assert!(value.optional);
    let called = format!("{rule}{}", part("Comment <- shout(order.billing.company) | cut"));
    let (_, faults, _) = checked(&called);
    assert_eq!(errors(&faults).iter().map(|fault| fault.code).collect::<Vec<_>>(), ["E0302"], "{}", shown(&called));
}

/// Whatever is cut out of a spec, the checker answers; it never fails itself.
#[test]
fn no_mutilated_spec_breaks_the_checker() {
    let lines: Vec<&str> = ORDER.lines().collect();
    for left_out in 0..lines.len() {
        let rest: Vec<&str> =
            lines.iter().enumerate().filter(|(index, _)| *index != left_out).map(|(_, line)| *line).collect();
        checked(&rest.join("\n"));
    }
    let words: Vec<(usize, &str)> = ORDER.match_indices(char::is_alphabetic).step_by(41).collect();
    for (at, letter) in words {
        let (before, behind) = ORDER.split_at(at);
        checked(&format!("{before}{}", behind.strip_prefix(letter).unwrap()));
    }
}

#[test]
fn what_uses_itself_comes_to_an_end() {
    let spec = format!(
        "rule a(o shop.order) shop.order = if o.gross then b(o) else b(o)\nrule b(o shop.order) shop.order = if o.gross then a(o) else a(o)\n{}",
        part("let o = a(order)\nComment <- o.number\nLines <- each order.items as line take made(line)")
    );
    let lines =
        "rule made(item shop.order.items) erp.Orders.Lines = if item.count > 1 then made(item) else made(item)\n";
    let (model, faults, _) = checked(&format!("{lines}{spec}"));
    assert!(model.mappings.is_empty());
    assert_eq!(errors(&faults).iter().map(|fault| fault.code).collect::<Vec<_>>(), ["E0210", "E0210", "E0210"]);
}

#[test]
fn a_chain_of_rules_is_followed_once() {
    let mut spec = "rule r0(n integer, o shop.order) text(64) = o.number\n".to_owned();
    for number in 1..12 {
        let before = number - 1;
        spec.push_str(&format!("rule r{number}(n integer, o shop.order) text(64) = if n > {number} then r{before}(n, o) else r{before}(n, o)\n"));
    }
    sound(&format!("{spec}{}", part("Comment <- r11(1, order)")));
}

#[test]
fn a_record_may_hold_records_of_its_own_type() {
    let spec = "system cats \"Categories\" {\n  type node = { name text(20);  children list of node }\n  entity category { id integer key;  root node }\n}\nmapping m from cats.category as category to part of erp.Orders {\n  Comment <- category.root.name\n  Short <- first(category.root.children.children.name) | cut\n  ignore rest of category because \"not in this case\"\n}\n";
    let (_, mapping) = sound(spec);
    assert_eq!(mapping.sources[0].select, ["id", "root.children.children.name", "root.name"]);
}

#[test]
fn rules_that_multiply_are_refused_at_once() {
    let mut spec = "rule r0(n integer) integer = n\n".to_owned();
    for number in 1..80 {
        let before = number - 1;
        spec.push_str(&format!("rule r{number}(n integer) integer = (r{before}(n) + r{before}(n)) | fit\n"));
    }
    let (_, faults, _) = checked(&format!("{spec}{}", part("Pieces <- r79(1)")));
    let told: Vec<&str> =
        faults.iter().filter(|known| known.code == "E0339").map(|known| known.headline.as_str()).collect();
    // The chain begins anew behind each rule that is told of.
    assert_eq!(told.first(), Some(&"rule `r13` uses rules too often: one use of it makes 16383"));
    assert_eq!(told.len(), 6, "{told:#?}");
}

#[test]
fn a_table_that_looks_itself_up_is_refused() {
    let spec = "table t from code text(2) to { a text(2) } {\n  \"a\" -> { a <- (lookup t(code)).a }\n  otherwise -> { a <- code }\n}\n";
    let (_, faults, _) = checked(spec);
    assert!(faults.iter().any(|known| known.code == "E0210"), "{faults:#?}");
}
