//! The providers of generated files: those of the sample, with what only whole files show.
//!
//! A provider that none of this befalls is the one of [`Sample`] with the same seed and place, so
//! that a sample served as a registry and one written as files agree about most providers.

use canvass_model::{
    Address, Catalogue, Entity, OtherName, PersonName, Phone, Provider, RecordStatus,
};
use jiff::civil::Date;

use crate::sample::{
    self, DAYS, Sample,
    draw::Draw,
    names, people,
    professions::{Profession, profession},
};

/// Distinguish the draws of this layer from those of the sample.
const STANDING: u64 = 0x7374_616e_6469_6e67;
const SKEW: u64 = 0x0073_6b65_7720_6f66;

/// The longest names of version 2 of the files, in characters.
const LONGEST_ORGANIZATION: usize = 100;
const LONGEST_FIRST: usize = 35;

const FOREIGN_LAST: &str = "MUÑOZ GARCÍA PEÑA NÚÑEZ SØRENSEN ÅKERSTRÖM MÜLLER-LÜDENSCHEIDT GRÜN ŁUKASIEWICZ DVOŘÁK \
    ŠIMIĆ O’BRIEN D’ANGELO FRANÇOIS LEFÈVRE ÖZTÜRK ȘTEFĂNESCU NGUYỄN ÞÓRSDÓTTIR";
const FOREIGN_FIRST: &str =
    "JOSÉ MARÍA RENÉE ZOË NICOLÀ ANDRÉS SIÂN JÜRGEN FRANÇOISE BJÖRN ŁUCJA İPEK CHLOË NÖEL ĐỨC";
/// Names that programs stumble over, all of which people have.
const ODD_LAST: &[&str] = &[
    "O",
    "NULL",
    "TRUE",
    "NAN",
    "NA",
    "TEST",
    "NG",
    "Y",
    "MC DONALD",
    "ST. JOHN-SMYTHE",
    "ROE (FKA DOE)",
    "DE LOS SANTOS Y DE LA VEGA",
    "3RD",
    "D' SOUZA",
    "VAN DER BERG/KLEIN",
    "SMITH, JR",
    "'ALOHA",
    "DR SMITH",
    "DAY; NIGHT",
    "=SUM",
    "@LAST",
];
const ODD_CREDENTIALS: &[&str] = &[
    "M.D., PH.D., FACP",
    "LCSW-R, CASAC II",
    "MD/MPH",
    "R.N.",
    "PT, DPT, OCS, CSCS",
    "N/A",
    "DR.",
    "BCBA, LBA",
    "M. D.",
    "D.O",
    "PHARM D",
    "(NP)",
    "MD, MS, MBA, FACS",
];
const ODD_ORGANIZATIONS: &[&str] = &[
    "@HOME CARE, LLC",
    "+PLUS HEALTH",
    "=EQUAL ACCESS CLINIC",
    "-",
    "1",
    "4U WELLNESS",
    "24/7 URGENT CARE",
    "#1 DENTAL",
    "A",
    "A & B & C & D, P.A.",
    "WALK-IN (URGENT) CARE; EAST",
    "NULL",
    "CLÍNICA DE LA MUJER",
    "CAFÉ THERAPY®",
    "DR. O'NEAL'S 'SMILES'",
    "ÉLAN SPA – MÉDICAL",
    "L’CHAIM HOME CARE",
    "N/A",
];
const LONG_WORDS: &str = "ASSOCIATES IN COMPREHENSIVE NEUROMUSCULAR AND MUSCULOSKELETAL REHABILITATION MEDICINE OF \
    GREATER METROPOLITAN NORTHEASTERN COUNTIES A PROFESSIONAL MEDICAL CORPORATION";

/// Where mail goes abroad: city, state, postal code, country. Where there is no state, none.
const ABROAD: &[(&str, &str, &str, &str)] = &[
    ("TORONTO", "ONTARIO", "M5V 2T6", "CA"),
    ("MONTRÉAL", "QUÉBEC", "H3Z 2Y7", "CA"),
    ("LANDSTUHL", "RHEINLAND-PFALZ", "66849", "DE"),
    ("LONDON", "", "SW1A 1AA", "GB"),
    ("OKINAWA", "OKINAWA", "904-0204", "JP"),
    ("TEL AVIV", "", "6100001", "IL"),
];

