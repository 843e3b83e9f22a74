//! The command `canvass`.

fn main() {}
