use crate::format::number;

/// Five shades for counts: each has about as many of the places as every other, so that a few large
/// ones do not make all the rest look alike.
#[derive(Clone, Debug)]
pub(super) struct Shades {
    /// The counts of all places that have any, the smallest first.
    counts: Vec<u64>,
}

impl Shades {
    const STEPS: usize = 5;

    pub(super) fn new(counts: impl Iterator<Item = u64>) -> Self {
        let mut counts: Vec<u64> = counts.filter(|n| *n > 0).collect();
        counts.sort_unstable();
        Self { counts }
    }

    /// The shade of a count, from 1, the lightest, to 5; 0 for none. Equal counts are of one shade.
    pub(super) fn of(&self, count: u64) -> usize {
        if count == 0 || self.counts.is_empty() {
            return 0;
        }
        let larger = self.counts.len() - self.counts.partition_point(|n| *n <= count);
        Self::STEPS - larger * Self::STEPS / self.counts.len()
    }

    /// Each shade that is used, with the counts it stands for.
    pub(super) fn legend(&self) -> Vec<(usize, String)> {
        let mut legend: Vec<(usize, u64, u64)> = Vec::new();
        for count in &self.counts {
            let shade = self.of(*count);
            match legend.last_mut() {
                Some((of, _, most)) if *of == shade => *most = *count,
                _ => legend.push((shade, *count, *count)),
            }
        }
        let words = |(shade, least, most): (usize, u64, u64)| {
            let range = if least == most {
                number(least)
            } else {
                format!("{} to {}", number(least), number(most))
            };
            (shade, range)
        };
        legend.into_iter().map(words).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shade_has_as_many_places_as_every_other() {
        let shades = Shades::new((1..=50).map(|n| n * n));
        let mut used = [0; 6];
        for n in 1..=50 {
            used[shades.of(n * n)] += 1;
        }
        assert_eq!(used, [0, 10, 10, 10, 10, 10]);
        assert_eq!(shades.of(0), 0);
        assert_eq!(shades.legend()[0], (1, "1 to 100".to_owned()));
        assert_eq!(shades.legend()[4], (5, "1,681 to 2,500".to_owned()));
    }

    #[test]
    fn the_most_are_darkest_and_equal_ones_are_alike() {
        assert_eq!(Shades::new([7].into_iter()).of(7), 5);
        let alike = Shades::new([3, 3, 3, 3, 900, 0].into_iter());
        assert_eq!((alike.of(3), alike.of(900)), (4, 5));
        let words: Vec<String> = alike.legend().into_iter().map(|(_, words)| words).collect();
        assert_eq!(words, ["3", "900"]);
        assert!(Shades::new(std::iter::empty()).legend().is_empty());
    }
}
