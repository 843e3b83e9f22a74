//! The sample registry: generated providers, fictional people at real places.
