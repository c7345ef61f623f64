//! Every output field of order 10231 is explained in words that an accountant follows: one snapshot, read from top to bottom.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use mapwright_preview::cases::{Case, CaseTexts};
use mapwright_preview::{Preview, Watch};
use mapwright_values::{Json, Outcome};

/// Every leaf of a record, without the numbers of elements, each once.
fn leaves(json: &Json<'_>, path: &str, found: &mut Vec<String>) {
    match json {
        Json::Record(members) => {
            for (name, value) in members {
                let deeper = if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
                leaves(value, &deeper, found);
            }
        }
        Json::List(elements) => elements.iter().for_each(|element| leaves(element, path, found)),
        Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) => {
            if !found.iter().any(|known| known == path) {
                found.push(path.to_owned());
            }
        }
    }
}

#[test]
fn every_field_of_order_10231_is_explained() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../specs/integrations/shopware-sap-business-one");
    let loaded = mapwright_project::load(&project).unwrap();
    let (model, _) = mapwright_model::check(&loaded.project);
    let files = &loaded.project.files;
    let folder = project.join("cases/order_to_sales_order/b2c-gross-guest");
    let mut texts: CaseTexts = BTreeMap::new();
    for name in ["input.json", "references.json"] {
        texts.insert(name.to_owned(), fs::read_to_string(folder.join(name)).unwrap());
    }
    let (preview, watch) = (Preview::new(&model, files), Watch::new());
    let mapping = model.mapping("order_to_sales_order").unwrap();
    let case = Case::read(&texts).unwrap();
    let outcome = case.outcome(&preview.settings(), |input| preview.map_watched(mapping, input, &watch)).unwrap();
    let Outcome::Mapped(parts) = outcome else { panic!("{outcome:?}") };
    let mut fields = Vec::new();
    parts.iter().for_each(|part| leaves(&part.record, "", &mut fields));
    assert!(fields.len() > 30, "{fields:?}");
    let told: Vec<String> = fields
        .iter()
        .map(|field| {
            let lines = watch.why(field, files);
            assert!(lines.len() > 1, "nothing explains {field}");
            lines.join("\n")
        })
        .collect();
    let told = told.join("\n\n");
    for word in ["quotient", "failure", "Held", "Stop", "ExprKind", "null", "a record", "{\""] {
        assert!(!told.contains(word), "`{word}` is no word for an accountant:\n{told}");
    }
    insta::assert_snapshot!(told);
}
