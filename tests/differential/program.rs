//! The generated code of many projects as one running program.
//!
//! In: the Rust text of each project. Out: a process that answers [`Question`]s line by line. It is built in its own folder beneath
//! the workspace's target folder, without network, with the workspace's `Cargo.lock`.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use mapwright_tests::repository;

use crate::wire::Question;

/// A program that runs.
pub(crate) struct Program {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

/// What rustc says against the code of one project.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) index: usize,
    pub(crate) said: String,
}

impl Program {
    /// Builds and starts a program of these codes; those that rustc refuses are left out and told.
    pub(crate) fn new(name: &str, codes: &[String]) -> (Program, Vec<Refused>) {
        let folder = write(name, codes);
        let mut refused: Vec<Refused> = Vec::new();
        loop {
            main_file(&folder, codes.len(), &refused);
            match build(&folder) {
                Ok(path) => return (Program::start(&path), refused),
                Err(found) => refused.extend(found),
            }
        }
    }

    fn start(path: &Path) -> Program {
        let mut child = Command::new(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start: {error}", path.display()));
        let output = BufReader::new(child.stdout.take().expect("piped"));
        Program { input: child.stdin.take(), output, child }
    }

    /// Asks one question.
    pub(crate) fn ask(&mut self, question: &Question) -> String {
        self.ask_all(std::slice::from_ref(question)).remove(0)
    }

    /// Asks many questions at once.
    pub(crate) fn ask_all(&mut self, questions: &[Question]) -> Vec<String> {
        let lines: Vec<String> =
            questions.iter().map(|question| serde_json::to_string(question).expect("JSON")).collect();
        let input = self.input.as_mut().expect("runs");
        let output = &mut self.output;
        std::thread::scope(|threads| {
            threads.spawn(move || {
                for line in lines {
                    writeln!(input, "{line}").expect("the program reads");
                }
                input.flush().expect("the program reads");
            });
            questions
                .iter()
                .map(|question| {
                    let mut line = String::new();
                    output.read_line(&mut line).expect("the program answers");
                    assert!(line.ends_with('\n'), "the program ended on {question:?}");
                    line.pop();
                    line
                })
                .collect()
        })
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.input.take());
        // It ends with its input; how it ended was seen in its answers.
        self.child.wait().ok();
    }
}

/// Writes the crate but for its `main.rs`; files that are as they should be keep their time.
fn write(name: &str, codes: &[String]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("differential").join(name);
    let values = repository().join("runtime/values");
    let manifest = format!(
        "[package]\nname = \"differential-{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n\
         mapwright-values = {{ path = {values:?} }}\nserde = {{ version = \"1\", features = [\"derive\"] }}\n\
         serde_json = {{ version = \"1\", features = [\"raw_value\"] }}\n\n[profile.dev]\ndebug = false\nincremental = false\n",
    );
    std::fs::create_dir_all(folder.join("src")).expect("folder");
    keep(&folder.join("Cargo.toml"), &manifest);
    let lock = std::fs::read_to_string(repository().join("Cargo.lock")).expect("Cargo.lock");
    std::fs::write(folder.join("Cargo.lock"), lock).expect("Cargo.lock");
    keep(&folder.join("src/wire.rs"), include_str!("wire.rs"));
    for (index, code) in codes.iter().enumerate() {
        keep(&folder.join(format!("src/spec_{index}.rs")), code);
    }
    folder
}

fn keep(path: &Path, text: &str) {
    if std::fs::read_to_string(path).is_ok_and(|there| there == text) {
        return;
    }
    std::fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

fn main_file(folder: &Path, count: usize, refused: &[Refused]) {
    let kept = || (0..count).filter(|index| refused.iter().all(|one| one.index != *index));
    let modules: String = kept()
        .map(|index| {
            format!("#[allow(clippy::all, unused, non_ascii_idents, uncommon_codepoints)]\nmod spec_{index};\n")
        })
        .collect();
    let arms: String = kept().map(|index| format!("        {index} => &spec_{index}::INTEGRATION,\n")).collect();
    let text = format!(
        "mod wire;\n{modules}\nfn integration(spec: usize) -> &'static mapwright_values::Integration {{\n    match spec {{\n{arms}        \
         _ => panic!(\"no such spec\"),\n    }}\n}}\n\nfn main() {{\n    std::panic::set_hook(Box::new(|_| {{}}));\n    \
         for line in std::io::stdin().lines() {{\n        let question: wire::Question = \
         serde_json::from_str(&line.unwrap()).unwrap();\n        println!(\"{{}}\", wire::generated_answer(&question, \
         integration(question.spec)));\n    }}\n}}\n"
    );
    keep(&folder.join("src/main.rs"), &text);
}

/// The program, or what rustc says against its modules.
fn build(folder: &Path) -> Result<PathBuf, Vec<Refused>> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("differential/target");
    let output = Command::new(env!("CARGO"))
        .args(["build", "--offline", "--quiet", "--message-format", "json", "--target-dir"])
        .arg(&target)
        .current_dir(folder)
        .output()
        .unwrap_or_else(|error| panic!("cargo does not run: {error}"));
    let said = String::from_utf8_lossy(&output.stdout);
    let messages: Vec<serde_json::Value> = said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    if output.status.success() {
        let built = messages.iter().filter_map(|message| message["executable"].as_str()).next_back();
        return Ok(PathBuf::from(built.expect("a program was built")));
    }
    let mut refused: Vec<Refused> = Vec::new();
    for message in messages.iter().filter(|message| message["message"]["level"] == "error") {
        let said = message["message"]["rendered"].as_str().unwrap_or_default().to_owned();
        let spans = message["message"]["spans"].as_array().cloned().unwrap_or_default();
        let index = spans
            .iter()
            .filter_map(|span| span["file_name"].as_str())
            .find_map(|file| file.strip_prefix("src/spec_")?.strip_suffix(".rs")?.parse().ok());
        match index {
            Some(index) => match refused.iter_mut().find(|one| one.index == index) {
                Some(one) => one.said.push_str(&said),
                None => refused.push(Refused { index, said }),
            },
            None => continue,
        }
    }
    assert!(
        !refused.is_empty(),
        "cargo cannot build the program:\n{}\n{said}",
        String::from_utf8_lossy(&output.stderr)
    );
    Err(refused)
}
