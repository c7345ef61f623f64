//! Flows, delivery, store, retries, alerts
