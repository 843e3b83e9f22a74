use std::fmt::Write as _;

use askama::Template;
use canvass_model::{Facet, ProviderFilter};
use canvass_nppes::geo::Places;
use canvass_nppes::geo::albers::on_the_map;
use canvass_nppes::geo::outlines::{Area, HEIGHT, WIDTH, outline, outlines};

use super::results::{Asked, Shown};
use super::shades::Shades;
use crate::format::{counted, number};
use crate::geography::{STATES, state_name};
use crate::ui::{Link, Segments};

/// Rows of the table beside the map.
const ROWS: usize = 20;
/// Circles that lead somewhere; what is smaller is a dot.
const CIRCLES: usize = 60;
/// The largest circle's radius, and the smallest's, as parts of the width of the picture.
const RADII: (f64, f64) = (0.028, 0.004);
/// Places side by side on which a dot may stand.
const DOTS: f64 = 300.0;
/// Margin around chosen states, as a part of their larger side.
const MARGIN: f64 = 0.06;

/// How many providers of a search are where.
#[derive(Clone, Debug)]
pub enum Regions {
    /// By two-letter state.
    States(Vec<Facet>),
    /// By state, and by the first three digits of the ZIP code.
    Zips(Vec<Facet>, Vec<Facet>),
}

impl Regions {
    /// Whether a map of this search, shown like this, is one of ZIP codes: where it is so chosen, and
    /// where the picture is one of some states only.
    pub fn by_zip(filter: &ProviderFilter, shown: Shown) -> bool {
        shown == Shown::Zips || cut_out(filter).is_some()
    }
}

/// The part of the map that has the chosen states; nothing when there are none to be seen.
fn cut_out(filter: &ProviderFilter) -> Option<Area> {
    let chosen = filter.state.iter().filter_map(|state| outline(state));
    let area = chosen.map(|o| o.area).reduce(Area::with)?;
    let margin = MARGIN * area.width().max(area.height());
    let ratio = f64::from(WIDTH) / f64::from(HEIGHT);
    Some(area.grown(margin).shaped(ratio))
}

/// A state or the area of a ZIP code, with how many are there.
#[derive(Clone, Debug)]
struct Place {
    label: String,
    /// Where it is, when the label does not say it.
    beside: Option<String>,
    count: u64,
    /// The search in it; absent where it would find what this one does.
    href: Option<String>,
    shade: usize,
}

impl Place {
    fn number(&self) -> String {
        number(self.count)
    }

    fn words(&self) -> String {
        let count = counted(self.count, "provider", "providers");
        match &self.beside {
            Some(beside) => format!("ZIP {}, {beside}: {count}", self.label),
            None => format!("{}: {count}", self.label),
        }
    }
}

/// A state as it is drawn.
#[derive(Clone, Debug)]
struct Shape {
    place: Place,
    path: &'static str,
}

/// An area of ZIP codes as it is drawn.
#[derive(Clone, Debug)]
struct Circle {
    place: Place,
    at: (String, String),
    radius: String,
}

/// Small areas of ZIP codes, as one path.
#[derive(Clone, Debug)]
struct Dots {
    path: String,
    /// Units of the map to one of the path.
    step: i32,
}

/// Where the providers of a search are, as a picture and as a table.
#[derive(Clone, Debug, Template)]
#[template(path = "providers/map.html")]
pub struct ResultMap {
    area: Area,
    /// States of which nothing is told, as one path.
    rest: String,
    shapes: Vec<Shape>,
    circles: Vec<Circle>,
    /// Circles that would be too small to hit.
    dots: Dots,
    /// What the map has no room for.
    elsewhere: Vec<Place>,
    legend: Vec<(usize, String)>,
    /// States or ZIP codes, where both can be shown.
    kinds: Option<Segments>,
    table: Vec<Place>,
    /// How many regions there are in all.
    regions: usize,
    by_zip: bool,
}

