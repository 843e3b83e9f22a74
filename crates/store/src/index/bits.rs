//! A set while it is filled. Numbers go into plain bits, whatever their order; a Roaring bitmap
//! would look each one's place up.

use roaring::RoaringBitmap;

/// A set of numbers of one range.
pub(super) struct Bits {
    base: u32,
    bytes: Vec<u8>,
}

impl Bits {
    /// An empty set of numbers from `from` up to, but not including, `to`.
    pub(super) fn new(from: u32, to: u32) -> Self {
        let base = from & !7;
        Self {
            base,
            bytes: vec![0; to.saturating_sub(base).div_ceil(8) as usize],
        }
    }

    /// Adds a number; one beyond the range is passed over.
    pub(super) fn insert(&mut self, number: u32) {
        let at = number.wrapping_sub(self.base);
        if let Some(byte) = self.bytes.get_mut((at / 8) as usize) {
            *byte |= 1 << (at % 8);
        }
    }

    /// The numbers of a set that are less than `to`.
    pub(super) fn of(set: &RoaringBitmap, to: u32) -> Self {
        let mut bits = Self::new(0, to);
        for number in set {
            bits.insert(number);
        }
        bits
    }

    /// Whether it has a number.
    pub(super) fn contains(&self, number: u32) -> bool {
        let at = number.wrapping_sub(self.base);
        let byte = self.bytes.get((at / 8) as usize);
        byte.is_some_and(|byte| byte >> (at % 8) & 1 == 1)
    }

    pub(super) fn into_set(self) -> RoaringBitmap {
        RoaringBitmap::from_lsb0_bytes(self.base, &self.bytes)
    }

    /// The set of these numbers.
    pub(super) fn collect(
        from: u32,
        to: u32,
        numbers: impl IntoIterator<Item = u32>,
    ) -> RoaringBitmap {
        let mut bits = Self::new(from, to);
        for number in numbers {
            bits.insert(number);
        }
        bits.into_set()
    }
}

/// Values that are looked at together: a processor compares several at once.
const GROUP: usize = 64;

/// Adds a bit for each of some values, the first the lowest: whether `is` holds for it. The last
/// byte may have bits of no value, which are 0.
pub(super) fn pack<T: Copy>(values: &[T], is: impl Fn(T) -> bool, bytes: &mut Vec<u8>) {
    let (groups, rest) = values.as_chunks::<GROUP>();
    for group in groups {
        let holds = group.map(|value| u8::from(is(value)));
        for eight in holds.as_chunks::<8>().0 {
            // Each byte is 0 or 1; the product brings them together in its highest byte.
            let byte = u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56;
            bytes.push(byte as u8);
        }
    }
    for eight in rest.chunks(8) {
        let bits = (0..).zip(eight).map(|(i, value)| u8::from(is(*value)) << i);
        bytes.push(bits.sum());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_set_has_what_was_put_in(from in 0u32..200_000, mut numbers in proptest::collection::vec(0u32..300_000, 0..200)) {
            for n in &mut numbers {
                *n += from;
            }
            let set = Bits::collect(from, from + 300_000, numbers.iter().copied());
            let bits = Bits::of(&set, from + 300_000);
            for n in from..from + 300 {
                prop_assert_eq!(bits.contains(n), set.contains(n));
            }
            prop_assert_eq!(set, numbers.into_iter().collect::<RoaringBitmap>());
        }

        #[test]
        fn a_bit_says_what_holds_for_its_value(values in proptest::collection::vec(0u8..4, 0..300)) {
            let mut bytes = vec![];
            pack(&values, |value| value == 2, &mut bytes);
            prop_assert_eq!(bytes.len(), values.len().div_ceil(8));
            let twos = (0u32..).zip(&values).filter(|(_, value)| **value == 2).map(|(i, _)| i);
            prop_assert_eq!(RoaringBitmap::from_lsb0_bytes(0, &bytes), twos.collect::<RoaringBitmap>());
        }
    }
}
