//! `mapwright drift`: what a change of a system means for a project.
//!
//! In: the old and the new catalogue (or descriptions that are drafted first), and the project. Out: every change with its class, whom
//! it concerns, and how to mend it.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use mapwright_drift::{Class, Drift, Known, classify, compare};
use mapwright_import::Wanted;
use mapwright_model::ir::Model;
use mapwright_model::project::Project;
use mapwright_model::uses::{How, uses};
use mapwright_syntax::{Diagnostic, FileId, Files, Severity, Span, to_json};
use serde_json::json;

use super::{Answer, Checked};
use crate::arguments::Format;
use crate::report::{Status, Stream, counted, tell};

/// What is compared, and for whom.
pub(crate) struct Asked<'a> {
    pub(crate) old: &'a Path,
    pub(crate) new: &'a Path,
    pub(crate) project: &'a Path,
    pub(crate) system: Option<&'a str>,
    pub(crate) format: Format,
}

/// One side of the comparison.
struct Side {
    files: Files,
    model: Model,
    text: String,
    /// A catalogue, not a draft of a description.
    catalogue: bool,
}

pub(crate) fn run(asked: &Asked<'_>) -> Answer {
    let (Some(old), Some(new)) = (side(asked.old)?, side(asked.new)?) else { return Ok(Status::Faults) };
    let before = Checked::load(asked.project)?;
    if before.has_errors() {
        before.tell_errors();
        return Err(format!(
            "{} has faults already: mend them before asking what a change means",
            asked.project.display()
        ));
    }
    let (Some(was), Some(is)) = (old.model.systems.first(), new.model.systems.first()) else {
        return Err("a catalogue holds no `system`: name the catalogue of one".to_owned());
    };
    let alias = alias(&before, asked, &was.name)?;
    let mut changed = mapwright_project::load(asked.project).map_err(|fault| fault.to_string())?;
    let checked = old.catalogue && new.catalogue;
    let catalogue =
        if checked { replace(&mut changed.project, &before.model, &alias, &new.text, asked.new) } else { None };
    if let Some((_, path)) = &catalogue {
        changed.paths.push(path.clone());
    }
    let faults = match &catalogue {
        Some(_) => Some(added(&before, mapwright_model::check(&changed.project).1)),
        None => None,
    };
    let id = catalogue.map_or(FileId(u32::MAX), |(id, _)| id);
    let uses = uses(&before.model);
    let known =
        Known { uses: &uses, alias: &alias, faults: faults.as_deref(), catalogue: id, files: &changed.project.files };
    let drifts = classify(compare((&old.model, was), (&new.model, is)), &known);
    let shown =
        Shown { asked, old: &old, new: &new, project: &changed.project.files, paths: &changed.paths, alias: &alias };
    drifts.iter().for_each(|drift| shown.tell(drift));
    let of = |class: Class| drifts.iter().filter(|drift| drift.class == class).count();
    let summary =
        format!("{} breaking, {} lossy, {} harmless", of(Class::Breaking), of(Class::Lossy), of(Class::Harmless));
    match asked.format {
        Format::Human => {
            if !checked && !drifts.is_empty() {
                let text = "descriptions are compared by use alone: put the new fields into the project's catalogue and run `mapwright check` too";
                Stream::Output.say(format_args!("note: {text}"));
            }
            Stream::Output.say(format_args!("{}: {summary}", counted(drifts.len(), "change")));
        }
        Format::Json | Format::Github => {}
    }
    let harm = drifts.iter().any(|drift| drift.class > Class::Harmless);
    Ok(if harm { Status::Faults } else { Status::Good })
}

