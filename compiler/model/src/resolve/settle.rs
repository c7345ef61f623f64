//! Does a value fit the place it goes to?
//!
//! In: a resolved expression and its place. Out: a fault for every part that would be lost, with the words that state the
//! loss as fix. Branches are judged one by one, so that a fault points at the branch that does not fit.

use mapwright_syntax::tree;
use mapwright_syntax::{Edit, Span};

use super::scope::{Body, Place, PlaceKind};
use crate::faults;
use crate::ir::{Branch, Expr, ExprKind, Literal, Take, Type};
use crate::mend;
use crate::types::{Misfit, fits, literal_length};

/// Words that mend a misfit.
#[derive(Clone, Debug)]
pub(crate) struct Mend {
    /// What it does.
    pub(crate) title: String,
    /// The edits.
    pub(crate) edits: Vec<Edit>,
}

impl Body<'_, '_> {
    /// Resolves an expression for a place that it must fit.
    pub(crate) fn fitted(&mut self, written: &tree::Expr, place: &Place) -> Expr {
        let value = self.expr(written, Some(place));
        let value = match place.kind {
            // Nothing follows on these, so they may answer in every case.
            PlaceKind::Target | PlaceKind::Result | PlaceKind::Answer | PlaceKind::Setting => value,
            PlaceKind::Parameter | PlaceKind::Column | PlaceKind::Inner => self.valued(value),
        };
        self.settle(&value, place, false);
        value
    }

    /// The same of a branch.
    pub(crate) fn fitted_branch(&mut self, written: &tree::Branch, place: &Place) -> Branch {
        let branch = self.branch(written, Some(place));
        self.settle_branch(&branch, place, false);
        branch
    }

    fn settle_branch(&mut self, branch: &Branch, place: &Place, answered: bool) {
        match branch {
            Branch::Value(value) => self.settle(value, place, answered),
            Branch::Answer(_) => {}
        }
    }

    /// `answered`: an `otherwise` takes care of a missing value.
    pub(crate) fn settle(&mut self, value: &Expr, place: &Place, answered: bool) {
        if place.ty.is_never() || value.ty.is_never() {
            return;
        }
        match &value.kind {
            ExprKind::If { then, otherwise, .. } => {
                self.settle_branch(then, place, answered);
                self.settle_branch(otherwise, place, answered);
            }
            ExprKind::Match { arms, otherwise, .. } => {
                for (_, branch) in arms {
                    self.settle_branch(branch, place, answered);
                }
                if let Some(branch) = otherwise {
                    self.settle_branch(branch, place, answered);
                }
            }
            ExprKind::Otherwise { value, branch } => {
                self.settle(value, place, true);
                self.settle_branch(branch, place, answered);
            }
            ExprKind::IfInvalid { value, branch } => {
                self.settle(value, place, answered);
                self.settle_branch(branch, place, answered);
            }
            ExprKind::List(elements) => match place.element() {
                Some(element_place) => {
                    for element in elements {
                        self.settle(element, &element_place, false);
                    }
                }
                None => self.settle_leaf(value, place, answered),
            },
            ExprKind::Each(each) => match (&each.take, place.element()) {
                (Take::Value(taken), Some(element_place)) => self.settle(taken, &element_place, false),
                (Take::Element | Take::Block(_), _) | (Take::Value(_), None) => {
                    self.settle_leaf(value, place, answered)
                }
            },
            ExprKind::Literal(_)
            | ExprKind::Template(_)
            | ExprKind::Local(_)
            | ExprKind::Setting(_)
            | ExprKind::Read { .. }
            | ExprKind::Negate(_)
            | ExprKind::Not(_)
            | ExprKind::Binary { .. }
            | ExprKind::In { .. }
            | ExprKind::Is { .. }
            | ExprKind::Find(_)
            | ExprKind::Linked(_)
            | ExprKind::Call { .. }
            | ExprKind::Apply { .. }
            | ExprKind::Lookup { .. }
            | ExprKind::Fit { .. }
            | ExprKind::Position(_)
            | ExprKind::Now
            | ExprKind::Record(_) => self.settle_leaf(value, place, answered),
        }
    }

