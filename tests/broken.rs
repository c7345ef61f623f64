//! The shipped integration, broken in ordinary ways: each break gives a diagnostic at the right line, in plain words,
//! and where a fix is offered the mended spec compiles.
//!
//! The snapshots show what an analyst sees; read them as one.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "a test, its helpers included, fails by panicking"
)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use mapwright_syntax::render::{Style, render};
use mapwright_syntax::{Diagnostic, Severity};
use mapwright_tests::repository;

/// A break: its name, the file, what stands there, and what stands there instead.
struct Break(&'static str, &'static str, &'static str, &'static str);

const BREAKS: &[Break] = &[
    Break(
        "misspelt_source_field",
        "orders.mapspec",
        "order.customerComment otherwise",
        "order.customerComent otherwise",
    ),
    Break("misspelt_target_field", "orders.mapspec", "  DocCurrency   <-", "  DocCurency    <-"),
    Break("misspelt_function", "orders.mapspec", "| collapse_spaces | cut", "| colapse_spaces | cut"),
    Break("function_of_another_language", "customers.mapspec", "pad_left(8, \"0\")", "lpad(8, \"0\")"),
    Break("misspelt_let", "orders.mapspec", "ShipToCountry  <- country", "ShipToCountry  <- contry"),
    Break("missing_required_field", "orders.mapspec", "  DocDueDate    <- day | add_days(3)\n", ""),
    Break(
        "unmapped_target_field",
        "orders.mapspec",
        "  leave BPL_IDAssignedToInvoice because \"the company has one branch\"\n",
        "",
    ),
    Break("unused_source_field", "orders.mapspec", "order.campaignCode, ", ""),
    Break(
        "ignored_but_used",
        "orders.mapspec",
        "ignore order.currency.id because",
        "ignore order.currency.id, order.orderNumber because",
    ),
    Break("left_but_mapped", "orders.mapspec", "leave Series, ShipToCode", "leave Series, Comments, ShipToCode"),
    Break(
        "text_too_long",
        "customers.mapspec",
        "EmailAddress     <- customer.email | cut",
        "EmailAddress     <- customer.email",
    ),
    Break(
        "too_many_decimals",
        "orders.mapspec",
        "round(line_net(line.price, status) / line.quantity, 6)",
        "line.price.unitPrice",
    ),
    Break(
        "optional_into_arithmetic",
        "orders.mapspec",
        "let foreign  = order.currency.isoCode != home_currency",
        "let foreign  = order.deliveries.shippingOrderAddress.company < home_currency",
    ),
    Break("missing_in_text", "orders.mapspec", "{order.customerComment otherwise \"-\"}", "{order.customerComment}"),
    Break("instant_into_date", "orders.mapspec", "  TaxDate       <- day", "  TaxDate       <- order.orderDateTime"),
    Break("unknown_enum_value", "orders.mapspec", "technicalName != \"cancelled\"", "technicalName != \"canceled\""),
    Break("wrong_enum_value_written", "customers.mapspec", "\"cCustomer\"", "\"Customer\""),
    Break(
        "number_into_text",
        "customers.mapspec",
        "Currency         <- home_currency",
        "Currency         <- shop_price_list",
    ),
    Break(
        "duplicate_table_row",
        "project.mapspec",
        "  any, 7, any   -> \"A2\"\n",
        "  any, 7, any   -> \"A2\"\n  \"AT\", 10, any -> \"A7\"\n",
    ),
    Break(
        "table_result_too_long",
        "project.mapspec",
        "\"swag_paypal\"            -> { terms <- -1;  means <- \"PAYPAL\" }",
        "\"swag_paypal\"            -> { terms <- -1;  means <- \"PAYPAL EXPRESS CHECKOUT\" }",
    ),
    Break(
        "unclosed_brace",
        "customers.mapspec",
        "    E_Mail    <- customer.email | cut\n  }\n",
        "    E_Mail    <- customer.email | cut\n",
    ),
    Break("unclosed_quote", "orders.mapspec", "ItemDescription <- \"Rounding\"", "ItemDescription <- \"Rounding"),
    Break(
        "equals_for_arrow",
        "customers.mapspec",
        "  CardType         <- \"cCustomer\"",
        "  CardType         = \"cCustomer\"",
    ),
    Break(
        "reason_forgotten",
        "customers.mapspec",
        "leave SalesPersonCode, Notes because \"kept by the sales team\"",
        "leave SalesPersonCode, Notes",
    ),
    Break(
        "pipe_beside_arithmetic",
        "orders.mapspec",
        "net + round(net * rate / 100, 2)",
        "net + net * rate / 100 | round(2)",
    ),
    Break(
        "find_by_unfilterable_field",
        "orders.mapspec",
        "find erp.Items as i where i.ItemCode == number",
        "find erp.Items as i where i.ItemName == number",
    ),
    Break(
        "wait_for_nothing",
        "orders.mapspec",
        "let ship_to = delivery.shippingOrderAddress otherwise order.billingAddress",
        "let ship_to = delivery.shippingOrderAddress otherwise wait",
    ),
    Break("unknown_flow_after", "orders.mapspec", "after flows customers", "after flows custommers"),
    Break("create_once_by_no_key", "orders.mapspec", "create once by U_ShopOrderId", "create once by Comments"),
    Break("unknown_system", "project.mapspec", "use \"sap-business-one\" as erp", "use \"sap-bussiness-one\" as erp"),
    Break(
        "example_does_not_hold",
        "project.mapspec",
        "example vat_groups(\"DK\", 0, true) is \"A4\"",
        "example vat_groups(\"DK\", 0, true) is \"A3\"",
    ),
    Break(
        "two_errors_at_once",
        "customers.mapspec",
        "  Phone1           <- customer.defaultBillingAddress.phoneNumber | cut otherwise omit\n  Currency         <- home_currency\n",
        "  Phone1           <- customer.defaultBillingAddress.phoneNumbe | cut otherwise omit\n  Currency         <- true\n",
    ),
];

