//! The database of canvass: one interface, SQLite and PostgreSQL.
