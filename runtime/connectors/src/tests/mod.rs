//! Connections against small servers on the loopback that answer what a script says, byte by byte.

mod alerts;
mod central;
mod erp;
mod faults;
mod hooks;
mod magento;
mod rotation;
mod sandbox;
mod server;
mod shop;
mod shopify;
mod surprises;
mod systems;
mod transport;
mod woo;
mod x3;