impl ResultMap {
    /// The map of a search.
    pub fn new(asked: Asked<'_>, regions: &Regions) -> Self {
        let cut_out = cut_out(asked.filter);
        let area = cut_out.unwrap_or_else(Area::whole);
        let (states, zips) = match regions {
            Regions::States(states) => (states, None),
            Regions::Zips(states, zips) => (states, Some(zips)),
        };
        let wanted = &asked.filter.state;
        let told: Vec<&Facet> = states
            .iter()
            .filter(|f| wanted.is_empty() || wanted.contains(&f.value))
            .collect();
        let shades = Shades::new(told.iter().map(|f| f.count));
        let places: Vec<(&str, Place)> = told
            .iter()
            .map(|f| (f.value.as_str(), state_place(asked, f, &shades)))
            .collect();
        let by_zip = zips.is_some();
        let draws = |state: &str| {
            let of_country = by_zip && cut_out.is_none();
            let place = places.iter().find(|(of, _)| *of == state && !of_country);
            place.map(|(_, place)| place.clone())
        };
        let (mut rest, mut shapes) = (String::new(), Vec::new());
        for o in outlines().iter().filter(|o| o.area.meets(area)) {
            match draws(o.state) {
                Some(place) => shapes.push(Shape {
                    place,
                    path: o.path,
                }),
                None => rest.push_str(o.path),
            }
        }
        let zips = zips.map(|zips| zip_places(asked, zips)).unwrap_or_default();
        let (circles, dots) = circles(&zips, area);
        let mut table: Vec<Place> = if by_zip {
            zips.into_iter().map(|(_, place)| place).collect()
        } else {
            places.iter().map(|(_, place)| place.clone()).collect()
        };
        let regions = table.len();
        table.truncate(ROWS);
        Self {
            area,
            rest,
            shapes,
            circles,
            dots,
            elsewhere: if by_zip {
                Vec::new()
            } else {
                elsewhere(&places)
            },
            legend: if by_zip { Vec::new() } else { shades.legend() },
            kinds: cut_out.is_none().then(|| kinds(asked)),
            table,
            regions,
            by_zip,
        }
    }

    fn view_box(&self) -> String {
        let a = self.area;
        format!(
            "{:.1} {:.1} {:.1} {:.1}",
            a.left,
            a.top,
            a.width(),
            a.height()
        )
    }

    fn title(&self) -> &'static str {
        if self.by_zip {
            "Map of the providers by ZIP area"
        } else {
            "Map of the providers by state"
        }
    }

    /// What the size of a circle means.
    fn scale(&self) -> Option<String> {
        let largest = self.circles.first()?;
        let count = counted(largest.place.count, "provider", "providers");
        let dots = if self.dots.path.is_empty() {
            ""
        } else {
            " A dot has no more than any circle."
        };
        Some(format!(
            "A circle is an area of ZIP codes with the same first three digits, as large as its count. \
             The largest has {count}.{dots}"
        ))
    }

    /// What the table leaves out.
    fn of_all(&self) -> Option<String> {
        let what = if self.by_zip { "ZIP areas" } else { "states" };
        let more = self.regions > self.table.len();
        more.then(|| format!("The {ROWS} largest of {} {what}.", self.regions))
    }
}

/// The two maps of the whole country.
fn kinds(asked: Asked<'_>) -> Segments {
    let kinds = [(Shown::Map, "States"), (Shown::Zips, "ZIP areas")];
    Segments {
        label: "Regions of the map",
        links: kinds
            .map(|(shown, label)| {
                let link = Link::new(label, Asked { shown, ..asked }.address().with(|_| {}));
                (link, shown == asked.shown)
            })
            .into(),
        target: "results",
    }
}

fn state_place(asked: Asked<'_>, facet: &Facet, shades: &Shades) -> Place {
    let state = facet.value.as_str();
    // A territory has no map of its own.
    let shown = outline(state).map_or(Shown::Table, |_| Shown::Map);
    let address = Asked { shown, ..asked }.address();
    let is_all = asked.filter.state.as_slice() == [state];
    Place {
        label: state_name(state).to_owned(),
        beside: None,
        count: facet.count,
        href: (!is_all && facet.count > 0).then(|| address.narrowed(&[("state", state)])),
        shade: shades.of(facet.count),
    }
}

/// Each area of ZIP codes that a search may be narrowed to, by its digits.
fn zip_places(asked: Asked<'_>, zips: &[Facet]) -> Vec<(String, Place)> {
    let shown = Shown::Table;
    let address = Asked { shown, ..asked }.address();
    let code = asked.filter.postal_code.as_deref().unwrap_or_default();
    let known = Places::bundled();
    zips.iter()
        .filter(|f| f.value.starts_with(code) || code.starts_with(f.value.as_str()))
        .map(|f| {
            let area = known.area(&f.value);
            let narrows = f.value.len() > code.len();
            let place = Place {
                label: format!("{}…", f.value),
                beside: area.map(|area| format!("{}, {}", area.city, area.state)),
                count: f.count,
                href: narrows.then(|| address.narrowed(&[("postal_code", &f.value)])),
                shade: 0,
            };
            (f.value.clone(), place)
        })
        .collect()
}

