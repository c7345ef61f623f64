//! `if`, `match`, `otherwise`, `if invalid` and the answers that they may give.

use foldhash::{HashSet, HashSetExt};
use mapwright_syntax::Span;
use mapwright_syntax::tree;

use super::scope::{Body, Place, PlaceKind, poison};
use crate::faults;
use crate::ir::{Answer, Branch, Expr, ExprKind, Literal, Type};
use crate::mend;
use crate::types::{text, widen};

/// Type and optionality that a branch contributes.
/// What one of several branches gives.
struct Given<'b> {
    ty: &'b Type,
    optional: bool,
    span: Span,
}

impl<'b> Given<'b> {
    /// `span`: of all branches, for one that has no value.
    fn by(branch: &'b Branch, span: Span) -> Self {
        match branch {
            Branch::Value(value) => Self { ty: &value.ty, optional: value.optional, span: value.span },
            Branch::Answer(_) => Self { ty: &Type::Never, optional: false, span },
        }
    }
}

/// Can a value be waited for?
fn is_reference(value: &Expr) -> bool {
    matches!(value.kind, ExprKind::Find(_) | ExprKind::Linked(_))
}

/// A record that is found by a link cannot be asked for before the link is there: then it is the link that is waited for.
fn wait_for_links(value: &mut Expr) {
    let ExprKind::Find(find) = &mut value.kind else { return };
    for term in &mut find.terms {
        if matches!(term.value.kind, ExprKind::Linked(_)) {
            let link = term.value.clone();
            let (ty, span) = (link.ty.clone(), link.span);
            let branch = Box::new(Branch::Answer(Answer::Wait));
            term.value =
                Expr { kind: ExprKind::Otherwise { value: Box::new(link), branch }, ty, optional: false, span };
        }
    }
}

impl Body<'_, '_> {
    /// A value or an answer.
    pub(crate) fn branch(&mut self, written: &tree::Branch, place: Option<&Place>) -> Branch {
        match written {
            tree::Branch::Value(value) => Branch::Value(self.expr(value, place)),
            tree::Branch::Answer(answer) => match self.answer(answer, place) {
                Some(answer) => Branch::Answer(answer),
                None => Branch::Value(poison(answer.span)),
            },
        }
    }

    /// An answer; `wait` is allowed by `otherwise` alone.
    pub(crate) fn answer(&mut self, written: &tree::Answer, place: Option<&Place>) -> Option<Answer> {
        let target = place.is_some_and(|place| matches!(place.kind, PlaceKind::Target | PlaceKind::Answer));
        match &written.kind {
            tree::AnswerKind::Omit | tree::AnswerKind::Clear if place.is_some_and(|place| place.required) => {
                if let Some(place) = place {
                    self.report(faults::omitted_required_field(written.span, place));
                }
                None
            }
            tree::AnswerKind::Omit if target => Some(Answer::Omit),
            tree::AnswerKind::Clear if target => Some(Answer::Clear),
            tree::AnswerKind::Omit => {
                self.report(faults::misplaced_answer(written.span, "omit"));
                None
            }
            tree::AnswerKind::Clear => {
                self.report(faults::misplaced_answer(written.span, "clear"));
                None
            }
            tree::AnswerKind::Wait => {
                self.report(faults::misplaced_wait(written.span));
                None
            }
            tree::AnswerKind::Reject(reason) => Some(Answer::Reject(Box::new(self.reason(reason)))),
            tree::AnswerKind::Skip(reason) => Some(Answer::Skip(Box::new(self.reason(reason)))),
        }
    }

    /// The text of a `reject` or `skip`.
    pub(crate) fn reason(&mut self, written: &tree::Expr) -> Expr {
        self.fitted(written, &Place::inner(text(None), "a reason"))
    }

    pub(super) fn choose(
        &mut self,
        condition: &tree::Expr,
        then: &tree::Branch,
        otherwise: &tree::Branch,
        place: Option<&Place>,
        span: Span,
    ) -> Expr {
        let condition = self.condition(condition);
        let then = self.branch(then, place);
        let otherwise = self.branch(otherwise, place);
        let Some((ty, optional)) = self.common(&[Given::by(&then, span), Given::by(&otherwise, span)], span) else {
            return poison(span);
        };
        let kind =
            ExprKind::If { condition: Box::new(condition), then: Box::new(then), otherwise: Box::new(otherwise) };
        Expr { kind, ty, optional, span }
    }

