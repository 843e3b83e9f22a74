//! Where a point of the country stands on the map of the outlines: the composite projection that
//! `d3.geoAlbersUsa` made common. The contiguous states, Alaska and Hawaii each have a conic
//! equal-area projection of their own; Alaska is drawn at 35 percent, below California.

use super::outlines::{HEIGHT, WIDTH};

/// Units of the map for each unit of the projection: 1,300 pixels at four units a pixel.
const SCALE: f64 = 5_200.0;

/// One of the three projections.
#[derive(Debug)]
struct Cone {
    /// Longitude that runs straight up, degrees east.
    meridian: f64,
    /// Longitude from the meridian, and latitude, of the point that `at` places; degrees.
    center: (f64, f64),
    /// The two latitudes at which lengths are true, degrees north.
    parallels: (f64, f64),
    /// How large it is drawn beside the contiguous states.
    zoom: f64,
    /// Where its center stands, from the middle of the map, in units of the projection.
    at: (f64, f64),
}

const CONTIGUOUS: Cone = Cone {
    meridian: -96.0,
    center: (-0.6, 38.7),
    parallels: (29.5, 45.5),
    zoom: 1.0,
    at: (0.0, 0.0),
};

const ALASKA: Cone = Cone {
    meridian: -154.0,
    center: (-2.0, 58.5),
    parallels: (55.0, 65.0),
    zoom: 0.35,
    at: (-0.307, 0.201),
};

const HAWAII: Cone = Cone {
    meridian: -157.0,
    center: (-3.0, 19.9),
    parallels: (8.0, 18.0),
    zoom: 1.0,
    at: (-0.205, 0.212),
};

impl Cone {
    /// The conic equal-area projection of a longitude from the meridian and a latitude, both in
    /// degrees; right and up are positive.
    fn flat(&self, lon: f64, lat: f64) -> (f64, f64) {
        let (south, north) = (
            self.parallels.0.to_radians().sin(),
            self.parallels.1.to_radians().sin(),
        );
        let n = f64::midpoint(south, north);
        let c = 1.0 + south * (2.0 * n - south);
        let from_apex = (c - 2.0 * n * lat.to_radians().sin()).max(0.0).sqrt() / n;
        let (sin, cos) = (n * lon.to_radians()).sin_cos();
        (from_apex * sin, c.sqrt() / n - from_apex * cos)
    }

    fn place(&self, lat: f64, lon: f64) -> (f64, f64) {
        // Islands beyond the 180th meridian are west of the others.
        let lon = (lon - self.meridian + 540.0).rem_euclid(360.0) - 180.0;
        let (x, y) = self.flat(lon, lat);
        let (x0, y0) = self.flat(self.center.0, self.center.1);
        let scale = SCALE * self.zoom;
        (
            f64::from(WIDTH) / 2.0 + SCALE * self.at.0 + scale * (x - x0),
            f64::from(HEIGHT) / 2.0 + SCALE * self.at.1 - scale * (y - y0),
        )
    }
}

/// Where a point of this state stands, in units of the map from its upper left corner. Nothing for
/// what the map has no room for: territories, military post, and points off the sheet.
pub fn on_the_map(state: &str, lat: f64, lon: f64) -> Option<(f64, f64)> {
    super::outlines::outline(state)?;
    let cone = match state {
        "AK" => &ALASKA,
        "HI" => &HAWAII,
        _ => &CONTIGUOUS,
    };
    let (x, y) = cone.place(lat, lon);
    let here = (0.0..=f64::from(WIDTH)).contains(&x) && (0.0..=f64::from(HEIGHT)).contains(&y);
    here.then_some((x, y))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::{Places, ZipKind, outlines::outline};

    /// State, latitude, longitude, and where it stands.
    const POINTS: [(&str, f64, f64, f64, f64); 9] = [
        ("CA", 36.7378, -119.7871, 296.3, 1186.6),
        ("NY", 40.7128, -74.006, 3478.9, 863.0),
        ("FL", 25.7617, -80.1918, 3291.0, 2290.2),
        ("WA", 47.6062, -122.3321, 390.5, 185.3),
        ("ME", 44.3106, -69.7795, 3668.4, 474.5),
        ("AK", 61.2181, -149.9003, 449.1, 2177.1),
        ("AK", 58.3019, -134.4197, 707.7, 2224.3),
        ("HI", 21.3069, -157.8583, 1067.8, 2196.8),
        ("HI", 19.7297, -155.09, 1304.6, 2338.7),
    ];

    fn near((x, y): (f64, f64), to: (f64, f64)) -> bool {
        (x - to.0).abs() < 0.5 && (y - to.1).abs() < 0.5
    }

    #[test]
    fn points_stand_where_the_known_projection_puts_them() {
        // What d3.geoAlbersUsa().scale(1300).translate([487.5, 305]) says, times four.
        for (state, lat, lon, x, y) in POINTS {
            let found = on_the_map(state, lat, lon).unwrap();
            assert!(near(found, (x, y)), "{state}: {found:?}");
        }
    }

    #[test]
    fn a_city_lies_in_the_box_of_its_state() {
        for city in [
            "Fresno, CA",
            "New York, NY",
            "Miami, FL",
            "Seattle, WA",
            "El Paso, TX",
            "Providence, RI",
            "Washington, DC",
            "Anchorage, AK",
            "Honolulu, HI",
            "Detroit, MI",
        ] {
            let (lat, lon) = Places::bundled().middle(city).unwrap();
            let (_, state) = city.split_once(", ").unwrap();
            let at = on_the_map(state, lat, lon).unwrap();
            let area = outline(state).unwrap().area;
            assert!(area.holds(at), "{city}: {at:?} in {area:?}");
        }
    }

    #[test]
    fn nearly_every_zip_code_lies_in_the_box_of_its_state() {
        let (mut inside, mut outside) = (0, 0);
        for p in Places::bundled().all() {
            let Some(outline) = outline(p.state) else {
                continue;
            };
            if p.kind == ZipKind::Military {
                continue;
            }
            let at = on_the_map(p.state, p.lat.into(), p.lon.into());
            if at.is_some_and(|at| outline.area.grown(4.0).holds(at)) {
                inside += 1;
            } else {
                outside += 1;
            }
        }
        assert!(
            inside > 40_000 && outside < 40,
            "{inside} in, {outside} out"
        );
    }

    #[test]
    fn what_has_no_outline_has_no_place() {
        assert_eq!(on_the_map("PR", 18.2, -66.5), None);
        assert_eq!(on_the_map("AE", 50.0, 8.0), None);
        // The far Aleutians are beyond the edge of the sheet.
        assert_eq!(on_the_map("AK", 52.9, 173.0), None);
    }
}
