//! The registry's read API and the NUCC's file, against real answers and a faulty server.

mod answers;
mod client;
mod fixtures;
mod nucc;
mod pulls;
mod records;
mod rendering;
