//! Reads a project folder: specs, catalogues, manifests, cases