    /// The type of several branches.
    fn common(&mut self, branches: &[Given<'_>], span: Span) -> Option<(Type, bool)> {
        let mut common = Type::Never;
        let mut optional = false;
        let mut first = span;
        for branch in branches {
            let Some(wider) = widen(&common, branch.ty) else {
                let (a, b) = (self.noun(&common), self.noun(branch.ty));
                self.report(faults::different_branches(first, &a, branch.span, &b));
                return None;
            };
            if common.is_never() {
                first = branch.span;
            }
            common = wider;
            optional |= branch.optional;
        }
        Some((common, optional))
    }

    pub(super) fn match_arms(
        &mut self,
        value: &tree::Expr,
        arms: &[tree::Arm],
        place: Option<&Place>,
        span: Span,
    ) -> Expr {
        let value = self.expr(value, None);
        let value = self.present(value, "`match`");
        let mut resolved: Vec<(Vec<Literal>, Branch)> = Vec::new();
        let mut otherwise: Option<Box<Branch>> = None;
        let mut seen: HashSet<Literal> = HashSet::new();
        for arm in arms {
            if otherwise.is_some() {
                self.report(faults::unreachable_arm(arm.span, "stands behind `otherwise`"));
            }
            let Some(values) = &arm.values else {
                otherwise = Some(Box::new(self.branch(&arm.result, place)));
                continue;
            };
            let mut literals = Vec::with_capacity(values.len());
            for literal in values {
                let Some(cell) = self.cell(literal, &value.ty) else { continue };
                if !seen.insert(super::tables::normal(&cell)) {
                    self.report(faults::unreachable_arm(literal.span, "this value has an arm already"));
                }
                literals.push(cell);
            }
            let result = self.branch(&arm.result, place);
            resolved.push((literals, result));
        }
        let last = arms.iter().find(|arm| arm.values.is_none());
        self.check_complete(&value, &seen, last.map(|arm| arm.span), span);
        let branches = resolved.iter().map(|(_, branch)| branch).chain(otherwise.as_deref());
        let branches: Vec<Given<'_>> = branches.map(|branch| Given::by(branch, span)).collect();
        let Some((ty, optional)) = self.common(&branches, span) else { return poison(span) };
        Expr { kind: ExprKind::Match { value: Box::new(value), arms: resolved, otherwise }, ty, optional, span }
    }

    /// Every value of a `match` must have an arm; then an `otherwise` answers nothing.
    fn check_complete(&mut self, value: &Expr, seen: &HashSet<Literal>, otherwise: Option<Span>, span: Span) {
        if value.ty.is_never() {
            return;
        }
        let all = super::tables::all_values(&value.ty);
        let lacking: Option<Vec<String>> = all.map(|all| {
            all.iter().filter(|literal| !seen.contains(literal)).map(super::tables::literal_source).collect()
        });
        match (otherwise, lacking) {
            (None, lacking) if lacking.as_ref().is_none_or(|lacking| !lacking.is_empty()) => {
                let source = self.ctx.project.files.text(value.span);
                let said = if mend::is_path(source) { format!("{{{source}}}") } else { "this value".to_owned() };
                let line = format!("otherwise -> reject \"nothing is said for {said}\"");
                let mend = mend::last_line(&self.ctx.project.files, span, &line);
                self.report(faults::incomplete_match(span, &lacking.unwrap_or_default(), mend));
            }
            (Some(last), Some(lacking)) if lacking.is_empty() => {
                self.report(faults::answers_nothing(last, "arm", mend::whole_line(&self.ctx.project.files, last)))
            }
            (None | Some(_), None | Some(_)) => {}
        }
    }

    pub(super) fn otherwise(
        &mut self,
        value: &tree::Expr,
        written: &tree::Branch,
        place: Option<&Place>,
        span: Span,
    ) -> Expr {
        let mut value = self.expr(value, place);
        let branch = match written {
            tree::Branch::Answer(tree::Answer { kind: tree::AnswerKind::Wait, .. }) if is_reference(&value) => {
                wait_for_links(&mut value);
                Branch::Answer(Answer::Wait)
            }
            tree::Branch::Answer(tree::Answer { kind: tree::AnswerKind::Wait, .. }) if value.ty.is_never() => {
                Branch::Value(poison(span))
            }
            tree::Branch::Answer(_) | tree::Branch::Value(_) => {
                let inner = Place::inner(value.ty.clone(), "the value before `otherwise`");
                let needs_words = place.is_none() && matches!(value.ty, Type::Enum(_) | Type::List(_));
                self.branch(written, if needs_words { Some(&inner) } else { place })
            }
        };
        if !value.optional && !value.ty.is_never() {
            let end = match written {
                tree::Branch::Value(value) => value.span.end,
                tree::Branch::Answer(answer) => answer.span.end,
            };
            let answer = Span { start: value.span.end, end, ..value.span };
            self.report(faults::needless_otherwise(value.span, answer));
        }
        // Once it is known to be there.
        let present = Given { ty: &value.ty, optional: false, span: value.span };
        let Some((ty, optional)) = self.common(&[present, Given::by(&branch, span)], span) else {
            return poison(span);
        };
        Expr { kind: ExprKind::Otherwise { value: Box::new(value), branch: Box::new(branch) }, ty, optional, span }
    }

    pub(super) fn if_invalid(
        &mut self,
        value: &tree::Expr,
        branch: &tree::Branch,
        place: Option<&Place>,
        span: Span,
    ) -> Expr {
        let value = self.expr(value, place);
        let branch = self.branch(branch, place);
        let valid = Given { ty: &value.ty, optional: value.optional, span: value.span };
        let Some((ty, optional)) = self.common(&[valid, Given::by(&branch, span)], span) else {
            return poison(span);
        };
        Expr { kind: ExprKind::IfInvalid { value: Box::new(value), branch: Box::new(branch) }, ty, optional, span }
    }
}
