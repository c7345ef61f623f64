//! Values, functions and the contract of generated code: pure, no I/O
