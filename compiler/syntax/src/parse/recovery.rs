//! Lines that could not be read: says of each what is wrong with it.

use pest::Parser;
use pest::error::{ErrorVariant, InputLocation};

use super::Reader;
use super::grammar::{Grammar, Rule};
use super::node::Node;
use crate::faults;

impl Reader<'_> {
    /// Reports a line that could not be read.
    pub(super) fn bad_line(&self, node: &Node<'_>) {
        let span = node.span();
        let (strict, kind) = match node.rule() {
            Rule::bad_item => (Rule::strict_item, "line of a system"),
            Rule::bad_field => (Rule::strict_field, "field"),
            Rule::bad_statement => (Rule::strict_statement, "statement"),
            Rule::bad_duty => (Rule::strict_duty, "line of a flow"),
            Rule::bad_row => (Rule::strict_row, "row"),
            Rule::bad_arm => (Rule::strict_arm, "arm"),
            _ => (Rule::strict_definition, "definition"),
        };
        let _ = strict;
        let _ = (Grammar::parse(strict, node.text()).err()).map(|error| (error.variant, error.location)).map(
            |(variant, location)| {
                let at = match location {
                    InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
                };
                match variant {
                    ErrorVariant::ParsingError { positives, .. } => (at, positives),
                    ErrorVariant::CustomError { .. } => (at, Vec::new()),
                }
            },
        );
        self.report(faults::unreadable(span, kind));
    }
}
