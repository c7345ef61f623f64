//! How often each form of the language stands in the drawn specs, so that the generator cannot lose one unseen.
//!
//! In: the specs as they are compared (pruned and calmed). Out: nothing, or the forms and functions that are drawn too seldom.

use std::collections::BTreeMap;

use mapwright_values::functions::functions;

use crate::Drawn;

/// A form, the words by which a spec's text shows it, and how often it stands in the usual run at least.
const FORMS: &[(&str, &[&str], usize)] = &[
    ("one per", &[" one per "], 3),
    ("grouped by", &[" grouped by "], 3),
    ("from deleted", &["from deleted "], 1),
    ("several sources", &["order, shop.customer as customer"], 1),
    ("part of", &[" to part of erp.Orders"], 15),
    ("a whole record", &[" to erp.Orders"], 15),
    ("owner", &["owner \"Sales\", agreed "], 4),
    ("on create", &["on create {"], 40),
    ("copy", &["copy "], 4),
    ("let", &["let "], 60),
    ("check", &["check "], 5),
    ("leave", &["leave "], 10),
    ("when", &[" when "], 8),
    ("also", &[" also <- "], 5),
    ("record in a list", &["<- [{ "], 2),
    ("each", &["each "], 50),
    ("chained each", &[" each "], 10),
    ("with", &[" with "], 5),
    ("where", &[" where "], 50),
    ("sorted by", &[" sorted by "], 10),
    ("descending", &[" descending"], 5),
    ("take", &[" take "], 30),
    ("position", &["position("], 6),
    ("match", &["match "], 40),
    ("several values in an arm", &["\", \""], 5),
    ("if", &["(if ", "<- if "], 40),
    ("otherwise", &[" otherwise "], 100),
    ("if invalid", &[" if invalid "], 60),
    ("reject", &[" reject "], 40),
    ("skip", &[" skip "], 15),
    ("omit", &[" omit"], 10),
    ("clear", &[" clear"], 5),
    ("wait", &[" otherwise wait"], 5),
    ("find", &["find erp"], 30),
    ("find all", &["find all erp"], 10),
    ("linked", &["linked erp"], 8),
    ("table", &["table "], 40),
    ("several keys", &[", k"], 15),
    ("any", &["any, ", ", any"], 8),
    ("record result", &[" to { one "], 5),
    ("CSV", &[" in csv "], 9),
    ("look-up", &["lookup "], 25),
    ("backwards", &["reverse_lookup("], 5),
    ("rule", &["rule "], 40),
    ("rule that gives a record", &["= {"], 8),
    ("setting", &["setting "], 60),
    ("state", &[" is missing", " is present", " is blank", " is empty", " is not "], 11),
    ("in", &[" in [", " not in "], 10),
    ("map", &["map from text to "], 15),
    ("JSON", &[" json"], 10),
    ("text by its bytes", &[" bytes"], 10),
    ("text by UTF-16", &[" utf16)"], 10),
    ("number as text", &["integer as text  ", "integer as text?"], 3),
    ("padded number", &[" as text(8)"], 5),
    ("marked number", &[" as text(\",\")"], 3),
    ("text as number", &["text(10) as number"], 3),
    ("boolean as number", &["boolean as number"], 3),
    ("boolean as text", &["boolean as text"], 3),
    ("word as number", &["= -1) as number"], 5),
    ("day in a format", &["date as text("], 3),
    ("time in a format", &["time as text("], 3),
    ("instant in a format", &["datetime as text("], 3),
    ("words for true and false", &["boolean(\"Y\", \"N\")"], 10),
    ("missing as", &["missing as "], 10),
    ("list of at least one", &["list(1..)"], 5),
    ("keyed elements", &["no integer  key"], 10),
];

/// Says how often each form and function stands in the specs; those that do too seldom.
pub(crate) fn seldom(drawn: &[Drawn]) -> Vec<String> {
    let texts: Vec<String> = drawn
        .iter()
        .map(|one| {
            let systems = one.spec.systems.iter().map(|(_, text)| text.as_str());
            let lines: Vec<String> = systems.map(str::to_owned).chain([one.spec.text()]).collect();
            // A chained `each` is one that does not stand first.
            lines.join("\n").replace("<- each", "<-each").replace("= each", "=each")
        })
        .collect();
    let count = |words: &[&str]| -> usize {
        words.iter().map(|word| texts.iter().map(|text| text.matches(word).count()).sum::<usize>()).sum()
    };
    let mut found = BTreeMap::new();
    let mut faults = Vec::new();
    for (form, words, least) in FORMS {
        let times = count(words);
        found.insert(*form, times);
        if times < *least {
            faults.push(format!("{form}: {times} times, at least {least} expected"));
        }
    }
    for function in functions() {
        let (call, pipe) = (format!("{}(", function.name), format!("| {}", function.name));
        let times = count(&[&call, &pipe]);
        found.insert(function.name, times);
        if times == 0 {
            faults.push(format!("function {}: never", function.name));
        }
    }
    println!("forms: {found:?}");
    faults
}
