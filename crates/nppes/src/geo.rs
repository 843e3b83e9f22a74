//! ZIP codes, cities and states of the United States.
//!
//! The data and its credits (US Census Bureau; GeoNames, geonames.org) are under `data/geo`.

pub mod albers;
pub mod outlines;

use std::{
    collections::{BTreeMap, HashMap},
    ops::RangeInclusive,
    sync::LazyLock,
};

use canvass_model::{State, fold_ascii, usual_city};

const ZIP_CODES: &str = include_str!("../../../data/geo/zip_codes.csv");

static BUNDLED: LazyLock<Places> = LazyLock::new(|| Places::parse(ZIP_CODES));

/// Five-digit ZIP codes of a state that the data does not list one by one: military post, of
/// which many ZIP codes have no point, and Micronesia (USPS Domestic Mail Manual, list L002).
const RANGES: &[(&str, RangeInclusive<u32>)] = &[
    ("AA", 34_000..=34_099),
    ("AE", 9_000..=9_899),
    ("AP", 96_200..=96_699),
    ("FM", 96_941..=96_944),
];

/// What a ZIP code delivers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ZipKind {
    /// An area.
    Standard,
    /// Post office boxes.
    PoBox,
    /// One organization or building.
    Unique,
    /// Military and diplomatic post.
    Military,
}

/// One ZIP code.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Five digits.
    pub zip: &'static str,
    /// City, in the case people write it: `Winston-Salem`.
    pub city: &'static str,
    /// Two-letter state.
    pub state: &'static str,
    /// County; empty for military post.
    pub county: &'static str,
    /// What it delivers to.
    pub kind: ZipKind,
    /// Latitude of its middle, degrees north.
    pub lat: f32,
    /// Longitude of its middle, degrees east, so negative in most of the country.
    pub lon: f32,
}

/// The ZIP codes with the same first three digits: those that one sorting centre of the post serves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ZipArea {
    /// Two-letter state of most of its ZIP codes.
    pub state: &'static str,
    /// City of most of its ZIP codes.
    pub city: &'static str,
    /// Latitude of its middle, the mean of its ZIP codes; degrees north.
    pub lat: f64,
    /// Longitude of its middle, degrees east.
    pub lon: f64,
}

/// All ZIP codes and states. Its texts stay where they are in the program; only the index, about
/// 3 MB, is built at the first use.
#[derive(Debug)]
pub struct Places {
    /// By ZIP code.
    places: Vec<Place>,
}

