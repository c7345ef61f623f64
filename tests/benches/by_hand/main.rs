//! The mapping `order_to_sales_order` written by hand, as one who knows Rust well would write it for speed: what generated code is
//! measured against.
//!
//! `by_hand REFERENCES REJECTIONS < orders.ndjson > mapped.ndjson`. In: the same as for `map order_to_sales_order`. Out: the same bytes,
//! and the same rejections. It has typed records that borrow from the line (`serde_json`), exact decimals (`rust_decimal`), reads no
//! field that it does not use, and writes straight into one buffer. It knows the defaults of the settings and no other ones.

#![allow(
    clippy::unwrap_used,
    clippy::string_slice,
    clippy::indexing_slicing,
    reason = "a benchmark: what is not as expected ends it"
)]

mod order;
mod refuse;
mod write;

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufWriter, Write};

use jiff::tz::TimeZone;

use crate::refuse::Refused;

/// What the mapping asks of the ERP and of the link store.
pub(crate) struct Known {
    /// Valid and not frozen, by item code.
    pub(crate) items: HashMap<String, bool>,
    /// Partner by the shop's customer; `None` = not yet there.
    pub(crate) partners: HashMap<String, Option<String>>,
    pub(crate) zone: TimeZone,
}

impl Known {
    fn read(path: &str) -> Known {
        let answers: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let mut known =
            Known { items: HashMap::new(), partners: HashMap::new(), zone: TimeZone::get("Europe/Berlin").unwrap() };
        for answer in answers.as_array().unwrap() {
            if let Some(key) = answer["key"].as_str() {
                known.partners.insert(key.to_owned(), answer["is"].as_str().map(str::to_owned));
                continue;
            }
            for item in answer["records"].as_array().unwrap() {
                let sold = item["Valid"] == "tYES" && item["Frozen"] == "tNO";
                known.items.insert(item["ItemCode"].as_str().unwrap().to_owned(), sold);
            }
        }
        known
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let known = Known::read(&arguments.next().unwrap());
    let mut refusals = BufWriter::new(File::create(arguments.next().unwrap()).unwrap());
    let mut input = std::io::stdin().lock();
    let mut output = std::io::stdout().lock();
    let mut line = Vec::new();
    let mut mapped: Vec<u8> = Vec::with_capacity(1 << 17);
    let mut number = 0;
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line).unwrap() == 0 {
            break;
        }
        number += 1;
        let before = mapped.len();
        let refused = match serde_json::from_slice::<order::Order<'_>>(line.trim_ascii_end()) {
            Ok(order) => write::order(&order, &known, &mut mapped).err(),
            Err(error) => Some(Refused::Malformed(error)),
        };
        match refused {
            None => mapped.push(b'\n'),
            Some(refused) => {
                mapped.truncate(before);
                refused.write(&mut refusals, number);
            }
        }
        if mapped.len() > 1 << 16 {
            output.write_all(&mapped).unwrap();
            mapped.clear();
        }
    }
    output.write_all(&mapped).unwrap();
    refusals.flush().unwrap();
}
