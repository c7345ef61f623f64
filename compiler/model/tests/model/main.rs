//! The checker on small projects: what is told of a faulty spec, and what a sound one becomes.

#[cfg(test)]
mod faults;
#[cfg(test)]
mod lowering;
#[cfg(test)]
mod project;
