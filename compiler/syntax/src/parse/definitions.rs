//! Definitions that are neither catalogue, mapping nor flow.

use super::Reader;
use super::expression::{name, path, state, word};
use super::grammar::Rule;
use super::node::Node;
use crate::faults;
use crate::tree::{
    Branch, Cell, Definition, Example, Expected, Expr, ExprKind, Parameter, Rule as RuleDefinition, Setting, Table,
    TableRow, TableRows, Tree, Use,
};

impl Reader<'_> {
    /// One definition of a chunk, or a line of it that cannot be read.
    pub(super) fn definition(&self, node: &Node<'_>, tree: &mut Tree) {
        let built = match node.rule() {
            Rule::use_ => self.use_(node).map(Definition::Use),
            Rule::rounding => word(node).map(Definition::Rounding),
            Rule::project_dismissal => self.project_dismissal(node).map(Definition::Dismissal),
            Rule::system => self.system(node).map(Definition::System),
            Rule::extend => self.extend(node).map(Definition::Extend),
            Rule::setting => self.setting(node).map(Definition::Setting),
            Rule::table => self.table(node).map(Definition::Table),
            Rule::rule_ => self.rule(node).map(Definition::Rule),
            Rule::example => self.example(node).map(Definition::Example),
            Rule::mapping => self.mapping(node).map(Definition::Mapping),
            Rule::flow => self.flow(node).map(Definition::Flow),
            Rule::bad_definition => return self.bad_line(node),
            // The end of the input.
            _ => return,
        };
        match built {
            Some(definition) => tree.definitions.push(definition),
            None => self.report(faults::unreadable(node.span(), "definition")),
        }
    }

    fn use_(&self, node: &Node<'_>) -> Option<Use> {
        Some(Use { system: self.plain_text(&node.child(Rule::text)?), alias: word(node)?, span: node.span() })
    }

    fn setting(&self, node: &Node<'_>) -> Option<Setting> {
        let value = match node.child(Rule::expr) {
            Some(value) => Some(self.expr(&value)?),
            None => None,
        };
        Some(Setting {
            name: word(node)?,
            ty: self.type_(&node.child(Rule::type_)?)?,
            doc: self.doc(node),
            value,
            span: node.span(),
        })
    }

    fn parameters(&self, node: &Node<'_>) -> Option<Vec<Parameter>> {
        let parameter =
            |part: Node<'_>| Some(Parameter { name: word(&part)?, ty: self.type_(&part.child(Rule::type_)?)? });
        node.read_all(Rule::parameter, parameter)
    }

    fn table(&self, node: &Node<'_>) -> Option<Table> {
        let rows = match (node.child(Rule::rows), node.child(Rule::csv)) {
            (Some(rows), _) => TableRows::Inline(rows.children().filter_map(|row| self.row(&row)).collect()),
            (None, Some(csv)) => TableRows::Csv {
                file: self.plain_text(&csv.child(Rule::text)?),
                columns: csv.all(Rule::name).map(|column| name(&column)).collect(),
            },
            (None, None) => return None,
        };
        Some(Table {
            name: word(node)?,
            keys: self.parameters(node)?,
            result: self.type_(&node.child(Rule::type_)?)?,
            doc: self.doc(node),
            rows,
            span: node.span(),
        })
    }

    fn row(&self, node: &Node<'_>) -> Option<TableRow> {
        if node.rule() == Rule::bad_row {
            self.bad_line(node);
        }
        if node.rule() != Rule::row {
            return None;
        }
        let cell = |part: Node<'_>| match part.child(Rule::literal) {
            Some(literal) => self.literal(&literal).map(Cell::Literal),
            None => Some(Cell::Any(part.span())),
        };
        let cells = node.read_all(Rule::cell, cell)?;
        let result = node.child(Rule::row_result)?.children().next()?;
        let span = result.span();
        let result = match result.rule() {
            Rule::answer => Branch::Answer(self.answer(&result)?),
            Rule::block => Branch::Value(Expr { kind: ExprKind::Record(self.block(&result)), span }),
            _ => Branch::Value(Expr { kind: ExprKind::Literal(self.literal(&result)?), span }),
        };
        Some(TableRow { cells: (!node.has(Rule::k_otherwise)).then_some(cells), result, span: node.span() })
    }

    fn rule(&self, node: &Node<'_>) -> Option<RuleDefinition> {
        Some(RuleDefinition {
            name: word(node)?,
            parameters: self.parameters(node)?,
            result: self.type_(&node.child(Rule::type_)?)?,
            doc: self.doc(node),
            body: self.expr(&node.child(Rule::expr)?)?,
            span: node.span(),
        })
    }

    fn example(&self, node: &Node<'_>) -> Option<Example> {
        let expected = match node.child(Rule::expected) {
            Some(expected) => {
                let child = expected.children().next()?;
                if child.rule() == Rule::state {
                    Expected::State(state(&child))
                } else {
                    Expected::Value(self.expr(&child)?)
                }
            }
            None => Expected::Rejects,
        };
        Some(Example {
            name: word(node)?,
            arguments: self.arguments(&node.child(Rule::arguments)?)?,
            expected,
            span: node.span(),
        })
    }

    fn extend(&self, node: &Node<'_>) -> Option<crate::tree::Extend> {
        Some(crate::tree::Extend {
            path: path(&node.child(Rule::path)?),
            fields: self.fields(&node.child(Rule::fields)?),
            span: node.span(),
        })
    }
}
