//! Statements that fail because a test says so. Without the feature `faults` nothing is left of it.

use crate::Error;

/// How a statement fails that is made to.
#[cfg(feature = "faults")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failing {
    /// It is not run.
    Refused,
    /// It is run, and its answer is lost.
    AnswerLost,
}

/// The count of the statements of a store, and which of them is to fail.
#[derive(Clone, Default)]
pub(crate) struct Faults {
    #[cfg(feature = "faults")]
    inner: std::sync::Arc<std::sync::Mutex<Inner>>,
}

#[cfg(feature = "faults")]
#[derive(Default)]
struct Inner {
    ran: u64,
    fails: Option<(u64, Failing)>,
    failed: bool,
}

/// What becomes of the answer of one statement.
#[must_use]
pub(crate) struct Fate {
    #[cfg(feature = "faults")]
    lost: bool,
}

#[cfg(feature = "faults")]
impl Faults {
    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(crate) fn fail(&self, fails: Option<(u64, Failing)>) {
        *self.inner() = Inner {
            fails,
            ..Inner::default()
        };
    }

    pub(crate) fn ran(&self) -> u64 {
        self.inner().ran
    }

    pub(crate) fn failed(&self) -> bool {
        self.inner().failed
    }

    /// Counts a statement that is about to run; fails when it is to be refused.
    pub(crate) fn next(&self) -> Result<Fate, Error> {
        let mut inner = self.inner();
        inner.ran += 1;
        let fails = inner.fails.filter(|(n, _)| *n == inner.ran);
        inner.failed |= fails.is_some();
        match fails {
            Some((_, Failing::Refused)) => Err(injected()),
            Some((_, Failing::AnswerLost)) => Ok(Fate { lost: true }),
            None => Ok(Fate { lost: false }),
        }
    }
}

#[cfg(feature = "faults")]
impl Fate {
    pub(crate) fn of<T>(self, answer: Result<T, Error>) -> Result<T, Error> {
        if self.lost { Err(injected()) } else { answer }
    }
}

#[cfg(feature = "faults")]
fn injected() -> Error {
    Error::Statement("this statement was made to fail".into())
}

#[cfg(not(feature = "faults"))]
impl Faults {
    #[expect(clippy::unused_self, reason = "there is something with the feature")]
    #[expect(clippy::unnecessary_wraps, reason = "it fails with the feature")]
    pub(crate) fn next(&self) -> Result<Fate, Error> {
        Ok(Fate {})
    }
}

#[cfg(not(feature = "faults"))]
impl Fate {
    #[expect(clippy::unused_self, reason = "there is something with the feature")]
    pub(crate) fn of<T>(self, answer: Result<T, Error>) -> Result<T, Error> {
        answer
    }
}

#[cfg(feature = "faults")]
impl crate::Store {
    /// Makes the `n`-th statement from now on fail, counted from 1 over everything that this store
    /// and its clones do: queries, the statements of transactions, their beginnings and commits.
    pub fn fail_statement(&self, n: u64, failing: Failing) {
        self.faults().fail(Some((n, failing)));
    }

    /// Lets all statements run again, and counts them anew.
    pub fn fail_no_statement(&self) {
        self.faults().fail(None);
    }

    /// How many statements ran, or failed, since one of the two was last called.
    pub fn statements(&self) -> u64 {
        self.faults().ran()
    }

    /// Whether the statement that was to fail has.
    pub fn statement_failed(&self) -> bool {
        self.faults().failed()
    }

    fn faults(&self) -> &Faults {
        match &self.backend {
            crate::Backend::Sqlite(sqlite) => sqlite.faults(),
            crate::Backend::Postgres(postgres) => postgres.faults(),
        }
    }
}
