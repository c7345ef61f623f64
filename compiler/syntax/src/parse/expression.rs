//! Expressions: the flat operators of the grammar become a tree by their precedence.

use std::iter::Peekable;

use super::Reader;
use super::grammar::Rule;
use super::node::Node;
use crate::faults;
use crate::tree::{
    Answer, AnswerKind, Arm, Branch, Each, EachTake, Expr, ExprKind, Find, Linked, Literal, LiteralKind, Name,
    Operator, Path, Sorting, State, TemplatePart, Text, Walk,
};

/// How strongly an operator binds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Strength {
    /// As what no operator stands before.
    Nothing,
    Or,
    /// `not` binds a little more strongly.
    And,
    Comparison,
    Pipe,
    Sum,
    /// A sign binds more strongly.
    Product,
}

impl Strength {
    /// That of an operator behind an operand.
    fn of(operator: Rule) -> Strength {
        match operator {
            Rule::op_or => Strength::Or,
            Rule::op_and => Strength::And,
            Rule::pipe => Strength::Pipe,
            Rule::op_add | Rule::op_subtract => Strength::Sum,
            Rule::op_multiply | Rule::op_divide => Strength::Product,
            _ => Strength::Comparison,
        }
    }
}

/// A name of the grammar: `name` or `word`.
pub(super) fn name(node: &Node<'_>) -> Name {
    let (text, span) = node.said();
    let bare = text.strip_prefix('`').and_then(|text| text.strip_suffix('`')).unwrap_or(text);
    Name { text: bare.to_owned(), span }
}

/// The first word of a node.
pub(super) fn word(node: &Node<'_>) -> Option<Name> {
    node.child(Rule::word).map(|node| name(&node))
}

/// `path` or `target`.
pub(super) fn path(node: &Node<'_>) -> Path {
    let said = || node.children().filter(|child| matches!(child.rule(), Rule::word | Rule::name));
    let mut names = Vec::with_capacity(said().count());
    names.extend(said().map(|child| name(&child)));
    Path { names, span: node.span() }
}

