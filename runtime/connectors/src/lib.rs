//! REST and OData drivers driven by manifests
