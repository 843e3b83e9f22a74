//! Addresses at real places, with fictional streets and telephone numbers.

use canvass_model::{Address, Phone};

use super::draw::{Draw, Weighted};
use crate::geo::{Place, Places, ZipKind};

/// State, inhabitants in thousands (US Census 2020; a token for military post), area codes that
/// are in use there (NANPA; a choice). Where no area code is given there is no telephone number.
const STATES: &[(&str, u32, &str)] = &[
    ("AA", 4, ""),
    ("AE", 40, ""),
    ("AK", 733, "907"),
    ("AL", 5024, "205 251 256 334"),
    ("AP", 20, ""),
    ("AR", 3012, "479 501 870"),
    ("AS", 50, "684"),
    ("AZ", 7152, "480 520 602 623 928"),
    (
        "CA",
        39538,
        "209 213 310 323 408 415 510 530 559 562 619 626 650 661 707 714 760 805 818 831 858 909 916 925 949 951",
    ),
    ("CO", 5774, "303 719 720 970"),
    ("CT", 3606, "203 860"),
    ("DC", 690, "202"),
    ("DE", 990, "302"),
    (
        "FL",
        21538,
        "239 305 321 352 386 407 561 727 772 786 813 850 863 904 941 954",
    ),
    ("GA", 10712, "229 404 478 678 706 770 912"),
    ("GU", 154, "671"),
    ("HI", 1455, "808"),
    ("IA", 3190, "319 515 563 641 712"),
    ("ID", 1839, "208 986"),
    ("IL", 12813, "217 224 309 312 618 630 708 773 815 847"),
    ("IN", 6786, "219 260 317 574 765 812"),
    ("KS", 2938, "316 620 785 913"),
    ("KY", 4506, "270 502 606 859"),
    ("LA", 4658, "225 318 337 504 985"),
    ("MA", 7030, "413 508 617 781 978"),
    ("MD", 6177, "240 301 410 443"),
    ("ME", 1362, "207"),
    ("MI", 10077, "231 248 269 313 517 586 616 734 810 906 989"),
    ("MN", 5706, "218 320 507 612 651 763 952"),
    ("MO", 6155, "314 417 573 636 660 816"),
    ("MP", 47, "670"),
    ("MS", 2961, "228 601 662"),
    ("MT", 1084, "406"),
    ("NC", 10439, "252 336 704 828 910 919 980"),
    ("ND", 779, "701"),
    ("NE", 1962, "308 402"),
    ("NH", 1378, "603"),
    ("NJ", 9289, "201 609 732 856 908 973"),
    ("NM", 2118, "505 575"),
    ("NV", 3105, "702 775"),
    (
        "NY",
        20201,
        "212 315 516 518 585 607 631 646 716 718 845 914 917",
    ),
    ("OH", 11799, "216 330 419 440 513 614 740 937"),
    ("OK", 3959, "405 580 918"),
    ("OR", 4237, "503 541 971"),
    ("PA", 13003, "215 267 412 484 570 610 717 724 814"),
    ("PR", 3286, "787 939"),
    ("RI", 1097, "401"),
    ("SC", 5118, "803 843 864"),
    ("SD", 887, "605"),
    ("TN", 6911, "423 615 731 865 901 931"),
    (
        "TX",
        29146,
        "210 214 254 281 325 361 409 512 713 806 817 832 903 915 936 940 956 972 979",
    ),
    ("UT", 3272, "435 801"),
    ("VA", 8631, "276 434 540 571 703 757 804"),
    ("VI", 87, "340"),
    ("VT", 643, "802"),
    ("WA", 7705, "206 253 360 425 509"),
    ("WI", 5894, "262 414 608 715 920"),
    ("WV", 1794, "304"),
    ("WY", 577, "307"),
];

const STREETS: &str = "MAIN OAK PARK MAPLE CEDAR WASHINGTON LAKE HILL WALNUT ELM PINE SPRING CHURCH BROADWAY CENTER \
    NORTH RIVER SUNSET LINCOLN JACKSON MEADOW CHESTNUT HIGHLAND MILL FOREST JEFFERSON HICKORY RIDGE COLLEGE WILLOW \
    FRANKLIN MADISON VALLEY SPRUCE PROSPECT UNION GARDEN LAUREL GROVE ORCHARD CHERRY COLUMBIA MAGNOLIA SYCAMORE \
    HARBOR CANYON MESA VISTA MARINA MISSION HARVEST STADIUM SUMMIT BIRCH HERITAGE COMMERCE MEDICAL UNIVERSITY HOSPITAL";
