//! Test D: the engine in a world made of one number. A seed decides what the shop's users do and when, what goes wrong with
//! every write, every page and every call of the store, when a program dies, how far the clock jumps, what the operator
//! does, which webhooks are lost or told twice, how many workers there are and whose turn it is. The same seed makes the
//! same run, call by call; the clock is virtual, so a day of waiting takes no time.
//!
//! A failing seed tells how to run it alone. `MAPWRIGHT_SIMULATION_SEEDS` is how many seeds are run,
//! `MAPWRIGHT_SIMULATION_FIRST` is the first of them, `MAPWRIGHT_SIMULATION_TRACE=1` prints what happened.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests stop at once"
)]

#[path = "../common/mod.rs"]
mod common;
mod fate;
mod life;
mod operator;
mod people;
mod systems;

use std::sync::Arc;

use fate::Mutant;
use life::{Simulation, Stores};

/// Seeds of a run that says nothing else; `tests/run` asks for thousands of a program that is optimized.
const SEEDS: u64 = 60;

/// What became of a seed.
struct Outcome {
    trace: Vec<String>,
    breach: Option<String>,
}

impl Outcome {
    /// FNV-1a over all that happened.
    fn hash(&self) -> u64 {
        self.trace
            .iter()
            .flat_map(|line| line.bytes())
            .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    }
}

fn simulate(seed: u64, mutant: Option<Mutant>, stores: &Stores) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let mut simulation = Simulation::new(seed, mutant, stores);
    let fate = Arc::clone(&simulation.fate);
    let judged = runtime.block_on(async move { tokio::spawn(async move { simulation.run().await }).await });
    let breach = judged.err().map(|error| {
        let panic = error.into_panic();
        let said = panic.downcast_ref::<String>().cloned();
        said.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
    });
    let trace = std::mem::take(&mut *fate.trace.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    Outcome { trace, breach }
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number: {text}")))
}

#[test]
fn no_seed_loses_doubles_or_disorders_anything() {
    let (first, seeds) = (number("MAPWRIGHT_SIMULATION_FIRST", 1), number("MAPWRIGHT_SIMULATION_SEEDS", SEEDS));
    let shown = number("MAPWRIGHT_SIMULATION_TRACE", 0) > 0;
    let all: Vec<u64> = (first..first + seeds).collect();
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let failures: Vec<String> = std::thread::scope(|scope| {
        let shares: Vec<_> = (0..threads)
            .map(|share| {
                let all = &all;
                scope.spawn(move || {
                    let (stores, mut failures) = (Stores::new(), Vec::new());
                    for seed in all.iter().skip(share).step_by(threads) {
                        let outcome = simulate(*seed, None, &stores);
                        if shown {
                            println!("{}", outcome.trace.join("\n"));
                        }
                        if let Some(breach) = outcome.breach {
                            failures.push(format!(
                                "seed {seed}: {breach}\n  MAPWRIGHT_SIMULATION_FIRST={seed} MAPWRIGHT_SIMULATION_SEEDS=1 MAPWRIGHT_SIMULATION_TRACE=1 cargo test -p mapwright-engine --test simulation no_seed -- --nocapture"
                            ));
                        }
                    }
                    failures
                })
            })
            .collect();
        shares.into_iter().flat_map(|share| share.join().unwrap()).collect()
    });
    assert!(failures.is_empty(), "{} of {} seeds failed:\n{}", failures.len(), all.len(), failures.join("\n"));
}

#[test]
fn the_same_seed_makes_the_same_run() {
    let stores = Stores::new();
    let mut hashes = std::collections::BTreeSet::new();
    for seed in 1..=12 {
        let (one, two) = (simulate(seed, None, &stores), simulate(seed, None, &stores));
        let differs = one.trace.iter().zip(&two.trace).find(|(one, two)| one != two);
        assert_eq!(one.hash(), two.hash(), "seed {seed} made two runs; they part at {differs:?}");
        assert!(one.trace.len() > 50, "seed {seed} did next to nothing");
        hashes.insert(one.hash());
    }
    assert_eq!(hashes.len(), 12, "two seeds made one run");
}

#[test]
fn a_broken_promise_is_seen_by_some_seed() {
    let stores = Stores::new();
    // Each with the seed that is tried first: one that saw it when this was written.
    let mutants = [
        (Mutant::ProbeWithoutSettle, 9),
        (Mutant::NoQuietAfterUnproven, 139),
        (Mutant::RejectionSkipped, 1),
        (Mutant::WatermarkAhead, 1),
        (Mutant::GoneForgotten, 3),
    ];
    for (mutant, first) in mutants {
        let seen = (first..first + 300).find(|seed| simulate(*seed, Some(mutant), &stores).breach.is_some());
        println!("{mutant:?} is seen by the seed {seen:?}");
        assert!(seen.is_some(), "{mutant:?} survives 300 seeds");
    }
}
