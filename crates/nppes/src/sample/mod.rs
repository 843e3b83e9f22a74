//! The sample registry: generated providers, fictional people at real places.
//!
//! Nobody here is real. Names are common words put together at random, telephone numbers lie in
//! the range kept free for fiction, and every NPI begins with 2, with which none has been given
//! out so far, so that a sample never shares a key with a real provider.
//!
//! A provider depends on the seed and its place in the sequence alone: samples of different sizes
//! share their beginning, and parts can be generated in any order or at the same time.

mod draw;
pub mod files;
mod names;
mod organizations;
mod people;
mod places;
mod professions;
mod work;

use std::sync::LazyLock;

use canvass_model::{Address, Catalogue, Endpoint, Identifier, Npi, Provider};
use jiff::civil::{Date, date};

use self::{draw::Draw, places::Addresses, work::Work};
use crate::geo::Places;

/// How many NPIs begin with 2.
const MOST: u64 = 100_000_000;

/// The first day that an NPI was given, and the last of the sample.
const FIRST_DAY: Date = date(2005, 5, 23);
const LAST_DAY: Date = date(2026, 10, 31);

/// Every day of the sample; a table, because adding days to a date costs more than looking it up.
static DAYS: LazyLock<Vec<Date>> = LazyLock::new(|| {
    FIRST_DAY
        .series(jiff::Span::new().days(1))
        .take_while(|day| *day <= LAST_DAY)
        .collect()
});

/// The registry first certified records in 2020.
const FIRST_CERTIFIED: Date = date(2020, 1, 1);

/// How many providers, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleSettings {
    /// How many; at most 100,000,000 are generated.
    pub providers: u64,
    /// Another seed gives other providers.
    pub seed: u64,
}

impl Default for SampleSettings {
    fn default() -> Self {
        Self {
            providers: 40_000,
            seed: 1,
        }
    }
}

/// A generator of the providers of one seed.
///
/// In three of a thousand practice addresses two digits of the ZIP code are exchanged, as typing
/// errors do in the registry; all others belong to their city and state.
pub struct Sample {
    seed: u64,
    /// Step and offset of the NPIs.
    step: u64,
    offset: u64,
    work: Work,
    addresses: Addresses,
    /// Words that businesses put before their trade.
    proud: Vec<&'static str>,
}

impl Sample {
    /// A generator whose taxonomies come from this catalogue.
    pub fn new(seed: u64, catalogue: &Catalogue) -> Self {
        let mut draw = Draw::new(seed, u64::MAX);
        // Coprime to 100,000,000, so that the NPIs of a whole period are distinct; and not small,
        // so that neighbours are far from each other.
        let step = draw.between(2_000_000..8_000_000) * 10 + draw.one_of(&[1, 3, 7, 9]);
        Self {
            seed,
            step,
            offset: draw.below(MOST),
            work: Work::new(catalogue),
            addresses: Addresses::new(Places::bundled()),
            proud: organizations::proud_words(),
        }
    }

    /// The `index`th provider, from 0. After 100,000,000 NPIs repeat.
    pub fn provider(&self, index: u64) -> Provider {
        let mut draw = Draw::new(self.seed, index);
        let mut provider = Provider::new(self.npi(index));
        let person = draw.permille(700);
        let state = self.addresses.state(&mut draw);
        if person {
            people::fill(self, &mut draw, &mut provider, state);
        } else {
            organizations::fill(self, &mut draw, &mut provider, state);
        }
        dates(&mut draw, &mut provider);
        provider
    }

    fn npi(&self, index: u64) -> Npi {
        let nine = 2 * MOST + ((index % MOST) * self.step + self.offset) % MOST;
        u32::try_from(nine)
            .ok()
            .and_then(|nine| Npi::from_first_nine(nine).ok())
            .expect("nine digits that begin with 2 are the beginning of an NPI")
    }

    /// Practice, mailing and secondary addresses, and two states whose licences may be held.
    fn locate(&self, draw: &mut Draw, p: &mut Provider, state: usize) -> [&'static str; 2] {
        let mut practice = self.addresses.practice(draw, state);
        p.mailing = Some(self.mailing(draw, &practice, state));
        if draw.permille(3)
            && let Some(code) = &mut practice.postal_code
        {
            *code = mistyped(draw, code);
        }
        if draw.permille(80) {
            let count = match draw.below(100) {
                0..65 => 1,
                65..88 => 2,
                _ => 3 + draw.index(6),
            };
            for _ in 0..count {
                let elsewhere = draw.permille(150);
                let at = if elsewhere {
                    self.addresses.state(draw)
                } else {
                    state
                };
                let address = self.addresses.practice(draw, at);
                p.secondary.push(address);
            }
        }
        p.practice = Some(practice);
        if draw.permille(15) {
            p.endpoints.push(endpoint(draw, p));
        }
        let other = self.addresses.state(draw);
        [self.addresses.code(state), self.addresses.code(other)]
    }

