//! `rehearse`: the whole integration against its systems, played on this machine, on a rough day, with proof at the end.
//!
//! In: a scene, how many orders, and where the dice start. Out: a story with numbers, and an exit status that is 0 only if what stands
//! in the played systems is what the specs say, record by record and to the cent.

mod audit;
mod holes;
mod inbox;
mod play;
mod report;
mod scene;
mod stage;

pub(crate) use play::play;