/// How the registry has an NPI in the monthly file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// In service all the time.
    Active,
    /// Out of service: its line tells the day and nothing else. 40 of 1,000.
    Deactivated,
    /// Out of service once, and in service again. 4 of 1,000.
    Reactivated,
}

/// A generator of the providers of files of one seed.
pub(super) struct FileSample {
    pub(super) sample: Sample,
    seed: u64,
    long_words: Vec<&'static str>,
    foreign_last: Vec<&'static str>,
    foreign_first: Vec<&'static str>,
}

impl FileSample {
    pub(super) fn new(seed: u64, catalogue: &Catalogue) -> Self {
        let words = |text: &'static str| text.split_whitespace().collect();
        Self {
            sample: Sample::new(seed, catalogue),
            seed,
            long_words: words(LONG_WORDS),
            foreign_last: words(FOREIGN_LAST),
            foreign_first: words(FOREIGN_FIRST),
        }
    }

    /// Whether the `index`th line is that of an NPI in service; cheap.
    pub(super) fn standing(&self, index: u64) -> Standing {
        match Draw::new(self.seed ^ STANDING, index).below(1000) {
            0..40 => Standing::Deactivated,
            40..44 => Standing::Reactivated,
            _ => Standing::Active,
        }
    }

    /// The `index`th provider of the monthly file, as the file tells it.
    pub(super) fn listed(&self, index: u64) -> Provider {
        match self.standing(index) {
            Standing::Deactivated => {
                let day = self.deactivated_on(index);
                deactivated(&Provider::new(self.sample.npi(index)), day)
            }
            Standing::Reactivated => {
                let mut p = self.whole(index);
                let mut draw = Draw::new(self.seed ^ STANDING, !index);
                once_out_of_service(&mut draw, &mut p);
                p
            }
            Standing::Active => self.whole(index),
        }
    }

    /// The day on which the `index`th NPI went out of service, if it did.
    pub(super) fn deactivated_on(&self, index: u64) -> Date {
        let mut draw = Draw::new(self.seed ^ STANDING, !index);
        DAYS[365 + draw.index(DAYS.len() - 365)]
    }

    /// The `index`th provider as it is while in service.
    pub(super) fn whole(&self, index: u64) -> Provider {
        let mut p = self.sample.provider(index);
        let draw = &mut Draw::new(self.seed ^ SKEW, index);
        if p.entity == Some(Entity::Individual) {
            self.skew_person(draw, &mut p);
        } else {
            self.skew_organization(draw, &mut p);
        }
        if p.taxonomies.len() == 1 && draw.permille(10) {
            p.taxonomies[0].primary = false;
        }
        if draw.permille(2) {
            for _ in 0..3 + draw.index(8) {
                let state = practice_state(&p);
                sample::identifiers(draw, &mut p, &state);
            }
            p.identifiers.truncate(50);
        }
        if draw.permille(35) {
            let mut endpoint = sample::endpoint(draw, &p);
            if draw.permille(150) {
                endpoint.affiliation = Some(true);
                endpoint.affiliation_name = Some(names::last(draw).to_owned() + " HEALTH SYSTEM");
            }
            p.endpoints.push(endpoint);
        }
        if draw.permille(3)
            && let Some(mailing) = &mut p.mailing
        {
            *mailing = abroad(draw);
        }
        if draw.permille(1)
            && let Some(practice) = &mut p.practice
        {
            let odd = draw.one_of(&["5550142", "01149637155501", "0005550142", "155", "9"]);
            practice.phone = Phone::parse(odd);
        }
        p
    }

    fn skew_person(&self, draw: &mut Draw, p: &mut Provider) {
        if draw.permille(70) {
            p.sole_proprietor = None;
        }
        if !draw.permille(20) {
            return;
        }
        let name = &mut p.name;
        match draw.below(6) {
            0 => name.last = Some(draw.one_of(&self.foreign_last).to_owned()),
            1 => {
                name.first = Some(draw.one_of(&self.foreign_first).to_owned());
                name.last = Some(draw.one_of(&self.foreign_last).to_owned());
            }
            2 => name.last = Some(draw.one_of(ODD_LAST).to_owned()),
            3 => {
                let mut first = name.first.clone().unwrap_or_default();
                while first.chars().count() < LONGEST_FIRST - 8 {
                    first.push(' ');
                    first.push_str(draw.one_of(&self.foreign_first));
                }
                name.first = Some(cut(first, LONGEST_FIRST));
            }
            4 => {
                let last = name.last.clone().unwrap_or_default();
                let more = [names::last(draw), names::last(draw)];
                name.last = Some(cut(format!("{last}-{} {}", more[0], more[1]), 35));
            }
            _ => name.credential = Some(draw.one_of(ODD_CREDENTIALS).to_owned()),
        }
    }

