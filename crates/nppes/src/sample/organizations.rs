//! Organization providers.

use canvass_model::{Entity, Official, OtherName, Provider};

use super::{
    Sample, draw::Draw, identifiers, names, people, professions::profession, work::CodeIndex,
};

const PROUD: &str = "VALLEY SUNRISE PREMIER ADVANCED LAKESIDE RIVERSIDE MOUNTAIN COASTAL HERITAGE LEGACY UNITED PACIFIC \
    GOLDEN HORIZON SUMMIT EVERGREEN HARBOR PINNACLE CORNERSTONE BRIGHT CEDAR OAKWOOD MAPLE WILLOW REDWOOD SILVER \
    BLUE GREEN TRINITY GRACE HOPE UNITY HARMONY SERENITY COMPASS BEACON LIGHTHOUSE ANCHOR BRIDGE NORTHSIDE SOUTHSIDE \
    EASTSIDE WESTSIDE MIDTOWN DOWNTOWN CENTRAL METRO TRI-COUNTY PARKWAY PRAIRIE DESERT CANYON MEADOW ORCHARD SPRING \
    NEW ALLIED INTEGRATED COMPLETE TOTAL FIRST CHOICE QUALITY CARING GENTLE MODERN FAMILY COMMUNITY REGIONAL";
const FORMS: &[&str] = &[
    " LLC", " LLC", " LLC", ", LLC", ", LLC", " INC", " INC", ", INC.", ", INC.", " PC", ", P.C.",
    " PLLC", ", PLLC", " PA", ", P.A.", " CORP", " LTD", " LP", "", "",
];
const TITLES: &[&str] = &[
    "OWNER",
    "OWNER",
    "PRESIDENT",
    "PRESIDENT",
    "CEO",
    "MANAGER",
    "OFFICE MANAGER",
    "ADMINISTRATOR",
    "MANAGING MEMBER",
    "DIRECTOR",
    "EXECUTIVE DIRECTOR",
    "MEMBER",
    "BILLING MANAGER",
    "CFO",
    "PRACTICE MANAGER",
    "VICE PRESIDENT",
    "PARTNER",
    "COMPLIANCE OFFICER",
];

/// Makes an organization of a provider of which only the NPI is known.
pub(super) fn fill(sample: &Sample, draw: &mut Draw, p: &mut Provider, state: usize) {
    let code = sample.work.of_organization(draw);
    let states = sample.locate(draw, p, state);
    p.entity = Some(Entity::Organization);
    let city = p
        .practice
        .as_ref()
        .and_then(|a| a.city.as_deref())
        .unwrap_or_default();
    let name = business_name(sample, draw, code, city);
    if draw.permille(220) {
        p.other_names.push(OtherName {
            code: Some(draw.one_of(&["3", "3", "3", "5", "4"]).to_owned()),
            organization: Some(business_name(sample, draw, code, city)),
            ..OtherName::default()
        });
    }
    let subpart = draw.permille(130);
    p.subpart = Some(subpart);
    if subpart {
        p.parent_organization = Some(business_name(sample, draw, code, city));
    }
    p.organization_name = Some(name);
    p.official = Some(official(sample, draw, code, states[0], p));
    p.taxonomies = sample.work.taxonomies(draw, code, false, states);
    if draw.permille(300) {
        identifiers(draw, p, states[0]);
    }
}

/// The owner of a practice has its profession; who speaks for a hospital may have any.
fn official(
    sample: &Sample,
    draw: &mut Draw,
    code: CodeIndex,
    state: &str,
    p: &Provider,
) -> Official {
    let colleague = sample.work.is_people(code) && draw.permille(650);
    let profession = if colleague {
        sample.work.profession(code)
    } else {
        profession("")
    };
    let (_, named_as) = people::sex(draw, profession);
    let phone = p.practice.as_ref().and_then(|a| a.phone.clone());
    Official {
        name: people::person(draw, named_as, profession, state),
        title: Some(draw.one_of(TITLES).to_owned()),
        phone,
    }
}

fn business_name(sample: &Sample, draw: &mut Draw, code: CodeIndex, city: &str) -> String {
    let trade = sample.work.trade(draw, code);
    let mut name = String::with_capacity(48);
    match draw.below(10) {
        0..4 => name.push_str(proud(sample, draw)),
        4..6 => name.push_str(names::last(draw)),
        6..8 => name.push_str(city),
        8 => {
            name.push_str(city);
            name.push(' ');
            name.push_str(proud(sample, draw));
        }
        _ => {
            name.push_str(names::last(draw));
            name.push_str(" & ");
            name.push_str(names::last(draw));
        }
    }
    name.push(' ');
    name.push_str(trade);
    name.push_str(draw.one_of(FORMS));
    name
}

fn proud(sample: &Sample, draw: &mut Draw) -> &'static str {
    draw.one_of(&sample.proud)
}

/// The words that businesses put before their trade.
pub(super) fn proud_words() -> Vec<&'static str> {
    PROUD.split_whitespace().collect()
}
