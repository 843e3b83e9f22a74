//! Individual providers.

use canvass_model::{Entity, OtherName, PersonName, Provider, Sex};

use super::{Sample, draw::Draw, identifiers, names, professions::Profession};

/// Makes an individual of a provider of which only the NPI is known.
pub(super) fn fill(sample: &Sample, draw: &mut Draw, p: &mut Provider, state: usize) {
    let code = sample.work.of_person(draw);
    let profession = sample.work.profession(code);
    let states = sample.locate(draw, p, state);
    p.entity = Some(Entity::Individual);
    let (sex, named_as) = sex(draw, profession);
    p.sex = Some(sex);
    p.name = person(draw, named_as, profession, states[0]);
    p.sole_proprietor = Some(draw.permille(270));
    p.taxonomies = sample.work.taxonomies(draw, code, true, states);
    if draw.permille(230) {
        identifiers(draw, p, states[0]);
    }
    let renamed = if named_as == Sex::F { 110 } else { 15 };
    if draw.permille(renamed) {
        p.other_names.push(other_name(draw, &p.name));
    }
}

/// A person of a profession with prefix and credential.
pub(super) fn person(
    draw: &mut Draw,
    named_as: Sex,
    profession: &Profession,
    state: &str,
) -> PersonName {
    let mut name = names::person(draw, named_as, state);
    let credential = draw.one_of(profession.credentials);
    name.credential = (!credential.is_empty()).then(|| credential.to_owned());
    let title = if draw.permille(profession.doctors) {
        "Dr."
    } else if draw.permille(450) {
        if named_as == Sex::M {
            "Mr."
        } else {
            draw.one_of(&["Ms.", "Mrs.", "Mrs.", "Miss"])
        }
    } else {
        ""
    };
    name.prefix = (!title.is_empty()).then(|| title.to_owned());
    name
}

/// The sex on record, and the one that the first name goes by.
pub(super) fn sex(draw: &mut Draw, profession: &Profession) -> (Sex, Sex) {
    let named_as = if draw.permille(profession.women) {
        Sex::F
    } else {
        Sex::M
    };
    let recorded = match draw.below(1000) {
        0..4 => Sex::X,
        4..6 => Sex::U,
        _ => named_as,
    };
    (recorded, named_as)
}

/// The same person under another last name: former mostly, or the one used at work.
fn other_name(draw: &mut Draw, name: &PersonName) -> OtherName {
    let code = if draw.permille(750) { "1" } else { "2" };
    OtherName {
        code: Some(code.to_owned()),
        organization: None,
        person: PersonName {
            first: name.first.clone(),
            middle: name.middle.clone(),
            last: Some(names::last(draw).to_owned()),
            credential: name.credential.clone().filter(|_| draw.permille(500)),
            ..PersonName::default()
        },
    }
}