fn integration() -> PathBuf {
    repository().join("specs/integrations/shopware-sap-business-one")
}

/// A copy of `specs/` as far as the checker reads it, in a folder of its own.
fn copy() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for system in ["shopware-6", "sap-business-one"] {
        let to = folder.path().join("systems").join(system);
        std::fs::create_dir_all(&to).expect("folder");
        for file in ["catalogue.mapspec", "connector.yaml"] {
            std::fs::copy(repository().join("specs/systems").join(system).join(file), to.join(file)).expect("copy");
        }
    }
    let to = folder.path().join("integrations/shop");
    std::fs::create_dir_all(&to).expect("folder");
    for entry in std::fs::read_dir(integration()).expect("the integration").flatten() {
        if entry.path().extension().is_some_and(|extension| extension == "mapspec") {
            std::fs::copy(entry.path(), to.join(entry.file_name())).expect("copy");
        }
    }
    folder
}

fn check(folder: &Path) -> (mapwright_syntax::Files, Vec<Diagnostic>) {
    let loaded = mapwright_project::load(&folder.join("integrations/shop")).expect("the project can be read");
    let mut diagnostics = loaded.diagnostics;
    let (model, found) = mapwright_model::check(&loaded.project);
    diagnostics.extend(found);
    if !diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
        diagnostics.extend(mapwright_preview::run_examples(&model, &loaded.project.files));
    }
    (loaded.project.files, diagnostics)
}

fn errors(diagnostics: &[Diagnostic]) -> Vec<&Diagnostic> {
    diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).collect()
}

fn broken(one: &Break) -> (tempfile::TempDir, PathBuf, std::ops::RangeInclusive<u32>) {
    let Break(name, file, from, to) = one;
    let folder = copy();
    let path = folder.path().join("integrations/shop").join(file);
    let text = std::fs::read_to_string(&path).expect("spec");
    let at = text.find(from).unwrap_or_else(|| panic!("{name}: `{from}` does not stand in {file}; mend this test"));
    let first = u32::try_from(text[..at].matches('\n').count() + 1).expect("a small file");
    let last = first + u32::try_from(to.matches('\n').count()).expect("a small break");
    std::fs::write(&path, text.replacen(from, to, 1)).expect("write");
    (folder, path, first..=last)
}

#[test]
fn the_shipped_integration_is_sound() {
    let folder = copy();
    let (files, diagnostics) = check(folder.path());
    let shown: String = errors(&diagnostics).iter().map(|one| render(one, &files, Style::Plain)).collect();
    assert!(shown.is_empty(), "{shown}");
}

#[test]
fn every_break_is_told_where_it_is() {
    for one in BREAKS {
        let Break(name, file, ..) = one;
        let (folder, _, lines) = broken(one);
        let (files, diagnostics) = check(folder.path());
        let errors = errors(&diagnostics);
        assert!(!errors.is_empty(), "{name}: nothing was found");
        let near = errors.iter().any(|error| {
            error.labels.iter().any(|label| {
                let (path, line, _) = files.place(label.span);
                // What was taken away is missed where the next thing stands.
                path.ends_with(file) && (*lines.start()..=*lines.end() + 2).contains(&line)
            })
        });
        let removed = one.3.is_empty();
        let mut shown = String::new();
        for error in &errors {
            writeln!(shown, "{}", render(error, &files, Style::Plain)).expect("a string");
        }
        assert!(near || removed, "{name}: no error stands at {file}:{lines:?}:\n{shown}");
        insta::assert_snapshot!(*name, shown);
    }
}

