//! A project from texts. In: catalogues and specs. Out: the checked model, or what the checker says against it.

use mapwright_model::ir::Model;
use mapwright_model::project::{Project, SystemSource};
use mapwright_syntax::{Diagnostic, Files, Severity, Style, parse, render};

/// The file of a drawn spec.
pub(crate) const SPEC: &str = "test.mapspec";

/// The texts of a project: systems by alias, and the specs.
#[derive(Clone, Debug)]
pub(crate) struct Texts {
    pub(crate) systems: Vec<(String, String)>,
    /// Spec files by name.
    pub(crate) specs: Vec<(String, String)>,
    /// Files of tables by name.
    pub(crate) csv: Vec<(String, String)>,
}

/// A project, checked.
pub(crate) struct Checked {
    pub(crate) model: Model,
    pub(crate) files: Files,
    pub(crate) errors: Vec<Diagnostic>,
}

impl Checked {
    pub(crate) fn new(texts: &Texts) -> Checked {
        let mut project = Project { name: "differential".to_owned(), ..Project::default() };
        let (mut files, mut faults) = (Files::default(), Vec::new());
        for (name, text) in &texts.systems {
            let file = files.add(format!("{name}/catalogue.mapspec"), text);
            let (tree, mut found) = parse(file, text);
            faults.append(&mut found);
            let manifest = (files.add(format!("{name}/connector.yaml"), ""), None);
            project.systems.push(SystemSource { name: name.clone(), catalogue: (file, tree), manifest });
            project.known_systems.push(name.clone());
        }
        for (name, text) in &texts.specs {
            let file = files.add(name, text);
            let (tree, mut found) = parse(file, text);
            faults.append(&mut found);
            project.specs.push((file, tree));
        }
        for (name, text) in &texts.csv {
            project.csv.push((name.clone(), files.add(name, text)));
        }
        project.files = files;
        let (model, found) = mapwright_model::check(&project);
        faults.extend(found);
        faults.retain(|fault| fault.severity == Severity::Error);
        Checked { model, files: project.files, errors: faults }
    }

    /// The errors as an analyst sees them.
    pub(crate) fn said(&self) -> String {
        self.errors.iter().map(|error| render(error, &self.files, Style::Plain)).collect::<Vec<_>>().join("\n\n")
    }
}
