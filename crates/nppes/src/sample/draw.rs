//! Random draws of one provider, and weighted choices.

use std::ops::Range;

/// The SplitMix64 sequence (Steele, Lea, Flood: "Fast splittable pseudorandom number generators").
///
/// Written out here so that the sample of a seed stays the same whatever a crate of random numbers
/// changes, and because a generator per provider must cost next to nothing to start.
#[derive(Clone, Debug)]
pub(super) struct Draw(u64);

impl Draw {
    /// The draws of the `index`th provider of a seed.
    pub(super) fn new(seed: u64, index: u64) -> Self {
        let mut first = Self(seed);
        let seeded = first.next();
        let mut second = Self(seeded ^ index.wrapping_mul(0xd1b5_4a32_d192_ed03));
        Self(second.next())
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, which is below 2^32. Zero when `end` is.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        ((self.next() >> 32) * end) >> 32
    }

    pub(super) fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap_or(0)
    }

    pub(super) fn between(&mut self, range: Range<u64>) -> u64 {
        range.start + self.below(range.end - range.start)
    }

    /// True in `parts` of a thousand cases.
    pub(super) fn permille(&mut self, parts: u64) -> bool {
        self.below(1000) < parts
    }

    pub(super) fn one_of<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.index(items.len())]
    }

    /// `count` random digits at the end of a text.
    pub(super) fn digits(&mut self, text: &mut String, count: usize) {
        let mut bits = self.next();
        for _ in 0..count {
            // A digit from the high bits of each step; the bias is of no matter here.
            text.push(char::from(
                b'0' + u8::try_from((bits >> 60) * 10 / 16).unwrap_or(0),
            ));
            bits = bits.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        }
    }
}

/// A choice by weight.
#[derive(Clone, Debug)]
pub(super) struct Weighted<T> {
    items: Vec<T>,
    /// Sum of the weights up to and with each item.
    sums: Vec<u32>,
}

impl<T: Copy> Weighted<T> {
    pub(super) fn new(weighed: impl IntoIterator<Item = (T, u32)>) -> Self {
        let mut sum = 0;
        let (items, sums) = weighed
            .into_iter()
            .filter(|(_, weight)| *weight > 0)
            .map(|(item, weight)| {
                sum += weight;
                (item, sum)
            })
            .unzip();
        Self { items, sums }
    }

    /// Items of falling frequency, as names are: the weight of the nth is 1 / (n + `flatness`).
    pub(super) fn falling(items: impl IntoIterator<Item = T>, flatness: u32) -> Self {
        Self::new(
            (flatness..)
                .zip(items)
                .map(|(n, item)| (item, 1_000_000 / n)),
        )
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    #[cfg(test)]
    pub(super) fn items(&self) -> &[T] {
        &self.items
    }

    pub(super) fn pick(&self, draw: &mut Draw) -> T {
        let total = self.sums.last().copied().unwrap_or(0);
        let at = draw.below(u64::from(total));
        let i = self.sums.partition_point(|&sum| u64::from(sum) <= at);
        self.items[i]
    }
}