/// A catalogue, or the draft of a description; `None` where it has faults, which are told.
fn side(path: &Path) -> Result<Option<Side>, String> {
    let name = path.to_string_lossy().into_owned();
    let catalogue = path.extension().is_some_and(|ending| ending == "mapspec");
    let text = if catalogue {
        let specs = mapwright_project::spec_files(path).map_err(|fault| fault.to_string())?;
        specs.into_iter().next().map(|(_, text)| text).unwrap_or_default()
    } else {
        let sources = super::import::sources(&[path.to_owned()])?;
        mapwright_import::import(&sources, &Wanted::default()).map_err(|fault| fault.to_string())?.catalogue
    };
    let mut files = Files::default();
    let id = files.add(name.clone(), text.clone());
    let (tree, mut faults) = mapwright_syntax::parse(id, &text);
    let project = Project { name, files, specs: vec![(id, tree)], ..Project::default() };
    let (model, found) = mapwright_model::check(&project);
    faults.extend(found);
    faults.retain(|fault| fault.severity == Severity::Error);
    if !faults.is_empty() {
        tell(&faults, &project.files, &[], Format::Human, Stream::Error);
        return Ok(None);
    }
    Ok(Some(Side { files: project.files, model, text, catalogue }))
}

/// The short name by which the project calls the system that is compared.
fn alias(before: &Checked, asked: &Asked<'_>, named: &str) -> Result<String, String> {
    let systems = &before.model.systems;
    if let Some(wanted) = asked.system {
        let known = systems.iter().find(|system| system.alias == wanted || system.name == wanted);
        return known.map(|system| system.alias.clone()).ok_or_else(|| {
            let near = mapwright_values::names::closest(wanted, systems.iter().map(|system| system.alias.as_str()));
            let aliases: Vec<&str> = systems.iter().map(|system| system.alias.as_str()).collect();
            let hint =
                near.map_or_else(|| format!("it has {}", aliases.join(", ")), |near| format!("did you mean `{near}`?"));
            format!("the project uses no system `{wanted}`: {hint}")
        });
    }
    let folder = |path: &Path| {
        let folder = path.canonicalize().ok()?.parent()?.file_name()?.to_string_lossy().into_owned();
        systems.iter().find(|system| system.name == folder).map(|system| system.alias.clone())
    };
    let by_name = || {
        let same = |name: &str| name.replace('-', "_") == named;
        systems.iter().find(|system| same(&system.name) || system.alias == named).map(|system| system.alias.clone())
    };
    let found = folder(asked.old).or_else(|| folder(asked.new)).or_else(by_name);
    found.ok_or_else(|| {
        let aliases: Vec<&str> = systems.iter().map(|system| system.alias.as_str()).collect();
        format!("which system of the project this is cannot be told: say --system with one of {}", aliases.join(", "))
    })
}

/// Puts the new catalogue in the place of the old one.
fn replace(project: &mut Project, model: &Model, alias: &str, text: &str, path: &Path) -> Option<(FileId, PathBuf)> {
    let name = &model.systems.iter().find(|system| system.alias == alias)?.name;
    let id = project.files.add(path.to_string_lossy(), text);
    let source = project.systems.iter_mut().find(|source| source.name == *name)?;
    source.catalogue = (id, mapwright_syntax::parse(id, text).0);
    Some((id, path.to_owned()))
}

/// What is told now and was not told before.
fn added(before: &Checked, now: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let same = |one: &Diagnostic, other: &Diagnostic| {
        one.code == other.code && one.span() == other.span() && one.headline == other.headline
    };
    now.into_iter()
        .filter(|fault| fault.severity != Severity::Note)
        .filter(|fault| before.diagnostics.iter().all(|known| !same(known, fault)))
        .collect()
}

/// What is needed to tell of places.
struct Shown<'a> {
    asked: &'a Asked<'a>,
    old: &'a Side,
    new: &'a Side,
    project: &'a Files,
    paths: &'a [PathBuf],
    alias: &'a str,
}