/// The error stands at the flows, which may be far from the line that closes the circle.
#[test]
fn a_flow_that_echoes_is_refused_and_both_flows_are_named() {
    let echo = Break(
        "flow_that_echoes",
        "customers.mapspec",
        "  vatIds  <- [partner.FederalTaxID] | present\n",
        "  vatIds  <- [partner.FederalTaxID] | present\n  email   <- partner.EmailAddress otherwise reject \"no address\"\n",
    );
    let (folder, ..) = broken(&echo);
    let (files, diagnostics) = check(folder.path());
    let errors = errors(&diagnostics);
    let [error] = errors.as_slice() else { panic!("one error: {errors:?}") };
    assert_eq!(error.code, "E0513");
    let shown = render(error, &files, Style::Plain);
    for words in [
        "the flows `customer_changes` and `partners` would send each change back to where it came from",
        "writes `EmailAddress`, which `partners` reads",
        "writes `email`, which `customer_changes` reads",
        "`on conflict SYSTEM wins`",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
}

/// A flow that carries back what another one has just written, added to other integrations as somebody would add it.
#[test]
fn a_flow_that_echoes_is_refused_in_other_integrations_too() {
    let of_customers = "\
mapping card_to_customer from erp.customers as card to part of shop.customer {
  id    <- linked shop.customer of erp.customers by card.id otherwise skip \"no account of the shop\"
  email <- card.email otherwise reject \"no address\"
  ignore rest of card because \"kept by accounting\"
}
flow echo {
  every 5 minutes
  read erp.customers as card
  write card_to_customer update by id
  latest wins
  on failure alert sales_ops
}
";
    let of_prices = "\
mapping price_to_item from shop.product as product to part of erp.ITM {
  ITM0_1 { ITMREF <- product.productNumber | fit }
  ITM1_7 { BASPRI <- first(product.price).net | round(5) otherwise reject \"no price\" }
  ignore rest of product because \"kept in the shop\"
}
flow echo {
  every 5 minutes
  read shop.product as product
  write price_to_item update by ITM0_1.ITMREF
  latest wins
  on failure alert shop_team
}
";
    // The prices of the shop are set by an action, whose manifest says what it changes.
    let of_variants = "\
mapping variant_to_item from shop.variants as variant to part of erp.items {
  number    <- variant.sku | fit otherwise reject \"no SKU\"
  unitPrice <- variant.price
  ignore rest of variant because \"kept in the shop\"
}
flow echo {
  every 5 minutes
  read shop.variants as variant
  write variant_to_item update by number
  latest wins
  on failure alert shop_team
}
";
    for (integration, spec, flow, written) in [
        (
            "shopware-business-central",
            of_customers,
            "customer_changes",
            "writes `email`, which `customer_changes` reads",
        ),
        ("shopify-business-central", of_variants, "prices", "writes `price`, which `echo` reads"),
        ("shopware-sage-x3", of_prices, "products", "writes `ITM1_7.BASPRI`, which `products` reads"),
    ] {
        let loaded =
            mapwright_project::load(&repository().join("specs/integrations").join(integration)).expect("a project");
        let mut project = loaded.project;
        let id = project.files.add("echo.mapspec", spec);
        let (tree, faults) = mapwright_syntax::parse(id, spec);
        assert!(faults.is_empty(), "{faults:?}");
        project.specs.push((id, tree));
        let diagnostics = mapwright_model::check(&project).1;
        let errors = errors(&diagnostics);
        let [error] = errors.as_slice() else { panic!("{integration}: one error: {errors:?}") };
        assert_eq!(error.code, "E0513");
        let shown = render(error, &project.files, Style::Plain);
        for words in ["`echo`", &format!("`{flow}`"), "would send each change back to where it came from", written] {
            assert!(shown.contains(words), "{integration}, {words}: {shown}");
        }
    }
}

#[test]
fn every_fix_that_is_offered_mends() {
    let mut mended = 0;
    for one in BREAKS {
        let Break(name, ..) = one;
        let (folder, path, _) = broken(one);
        let (files, diagnostics) = check(folder.path());
        for error in errors(&diagnostics) {
            let Some(fix) = &error.fix else { continue };
            let mut edits = fix.edits.clone();
            edits.sort_by_key(|edit| std::cmp::Reverse(edit.span.start));
            let file = files.get(edits.first().expect("a fix has edits").span.file).expect("its file");
            assert!(path.ends_with(Path::new(&file.path).file_name().expect("a name")), "{name}: mends another file");
            let mut text = file.text.clone();
            for edit in edits {
                text.replace_range(edit.span.start as usize..edit.span.end as usize, &edit.text);
            }
            std::fs::write(&path, text).expect("write");
            let (files, after) = check(folder.path());
            let left = errors(&after).iter().any(|left| left.code == error.code && left.headline == error.headline);
            let shown: String = errors(&after).iter().map(|one| render(one, &files, Style::Plain)).collect();
            assert!(!left, "{name}: the fix `{}` does not mend:\n{shown}", fix.title);
            mended += 1;
            break;
        }
    }
    assert!(mended >= 12, "only {mended} of {} breaks offer a fix", BREAKS.len());
}
