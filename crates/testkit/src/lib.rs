//! What the tests of several crates share: a throwaway PostgreSQL, a faulty registry on loopback.