const STREET_KINDS: &[&str] = &[
    "ST", "ST", "ST", "AVE", "AVE", "AVE", "RD", "RD", "BLVD", "BLVD", "DR", "DR", "LN", "WAY",
    "PKWY", "CT", "PL", "HWY",
];
const QUARTERS: &[&str] = &["N ", "S ", "E ", "W "];

struct State {
    code: &'static str,
    area_codes: Vec<&'static str>,
    /// ZIP codes that people practise in.
    areas: Weighted<&'static Place>,
    /// ZIP codes of post office boxes.
    boxes: Vec<&'static Place>,
}

/// Everything that addresses are drawn from.
pub(super) struct Addresses {
    states: Vec<State>,
    by_weight: Weighted<usize>,
    streets: Weighted<&'static str>,
}

impl Addresses {
    pub(super) fn new(places: &'static Places) -> Self {
        let states: Vec<State> = STATES
            .iter()
            .map(|&(code, _, area_codes)| State::new(places, code, area_codes))
            .collect();
        let by_weight = Weighted::new(
            STATES
                .iter()
                .enumerate()
                .map(|(i, (_, thousands, _))| (i, *thousands)),
        );
        Self {
            states,
            by_weight,
            streets: Weighted::falling(STREETS.split_whitespace(), 10),
        }
    }

    /// A state, the populous ones more often.
    pub(super) fn state(&self, draw: &mut Draw) -> usize {
        self.by_weight.pick(draw)
    }

    pub(super) fn code(&self, state: usize) -> &'static str {
        self.states[state].code
    }

    /// The state with a code.
    pub(super) fn place_of(&self, code: &str) -> Option<usize> {
        self.states.iter().position(|state| state.code == code)
    }

    /// A house in a state.
    pub(super) fn practice(&self, draw: &mut Draw, state: usize) -> Address {
        let of = &self.states[state];
        let place = of.areas.pick(draw);
        let (line_1, line_2) = self.lines(draw, place);
        Address {
            line_1: Some(line_1),
            line_2,
            city: Some(city(place)),
            state: Some(of.code.to_owned()),
            postal_code: Some(postal_code(draw, place.zip)),
            country: Some("US".to_owned()),
            phone: draw.permille(970).then(|| of.phone(draw, place)).flatten(),
            fax: draw.permille(550).then(|| of.phone(draw, place)).flatten(),
        }
    }

    /// A post office box in a state.
    pub(super) fn post_box(&self, draw: &mut Draw, state: usize) -> Address {
        let of = &self.states[state];
        let place = if of.boxes.is_empty() {
            of.areas.pick(draw)
        } else {
            draw.one_of(&of.boxes)
        };
        let mut line = String::with_capacity(13);
        line.push_str(draw.one_of(&["PO BOX ", "PO BOX ", "PO BOX ", "P.O. BOX "]));
        let digits = 2 + draw.index(4);
        line.push(char::from(draw.one_of(b"123456789")));
        draw.digits(&mut line, digits - 1);
        Address {
            line_1: Some(line),
            city: Some(city(place)),
            state: Some(of.code.to_owned()),
            postal_code: Some(postal_code(draw, place.zip)),
            country: Some("US".to_owned()),
            phone: draw.permille(600).then(|| of.phone(draw, place)).flatten(),
            ..Address::default()
        }
    }

    fn lines(&self, draw: &mut Draw, place: &Place) -> (String, Option<String>) {
        let mut line = String::with_capacity(32);
        if place.kind == ZipKind::Military {
            line.push_str(draw.one_of(&["UNIT ", "PSC "]));
            draw.digits(&mut line, 4);
            line.push_str(" BOX ");
            draw.digits(&mut line, 3);
            return (line, None);
        }
        line.push(char::from(draw.one_of(b"111122233456789")));
        let digits = draw.one_of(&[1, 2, 2, 3, 3, 4]);
        draw.digits(&mut line, digits);
        line.push(' ');
        if draw.permille(250) {
            line.push_str(draw.one_of(QUARTERS));
        }
        if draw.permille(150) {
            let number = 2 + draw.below(98);
            ordinal(&mut line, number);
        } else {
            line.push_str(self.streets.pick(draw));
        }
        line.push(' ');
        line.push_str(draw.one_of(STREET_KINDS));
        let inside = draw.permille(480).then(|| room(draw));
        match inside {
            Some(room) if draw.permille(550) => {
                line.push(' ');
                line.push_str(&room);
                (line, None)
            }
            other => (line, other),
        }
    }
}

