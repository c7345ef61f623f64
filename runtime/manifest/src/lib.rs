//! Connector manifests: YAML to checked data