impl Shown<'_> {
    fn headline(&self, drift: &Drift) -> String {
        match &drift.change {
            Some(change) => {
                let path: String = change.path.iter().map(|step| format!(".{step}")).collect();
                format!("`{}.{}{path}` {}", self.alias, change.entity, change.what)
            }
            None => drift.faults.first().map(|fault| fault.headline.clone()).unwrap_or_default(),
        }
    }

    /// File and line of the change in the catalogue that has it; no line in a description, for it is another in its draft.
    fn catalogue_place(&self, drift: &Drift) -> Option<(String, Option<u32>)> {
        let change = drift.change.as_ref()?;
        let (side, path) = if change.in_new { (self.new, self.asked.new) } else { (self.old, self.asked.old) };
        let line = side.catalogue.then(|| side.files.place(change.span).1);
        Some((path.display().to_string(), line))
    }

    fn place(&self, span: Span) -> (String, u32) {
        let (shown, line, _) = self.project.place(span);
        (shown.to_owned(), line)
    }

    fn tell(&self, drift: &Drift) {
        match self.asked.format {
            Format::Human => Stream::Output.say(self.human(drift)),
            Format::Json => Stream::Output.say(self.json(drift)),
            Format::Github => self.github(drift),
        }
    }

    fn human(&self, drift: &Drift) -> String {
        let mut text = format!("{}: {}\n", drift.class.word(), self.headline(drift));
        if let Some((file, line)) = self.catalogue_place(drift) {
            let line = line.map(|line| format!(":{line}")).unwrap_or_default();
            let _fits = writeln!(text, "  --> {file}{line}");
        }
        for used in &drift.uses {
            let (file, line) = self.place(used.span);
            let does = if used.how == How::Reads { "reads" } else { "writes" };
            let owner = if used.owner.is_empty() { String::new() } else { format!(" (owner: {})", used.owner) };
            let _fits = writeln!(text, "  {file}:{line}: {}{owner} {does} it", used.by);
        }
        if !drift.mend.is_empty() {
            let _fits = writeln!(text, "  mend: {}", drift.mend);
        }
        for fault in &drift.faults {
            let (file, line) = self.place(fault.span());
            let mend = fault.fix.as_ref().map(|fix| &fix.title).or_else(|| fault.help.first());
            let mend = mend.map(|mend| format!(": {mend}")).unwrap_or_default();
            let _fits = writeln!(text, "  {file}:{line}: {}: {}{mend}", fault.code, fault.headline);
        }
        text
    }

    fn json(&self, drift: &Drift) -> serde_json::Value {
        let uses: Vec<serde_json::Value> = drift
            .uses
            .iter()
            .map(|used| {
                let (path, line) = self.place(used.span);
                let how = if used.how == How::Reads { "reads" } else { "writes" };
                json!({ "path": path, "line": line, "by": used.by, "owner": used.owner, "how": how })
            })
            .collect();
        let faults: Vec<serde_json::Value> = drift.faults.iter().map(|fault| to_json(fault, self.project)).collect();
        let place = self.catalogue_place(drift).map(|(path, line)| json!({ "path": path, "line": line }));
        json!({
            "class": drift.class.word(),
            "headline": self.headline(drift),
            "system": self.alias,
            "entity": drift.change.as_ref().map(|change| change.entity.as_str()),
            "field": drift.change.as_ref().map(|change| change.path.join(".")),
            "place": place,
            "uses": uses,
            "mend": drift.mend,
            "faults": faults,
        })
    }

    /// One annotation for each line of a spec that is concerned.
    fn github(&self, drift: &Drift) {
        let command = match drift.class {
            Class::Breaking => "error",
            Class::Lossy => "warning",
            Class::Harmless => "notice",
        };
        let mut spans: Vec<Span> = drift.uses.iter().map(|used| used.span).collect();
        spans.extend(drift.faults.iter().map(Diagnostic::span));
        let mut places: Vec<(String, u32)> = spans.into_iter().map(|span| self.real_place(span)).collect();
        places.sort();
        places.dedup();
        if places.is_empty() {
            places.extend(self.catalogue_place(drift).map(|(file, line)| (file, line.unwrap_or(1))));
        }
        let mend = if drift.mend.is_empty() { String::new() } else { format!(": {}", drift.mend) };
        let message = format!("{}{mend}", self.headline(drift)).replace('%', "%25").replace('\n', "%0A");
        for (file, line) in places {
            let file = file.replace('%', "%25").replace(':', "%3A").replace(',', "%2C");
            let word = drift.class.word();
            Stream::Output.say(format_args!("::{command} file={file},line={line},title={word} change::{message}"));
        }
    }

    /// The place as the code host knows it.
    fn real_place(&self, span: Span) -> (String, u32) {
        let (shown, line) = self.place(span);
        let at = usize::try_from(span.file.0).unwrap_or(usize::MAX);
        let here = std::env::current_dir().unwrap_or_default();
        let path = self.paths.get(at).map(|path| crate::report::relative(path, &here));
        (path.unwrap_or(shown), line)
    }
}
