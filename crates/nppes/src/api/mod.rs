//! The registry's read API, version 2.1.
