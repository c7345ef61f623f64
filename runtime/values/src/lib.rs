//! Values, functions and the contract of generated code.
//!
//! In: JSON text of one record, settings, resolved references. Out: the mapped record or everything that is wrong with it.
//! Pure and synchronous: no I/O, no clock, no environment, no randomness. Nothing of ours is imported here;
//! the checker, the preview, the generated code, the engine and the sandbox all import this crate.

pub mod compare;
pub mod decimal;
pub mod elements;
pub mod encoding;
pub mod fault;
pub mod functions;
pub mod hooks;
pub mod json;
pub mod measure;
pub mod money;
pub mod names;
pub mod node;
pub mod outcome;
mod picked;
mod place;
pub mod plan;
pub mod prelude;
mod quotient;
mod reach;
mod read;
pub mod reference;
mod rounding;
pub mod rows;
pub mod run;
pub mod settings;
mod skip;
mod spare;
pub mod spelling;
mod step;
pub mod time;
mod used;
pub mod value;
pub mod write;

pub use decimal::{Decimal, Mode, Quotient};
pub use fault::{Fault, Stop};
pub use hooks::Hook;
pub use json::{Json, Malformed};
pub use money::Money;
pub use node::{Node, Place};
pub use outcome::{Input, Integration, Map, Mapping, Outcome, Part, Rejection, Sources, SpecLine};
pub use picked::{Picked, Records};
pub use reference::{AskedFind, AskedLink, AskedTerm, Find, Link, Reference, References, Resolved, Term, Test};
pub use run::{Run, Segment};
pub use settings::check_settings;
pub use step::Step;
pub use time::{Date, Instant, Time, Uuid};
pub use used::Used;
pub use value::{FromValue, IntoValue, Value};
pub use write::Record;
