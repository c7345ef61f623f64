//! Simulated endpoints with a ledger and faults on demand
