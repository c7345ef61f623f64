//! Compiles the specs beside it; a fault in them is a compile error.

fn main() {
    mapwright_codegen::build::compile(".");
}
