//! Shopware 6 orders and customers in SAP Business One. All that this program knows stands in the specs beside it.

use std::process::ExitCode;

/// The specs, compiled.
mod integration {
    #![allow(missing_docs, reason = "generated; the specs are its documentation")]
    include!(concat!(env!("OUT_DIR"), "/integration.rs"));
}

fn main() -> ExitCode {
    mapwright_operator::main(&integration::INTEGRATION)
}
