//! The Rust that the shipped integration is compiled to, as a newcomer reads it. A change of the generator shows here.

#![allow(clippy::expect_used, reason = "a test, its helpers included, fails by panicking")]

use mapwright_tests::integration;

/// Where the functions end and the plan, which is data, begins.
const PLAN: &str = "/// The plan: what the runtime knows of the project.";

fn emitted() -> String {
    let loaded = mapwright_project::load(&integration()).expect("the shipped project can be read");
    let (model, _) = mapwright_model::check(&loaded.project);
    mapwright_codegen::emit(&model, &loaded.project.files)
}

#[test]
fn the_shipped_mappings_read_well() {
    let code = emitted();
    let (functions, plan) = code.split_once(PLAN).expect("the functions stand before the plan");
    insta::assert_snapshot!("functions", functions);
    let (plan, _) = plan.split_once("/// The connector manifest of").expect("the manifests stand last");
    let flows = plan.find("flows: &[").and_then(|at| plan.get(at..)).expect("the plan has flows");
    let flows = flows.split_once("\n};").map_or(flows, |(flows, _)| flows);
    insta::assert_snapshot!("flows", flows);
}

#[test]
fn the_same_specs_give_the_same_bytes() {
    assert_eq!(emitted(), emitted());
}
