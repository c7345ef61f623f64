//! The `mapwright` command: checks, formats, compiles, previews and tests specs.
//!
//! In: arguments and files. Out: what was asked for on standard output, what stands in the way on standard error, and an exit status. The one
//! place of the compiler that writes files; it decides nothing about specs itself.

use std::process::ExitCode;

use clap::Parser;

mod arguments;
mod commands;
mod notes;
mod pages;
mod report;
mod threads;

use arguments::Arguments;

/// A check makes many small values in several threads and ends. Most of what the system's allocator takes for them is the time of the
/// kernel, which gives it memory in small pages.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match commands::run(&arguments) {
        Ok(status) => status.into(),
        Err(problem) => {
            report::complain(&problem);
            report::Status::Unusable.into()
        }
    }
}