impl State {
    fn new(places: &'static Places, code: &'static str, area_codes: &'static str) -> Self {
        let here: Vec<&'static Place> = places.of_state(code).collect();
        let areas: Vec<&'static Place> = here
            .iter()
            .copied()
            .filter(|p| matches!(p.kind, ZipKind::Standard | ZipKind::Military))
            .collect();
        let mut per_city: std::collections::HashMap<&str, u32> = std::collections::HashMap::new();
        for p in &areas {
            *per_city.entry(p.city).or_default() += 1;
        }
        // Inhabitants per ZIP code are not in the data. The more ZIP codes a city has, the denser
        // each of them; and one in five is the one with the hospital.
        let areas = Weighted::new(areas.iter().map(|p| {
            let dense = 2 + per_city.get(p.city).copied().unwrap_or(0).min(20);
            let hospital = if Draw::new(0, zip_number(p)).permille(200) {
                4
            } else {
                1
            };
            (*p, dense * hospital)
        }));
        let boxes = here
            .into_iter()
            .filter(|p| p.kind == ZipKind::PoBox)
            .collect();
        Self {
            code,
            area_codes: area_codes.split_whitespace().collect(),
            areas,
            boxes,
        }
    }

    /// `NPA-555-01xx`, which is kept free for fiction (ATIS-0300115). Neighbours share an area code.
    fn phone(&self, draw: &mut Draw, place: &Place) -> Option<Phone> {
        let first = usize::try_from(zip_number(place) / 100).ok()? * 31;
        let area = self
            .area_codes
            .get(first.checked_rem(self.area_codes.len())?)?;
        let mut number = String::with_capacity(10);
        number.push_str(area);
        number.push_str("55501");
        draw.digits(&mut number, 2);
        Phone::parse(&number)
    }
}

fn zip_number(place: &Place) -> u64 {
    place.zip.parse().unwrap_or(0)
}

/// As the registry writes it: upper case, and of military post only its kind.
fn city(place: &Place) -> String {
    if place.kind == ZipKind::Military {
        place.city.chars().take(3).collect()
    } else {
        place.city.to_ascii_uppercase()
    }
}

/// Nine digits mostly, five sometimes.
fn postal_code(draw: &mut Draw, zip: &str) -> String {
    let mut code = String::with_capacity(9);
    code.push_str(zip);
    if draw.permille(850) {
        code.push(char::from(draw.one_of(b"123456789")));
        draw.digits(&mut code, 3);
    }
    code
}

fn room(draw: &mut Draw) -> String {
    let mut room = String::with_capacity(10);
    room.push_str(draw.one_of(&[
        "STE ", "STE ", "STE ", "SUITE ", "UNIT ", "FL ", "APT ", "BLDG ",
    ]));
    room.push(char::from(draw.one_of(b"123456789")));
    let digits = draw.one_of(&[0, 1, 2, 2]);
    draw.digits(&mut room, digits);
    if draw.permille(120) {
        room.push(char::from(draw.one_of(b"ABCD")));
    }
    room
}

fn ordinal(line: &mut String, number: u64) {
    let end = match (number % 10, number % 100) {
        (_, 11..=13) => "TH",
        (1, _) => "ST",
        (2, _) => "ND",
        (3, _) => "RD",
        _ => "TH",
    };
    line.push_str(&number.to_string());
    line.push_str(end);
}

/// The area codes of a state, for tests.
#[cfg(test)]
pub(super) fn area_codes(state: &str) -> Vec<&'static str> {
    let found = STATES.iter().find(|(code, ..)| *code == state);
    found.map_or_else(Vec::new, |(.., codes)| codes.split_whitespace().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbered_streets_end_as_people_say_them() {
        let said = |n| {
            let mut line = String::new();
            ordinal(&mut line, n);
            line
        };
        assert_eq!(
            [1, 2, 3, 4, 11, 12, 13, 21].map(said).join(" "),
            "1ST 2ND 3RD 4TH 11TH 12TH 13TH 21ST"
        );
    }

    #[test]
    fn every_state_with_people_has_places_and_area_codes() {
        let addresses = Addresses::new(Places::bundled());
        for s in &addresses.states {
            assert!(!s.areas.is_empty(), "{}", s.code);
            let military = ["AA", "AE", "AP"].contains(&s.code);
            assert_eq!(s.area_codes.is_empty(), military, "{}", s.code);
        }
        assert_eq!(addresses.states.len(), 59);
    }
}
