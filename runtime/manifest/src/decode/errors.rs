//! Error rules from YAML.

use mapwright_values::hooks::AnswerClass;

use super::fields::Decoder;
use crate::fault::did_you_mean;
use crate::model::{Errors, Extract, ExtractFrom, Rule, Verb};
use crate::node::{Node, Value};

const CLASSES: [(&str, AnswerClass); 12] = [
    ("done", AnswerClass::Done),
    ("transient", AnswerClass::Transient),
    ("permanent", AnswerClass::Permanent),
    ("ambiguous", AnswerClass::Ambiguous),
    ("halt", AnswerClass::Halt),
    ("login", AnswerClass::Login),
    ("conflict", AnswerClass::Conflict),
    ("exists", AnswerClass::Exists),
    ("missing", AnswerClass::Missing),
    ("dependency", AnswerClass::Dependency),
    ("throttled", AnswerClass::Throttled),
    ("pending", AnswerClass::Pending),
];

impl Decoder {
    pub(crate) fn errors(&mut self, node: &Node, actions: &[String]) -> Errors {
        let Some(mut fields) = self.fields(node, "`errors`") else { return Errors::default() };
        let mut errors = Errors {
            code: fields.get("code").and_then(|node| self.extract(node, "`code`")),
            message: fields.get("message").and_then(|node| self.extract(node, "`message`")),
            field: fields.get("field").and_then(|node| self.extract(node, "`field`")),
            trace: fields.get("trace").and_then(|node| self.extract(node, "`trace`")),
            parameters: fields.get("parameters").map(|node| self.selectors(node, "`parameters`")).unwrap_or_default(),
            rules: Vec::new(),
            classify: None,
        };
        match fields.get("rules").map(|rules| &rules.value) {
            Some(Value::List(rules)) => {
                errors.rules = rules.iter().filter_map(|rule| self.rule(rule, actions)).collect();
            }
            Some(_) | None => self.faults.add(node.at, "`errors` has no list of `rules`"),
        }
        fields.finish(self, &[]);
        errors
    }

    fn extract(&mut self, node: &Node, what: &str) -> Option<Extract> {
        if !matches!(node.value, Value::Map(_)) {
            return Some(Extract { from: ExtractFrom::Selectors(self.selectors(node, what)), regex: None });
        }
        let mut fields = self.fields(node, what)?;
        let from = fields.get("from")?;
        let from = match from.leaf().as_deref() {
            Some("code") => ExtractFrom::Code,
            Some("message") => ExtractFrom::Message,
            Some(_) | None => ExtractFrom::Selectors(self.selectors(from, "`from`")),
        };
        let regex = fields.get("extract").and_then(|node| {
            let expression = self.text(node, "`extract`")?;
            self.pattern(&expression, node.at)
        });
        fields.finish(self, &[]);
        Some(Extract { from, regex })
    }

    fn rule(&mut self, node: &Node, actions: &[String]) -> Option<Rule> {
        let mut fields = self.fields(node, "a rule")?;
        let mut conditions = Vec::new();
        let subjects = ["body.", "body[", "header.", "count(", "decoded.", "decoded["];
        for entry in fields.with_prefix(&subjects) {
            conditions.extend(self.condition(entry));
        }
        if let Some(status) = fields.get("status") {
            let subject = self.selector("status", status.at)?;
            conditions.extend(self.matcher(status).map(|matcher| crate::condition::Condition { subject, matcher }));
        }
        let code = fields.get("code").and_then(|node| self.matcher(node));
        let message = fields.get("message").and_then(|node| self.matcher(node));
        let operations = fields.get("for").map(|node| self.rule_operations(node, actions)).unwrap_or_default();
        let wait = fields.get("wait").map(|node| self.selectors(node, "`wait`")).unwrap_or_default();
        let existing_node = fields.get("existing");
        let existing = existing_node.map(|node| self.selectors(node, "`existing`")).unwrap_or_default();
        let class_node = fields.get("class");
        let known = CLASSES.map(|(word, _)| word);
        let class = match class_node {
            Some(class) => self.word(class, "`class`", &known),
            None => {
                self.faults.add(node.at, "this rule has no `class`");
                None
            }
        };
        fields.finish(self, &subjects);
        if let (Some(node), Some(word)) = (existing_node, class.as_deref().filter(|word| *word != "exists")) {
            let message =
                format!("`existing` names the record that is there already, which `class: {word}` does not look for");
            self.faults.add_with_help(node.at, message, "write `class: exists`, or take `existing` out");
        }
        let class = class.and_then(|word| CLASSES.into_iter().find(|(known, _)| *known == word))?;
        Some(Rule { at: node.at, conditions, code, message, operations, class: class.1, wait, existing })
    }

    fn rule_operations(&mut self, node: &Node, actions: &[String]) -> Vec<String> {
        let operations = self.texts(node, "`for`");
        for (word, at) in &operations {
            let mut known: Vec<&str> = Verb::ALL.into_iter().map(Verb::word).collect();
            known.push("action");
            known.extend(actions.iter().map(String::as_str));
            if !known.contains(&word.as_str()) {
                self.faults.add_with_help(*at, format!("there is no operation `{word}`"), did_you_mean(word, known));
            }
        }
        operations.into_iter().map(|(word, _)| word).collect()
    }
}