impl Places {
    /// The places that came with the program.
    pub fn bundled() -> &'static Self {
        &BUNDLED
    }

    fn parse(zip_codes: &'static str) -> Self {
        let mut places: Vec<Place> = Vec::with_capacity(zip_codes.len() / 60);
        places.extend(zip_codes.lines().skip(1).filter_map(place_of));
        places.sort_unstable_by_key(|p| p.zip);
        Self { places }
    }

    /// All places, by ZIP code.
    pub fn all(&self) -> &[Place] {
        &self.places
    }

    /// The place of a ZIP code: the first five characters are looked at, so that nine digits do.
    pub fn zip(&self, zip: &str) -> Option<&Place> {
        let five = zip.get(..5)?;
        let i = self.places.binary_search_by_key(&five, |p| p.zip).ok()?;
        self.places.get(i)
    }

    /// The area of the ZIP codes that begin with these three digits.
    pub fn area(&self, digits: &str) -> Option<ZipArea> {
        let begin = self.places.partition_point(|p| p.zip < digits);
        let of_area = |p: &&Place| digits.len() == 3 && p.zip.starts_with(digits);
        let places: Vec<&Place> = self.places[begin..].iter().take_while(of_area).collect();
        let mean = |of: fn(&Place) -> f32| {
            let sum: f64 = places.iter().map(|p| f64::from(of(p))).sum();
            #[expect(clippy::cast_precision_loss, reason = "there are at most a hundred")]
            let mean = sum / places.len() as f64;
            mean
        };
        let state = most(places.iter().map(|p| p.state))?;
        let here = places.iter().filter(|p| p.state == state);
        Some(ZipArea {
            state,
            city: most(here.map(|p| p.city))?,
            lat: mean(|p| p.lat),
            lon: mean(|p| p.lon),
        })
    }

    /// The distinct first `len` digits (1 to 5) of the ZIP codes of a state, sorted. None for a
    /// state that is not known.
    ///
    /// Where ZIP codes of a state are not all known one by one (military post, Micronesia) the
    /// whole range that belongs to it is given. Elsewhere a ZIP code newer than the data can be
    /// missing, the less likely the shorter the prefixes are.
    pub fn zip_prefixes(&self, state: &str, len: usize) -> Vec<String> {
        let len = len.clamp(1, 5);
        let listed = self
            .of_state(state)
            .map(|p| p.zip.get(..len).unwrap_or(p.zip).to_owned());
        let ranges = RANGES
            .iter()
            .filter(|(of, _)| of.eq_ignore_ascii_case(state));
        let unlisted = ranges
            .flat_map(|(_, range)| range.clone())
            .map(|zip| format!("{zip:05}").chars().take(len).collect());
        let mut prefixes: Vec<String> = listed.chain(unlisted).collect();
        prefixes.sort_unstable();
        prefixes.dedup();
        prefixes
    }

    /// The distinct cities of a state, sorted.
    pub fn cities(&self, state: &str) -> Vec<&'static str> {
        let mut cities: Vec<&'static str> = self.of_state(state).map(|p| p.city).collect();
        cities.sort_unstable();
        cities.dedup();
        cities
    }

    /// The ZIP codes of a state, sorted.
    pub fn of_state(&self, state: &str) -> impl Iterator<Item = &Place> {
        self.places
            .iter()
            .filter(move |p| p.state.eq_ignore_ascii_case(state))
    }

    /// The ZIP codes whose middle is at most so many miles, as the crow flies, from that of a ZIP
    /// code, or from that of a city written with its state as in `Fresno, CA`, the nearest first.
    /// Nothing when the text is no place.
    pub fn around(&self, place: &str, miles: f64) -> Option<Vec<&'static str>> {
        let (lat, lon) = self.middle(place)?;
        // A degree of latitude is as long everywhere, so most of the country is out at a glance.
        let degrees = (miles / RADIUS).to_degrees() * 1.001;
        let mut near: Vec<(f64, &'static str)> = self
            .places
            .iter()
            .filter(|p| (f64::from(p.lat) - lat).abs() <= degrees)
            .map(|p| (distance(lat, lon, p.lat.into(), p.lon.into()), p.zip))
            .filter(|(distance, _)| *distance <= miles)
            .collect();
        near.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(b.1)));
        Some(near.into_iter().map(|(_, zip)| zip).collect())
    }

    /// Latitude and longitude of a ZIP code, or of the middle of a city's ZIP codes.
    pub fn middle(&self, place: &str) -> Option<(f64, f64)> {
        let place = place.trim();
        if place.len() == 4 && place.bytes().all(|b| b.is_ascii_digit()) {
            // A spreadsheet has dropped the zero that it begins with.
            return self.middle(&format!("0{place}"));
        }
        if place.len() >= 5 && place.bytes().all(|b| b.is_ascii_digit() || b == b'-') {
            return self.zip(place).map(|p| (p.lat.into(), p.lon.into()));
        }
        let (city, state) = Self::city_and_state(place)?;
        let mut sum = (0.0, 0.0, 0.0);
        for p in self.of_state(state).filter(|p| city_key(p.city) == city) {
            sum = (
                sum.0 + f64::from(p.lat),
                sum.1 + f64::from(p.lon),
                sum.2 + 1.0,
            );
        }
        (sum.2 > 0.0).then(|| (sum.0 / sum.2, sum.1 / sum.2))
    }

    /// The key of a city that is written with its state, by code or name, and the state's code.
    fn city_and_state(place: &str) -> Option<(String, &'static str)> {
        let parts = |(city, state): (&str, &str)| Some((city_key(city), State::parse(state)?.code));
        if let Some(parted) = place.rsplit_once(',') {
            return parts(parted);
        }
        // Without a comma the state may be of two words: the longest name that is one.
        let begins = place.match_indices(' ').map(|(at, _)| at);
        let mut ways = begins.map(|at| (&place[..at], &place[at..]));
        ways.find_map(parts)
    }

    /// The ZIP codes of a county, written with its state as in `Fresno, CA`, or alone where the
    /// states it may be in are given. A city that is its own county is `Baltimore city, MD`; the
    /// word may be left out where no county has the name.
    pub fn of_county(&self, county: &str, states: &[String]) -> Vec<&'static str> {
        let (name, state) = match county.rsplit_once(',') {
            Some((name, state)) => (name, Some(state.trim())),
            None => (county, None),
        };
        let in_state = |p: &&Place| match state {
            Some(state) => p.state.eq_ignore_ascii_case(state),
            None => states.iter().any(|s| p.state.eq_ignore_ascii_case(s)),
        };
        let wanted = county_key(name);
        if wanted.is_empty() {
            return Vec::new();
        }
        let as_city = format!("{wanted} city");
        let (mut found, mut of_city) = (Vec::new(), Vec::new());
        let mut is_county = false;
        let mut keys: HashMap<&str, String> = HashMap::new();
        for p in self.places.iter().filter(in_state) {
            let key = keys.entry(p.county).or_insert_with(|| county_key(p.county));
            if *key == wanted {
                is_county |= key.len() < p.county.len();
                found.push(p.zip);
            } else if *key == as_city {
                of_city.push(p.zip);
            }
        }
        if !is_county {
            found.extend(of_city);
            found.sort_unstable();
        }
        found
    }

    /// The name of a state by its two letters, in either case.
    pub fn state_name(&self, code: &str) -> Option<&'static str> {
        let mut states = State::all().iter();
        let found = states.find(|s| s.code.eq_ignore_ascii_case(code));
        found.map(|s| s.name)
    }

    /// All 61 states of the registry, by code.
    pub fn states(&self) -> &[State] {
        State::all()
    }
}

