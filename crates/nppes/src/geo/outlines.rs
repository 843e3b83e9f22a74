//! The outlines of the fifty states and the District of Columbia, as they are drawn.
//!
//! The data and its credits (US Census Bureau; us-atlas) are under `data/geo`.

use std::sync::LazyLock;

const OUTLINES: &str = include_str!("../../../../data/geo/us_states_outlines.csv");

/// Width of the whole map in its units, four to a pixel of the original.
pub const WIDTH: u16 = 3_900;
/// Height of the whole map.
pub const HEIGHT: u16 = 2_440;

static ALL: LazyLock<Vec<Outline>> = LazyLock::new(|| {
    let lines = OUTLINES.lines().skip(1);
    lines.filter_map(outline_of).collect()
});

/// A rectangle of the map, in its units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Area {
    /// Left edge.
    pub left: f64,
    /// Upper edge.
    pub top: f64,
    /// Right edge.
    pub right: f64,
    /// Lower edge.
    pub bottom: f64,
}

impl Area {
    /// The whole map.
    pub fn whole() -> Self {
        Self {
            left: 0.0,
            top: 0.0,
            right: WIDTH.into(),
            bottom: HEIGHT.into(),
        }
    }

    /// From edge to edge.
    pub fn width(self) -> f64 {
        self.right - self.left
    }

    /// From the upper edge to the lower.
    pub fn height(self) -> f64 {
        self.bottom - self.top
    }

    /// The smallest rectangle around both.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
        }
    }

    /// The rectangle with a margin of so many units.
    #[must_use]
    pub fn grown(self, by: f64) -> Self {
        Self {
            left: self.left - by,
            top: self.top - by,
            right: self.right + by,
            bottom: self.bottom + by,
        }
    }

    /// The rectangle made wider or higher, its middle kept, until it is so many times as wide as it
    /// is high.
    #[must_use]
    pub fn shaped(self, ratio: f64) -> Self {
        let (width, height) = (self.width(), self.height());
        let (more_x, more_y) = if width < height * ratio {
            ((height * ratio - width) / 2.0, 0.0)
        } else {
            (0.0, (width / ratio - height) / 2.0)
        };
        Self {
            left: self.left - more_x,
            top: self.top - more_y,
            right: self.right + more_x,
            bottom: self.bottom + more_y,
        }
    }

    /// Whether a point is inside.
    pub fn holds(self, (x, y): (f64, f64)) -> bool {
        (self.left..=self.right).contains(&x) && (self.top..=self.bottom).contains(&y)
    }

    /// Whether the two have anything in common.
    pub fn meets(self, other: Self) -> bool {
        self.left <= other.right
            && other.left <= self.right
            && self.top <= other.bottom
            && other.top <= self.bottom
    }
}

/// A state as it is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outline {
    /// Two letters.
    pub state: &'static str,
    /// Its lines, as the data of an SVG path.
    pub path: &'static str,
    /// The rectangle around it.
    pub area: Area,
}

/// All outlines, by state.
pub fn outlines() -> &'static [Outline] {
    &ALL
}

/// The outline of a state by its two letters; territories have none.
pub fn outline(state: &str) -> Option<&'static Outline> {
    let i = ALL.binary_search_by_key(&state, |o| o.state).ok()?;
    ALL.get(i)
}

fn outline_of(line: &'static str) -> Option<Outline> {
    let (state, path) = line.split_once(',')?;
    let area = points(path)
        .map(|(x, y)| Area {
            left: x,
            top: y,
            right: x,
            bottom: y,
        })
        .reduce(Area::with)?;
    Some(Outline { state, path, area })
}

/// The points of a path, which says `M` and `l` only: where a ring begins, and steps from there.
fn points(path: &str) -> impl Iterator<Item = (f64, f64)> {
    path.split('M').skip(1).flat_map(|ring| {
        let mut at = (0.0, 0.0);
        let mut numbers = numbers(ring);
        std::iter::from_fn(move || {
            let (x, y) = (numbers.next()?, numbers.next()?);
            at = (at.0 + x, at.1 + y);
            Some(at)
        })
    })
}

/// Numbers as a path writes them: a sign parts two of them as well as a blank or a letter does.
fn numbers(text: &str) -> impl Iterator<Item = f64> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let begin = rest.find(|c: char| c.is_ascii_digit() || c == '-')?;
        let from = &rest[begin..];
        let digits = from[1..].find(|c: char| !c.is_ascii_digit());
        let (number, after) = from.split_at(digits.map_or(from.len(), |at| at + 1));
        rest = after;
        number.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::Places;

    #[test]
    fn the_fifty_states_and_the_district_have_an_outline_each() {
        assert_eq!(outlines().len(), 51);
        assert_eq!(OUTLINES.lines().count(), 52);
        assert!(outlines().is_sorted_by_key(|o| o.state));
        for o in outlines() {
            assert!(Places::bundled().state_name(o.state).is_some());
            let whole = Area::whole();
            let inside = whole.holds((o.area.left, o.area.top))
                && whole.holds((o.area.right, o.area.bottom));
            assert!(inside, "{}: {:?}", o.state, o.area);
            let plain = |c: char| c.is_ascii_digit() || "Mlz- ".contains(c);
            assert!(o.path.chars().all(plain), "{}", o.state);
        }
        assert!(outline("CA").is_some() && outline("PR").is_none() && outline("").is_none());
    }

    #[test]
    fn a_path_is_walked_from_the_beginning_of_each_ring() {
        let found: Vec<_> = points("M10 20l5-5-5 0zM1 2l3 4z").collect();
        let expected = [(10., 20.), (15., 15.), (10., 15.), (1., 2.), (4., 6.)];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_state_is_where_it_is() {
        let area = |state| outline(state).unwrap().area;
        assert!(area("CA").right < area("NY").left);
        assert!(area("WA").bottom < area("AZ").top);
        assert!(area("NV").meets(area("CA")) && !area("FL").meets(area("CA")));
    }

    #[test]
    fn a_rectangle_is_shaped_around_its_middle() {
        let tall = Area {
            left: 10.0,
            top: 0.0,
            right: 20.0,
            bottom: 40.0,
        };
        let shaped = tall.shaped(2.0);
        assert_eq!((shaped.left, shaped.right), (-25.0, 55.0));
        assert_eq!((shaped.top, shaped.bottom), (0.0, 40.0));
        let wide = shaped.shaped(1.0);
        assert_eq!((wide.top, wide.bottom), (-20.0, 60.0));
    }
}
