//! A project in a temporary folder, read back.

use std::fs;
use std::path::Path;

use super::*;

const SPEC: &str = "use \"shopware-6\" as shop\n";
const CATALOGUE_TEXT: &str = "system shop \"Shop\" {\n  entity order \"Order\" {\n    id text(5) key\n  }\n}\n";

fn write(root: &Path, name: &str, text: &str) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn codes(loaded: &Loaded) -> Vec<&str> {
    loaded.diagnostics.iter().map(|diagnostic| diagnostic.code).collect()
}

#[test]
fn a_system_is_found_above_the_project() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "systems/shopware-6/catalogue.mapspec", CATALOGUE_TEXT);
    write(root.path(), "integrations/one/b.mapspec", "rounding half_up\n");
    write(root.path(), "integrations/one/a.mapspec", SPEC);
    write(root.path(), "integrations/one/cases/m/c/not-a-spec.mapspec", "nonsense");
    let loaded = load(&root.path().join("integrations/one")).unwrap();
    let shown: Vec<&str> = loaded.project.files.iter().map(|(_, file)| file.path.as_str()).collect();
    assert_eq!(shown, ["a.mapspec", "b.mapspec", "shopware-6/catalogue.mapspec", "shopware-6/connector.yaml"]);
    assert_eq!(loaded.project.name, "one");
    assert_eq!(loaded.project.known_systems, ["shopware-6"]);
    assert_eq!(codes(&loaded), ["E0702"]);
    assert_eq!(loaded.paths.len(), 4);
    assert!(loaded.read.iter().all(|path| path.exists()), "cargo would rebuild for ever: {:?}", loaded.read);
}

/// Cargo builds again when one of these changes, and nothing else.
#[test]
fn what_was_read_is_the_project_and_the_files_of_its_systems() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "systems/shopware-6/catalogue.mapspec", CATALOGUE_TEXT);
    write(root.path(), "systems/shopware-6/README.md", "Not read.");
    write(root.path(), "systems/other/catalogue.mapspec", "system other \"Other\" {\n}\n");
    write(root.path(), "one/a.mapspec", SPEC);
    let read = || {
        let loaded = load(&root.path().join("one")).unwrap();
        let root = root.path().canonicalize().unwrap();
        let relative = |path: &PathBuf| path.canonicalize().unwrap().strip_prefix(&root).unwrap().to_owned();
        loaded.read.iter().map(relative).collect::<Vec<_>>()
    };
    let catalogue = PathBuf::from("systems/shopware-6/catalogue.mapspec");
    // As long as there is no manifest its folder is watched, so that it is seen when it comes.
    let folder = PathBuf::from("systems/shopware-6");
    assert_eq!(read(), [PathBuf::from("one"), "one/a.mapspec".into(), catalogue.clone(), folder]);
    write(root.path(), "systems/shopware-6/connector.yaml", "manifest: 1\n");
    let manifest = PathBuf::from("systems/shopware-6/connector.yaml");
    assert_eq!(read(), [PathBuf::from("one"), "one/a.mapspec".into(), catalogue, manifest]);
}

#[test]
fn a_missing_system_is_left_to_the_checker_with_the_names_of_those_there_are() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "systems/shopware-6/catalogue.mapspec", CATALOGUE_TEXT);
    write(root.path(), "one/a.mapspec", "use \"shopwear\" as shop\nuse \"../one\" as none\n");
    let loaded = load(&root.path().join("one")).unwrap();
    assert!(loaded.project.systems.is_empty());
    assert_eq!(loaded.project.known_systems, ["shopware-6"]);
}

