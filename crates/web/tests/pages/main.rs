//! The pages as browsers use them: the whole router over a database of its own, forms with the
//! values that a page gave them, cookies kept.

mod access;
mod account;
mod escapes;
mod files;
mod form;
mod imports;
mod leads;
mod lists;
mod map;
mod provider;
mod saved;
mod sync;
mod team;
mod world;