    fn skew_organization(&self, draw: &mut Draw, p: &mut Provider) {
        if draw.permille(15) {
            let mut name = p.organization_name.clone().unwrap_or_default();
            let mut at = draw.index(self.long_words.len());
            while name.len() < LONGEST_ORGANIZATION {
                name.push(' ');
                name.push_str(self.long_words[at % self.long_words.len()]);
                at += 1;
            }
            p.organization_name = Some(cut(name, LONGEST_ORGANIZATION));
        } else if draw.permille(6) {
            p.organization_name = Some(draw.one_of(ODD_ORGANIZATIONS).to_owned());
        }
        if draw.permille(30) {
            for _ in 0..=draw.index(4) {
                let name = self.trade_name(draw, p);
                p.other_names.push(name);
            }
        }
    }

    /// One more name that an organization goes by.
    pub(super) fn trade_name(&self, draw: &mut Draw, p: &Provider) -> OtherName {
        let legal = p.organization_name.as_deref().unwrap_or_default();
        let trade: Vec<&str> = legal.split_whitespace().skip(1).take(3).collect();
        let first = draw.one_of(&self.sample.proud);
        let name = [first].into_iter().chain(trade).collect::<Vec<_>>();
        OtherName {
            code: Some(draw.one_of(&["3", "3", "3", "5", "4"]).to_owned()),
            organization: Some(name.join(" ")),
            person: PersonName::default(),
        }
    }
}

/// A person with the profession of the provider's primary taxonomy.
pub(super) fn colleague(draw: &mut Draw, p: &Provider) -> PersonName {
    let code = p.primary_taxonomy().map_or("", |t| t.code.as_str());
    let profession: &Profession = profession(code);
    let (_, named_as) = people::sex(draw, profession);
    people::person(draw, named_as, profession, &practice_state(p))
}

/// The state of the practice, empty when there is none.
pub(super) fn practice_state(p: &Provider) -> String {
    let state = p.practice.as_ref().and_then(|a| a.state.clone());
    state.unwrap_or_default()
}

/// What the files tell of a provider that went out of service on a day.
pub(super) fn deactivated(p: &Provider, day: Date) -> Provider {
    Provider {
        status: RecordStatus::Deactivated,
        deactivated_on: Some(day),
        ..Provider::new(p.npi)
    }
}

/// Days out of service between enumeration and last update, of a provider that has room for them.
fn once_out_of_service(draw: &mut Draw, p: &mut Provider) {
    let (Some(from), Some(to)) = (p.enumerated_on, p.updated_on) else {
        return;
    };
    let place = |day: Date| DAYS.partition_point(|d| *d < day);
    let (from, last) = (place(from), DAYS.len() - 1);
    let out = from + draw.index(last.saturating_sub(from).max(1));
    let again = (out + 1 + draw.index(40)).min(last);
    if out >= again {
        return;
    }
    p.deactivated_on = Some(DAYS[out]);
    p.reactivated_on = Some(DAYS[again]);
    p.updated_on = Some(to.max(DAYS[again]));
}

fn abroad(draw: &mut Draw) -> Address {
    let (city, state, code, country) = draw.one_of(ABROAD);
    let mut phone = "011".to_owned();
    draw.digits(&mut phone, 10);
    let number = 1 + draw.below(400);
    Address {
        line_1: Some(format!("{number} RUE DE L'ÉGLISE")),
        line_2: None,
        city: Some(city.to_owned()),
        state: (!state.is_empty()).then(|| state.to_owned()),
        postal_code: Some(code.to_owned()),
        country: Some(country.to_owned()),
        phone: draw.permille(500).then(|| Phone::parse(&phone)).flatten(),
        fax: None,
    }
}

/// At most so many characters, without a space at the end.
fn cut(text: String, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => text[..end].trim_end().to_owned(),
        None => text,
    }
}
