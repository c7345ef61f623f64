//! Why an order is not mapped, one line of JSON an order.

use std::io::Write;

use serde::Serialize;
use serde_json::json;

/// One problem of an order.
#[derive(Debug, Serialize)]
pub(crate) struct Problem {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) field: String,
    pub(crate) reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<String>,
    pub(crate) file: &'static str,
    pub(crate) line: u32,
}

/// What stands in an order's way.
#[derive(Debug)]
pub(crate) enum Refused {
    Malformed(serde_json::Error),
    Skipped { reason: &'static str, line: u32 },
    Waiting { customer: String },
    Unanswered { customer: String },
    Rejected(Vec<Problem>),
}

pub(crate) fn problem(line: u32, field: String, reason: String) -> Problem {
    Problem { field, reason, value: None, file: "orders.mapspec", line }
}

impl Refused {
    pub(crate) fn write(&self, out: &mut impl Write, number: usize) {
        let link = |customer: &str| json!({"link": {"system": "erp", "entity": "BusinessPartners", "of_system": "shop", "of_entity": "customer", "key": customer}});
        let mut why = match self {
            Refused::Malformed(error) => {
                let said = error.to_string();
                let said = said.split(" at line ").next().unwrap_or_default();
                let said = match said {
                    "EOF while parsing a string" => "the text ends within a text in quotes: a `\"` is missing",
                    "EOF while parsing an object" => "the text ends within a record: a `}` is missing",
                    other => other,
                };
                json!({"malformed": said, "column": error.column()})
            }
            Refused::Skipped { reason, line } => {
                json!({"skipped": reason, "at": {"file": "orders.mapspec", "line": line}})
            }
            Refused::Waiting { customer } => json!({"waiting": [link(customer)]}),
            Refused::Unanswered { customer } => json!({
                "needs": [link(customer)],
                "help": "answer these with --references FILE; `map --help` shows its form",
            }),
            Refused::Rejected(problems) => json!({"rejected": problems}),
        };
        why["input_line"] = json!(number);
        writeln!(out, "{why}").unwrap();
    }
}
