//! The real binary, from outside: its commands, their output and exit codes, and what becomes of
//! a sync when processes are killed. Where a database matters, each test runs on both engines.

mod world;

mod access;
mod demo;
mod exits;
mod fleet;
mod generate;
mod help;
mod kill;
mod leads;
mod logs;
mod search;
mod serve;
mod settings;
