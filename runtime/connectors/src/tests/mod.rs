//! Connections against small servers on the loopback that answer what a script says, byte by byte.

mod alerts;
mod central;
mod erp;
mod faults;
mod samples;
mod sandbox;
mod server;
mod shop;
mod systems;
mod x3;