/// The circles of this part of the map, the largest first so that small ones lie on top, and what is
/// left over as dots.
#[expect(
    clippy::cast_precision_loss,
    reason = "a count of providers has less than 53 bits"
)]
fn circles(zips: &[(String, Place)], area: Area) -> (Vec<Circle>, Dots) {
    let known = Places::bundled();
    let mut inside: Vec<(&Place, (f64, f64))> = zips
        .iter()
        .filter_map(|(digits, place)| {
            let of = known.area(digits)?;
            let at = on_the_map(of.state, of.lat, of.lon)?;
            area.holds(at).then_some((place, at))
        })
        .collect();
    inside.sort_by_key(|(place, _)| std::cmp::Reverse(place.count));
    let most = inside.first().map_or(1, |(place, _)| place.count).max(1);
    let small = inside.get(CIRCLES..).unwrap_or_default();
    let dots = dots(small.iter().map(|(_, at)| *at), area);
    // A unit is less than a pixel on the whole map, and several on that of a small state.
    let decimals = usize::from(area.width() < 1_000.0);
    let written = |v: f64| format!("{v:.decimals$}");
    let circles = inside.iter().take(CIRCLES).map(|(place, at)| {
        let part = (place.count as f64 / most as f64).sqrt();
        Circle {
            place: (*place).clone(),
            at: (written(at.0), written(at.1)),
            radius: written(area.width() * (RADII.0 * part).max(RADII.1)),
        }
    });
    (circles.collect(), dots)
}

/// A dot at each of these points, in steps from one to the next, which are short to write.
#[expect(clippy::cast_possible_truncation, reason = "the map has 3,900 units")]
fn dots(points: impl Iterator<Item = (f64, f64)>, area: Area) -> Dots {
    let step = (area.width() / DOTS).floor().max(1.0);
    let on_grid = |v: f64| (v / step).round() as i32;
    let mut points: Vec<(i32, i32)> = points.map(|(x, y)| (on_grid(x), on_grid(y))).collect();
    points.sort_unstable_by_key(|(x, y)| (x / 20, *y));
    points.dedup();
    let mut path = String::new();
    let mut from = (0, 0);
    for (x, y) in points {
        // Writing to a String cannot fail.
        let _ = write!(path, "m{} {}h0", x - from.0, y - from.1);
        from = (x, y);
    }
    Dots {
        path,
        step: step as i32,
    }
}

/// Territories and military post, and whatever else has no outline but providers.
fn elsewhere(places: &[(&str, Place)]) -> Vec<Place> {
    let none = |(code, name): &(&str, &str)| {
        let known = outline(code).is_some() || places.iter().any(|(of, _)| of == code);
        (!known).then(|| Place {
            label: (*name).to_owned(),
            beside: None,
            count: 0,
            href: None,
            shade: 0,
        })
    };
    let some = places.iter().filter(|(of, _)| outline(of).is_none());
    some.map(|(_, place)| place.clone())
        .chain(STATES.iter().filter_map(none))
        .collect()
}

crate::ui::shown_as_html!(ResultMap);

#[cfg(test)]
mod tests {
    use canvass_model::{PageRequest, ProviderSort};

    use super::*;

    fn facets(values: &[(&str, u64)]) -> Vec<Facet> {
        let facet = |(value, count): &(&str, u64)| Facet {
            value: (*value).to_owned(),
            count: *count,
        };
        values.iter().map(facet).collect()
    }

    fn map(pairs: &[(&str, &str)], shown: Shown, regions: &Regions) -> ResultMap {
        let mut filter = ProviderFilter::default();
        for (name, value) in pairs {
            filter.set(name, value).unwrap();
        }
        let asked = Asked {
            filter: &filter,
            sort: ProviderSort::Name,
            page: &PageRequest::first(PageRequest::DEFAULT_LIMIT),
            shown,
            columns: &super::super::Columns::default(),
        };
        ResultMap::new(asked, regions)
    }

    fn links(map: &ResultMap) -> Vec<(String, Option<&str>)> {
        let places = map.table.iter();
        places.map(|p| (p.words(), p.href.as_deref())).collect()
    }

