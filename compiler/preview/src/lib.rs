//! Evaluates the checked model at once, without Rust in between.
//!
//! In: a checked model and one record. Out: the same [`Outcome`] that the generated code gives, byte for byte, rejections included:
//! both call the functions of `mapwright_values`, in the order that `mapwright_model::ir` lays down. It reads no file and writes none.

use mapwright_model::ir::{Flow, Mapping, Model};
use mapwright_syntax::Files;
use mapwright_values::{Input, Outcome, Rejection};

pub mod cases;
mod eval;
mod examples;
mod parts;
mod pretty;
mod told;
mod watch;

pub use examples::{CODES, run_examples};
pub use pretty::pretty;
pub use watch::{Unreached, Watch};

use cases::DefaultSetting;
use eval::Prepared;

/// A model ready to be evaluated.
pub struct Preview<'m> {
    model: &'m Model,
    prepared: Prepared<'m>,
}

impl<'m> Preview<'m> {
    /// A preview of `model`, whose spans lie in `files`.
    #[must_use]
    pub fn new(model: &'m Model, files: &'m Files) -> Preview<'m> {
        Preview { model, prepared: Prepared::new(model, files) }
    }

    /// Maps one record.
    #[must_use]
    pub fn map(&self, mapping: &Mapping, input: &Input<'_>) -> Outcome {
        eval::map(self.model, &self.prepared, mapping, input, None)
    }

    /// The same, under a watch that keeps what the evaluation passes through.
    #[must_use]
    pub fn map_watched(&self, mapping: &Mapping, input: &Input<'_>, watch: &Watch) -> Outcome {
        watch.start();
        eval::map(self.model, &self.prepared, mapping, input, Some(watch))
    }

    /// Is a record that a flow has read to be kept? Only conditions that its source could not evaluate are looked at.
    ///
    /// # Errors
    /// Why that cannot be said.
    pub fn keep(&self, flow: &Flow, input: &Input<'_>) -> Result<bool, Vec<Rejection>> {
        eval::keep(self.model, &self.prepared, flow, input)
    }

    /// The project's settings with their defaults, as [`cases::complete_settings`] takes them.
    #[must_use]
    pub fn settings(&self) -> Vec<DefaultSetting<'m>> {
        let settings = self.model.settings.iter();
        settings.map(|setting| DefaultSetting { name: &setting.name, default: setting.default.as_deref() }).collect()
    }
}

#[cfg(test)]
mod tests;
