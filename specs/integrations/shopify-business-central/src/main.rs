//! Shopify and Business Central. All that this program knows stands in the specs beside it.

use std::process::ExitCode;

mapwright_values::include_integration!();

fn main() -> ExitCode {
    mapwright_operator::main_with_scene(&integration::INTEGRATION, include_str!("../rehearsal.yaml"))
}
