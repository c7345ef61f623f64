//! Simulated endpoints: a Shopware 6 shop and an SAP Business One Service Layer on 127.0.0.1, written by hand; and any system
//! that a manifest and a catalogue describe ([`derived`]).
//!
//! In: a [`SandboxConfig`] (seed, clocks, limits, declared user fields) and HTTP requests on two ephemeral ports.
//! Out: answers in each vendor's own shape, a [`Ledger`] of every request and effect, and [`Faults`] on demand.
//! Never: a real endpoint, a file, a network other than the loopback.
//!
//! # Why it reads the vendor sheets a second time
//!
//! Our connector manifests are one reading of the vendors' papers. A simulation derived from the manifests would agree with
//! every mistake in them: a wrongly spelt filter would be understood, a forgotten header would not be missed, and the proof
//! would prove nothing. So these two read no manifest, no catalogue and no mapping. They are written from the vendor
//! sheets, the samples and the machine-readable field lists (see `data/README.md`), by a different hand. Where both readings
//! meet and disagree, one of them is wrong, and a test says so before a customer's system does.
//!
//! For the same reason the sandbox is strict (an unknown property, a missing association, a page size over the limit are refused
//! or answered with `null` as the vendor does) and keeps a ledger of its own, which does not trust the engine's store. What it
//! does not simulate it refuses with status 501 and says so; it never answers a request that it only half understood.
//!
//! # Where to look
//!
//! | I want to ... | go to |
//! |---|---|
//! | change what a vendor answers | `shopware/`, `business_one/` |
//! | play another system | `derived/`, which has a table of its own |
//! | add a fault | `fault.rs` (what), `server.rs` (how it reaches the wire) |
//! | ask what really happened | `ledger.rs` |
//! | change the orders of a rehearsal | `seed/` |

mod business_one;
mod clock;
pub mod derived;
mod fault;
mod ledger;
mod money;
mod sandbox;
pub mod seed;
mod server;
mod shopware;
mod text;
mod wire;

pub use business_one::{Erp, ErpConfig, ErpSeed, ItemSeed, UserField};
pub use fault::{Fault, FaultRule, Faults, RandomFaults};
pub use ledger::{Duplicate, Effect, EffectKind, Ledger, RequestEntry, WholeRequest};
pub use sandbox::{Sandbox, SandboxConfig};
pub use server::StartError;
pub use shopware::{Shop, ShopConfig};