    /// The practice address again for two of three; else a post office box or another house, some
    /// of them in another state.
    fn mailing(&self, draw: &mut Draw, practice: &Address, state: usize) -> Address {
        if !draw.permille(360) {
            return practice.clone();
        }
        let elsewhere = draw.permille(250);
        let at = if elsewhere {
            self.addresses.state(draw)
        } else {
            state
        };
        if draw.permille(450) {
            self.addresses.post_box(draw, at)
        } else {
            self.addresses.practice(draw, at)
        }
    }
}

/// The providers of a sample, in their sequence.
pub fn providers(
    settings: SampleSettings,
    catalogue: &Catalogue,
) -> impl Iterator<Item = Provider> + Send + use<> {
    let sample = Sample::new(settings.seed, catalogue);
    (0..settings.providers.min(MOST)).map(move |index| sample.provider(index))
}

/// Day of enumeration, of the last update and of certification, in that order of time. A quarter
/// came in the first two years, when everybody needed an NPI; a quarter was never updated.
fn dates(draw: &mut Draw, p: &mut Provider) {
    let days = DAYS.len();
    let enumerated = if draw.permille(230) {
        280 + draw.index(800)
    } else {
        draw.index(days)
    };
    let rest = days - enumerated;
    let updated = match draw.below(4) {
        0 => enumerated,
        1 => enumerated + draw.index(rest),
        // Recent more often.
        _ => enumerated + draw.index(rest).max(draw.index(rest)),
    };
    let updated_on = DAYS[updated];
    p.enumerated_on = Some(DAYS[enumerated]);
    p.updated_on = Some(updated_on);
    p.certified_on = (updated_on >= FIRST_CERTIFIED && draw.permille(750)).then_some(updated_on);
}

/// Two neighbouring digits of the five exchanged, where they differ.
fn mistyped(draw: &mut Draw, code: &str) -> String {
    let mut digits: Vec<char> = code.chars().collect();
    let at = draw.index(4);
    if at + 1 < digits.len() {
        digits.swap(at, at + 1);
    }
    digits.into_iter().collect()
}

/// One to four identifiers: of Medicaid in the provider's state, or of somebody who says so.
fn identifiers(draw: &mut Draw, p: &mut Provider, state: &str) {
    let count = 1 + draw.index(4);
    for _ in 0..count {
        let medicaid = draw.permille(550);
        let mut identifier = String::with_capacity(10);
        identifier.push(char::from(draw.one_of(b"123456789")));
        let digits = 6 + draw.index(4);
        draw.digits(&mut identifier, digits);
        let issuer = (!medicaid).then(|| {
            draw.one_of(&[
                "BCBS",
                "COMMERCIAL NUMBER",
                "RAILROAD MEDICARE",
                "STATE LICENSE",
                "GROUP NUMBER",
            ])
            .to_owned()
        });
        p.identifiers.push(Identifier {
            identifier,
            code: Some(if medicaid { "05" } else { "01" }.to_owned()),
            state: (medicaid || draw.permille(600)).then(|| state.to_owned()),
            issuer,
        });
    }
}

/// An address for health information exchange at a name kept free for examples (RFC 2606).
fn endpoint(draw: &mut Draw, p: &Provider) -> Endpoint {
    let text = |text: &str| Some(text.to_owned());
    let address = Address {
        phone: None,
        fax: None,
        ..p.practice.clone().unwrap_or_default()
    };
    let common = Endpoint {
        affiliation: Some(false),
        address,
        ..Endpoint::default()
    };
    if draw.permille(800) {
        Endpoint {
            kind: text("DIRECT"),
            kind_description: text("Direct Messaging Address"),
            endpoint: Some(format!("{}@direct.example.org", p.npi)),
            use_code: text("DIRECT"),
            use_description: text("Direct"),
            ..common
        }
    } else {
        Endpoint {
            kind: text("FHIR"),
            kind_description: text("FHIR URL"),
            endpoint: Some(format!("https://fhir.example.org/{}/r4", p.npi)),
            description: text("PRODUCTION"),
            use_code: text("HIE"),
            use_description: text("Health Information Exchange (HIE)"),
            content: text("OTHER"),
            content_description: text("Other"),
            content_other: text("FHIR R4"),
            ..common
        }
    }
}

#[cfg(test)]
mod tests;
