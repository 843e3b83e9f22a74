//! Checks that rustc can't make, generated data, benches of the whole pipeline.

fn main() {}
