//! The shipped program and the one written by hand map every order to the same bytes and refuse it for the same reasons; otherwise
//! `benches/run` would compare two different things. By how many threads it is mapped does not matter.

#![allow(clippy::expect_used, reason = "a test, its helpers included, fails by panicking")]

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

use mapwright_tests::orders::{Kind, lines, references};
use mapwright_tests::{by_hand, program};

/// What a program writes, and what it refuses.
fn answers(command: &mut Command, input: &Path, refused: &Path) -> (String, String) {
    let output = command.stdin(File::open(input).expect("orders")).stderr(Stdio::null()).output().expect("it starts");
    let mapped = String::from_utf8(output.stdout).expect("UTF-8");
    (mapped, std::fs::read_to_string(refused).expect("rejections"))
}

#[test]
fn both_answer_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let answers_file = folder.path().join("references.json");
    std::fs::write(&answers_file, references()).expect("written");
    let refused = folder.path().join("refused.ndjson");
    for (kind, count, mapped) in
        [(Kind::Sound, 120, 120), (Kind::Faulty, 96, 18), (Kind::Wide, 2, 2), (Kind::Long, 2, 2)]
    {
        let input = folder.path().join("orders.ndjson");
        std::fs::write(&input, lines(kind, count).collect::<String>()).expect("written");
        let mut command = Command::new(by_hand());
        let expected = answers(command.arg(&answers_file).arg(&refused), &input, &refused);
        assert_eq!(expected.0.lines().count(), mapped, "{kind:?}");
        assert_eq!(expected.1.lines().count(), count - mapped, "{kind:?}");
        for threads in ["1", "3"] {
            let mut command = Command::new(program());
            command.args(["map", "order_to_sales_order", "--threads", threads, "--references"]).arg(&answers_file);
            let found = answers(command.arg("--rejections").arg(&refused), &input, &refused);
            assert!(found == expected, "{kind:?}, {threads} threads: {found:?}, by hand {expected:?}");
        }
    }
}
