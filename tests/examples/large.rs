//! Writes a large project, to try the command on: `cargo run -p mapwright-tests --example large -- FOLDER LINES`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(folder), Some(lines)) = (arguments.next(), arguments.next()) else {
        return Err("name a folder and how many field lines".into());
    };
    let project = mapwright_tests::large::Large::of(lines.parse()?).write(std::path::Path::new(&folder))?;
    println!("wrote {}", project.display());
    Ok(())
}
