//! The whole server, on both engines: every answer is held against the API's description.

mod access;
mod contract;
mod events;
mod files;
mod flow;
mod imports;
mod operations;
mod problems;
mod searches;
mod world;
