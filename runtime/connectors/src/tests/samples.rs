//! Every error sample of the shipped systems is taken for what its index says.

use mapwright_engine::connector::{Class, Connector, Deed, Failure};
use serde::Deserialize;

use crate::tests::server::{Server, json};
use crate::tests::systems::{erp, everything, shop, write};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sample {
    file: String,
    operation: String,
    entity: String,
    status: u16,
    class: String,
    #[serde(default)]
    field: Option<String>,
}

fn folder(system: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../specs/systems").join(system).join("samples")
}

/// The outcome of an operation: `Ok(None)` = a record that is not there.
async fn outcome(connector: &dyn Connector, sample: &Sample) -> Result<Option<String>, Failure> {
    let key = vec!["22".to_owned()];
    let record = r#"{"order_id":"a1","transition":"ship","id":"a1"}"#;
    let deed = match sample.operation.as_str() {
        "list" => return connector.fetch_page(&everything(&sample.entity)).await.map(|_| Some("page".to_owned())),
        "get" => return connector.fetch_record(&sample.entity, &key, &[]).await,
        "create" => Deed::Create,
        "update" => Deed::Update { key },
        "upsert" => Deed::Upsert { key },
        "action" => Deed::Act,
        other => panic!("the index names an operation `{other}`"),
    };
    connector.send(&write(&sample.entity, deed, record)).await.map(|_| Some("written".to_owned()))
}

async fn check(system: &str, log_in: &str) {
    let folder = folder(system);
    let index: Vec<Sample> =
        serde_yaml::from_str(&std::fs::read_to_string(folder.join("index.yaml")).unwrap()).unwrap();
    let log_in = std::fs::read_to_string(folder.join(log_in)).unwrap();
    for sample in &index {
        let body = std::fs::read_to_string(folder.join(&sample.file)).unwrap();
        let (log_in, status) = (log_in.clone(), sample.status);
        let server = Server::start(move |seen| {
            if seen.target.ends_with("/token") || seen.target.ends_with("/Login") {
                json(200, &log_in)
            } else {
                json(status, &body)
            }
        })
        .await;
        let connector = if system == "shopware-6" { shop(&server) } else { erp(&server) };
        let outcome = outcome(&*connector, sample).await;
        let what = format!("{} for {} {}: {outcome:?}", sample.file, sample.operation, sample.entity);
        match (sample.class.as_str(), outcome) {
            ("login", outcome) => {
                assert_eq!(outcome.unwrap_err().class, Class::Halt, "{what}");
                let log_ins = server
                    .seen()
                    .iter()
                    .filter(|seen| seen.target.ends_with("/token") || seen.target.ends_with("/Login"))
                    .count();
                assert_eq!(log_ins, 2, "{what}");
            }
            ("missing", Ok(None)) => {}
            (class, outcome) => {
                let failure = outcome.unwrap_err();
                assert_eq!(serde_json::to_value(failure.class).unwrap(), class, "{what}");
                assert_eq!(failure.field, sample.field, "{what}");
                assert!(failure.code.is_some(), "{what}");
            }
        }
    }
    for file in std::fs::read_dir(&folder).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        assert!(
            !name.starts_with("error-") || index.iter().any(|sample| sample.file == name),
            "{name} is not in the index"
        );
    }
}

#[tokio::test]
async fn shopware() {
    check("shopware-6", "token.json").await;
}

#[tokio::test]
async fn business_one() {
    check("sap-business-one", "login-response.json").await;
}