/// The most frequent of these; of several the first by the alphabet.
fn most(texts: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for text in texts {
        *counts.entry(text).or_default() += 1;
    }
    let most = counts.into_iter().rev().max_by_key(|(_, n)| *n);
    most.map(|(text, _)| text)
}

/// A city's name as it is compared.
fn city_key(name: &str) -> String {
    usual_city(&fold_ascii(name))
}

/// A county's name as it is compared. The data writes `Fresno County` and `Fresno`, `Roanoke city`,
/// `Roanoke (city)` and `City of Roanoke`.
fn county_key(name: &str) -> String {
    const KINDS: [&str; 7] = [
        " county",
        " parish",
        " city and borough",
        " borough",
        " census area",
        " municipality",
        " municipio",
    ];
    let mut key = name.trim().to_lowercase().replace("(city)", "city");
    if let Some(rest) = key.strip_prefix("city and county of ") {
        key = rest.to_owned();
    } else if let Some(rest) = key.strip_prefix("city of ") {
        key = format!("{rest} city");
    } else if let Some(rest) = KINDS.iter().find_map(|kind| key.strip_suffix(kind)) {
        key = rest.to_owned();
    }
    for saint in ["saint ", "st "] {
        if let Some(rest) = key.strip_prefix(saint) {
            key = format!("st. {rest}");
        }
    }
    key
}

/// Miles from the middle of the earth, taken as a ball.
const RADIUS: f64 = 3_958.8;

/// Miles between two points of the earth, taken as a ball (haversine formula).
fn distance(lat: f64, lon: f64, to_lat: f64, to_lon: f64) -> f64 {
    let half = |a: f64, b: f64| ((b - a).to_radians() / 2.0).sin().powi(2);
    let along = lat.to_radians().cos() * to_lat.to_radians().cos();
    let h = half(lat, to_lat) + along * half(lon, to_lon);
    2.0 * RADIUS * h.sqrt().min(1.0).asin()
}

