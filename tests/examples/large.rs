//! Writes a large project, to try the command on: `cargo run -p mapwright-tests --example large -- FOLDER LINES`.
//!
//! `FOLDER sheet ROWS` and `FOLDER lines ROWS` write one with a table of so many rows, in a CSV file or in the spec; `record` prints a record
//! that the first mapping of a large project takes.

use std::path::Path;

use mapwright_tests::large::Large;
use mapwright_tests::rows::{Form, project};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (folder, made) = match arguments.as_slice() {
        ["record"] => {
            println!("{}", Large::record());
            return Ok(());
        }
        [folder, "sheet", rows] => (*folder, project(rows.parse()?, Form::Sheet)),
        [folder, "lines", rows] => (*folder, project(rows.parse()?, Form::Lines)),
        [folder, lines] => (*folder, Large::of(lines.parse()?)),
        _ => return Err("name a folder and how many field lines".into()),
    };
    println!("wrote {}", made.write(Path::new(folder))?.display());
    Ok(())
}
