//! The real binary, from outside: its commands, their output and exit codes, and what becomes of
//! a sync when processes are killed. Where a database matters, each test runs on both engines.

mod world;

mod fleet;
mod kill;