#[test]
fn a_manifest_fault_has_its_line() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "systems/shopware-6/catalogue.mapspec", CATALOGUE_TEXT);
    write(root.path(), "systems/shopware-6/connector.yaml", "manifest: 1\nsystem: shopware-6\nnonsense_key: 3\n");
    write(root.path(), "one/a.mapspec", SPEC);
    let loaded = load(&root.path().join("one")).unwrap();
    assert!(!loaded.diagnostics.is_empty());
    assert!(codes(&loaded).iter().all(|code| *code == "E0701"));
    let lines: Vec<u32> = loaded.diagnostics.iter().map(|fault| loaded.project.files.place(fault.span()).1).collect();
    assert!(lines.contains(&3), "{:?}", loaded.diagnostics);
}

#[test]
fn a_csv_file_stays_inside_the_project() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "secret.csv", "a,b\n");
    write(root.path(), "one/there.csv", "x,1\n");
    let table = |name: &str, file: &str| {
        format!("table {name} from method text(9) to integer in csv \"{file}\" columns a, b\n")
    };
    let text = format!("{}{}{}", table("t", "there.csv"), table("u", "../secret.csv"), table("v", "gone.csv"));
    write(root.path(), "one/a.mapspec", &text);
    let loaded = load(&root.path().join("one")).unwrap();
    assert_eq!(loaded.project.csv.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["there.csv"]);
}

#[test]
fn cases_are_found_in_order() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "cases/m/b/input.json", "{}");
    write(root.path(), "cases/m/a/input.json", "{\"x\":1}");
    write(root.path(), "cases/m/a/expected.json", "{}");
    let found = cases(root.path()).unwrap();
    let names: Vec<(&str, &str, bool)> = found
        .iter()
        .map(|case| (case.mapping.as_str(), case.name.as_str(), case.texts.contains_key("expected.json")))
        .collect();
    assert_eq!(names, [("m", "a", true), ("m", "b", false)]);
}

#[test]
fn what_cannot_be_read_is_one_sentence() {
    let root = tempfile::tempdir().unwrap();
    assert!(
        load(root.path()).unwrap_err().to_string().ends_with("holds no *.mapspec file: name the folder of a project")
    );
    assert!(matches!(load(&root.path().join("nowhere")), Err(LoadError::NoFolder(_))));
    fs::write(root.path().join("a.mapspec"), b"rounding \xff").unwrap();
    let said = load(root.path()).unwrap_err().to_string();
    assert!(said.ends_with("is not UTF-8 text (byte 9 is the first that does not fit): save it as UTF-8"), "{said}");
}

/// Systems are read beside the specs that look as if they used them; what that gets wrong is not seen.
#[test]
fn a_system_is_read_if_it_is_used_and_only_then() {
    let root = tempfile::tempdir().unwrap();
    for system in ["shopware-6", "broken"] {
        write(root.path(), &format!("systems/{system}/catalogue.mapspec"), CATALOGUE_TEXT);
        write(root.path(), &format!("systems/{system}/connector.yaml"), "manifest: 1\n");
    }
    write(root.path(), "systems/broken/catalogue.mapspec", "\u{fffd}");
    fs::write(root.path().join("systems/broken/connector.yaml"), [0xff]).unwrap();
    let read = |spec: &str| {
        write(root.path(), "one/a.mapspec", spec);
        let loaded = load(&root.path().join("one")).unwrap();
        let names: Vec<String> = loaded.project.systems.iter().map(|system| system.name.clone()).collect();
        let shown: Vec<String> = loaded.project.files.iter().map(|(_, file)| file.path.clone()).collect();
        (names, shown.len())
    };
    let one = (vec!["shopware-6".to_owned()], 3);
    assert_eq!(read(SPEC), one);
    assert_eq!(read("use   \"shopware-6\"   as shop\n"), one, "in another layout");
    assert_eq!(read("use \"shopware-6\" as shop\nuse \"shopware-6\" as again\n"), one, "twice");
    assert_eq!(read("use \"shopware-6\" as shop\nuse \"broken\" as as\n"), one, "a line that is no `use`");
    assert_eq!(read("# no system\n"), (Vec::new(), 1));
}