    #[test]
    fn a_state_leads_to_its_own_map_and_a_territory_to_its_list() {
        let states = facets(&[("CA", 1_204), ("NV", 31), ("PR", 1)]);
        let map = map(&[("q", "smith")], Shown::Map, &Regions::States(states));
        assert_eq!(
            links(&map),
            [
                (
                    "California: 1,204 providers".to_owned(),
                    Some("/providers?q=smith&view=map&state=CA")
                ),
                (
                    "Nevada: 31 providers".to_owned(),
                    Some("/providers?q=smith&view=map&state=NV")
                ),
                (
                    "Puerto Rico: 1 provider".to_owned(),
                    Some("/providers?q=smith&state=PR")
                ),
            ]
        );
        assert_eq!(map.shapes.len(), 2);
        assert_eq!(map.rest.matches('z').count(), {
            let rest = outlines()
                .iter()
                .filter(|o| !["CA", "NV"].contains(&o.state));
            rest.map(|o| o.path.matches('z').count()).sum::<usize>()
        });
        let squares: Vec<u64> = map.elsewhere.iter().map(|p| p.count).collect();
        assert_eq!(squares, [1, 0, 0, 0, 0, 0, 0, 0]);
        assert!(map.kinds.is_some() && map.circles.is_empty());
    }

    #[test]
    fn chosen_states_are_cut_out_with_their_zip_areas() {
        let regions = Regions::Zips(
            facets(&[("CA", 90), ("NV", 4)]),
            facets(&[("937", 60), ("900", 29), ("891", 4), ("100", 1), ("X0X", 1)]),
        );
        let map = map(&[("state", "CA")], Shown::Map, &regions);
        let whole = Area::whole();
        assert!(map.area.width() < whole.width() / 2.0);
        let ratio = map.area.width() / map.area.height();
        assert!((ratio - whole.width() / whole.height()).abs() < 0.001);
        let shown: Vec<String> = map.shapes.iter().map(|s| s.place.words()).collect();
        assert_eq!(shown, ["California: 90 providers"]);
        assert_eq!(map.shapes[0].place.href, None, "it is what is shown");
        // New York is off the sheet, and what is no ZIP code is nowhere.
        let circles: Vec<String> = map.circles.iter().map(|c| c.place.words()).collect();
        assert_eq!(
            circles,
            [
                "ZIP 937…, Fresno, CA: 60 providers",
                "ZIP 900…, Los Angeles, CA: 29 providers",
                "ZIP 891…, Las Vegas, NV: 4 providers",
            ]
        );
        let radius = |i: usize| map.circles[i].radius.parse::<f64>().unwrap();
        let times = radius(0) / radius(1);
        assert!((times * times - 60.0 / 29.0).abs() < 0.1, "area by count");
        assert_eq!(
            links(&map)[0].1,
            Some("/providers?state=CA&postal_code=937")
        );
        assert_eq!(map.table.len(), 5);
        assert!(map.kinds.is_none());
    }

    #[test]
    fn what_is_narrow_already_leads_nowhere_wider() {
        let regions = Regions::Zips(facets(&[("CA", 9)]), facets(&[("937", 9), ("891", 1)]));
        let pairs = [("state", "CA"), ("postal_code", "93701")];
        let shown = map(&pairs, Shown::Map, &regions);
        assert_eq!(
            links(&shown),
            [("ZIP 937…, Fresno, CA: 9 providers".to_owned(), None)]
        );
        let pairs = [("state", "CA"), ("state", "NV")];
        let shown = map(&pairs, Shown::Map, &regions);
        assert_eq!(
            shown.shapes[0].place.href.as_deref(),
            Some("/providers?view=map&state=CA")
        );
    }

    #[test]
    fn the_small_areas_of_the_country_are_dots() {
        let zips: Vec<Facet> = (100..999)
            .map(|n| Facet {
                value: n.to_string(),
                count: 2_000 - n,
            })
            .collect();
        let shown = map(&[], Shown::Zips, &Regions::Zips(Vec::new(), zips));
        assert_eq!(shown.circles.len(), CIRCLES);
        assert!(shown.dots.path.matches('m').count() > 500);
        assert!(shown.of_all().unwrap().starts_with("The 20 largest of 899"));
        assert!(shown.shapes.is_empty());
        assert!(shown.to_string().len() < 50_000);
    }
}