impl Reader<'_> {
    /// `expr`.
    pub(super) fn expr(&self, node: &Node<'_>) -> Option<Expr> {
        let mut parts = node.children();
        let mut expr = self.value(&parts.next()?)?;
        for part in parts {
            let branch = Box::new(self.branch(&part.child(Rule::branch)?)?);
            let span = expr.span.to(part.span());
            let value = Box::new(expr);
            let kind = match part.rule() {
                Rule::if_invalid_part => ExprKind::IfInvalid { value, branch },
                _ => ExprKind::Otherwise { value, branch },
            };
            expr = Expr { kind, span };
        }
        Some(expr)
    }

    /// `branch` or `outcome`.
    pub(super) fn branch(&self, node: &Node<'_>) -> Option<Branch> {
        let child = node.children().next()?;
        match child.rule() {
            Rule::answer => Some(Branch::Answer(self.answer(&child)?)),
            Rule::expr => Some(Branch::Value(self.expr(&child)?)),
            _ => Some(Branch::Value(self.value(&child)?)),
        }
    }

    /// `answer` or `check_answer`.
    pub(super) fn answer(&self, node: &Node<'_>) -> Option<Answer> {
        let reason = || Some(Box::new(self.template(&node.child(Rule::text)?)?));
        let kind = match node.children().next()?.rule() {
            Rule::k_omit => AnswerKind::Omit,
            Rule::k_clear => AnswerKind::Clear,
            Rule::k_wait => AnswerKind::Wait,
            Rule::k_reject => AnswerKind::Reject(reason()?),
            _ => AnswerKind::Skip(reason()?),
        };
        Some(Answer { kind, span: node.span() })
    }

    /// What the silent rule `value` leaves: one of its alternatives.
    fn value(&self, node: &Node<'_>) -> Option<Expr> {
        let kind = match node.rule() {
            Rule::operation => return self.operation(node),
            Rule::if_value => {
                let mut branches = node.all(Rule::branch);
                ExprKind::If {
                    condition: Box::new(self.operation(&node.child(Rule::operation)?)?),
                    then: Box::new(self.branch(&branches.next()?)?),
                    otherwise: Box::new(self.branch(&branches.next()?)?),
                }
            }
            Rule::each => ExprKind::Each(Box::new(self.each(node)?)),
            Rule::find => {
                let part = |rule| node.child(rule).and_then(|part| part.child(Rule::operation));
                ExprKind::Find(Box::new(Find {
                    all: node.has(Rule::k_all),
                    entity: path(&node.child(Rule::path)?),
                    name: word(node)?,
                    condition: self.operation(&part(Rule::where_part)?)?,
                    take: self.optional_operation(part(Rule::take))?,
                }))
            }
            _ => {
                let mut paths = node.all(Rule::path);
                let take = node.child(Rule::take).and_then(|part| part.child(Rule::operation));
                ExprKind::Linked(Box::new(Linked {
                    target: path(&paths.next()?),
                    name: word(node),
                    source: path(&paths.next()?),
                    by: self.operation(&node.child(Rule::operation)?)?,
                    take: self.optional_operation(take)?,
                }))
            }
        };
        Some(Expr { kind, span: node.span() })
    }

    /// An operation that may be absent: `None` only where it cannot be built.
    fn optional_operation(&self, node: Option<Node<'_>>) -> Option<Option<Expr>> {
        match node {
            Some(node) => self.operation(&node).map(Some),
            None => Some(None),
        }
    }

    /// The condition of a `where`, if there is one.
    pub(super) fn condition(&self, node: &Node<'_>) -> Option<Option<Expr>> {
        self.optional_operation(node.child(Rule::where_part).and_then(|part| part.child(Rule::operation)))
    }

    fn each(&self, node: &Node<'_>) -> Option<Each> {
        let walks = node.read_all(Rule::walk, |walk| self.walk(&walk))?;
        let sorted = match node.child(Rule::sorted) {
            Some(part) => Some(Sorting {
                by: self.operation(&part.child(Rule::operation)?)?,
                descending: part.has(Rule::k_descending),
            }),
            None => None,
        };
        let take = match (node.child(Rule::block), node.child(Rule::take)) {
            (Some(block), _) => EachTake::Block(self.block(&block)),
            (None, Some(take)) => EachTake::Value(self.operation(&take.child(Rule::operation)?)?),
            (None, None) => EachTake::Element,
        };
        Some(Each { walks, sorted, take })
    }

    fn walk(&self, node: &Node<'_>) -> Option<Walk> {
        let with = |part: Node<'_>| Some((self.operation(&part.child(Rule::operation)?)?, word(&part)?));
        Some(Walk {
            list: self.operation(&node.child(Rule::operation)?)?,
            name: word(node)?,
            with: node.read_all(Rule::with, with)?,
            condition: self.condition(node)?,
        })
    }

    /// `operation`: operands and operators, flat.
    pub(super) fn operation(&self, node: &Node<'_>) -> Option<Expr> {
        self.operands(&mut node.children().peekable(), Strength::Nothing)
    }

    /// An operand with the operators behind it that bind more strongly than what stands before it.
    fn operands<'n>(&self, parts: &mut Peekable<impl Iterator<Item = Node<'n>>>, before: Strength) -> Option<Expr> {
        let first = parts.next()?;
        let mut left = match first.rule() {
            Rule::op_not => self.prefixed(&first, self.operands(parts, Strength::And)?),
            Rule::op_negate => self.prefixed(&first, self.operands(parts, Strength::Product)?),
            _ => self.primary(&first)?,
        };
        while let Some(operator) = parts.next_if(|part| Strength::of(part.rule()) > before) {
            left = match operator.rule() {
                Rule::pipe | Rule::is_state => self.postfixed(left, &operator)?,
                rule => {
                    let right = self.operands(parts, Strength::of(rule))?;
                    self.infixed(left, &operator, right)?
                }
            };
        }
        Some(left)
    }

    fn prefixed(&self, operator: &Node<'_>, right: Expr) -> Expr {
        let span = operator.span().to(right.span);
        let right = Box::new(right);
        let kind = if operator.rule() == Rule::op_not { ExprKind::Not(right) } else { ExprKind::Negate(right) };
        Expr { kind, span }
    }

    fn postfixed(&self, left: Expr, operator: &Node<'_>) -> Option<Expr> {
        let span = left.span.to(operator.span());
        if operator.rule() == Rule::is_state {
            self.check_chain(&left, operator);
            let (negated, state) = (operator.has(Rule::k_not), state(&operator.child(Rule::state)?));
            return Some(Expr { kind: ExprKind::Is { value: Box::new(left), state, negated }, span });
        }
        if let ExprKind::Binary { right, .. } = &left.kind
            && is_arithmetic(&left)
        {
            self.report(faults::pipe_beside_arithmetic(self.text, left.span, right.span, operator.span()));
        }
        let arguments = match operator.child(Rule::arguments) {
            Some(arguments) => Some(self.arguments(&arguments)?),
            None => None,
        };
        let (lookup, name) = (operator.has(Rule::k_lookup), word(operator)?);
        Some(Expr { kind: ExprKind::Pipe { value: Box::new(left), lookup, name, arguments }, span })
    }

    fn infixed(&self, left: Expr, operator: &Node<'_>, right: Expr) -> Option<Expr> {
        let span = left.span.to(right.span);
        let operator_span = operator.span();
        let (left_arithmetic_pipe, right_pipe) =
            (matches!(left.kind, ExprKind::Pipe { .. }), matches!(right.kind, ExprKind::Pipe { .. }));
        let known = match operator.rule() {
            Rule::op_in => {
                self.check_chain(&left, operator);
                let negated = operator.has(Rule::k_not);
                return Some(Expr {
                    kind: ExprKind::In { value: Box::new(left), list: Box::new(right), negated },
                    span,
                });
            }
            Rule::op_or => Operator::Or,
            Rule::op_and => Operator::And,
            Rule::op_equal => Operator::Equal,
            Rule::op_not_equal => Operator::NotEqual,
            Rule::op_less => Operator::Less,
            Rule::op_less_or_equal => Operator::LessOrEqual,
            Rule::op_greater => Operator::Greater,
            Rule::op_greater_or_equal => Operator::GreaterOrEqual,
            Rule::op_add => Operator::Add,
            Rule::op_subtract => Operator::Subtract,
            Rule::op_multiply => Operator::Multiply,
            _ => Operator::Divide,
        };
        match known {
            Operator::Multiply | Operator::Divide | Operator::Add | Operator::Subtract => {
                if left_arithmetic_pipe || right_pipe {
                    self.report(faults::arithmetic_behind_pipe(self.text, left.span, right.span, operator_span));
                }
            }
            Operator::Equal
            | Operator::NotEqual
            | Operator::Less
            | Operator::LessOrEqual
            | Operator::Greater
            | Operator::GreaterOrEqual => self.check_chain(&left, operator),
            Operator::And | Operator::Or => {}
        }
        let (left, right) = (Box::new(left), Box::new(right));
        Some(Expr { kind: ExprKind::Binary { operator: known, operator_span, left, right }, span })
    }

    /// Comparisons do not chain.
    fn check_chain(&self, left: &Expr, operator: &Node<'_>) {
        if is_comparison(left) {
            self.report(faults::chained_comparison(left.span, operator.span()));
        }
    }

    fn primary(&self, node: &Node<'_>) -> Option<Expr> {
        let mut parts = node.children();
        let mut expr = self.atom(&parts.next()?)?;
        for access in parts {
            let name = name(&access.child(Rule::name)?);
            let span = expr.span.to(name.span);
            expr = Expr { kind: ExprKind::Field { of: Box::new(expr), name }, span };
        }
        Some(expr)
    }

    fn atom(&self, node: &Node<'_>) -> Option<Expr> {
        let kind = match node.rule() {
            Rule::text => return self.template(node),
            Rule::word => {
                self.check_null(node);
                ExprKind::Word(name(node))
            }
            Rule::brackets => ExprKind::Brackets(Box::new(self.expr(&node.child(Rule::expr)?)?)),
            Rule::list => ExprKind::List(self.arguments(node)?),
            Rule::block => ExprKind::Record(self.block(node)),
            Rule::call => {
                ExprKind::Call { name: word(node)?, arguments: self.arguments(&node.child(Rule::arguments)?)? }
            }
            Rule::lookup => {
                ExprKind::Lookup { table: word(node)?, arguments: self.arguments(&node.child(Rule::arguments)?)? }
            }
            Rule::match_value => ExprKind::Match {
                value: Box::new(self.operation(&node.child(Rule::operation)?)?),
                arms: node.children().filter_map(|child| self.arm(&child)).collect(),
            },
            _ => ExprKind::Literal(self.plain_literal(node)),
        };
        Some(Expr { kind, span: node.span() })
    }

    /// Words of other languages for a value that is not there.
    fn check_null(&self, node: &Node<'_>) {
        if !["null", "nil", "undefined", "NULL"].contains(&node.text()) {
            return;
        }
        let span = node.span();
        let before = self.text.get(..span.start as usize).unwrap_or_default().trim_end();
        let compared =
            [("==", "is missing"), ("!=", "is not missing")].into_iter().find(|(sign, _)| before.ends_with(sign));
        let answered = ["<-", "->", "then", "else", "otherwise"].iter().any(|word| before.ends_with(word));
        let mend = match compared {
            Some((sign, mend)) => Some((self.span(before.len() - sign.len(), span.end as usize), mend)),
            None => answered.then_some((span, "omit")),
        };
        self.report(faults::no_null(span, node.text(), mend));
    }

    /// The expressions directly below a node.
    pub(super) fn arguments(&self, node: &Node<'_>) -> Option<Vec<Expr>> {
        node.read_all(Rule::expr, |argument| self.expr(&argument))
    }

    fn arm(&self, node: &Node<'_>) -> Option<Arm> {
        if node.rule() == Rule::bad_arm {
            self.bad_line(node);
        }
        if node.rule() != Rule::arm {
            return None;
        }
        let values = node.read_all(Rule::literal, |literal| self.literal(&literal))?;
        Some(Arm {
            values: (!node.has(Rule::k_otherwise)).then_some(values),
            result: self.branch(&node.child(Rule::outcome)?)?,
            span: node.span(),
        })
    }

    /// `literal`: a literal with its sign, in a table, a `match` or a mark.
    pub(super) fn literal(&self, node: &Node<'_>) -> Option<Literal> {
        Some(Literal { span: node.span(), ..self.plain_literal(&node.children().next()?) })
    }

    fn plain_literal(&self, node: &Node<'_>) -> Literal {
        let text = node.text();
        let kind = match node.rule() {
            Rule::date => LiteralKind::Date(text.to_owned()),
            Rule::clock => LiteralKind::Time(text.to_owned()),
            Rule::boolean => LiteralKind::Boolean(text == "true"),
            Rule::raw => LiteralKind::Raw(text.trim_matches('\'').to_owned()),
            Rule::text => LiteralKind::Text(self.plain_text(node).text),
            _ => LiteralKind::Number(text.chars().filter(|character| !character.is_whitespace()).collect()),
        };
        Literal { kind, span: node.span() }
    }

    /// A text that may not have holes.
    pub(super) fn plain_text(&self, node: &Node<'_>) -> Text {
        let mut text = String::new();
        for part in node.children() {
            match part.rule() {
                Rule::escape => text.push(unescaped(&part)),
                Rule::hole => {
                    self.report(faults::hole_not_allowed(part.span()));
                    text.push_str(part.text());
                }
                _ => text.push_str(part.raw()),
            }
        }
        Text { text, span: node.span() }
    }

    /// A text in an expression: a literal, or a template if it has holes.
    fn template(&self, node: &Node<'_>) -> Option<Expr> {
        let span = node.span();
        if !node.has(Rule::hole) {
            let kind = LiteralKind::Text(self.plain_text(node).text);
            return Some(Expr { kind: ExprKind::Literal(Literal { kind, span }), span });
        }
        let mut parts: Vec<TemplatePart> = Vec::new();
        for part in node.children() {
            if part.rule() == Rule::hole {
                parts.push(TemplatePart::Hole(self.expr(&part.child(Rule::expr)?)?));
                continue;
            }
            let piece_span = part.raw_span();
            let unescaped = (part.rule() == Rule::escape).then(|| unescaped(&part).to_string());
            let piece = unescaped.unwrap_or_else(|| part.raw().to_owned());
            match parts.last_mut() {
                Some(TemplatePart::Text(text)) => {
                    text.text.push_str(&piece);
                    text.span = text.span.to(piece_span);
                }
                Some(TemplatePart::Hole(_)) | None => {
                    parts.push(TemplatePart::Text(Text { text: piece, span: piece_span }))
                }
            }
        }
        Some(Expr { kind: ExprKind::Template(parts), span })
    }
}

