//! `mapwright sandbox`: a system is played until Ctrl-C, and other programs can talk to it.

#![allow(clippy::unwrap_used, reason = "a test, its helpers included, fails by panicking")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};

fn systems() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../specs/systems")
}

fn ask(address: &str, path: &str, key: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept: application/json\r\nX-Nordwind-Key: {key}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_system_is_played_until_it_is_stopped() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_mapwright"))
        .arg("sandbox")
        .arg(systems().join("nordwind"))
        .args(["--records", "3"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut said = Vec::new();
    while said.last().is_none_or(|line: &String| !line.starts_with("Stop it")) {
        said.push(lines.next().unwrap().unwrap());
    }
    let address = said[1].split_once("http://").unwrap().1.to_owned();
    assert!(said.iter().any(|line| line.contains("key: sandbox-key")), "{said:?}");
    assert!(said.iter().any(|line| line.contains("3 of articles")), "{said:?}");

    let about = ask(&address, "/api/v2/about", "sandbox-key");
    assert!(about.contains("\"ok\":true") && about.contains("\"version\":\"2.\""), "{about}");
    let list = ask(&address, "/api/v2/articles?pg=0&n=2", "sandbox-key");
    assert!(list.contains("ART-1000") && list.contains("\"more\":true"), "{list}");
    let wrong = ask(&address, "/api/v2/articles", "guessed");
    assert!(wrong.contains("\"ok\":false") && wrong.contains("\"no\":1"), "{wrong}");
    let nowhere = ask(&address, "/api/v2/nowhere", "sandbox-key");
    assert!(nowhere.starts_with("HTTP/1.1 501"), "{nowhere}");

    let stopped = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(stopped.success());
    assert!(child.wait().unwrap().success());
    let last = lines.next().unwrap().unwrap();
    assert!(last.starts_with("4 requests came in"), "{last}");
}

#[test]
fn a_system_that_is_not_there_is_told() {
    let output = Command::new(env!("CARGO_BIN_EXE_mapwright"))
        .args(["sandbox", "nordwnd", "--dir"])
        .arg(systems())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("nordwind"), "{said}");
}
