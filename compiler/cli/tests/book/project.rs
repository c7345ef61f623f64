//! The two systems that all examples of the book speak of, and the blocks of a page.

use std::fs;
use std::path::{Path, PathBuf};

use mapwright_model::ir::Model;
use mapwright_project::Loaded;
use mapwright_syntax::{Diagnostic, Severity};

/// What every example begins with.
const HEAD: &str = "use \"shop\" as shop\nuse \"erp\" as erp\n";
/// The mode of examples that name none.
pub(crate) const ROUNDING: &str = "rounding half_up\n";
/// What examples do not speak of; the chapter has a page on `leave` and `ignore`.
const REST: &str = "leave rest of erp.Orders, rest of erp.Customers, rest of erp.Bookings, rest of erp.Items, rest of shop.order, rest of shop.customer, rest of shop.product because \"not in the example\"\nignore rest of shop.order, rest of shop.customer, rest of shop.product, rest of erp.Orders, rest of erp.Items, rest of erp.Customers because \"not in the example\"\n";

/// The folder of the language chapter.
pub(crate) fn chapter() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/language")
}

/// A fenced block.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    /// `mapspec,lines`.
    pub(crate) kind: String,
    pub(crate) text: String,
    /// Its first and last line of content, from 0, half open.
    pub(crate) lines: (usize, usize),
}

/// Every fenced block of a page.
pub(crate) fn blocks(page: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut open: Option<(String, usize)> = None;
    let lines: Vec<&str> = page.lines().collect();
    for (number, line) in lines.iter().enumerate() {
        let Some(words) = line.strip_prefix("```") else { continue };
        match open.take() {
            None => open = Some((words.to_owned(), number + 1)),
            Some((kind, from)) => {
                let text: String = lines.iter().take(number).skip(from).map(|line| format!("{line}\n")).collect();
                found.push(Block { kind, text, lines: (from, number) });
            }
        }
    }
    assert!(open.is_none(), "a block is never closed");
    found
}

/// A folder with the book's two systems.
pub(crate) struct Book(tempfile::TempDir);

impl Book {
    pub(crate) fn new() -> Book {
        let book = Book(tempfile::tempdir().unwrap());
        let page = fs::read_to_string(chapter().join("systems.md")).expect("the page on systems");
        let catalogues: Vec<Block> =
            blocks(&page).into_iter().filter(|block| block.kind == "mapspec,catalogue").collect();
        assert_eq!(catalogues.len(), 2, "the shop and the ERP");
        for (name, catalogue) in ["shop", "erp"].iter().zip(catalogues) {
            let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/book/{name}.yaml"));
            book.write(&format!("systems/{name}/catalogue.mapspec"), &catalogue.text);
            book.write(&format!("systems/{name}/connector.yaml"), &fs::read_to_string(manifest).unwrap());
        }
        book.write("example/carriers.csv", "method;code\nparcel;1\nfreight;2\n");
        book.write("example/rest.mapspec", REST);
        book
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Checks a spec behind what others share with it, its examples included.
    pub(crate) fn check(&self, shared: &str, spec: &str) -> (Loaded, Model, Vec<Diagnostic>) {
        self.write("example/head.mapspec", &format!("{HEAD}{shared}"));
        self.write("example/example.mapspec", spec);
        let mut loaded = mapwright_project::load(&self.0.path().join("example")).unwrap();
        let mut told = std::mem::take(&mut loaded.diagnostics);
        let (model, found) = mapwright_model::check(&loaded.project);
        told.extend(found);
        if told.iter().all(|fault| fault.severity != Severity::Error) {
            told.extend(mapwright_preview::run_examples(&model, &loaded.project.files));
        }
        (loaded, model, told)
    }
}
