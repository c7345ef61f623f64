//! The reference integration, as the checker sees it.

use mapwright_manifest::Manifest;
use mapwright_model::check;
use mapwright_model::ir::{DeliveryLevel, Manner, Model};
use mapwright_model::project::{Project, SystemSource};
use mapwright_syntax::{Diagnostic, Files, Severity, Style, parse, render};
use mapwright_values::Test;

macro_rules! specs {
    ($path:literal) => {
        include_str!(concat!("../../../../specs/", $path))
    };
}

fn reference() -> (Model, Vec<Diagnostic>, Files) {
    let mut project = Project { name: "shopware-sap-business-one".to_owned(), ..Project::default() };
    let mut files = Files::default();
    let systems = [
        ("shopware-6", specs!("systems/shopware-6/catalogue.mapspec"), specs!("systems/shopware-6/connector.yaml")),
        (
            "sap-business-one",
            specs!("systems/sap-business-one/catalogue.mapspec"),
            specs!("systems/sap-business-one/connector.yaml"),
        ),
    ];
    for (name, text, yaml) in systems {
        let file = files.add(format!("{name}/catalogue.mapspec"), text);
        let (tree, faults) = parse(file, text);
        assert!(faults.is_empty());
        let manifest = Manifest::parse(yaml, "connector.yaml").unwrap();
        let manifest = (files.add(format!("{name}/connector.yaml"), yaml), Some(manifest));
        project.systems.push(SystemSource { name: name.to_owned(), catalogue: (file, tree), manifest });
    }
    for (name, text) in [
        ("project.mapspec", specs!("integrations/shopware-sap-business-one/project.mapspec")),
        ("customers.mapspec", specs!("integrations/shopware-sap-business-one/customers.mapspec")),
        ("orders.mapspec", specs!("integrations/shopware-sap-business-one/orders.mapspec")),
        ("products.mapspec", specs!("integrations/shopware-sap-business-one/products.mapspec")),
        ("fulfilment.mapspec", specs!("integrations/shopware-sap-business-one/fulfilment.mapspec")),
        ("invoices.mapspec", specs!("integrations/shopware-sap-business-one/invoices.mapspec")),
    ] {
        let file = files.add(name, text);
        let (tree, faults) = parse(file, text);
        assert!(faults.is_empty());
        project.specs.push((file, tree));
    }
    project.files = files.clone();
    let (model, faults) = check(&project);
    (model, faults, files)
}

#[test]
fn it_has_no_error() {
    let (_, faults, files) = reference();
    let told: Vec<String> = faults
        .iter()
        .filter(|fault| fault.severity == Severity::Error)
        .map(|fault| render(fault, &files, Style::Plain))
        .collect();
    assert!(told.is_empty(), "{}", told.join("\n\n"));
}

#[test]
fn its_flows_are_what_the_runtime_needs() {
    let (model, _, _) = reference();
    let names: Vec<&str> = model.flows.iter().map(|flow| flow.name.as_str()).collect();
    let all = "customers customer_changes partners orders products stock deliveries invoices credit_notes";
    assert_eq!(names.join(" "), all);
    let orders = &model.flows[3];
    assert_eq!(orders.after, ["customers"]);
    assert_eq!(orders.owner, "Sales operations");
    assert_eq!(orders.retry_up_to_s, 24 * 3600);
    assert_eq!(orders.on_silence, Some((4 * 3600, "sales_ops".to_owned())));
    let filter: Vec<_> =
        orders.filter.iter().map(|term| (term.field.as_str(), term.test, term.value.as_str())).collect();
    assert_eq!(filter, [("stateMachineState.technicalName", Test::Eq, "\"open\"")]);
    assert!(orders.keep.is_none());
    for field in ["id", "updatedAt", "createdAt", "deliveries.updatedAt", "lineItems.price.calculatedTaxes.tax"] {
        assert!(orders.select.iter().any(|path| path == field), "{field} is not asked for");
    }
    let [create, back] = orders.writes.as_slice() else { panic!("two writes") };
    assert_eq!(create.manner, Manner::CreateOnce(vec!["U_ShopOrderId".to_owned()]));
    assert_eq!((create.level, back.level), (DeliveryLevel::Probeable, DeliveryLevel::Natural));
    assert_eq!(back.sources, [None, Some("written".to_owned())]);
    assert_eq!(create.select, ["DocEntry", "DocNum"]);
    let customers = &model.flows[0];
    let filter: Vec<_> =
        customers.filter.iter().map(|term| (term.field.as_str(), term.test, term.value.as_str())).collect();
    assert_eq!(filter, [("guest", Test::Eq, "false")]);
    assert!(customers.keep.is_none());
    assert_eq!(customers.writes[0].level, DeliveryLevel::Keyed);
}
