//! Coverage, flows and manifests: what is told of a faulty project, and what a sound one becomes.

#[cfg(test)]
mod coverage;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod lowering;
#[cfg(test)]
mod project;
#[cfg(test)]
mod reference;