/// One line of the file, which has no quotes: a test holds it to that.
fn place_of(line: &'static str) -> Option<Place> {
    let mut fields = line.split(',');
    let mut next = || fields.next();
    let (zip, lat, lon) = (next()?, next()?, next()?);
    let (city, state, county) = (next()?, next()?, next()?);
    let kind = match next()? {
        "PO_Box" => ZipKind::PoBox,
        "Unique" => ZipKind::Unique,
        "Military" => ZipKind::Military,
        _ => ZipKind::Standard,
    };
    Some(Place {
        zip,
        city,
        state,
        county,
        kind,
        lat: lat.parse().ok()?,
        lon: lon.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> &'static Places {
        Places::bundled()
    }

    #[test]
    fn every_line_of_the_data_is_a_place() {
        assert_eq!(places().all().len(), 41_706);
        assert_eq!(ZIP_CODES.lines().count(), 41_707);
        assert!(ZIP_CODES.lines().all(|l| l.split(',').count() == 7));
        for p in places().all() {
            assert!(p.zip.len() == 5 && p.zip.bytes().all(|b| b.is_ascii_digit()));
            assert!(!p.city.is_empty() && places().state_name(p.state).is_some());
            // Military post goes as far as the South Pole.
            let south = if p.kind == ZipKind::Military {
                -90.0
            } else {
                -15.0
            };
            let on_earth = (south..77.0).contains(&p.lat) && (-180.0..=180.0).contains(&p.lon);
            assert!(on_earth, "{p:?}");
        }
    }

    #[test]
    fn a_zip_code_has_its_city_and_point() {
        let p = places().zip("90210").unwrap();
        assert_eq!((p.city, p.state), ("Beverly Hills", "CA"));
        assert!((p.lat - 34.1).abs() < 0.1 && (p.lon + 118.4).abs() < 0.1);
        assert_eq!(places().zip("902101234"), Some(p));
        assert_eq!(places().zip("00000"), None);
        assert_eq!(places().zip("9021"), None);
        assert_eq!(places().zip("ÄÄÄÄ"), None);
    }

    #[test]
    fn an_area_is_where_most_of_its_zip_codes_are() {
        let fresno = places().area("937").unwrap();
        assert_eq!((fresno.city, fresno.state), ("Fresno", "CA"));
        assert!((fresno.lat - 36.7).abs() < 0.2 && (fresno.lon + 119.8).abs() < 0.2);
        for none in ["000", "93", "9370", "", "ÄÄ"] {
            assert_eq!(places().area(none), None, "{none}");
        }
    }

    #[test]
    fn the_prefixes_of_a_state_cover_each_of_its_zip_codes_once() {
        assert_eq!(
            places().zip_prefixes("ca", 2).join(" "),
            "90 91 92 93 94 95 96"
        );
        assert_eq!(places().zip_prefixes("RI", 3), ["028", "029"]);
        for len in 1..=5 {
            let prefixes = places().zip_prefixes("NY", len);
            assert!(prefixes.iter().all(|p| p.len() == len));
            for p in places().of_state("NY") {
                let fits = prefixes.iter().filter(|x| p.zip.starts_with(x.as_str()));
                assert_eq!(fits.count(), 1, "{}", p.zip);
            }
        }
        assert!(places().zip_prefixes("ZZ", 3).is_empty());
    }

    #[test]
    fn military_post_is_covered_though_not_listed() {
        assert_eq!(
            places().zip_prefixes("AP", 3).join(" "),
            "962 963 964 965 966"
        );
        assert_eq!(places().zip_prefixes("FM", 5).len(), 4);
    }

    #[test]
    fn what_is_near_is_within_the_miles() {
        let near = places().around("93701", 10.0).unwrap();
        assert!(
            near.contains(&"93701") && near.contains(&"93704"),
            "{near:?}"
        );
        assert!(
            !near.contains(&"93301"),
            "Bakersfield is a hundred miles away"
        );
        let of_city = places().around("fresno, ca", 10.0).unwrap();
        assert!(of_city.contains(&"93704"));
        assert!(places().around("Nowhere, CA", 10.0).is_none());
        assert!(places().around("00000", 10.0).is_none());
        // New York to Philadelphia, city halls: 81 miles.
        let miles = distance(40.7128, -74.0060, 39.9526, -75.1652);
        assert!((79.0..82.0).contains(&miles), "{miles}");
    }

    #[test]
    fn a_county_is_its_zip_codes() {
        let fresno = places().of_county("Fresno County, CA", &[]);
        // One is written with the word, one without.
        assert!(fresno.contains(&"93701") && fresno.contains(&"93707"));
        assert!(!fresno.contains(&"93301"));
        assert_eq!(places().of_county("fresno", &["CA".into()]), fresno);
        assert!(places().of_county("Fresno", &[]).is_empty());
        assert!(places().of_county(", CA", &[]).is_empty());
        assert!(fresno.is_sorted());
    }

    #[test]
    fn a_city_may_be_its_own_county() {
        let of = |county: &str| places().of_county(county, &[]);
        // St. Louis, Missouri, is not in St. Louis County.
        assert!(of("St. Louis city, MO").contains(&"63101"));
        assert!(!of("St. Louis, MO").contains(&"63101"));
        assert_eq!(of("Saint Louis County, MO"), of("st louis, mo"));
        assert!(of("Alexandria, VA").contains(&"22314"));
        assert_eq!(of("Alexandria, VA"), of("Alexandria city, VA"));
        assert!(of("San Francisco, CA").contains(&"94102"));
        assert!(of("Orleans, LA").contains(&"70112"));
        assert!(of("Anchorage, AK").contains(&"99501"));
    }

    #[test]
    fn cities_are_distinct_and_sorted() {
        let cities = places().cities("CA");
        assert!(cities.windows(2).all(|w| w[0] < w[1]));
        assert!(cities.contains(&"Los Angeles") && !cities.contains(&"Reno"));
    }

    #[test]
    fn the_registry_has_61_states() {
        assert_eq!(places().states().len(), 61);
        assert_eq!(
            places().state_name("fm"),
            Some("Federated States of Micronesia")
        );
        assert_eq!(places().state_name("XX"), None);
    }
}
