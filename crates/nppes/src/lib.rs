//! The two doors of the NPPES registry: its read API and its files.
