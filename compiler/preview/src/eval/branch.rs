//! Branches and what decides between them: `if`, `match`, `otherwise`, `if invalid`, `and`, `or`.

use mapwright_model::ir::{Answer, Branch, Expr, Literal};
use mapwright_syntax::Span;
use mapwright_values::compare;
use mapwright_values::fault::{Stop, if_invalid};
use mapwright_values::prelude;

use super::{Eval, Evaluated, Frame, leaf};
use crate::watch::Point;

impl<'r> Eval<'_, 'r> {
    pub(super) fn branch(&self, frame: &Frame<'_, 'r>, branch: &Branch) -> Evaluated<'r> {
        match branch {
            Branch::Value(expr) => self.expr(frame, expr),
            Branch::Answer(answer) => Err(match answer {
                Answer::Omit => Stop::Omit,
                Answer::Clear => Stop::Clear,
                Answer::Reject(reason) => self.answered(frame, false, reason),
                Answer::Skip(reason) => self.answered(frame, true, reason),
                Answer::Wait => {
                    Stop::failed("`wait` stands where nothing is waited for: that is a fault of the program")
                }
            }),
        }
    }

    pub(super) fn condition(
        &self,
        frame: &Frame<'_, 'r>,
        condition: &Expr,
        then: &Branch,
        otherwise: &Branch,
    ) -> Evaluated<'r> {
        let chosen = if self.boolean(frame, condition)? { then } else { otherwise };
        self.branch(frame, chosen)
    }

    pub(super) fn arms(
        &self,
        frame: &Frame<'_, 'r>,
        value: &Expr,
        arms: &[(Vec<Literal>, Branch)],
        otherwise: Option<&Branch>,
        span: Span,
    ) -> Evaluated<'r> {
        let found = self.expr(frame, value)?;
        for (number, (literals, branch)) in arms.iter().enumerate() {
            for literal in literals {
                let literal = leaf::literal(literal, &value.ty)?;
                if compare::same(found.as_ref(), Some(&literal)) {
                    self.reach(Point::Arm(span, number));
                    return self.branch(frame, branch);
                }
            }
        }
        match otherwise {
            Some(branch) => {
                self.reach(Point::Arm(span, arms.len()));
                self.branch(frame, branch)
            }
            None => {
                let shown = found.as_ref().map(compare::show_value).transpose()?.unwrap_or_default();
                Err(prelude::no_arm(&shown))
            }
        }
    }

    /// `value otherwise branch`.
    pub(super) fn otherwise(&self, frame: &Frame<'_, 'r>, value: &Expr, branch: &Branch) -> Evaluated<'r> {
        if let Some(value) = self.expr(frame, value)? {
            return Ok(Some(value));
        }
        match branch {
            Branch::Answer(Answer::Wait) => Err(self.awaited(frame, value)),
            Branch::Value(_) | Branch::Answer(Answer::Omit | Answer::Clear | Answer::Reject(_) | Answer::Skip(_)) => {
                self.branch(frame, branch)
            }
        }
    }

    /// `value if invalid branch`.
    pub(super) fn invalid(&self, frame: &Frame<'_, 'r>, value: &Expr, branch: &Branch) -> Evaluated<'r> {
        if_invalid(self.expr(frame, value), || self.branch(frame, branch))
    }
}
