//! Writes orders for measuring, one a line: `cargo run -p mapwright-tests --example orders -- KIND COUNT > orders.ndjson`.
//!
//! KIND is `sound`, `faulty`, `wide` or `long`; `references` writes the answers that their mapping needs.

use std::io::Write;

use mapwright_tests::orders::{Kind, lines, references};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let kind = arguments.next().unwrap_or_default();
    let mut output = std::io::BufWriter::new(std::io::stdout().lock());
    if kind == "references" {
        writeln!(output, "{}", references())?;
        return Ok(output.flush()?);
    }
    let kind = Kind::named(&kind).ok_or("name a kind: sound, faulty, wide, long or references")?;
    for line in lines(kind, arguments.next().ok_or("say how many")?.parse()?) {
        output.write_all(line.as_bytes())?;
    }
    Ok(output.flush()?)
}
