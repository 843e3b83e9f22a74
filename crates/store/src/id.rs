use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use uuid::{ContextV7, Uuid};

/// A new identifier: a UUID of version 7, whose order as text is that of the times, and within
/// one time that in which this process made them.
pub fn new_id(now: Timestamp) -> String {
    static ORDER: Mutex<Option<ContextV7>> = Mutex::new(None);
    let mut order = ORDER.lock().unwrap_or_else(PoisonError::into_inner);
    let order = order.get_or_insert_with(ContextV7::new);
    let seconds = u64::try_from(now.as_second()).unwrap_or(0);
    let nanos = u32::try_from(now.subsec_nanosecond()).unwrap_or(0);
    Uuid::new_v7(uuid::Timestamp::from_unix(&*order, seconds, nanos)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_of_one_moment_are_in_the_order_they_were_made() {
        let now: Timestamp = "2026-11-24T12:00:00.123456Z".parse().unwrap();
        let made: Vec<String> = (0..200).map(|_| new_id(now)).collect();
        assert!(made.is_sorted() && made[0] != made[199]);
    }
}