    fn settle_leaf(&mut self, value: &Expr, place: &Place, answered: bool) {
        let source = |body: &Self| body.ctx.project.files.text(value.span).to_owned();
        if value.optional && !place.optional && !answered {
            let source = source(self);
            let fault = match place.kind {
                PlaceKind::Target | PlaceKind::Result | PlaceKind::Answer => faults::missing_into_required(
                    value.span,
                    &source,
                    place,
                    self.answered(value, &place.name.to_string()),
                ),
                PlaceKind::Parameter | PlaceKind::Column | PlaceKind::Setting | PlaceKind::Inner => {
                    faults::missing_value_refused(
                        value.span,
                        &source,
                        &place.name.to_string(),
                        self.answered(value, &source),
                    )
                }
            };
            self.report(fault);
        }
        if let (ExprKind::Literal(Literal::Text(text)), Type::Text { max: Some(max), unit }) = (&value.kind, &place.ty)
        {
            let length = literal_length(text, unit);
            if length > *max {
                self.report(faults::literal_too_long(value.span, length, *max, place));
            }
            return;
        }
        // JSON takes whatever can be written.
        if place.ty == Type::Json && place.kind == PlaceKind::Target && super::open::goes_into_json(&value.ty) {
            return;
        }
        let Err(misfit) = fits(&value.ty, &place.ty) else { return };
        let (from, to) = (self.noun(&value.ty), self.noun(&place.ty));
        let fault = match misfit {
            Misfit::Wrong => faults::wrong_type_at(value.span, &from, &to, place),
            Misfit::TextTooLong => {
                let mends = [self.piped(value, "cut"), self.piped(value, "fit")];
                faults::text_too_long(value.span, &source(self), &from, &to, place, mends)
            }
            Misfit::DecimalsLost { keeps } => {
                let round = self.rounding_call(keeps);
                faults::decimals_lost(value.span, &from, keeps, place, self.piped(value, &round))
            }
            Misfit::DecimalIntoInteger => {
                let round = self.rounding_call(0);
                faults::decimal_into_integer(value.span, &from, place, self.piped(value, &round))
            }
            Misfit::InstantIntoDate => faults::instant_into_date(value.span, place, self.zone_mend(value)),
            Misfit::UnknownWords(words) => faults::unknown_words(value.span, &words, &place.ty, place),
            Misfit::OutOfRange => faults::integer_out_of_range(value.span, place, self.piped(value, "fit")),
            Misfit::Quotient => faults::unrounded_quotient(value.span, &self.rounded_to(&place.ty)),
            Misfit::MissingElements => faults::missing_elements(value.span, place, self.piped(value, "present")),
        };
        self.report(fault);
    }

    /// `(value otherwise reject "...")`.
    pub(crate) fn answered(&self, value: &Expr, name: &str) -> Vec<Edit> {
        mend::answered(&self.ctx.project.files, value.span, name)
    }

    /// `round(..., 2)`, with as many decimals as a place keeps.
    pub(crate) fn rounded_to(&self, place: &Type) -> String {
        let places = if let Type::Decimal { scale, .. } = place {
            *scale
        } else if matches!(place, Type::Integer { .. }) {
            0
        } else {
            2
        };
        self.rounding_call(places).replacen('(', "(..., ", 1)
    }

    /// `round(2)`, with a mode where the project has none.
    fn rounding_call(&self, places: u32) -> String {
        match self.ctx.rounding {
            Some(_) => format!("round({places})"),
            None => format!("round({places}, half_up)"),
        }
    }

    /// `value | step`, with brackets where the value is arithmetic.
    fn piped(&self, value: &Expr, step: &str) -> Mend {
        let end = Span { start: value.span.end, ..value.span };
        let arithmetic = matches!(
            value.kind,
            ExprKind::Binary { .. } | ExprKind::Negate(_) | ExprKind::Find(_) | ExprKind::Linked(_)
        ) && !self.ctx.project.files.text(value.span).starts_with('(');
        let edits = if arithmetic {
            let start = Span { end: value.span.start, ..value.span };
            vec![Edit { span: start, text: "(".to_owned() }, Edit { span: end, text: format!(") | {step}") }]
        } else {
            vec![Edit { span: end, text: format!(" | {step}") }]
        };
        Mend { title: format!("write `| {step}`"), edits }
    }

    /// `value | date_in(zone)` with the project's zone, if it has a setting of that name.
    fn zone_mend(&self, value: &Expr) -> Mend {
        let named = self.ctx.model.settings.iter().any(|setting| setting.name == "zone");
        self.piped(value, if named { "date_in(zone)" } else { "date_in(\"Europe/Berlin\")" })
    }
}