/// `state`.
pub(super) fn state(node: &Node<'_>) -> State {
    match node.text() {
        "missing" => State::Missing,
        "present" => State::Present,
        "blank" => State::Blank,
        _ => State::Empty,
    }
}

fn unescaped(node: &Node<'_>) -> char {
    match node.raw().chars().nth(1) {
        Some('n') => '\n',
        Some('t') => '\t',
        Some(other) => other,
        None => '\\',
    }
}

fn is_arithmetic(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Binary { operator, .. } => match operator {
            Operator::Multiply | Operator::Divide | Operator::Add | Operator::Subtract => true,
            Operator::Equal
            | Operator::NotEqual
            | Operator::Less
            | Operator::LessOrEqual
            | Operator::Greater
            | Operator::GreaterOrEqual
            | Operator::And
            | Operator::Or => false,
        },
        _ => false,
    }
}

fn is_comparison(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::In { .. } | ExprKind::Is { .. } => true,
        ExprKind::Binary { operator, .. } => match operator {
            Operator::Equal
            | Operator::NotEqual
            | Operator::Less
            | Operator::LessOrEqual
            | Operator::Greater
            | Operator::GreaterOrEqual => true,
            Operator::Multiply
            | Operator::Divide
            | Operator::Add
            | Operator::Subtract
            | Operator::And
            | Operator::Or => false,
        },
        _ => false,
    }
}
