//! The stored form of a provider's record: fields behind small numbers, absent ones left out.
//!
//! Short, because millions of them stand in the database, and stable: a field's number never
//! changes, and a number that this binary does not know is passed over. A field is its number, the
//! length of its content as a varint, and the content; what occurs several times comes as several
//! fields.

use canvass_model::{
    Address, Endpoint, Entity, Identifier, Npi, Official, OtherName, PersonName, Phone, Provider,
    ProviderTaxonomy, RecordStatus, Sex,
};
use jiff::civil::Date;

use crate::{Error, varint};

/// The stored form of all of a provider but its NPI.
pub(crate) fn encode(provider: &Provider) -> Vec<u8> {
    let mut out = Vec::with_capacity(384);
    provider.put_fields(&mut out);
    out
}

/// The provider with this NPI and stored form.
pub(crate) fn decode(npi: Npi, bytes: &[u8]) -> Result<Provider, Error> {
    let mut provider = Provider::new(npi);
    provider
        .get_fields(bytes)
        .ok_or_else(|| Error::corrupt(format!("the record of {npi}")))?;
    Ok(provider)
}

/// The first 64 bits of a hash of a stored form: what tells changed from unchanged.
pub(crate) fn hash(record: &[u8]) -> i64 {
    let mut head = [0; 8];
    head.copy_from_slice(&blake3::hash(record).as_bytes()[..8]);
    i64::from_le_bytes(head)
}

fn put_content(number: u8, content: &[u8], out: &mut Vec<u8>) {
    out.push(number);
    varint::put_bytes(content, out);
}

/// A value that is one or several fields of a record.
trait Field {
    /// Writes it behind its number, or nothing when it is absent.
    fn put(&self, number: u8, out: &mut Vec<u8>);
    /// Takes one content with its number.
    fn get(&mut self, content: &[u8]) -> Option<()>;
}

/// A value made of fields.
trait Fields {
    fn put_fields(&self, out: &mut Vec<u8>);
    fn get_fields(&mut self, bytes: &[u8]) -> Option<()>;
}

impl Field for String {
    fn put(&self, number: u8, out: &mut Vec<u8>) {
        put_content(number, self.as_bytes(), out);
    }

    fn get(&mut self, content: &[u8]) -> Option<()> {
        std::str::from_utf8(content).ok()?.clone_into(self);
        Some(())
    }
}

impl Field for bool {
    fn put(&self, number: u8, out: &mut Vec<u8>) {
        if *self {
            put_content(number, &[1], out);
        }
    }

    fn get(&mut self, content: &[u8]) -> Option<()> {
        *self = content == [1];
        Some(())
    }
}

/// Values that may be absent, each with its way to bytes and back.
macro_rules! optional {
    ($($ty:ty: $put:expr, $get:expr;)+) => {$(
        impl Field for Option<$ty> {
            fn put(&self, number: u8, out: &mut Vec<u8>) {
                if let Some(value) = self {
                    put_content(number, ($put)(value).as_ref(), out);
                }
            }

            fn get(&mut self, content: &[u8]) -> Option<()> {
                let value: Option<$ty> = ($get)(content);
                *self = Some(value?);
                Some(())
            }
        }
    )+};
}

fn text(content: &[u8]) -> Option<&str> {
    std::str::from_utf8(content).ok()
}

optional! {
    String: |v: &String| v.as_bytes().to_vec(), |c| text(c).map(str::to_owned);
    bool: |v: &bool| [u8::from(*v)], |c: &[u8]| c.first().map(|b| *b == 1);
    Phone: |v: &Phone| v.as_str().as_bytes().to_vec(), |c| text(c).and_then(Phone::parse);
    Entity: |v: &Entity| [match v { Entity::Individual => 1, Entity::Organization => 2 }],
        |c: &[u8]| match c { [1] => Some(Entity::Individual), [2] => Some(Entity::Organization), _ => None };
    Sex: |v: &Sex| v.as_str().as_bytes().to_vec(), |c| text(c).and_then(Sex::parse);
    Date: |v: &Date| put_date(*v), get_date;
}

/// Year, month and day in four bytes.
fn put_date(date: Date) -> [u8; 4] {
    let [high, low] = date.year().to_be_bytes();
    [
        high,
        low,
        date.month().unsigned_abs(),
        date.day().unsigned_abs(),
    ]
}

fn get_date(content: &[u8]) -> Option<Date> {
    let &[high, low, month, day] = content else {
        return None;
    };
    let (month, day) = (i8::try_from(month).ok()?, i8::try_from(day).ok()?);
    Date::new(i16::from_be_bytes([high, low]), month, day).ok()
}

impl Field for RecordStatus {
    fn put(&self, number: u8, out: &mut Vec<u8>) {
        match self {
            Self::Active => {}
            Self::Deactivated => put_content(number, &[1], out),
            Self::Unpublished => put_content(number, &[2], out),
        }
    }

    fn get(&mut self, content: &[u8]) -> Option<()> {
        *self = match content {
            [1] => Self::Deactivated,
            [2] => Self::Unpublished,
            _ => return None,
        };
        Some(())
    }
}

impl<T: Fields + Default> Field for Vec<T> {
    fn put(&self, number: u8, out: &mut Vec<u8>) {
        for one in self {
            let mut content = Vec::with_capacity(96);
            one.put_fields(&mut content);
            put_content(number, &content, out);
        }
    }

    fn get(&mut self, content: &[u8]) -> Option<()> {
        let mut one = T::default();
        one.get_fields(content)?;
        self.push(one);
        Some(())
    }
}

impl<T: Fields + Nested> Field for Option<T> {
    fn put(&self, number: u8, out: &mut Vec<u8>) {
        if let Some(value) = self {
            let mut content = Vec::with_capacity(96);
            value.put_fields(&mut content);
            put_content(number, &content, out);
        }
    }

    fn get(&mut self, content: &[u8]) -> Option<()> {
        let mut value = T::default();
        value.get_fields(content)?;
        *self = Some(value);
        Some(())
    }
}

/// A part that may be absent as a whole.
trait Nested: Default {}
impl Nested for Address {}
impl Nested for Official {}

/// A part that is always there and may be empty.
macro_rules! part {
    ($($ty:ty),+) => {$(
        impl Field for $ty {
            fn put(&self, number: u8, out: &mut Vec<u8>) {
                if *self != Self::default() {
                    let mut content = Vec::with_capacity(48);
                    self.put_fields(&mut content);
                    put_content(number, &content, out);
                }
            }

            fn get(&mut self, content: &[u8]) -> Option<()> {
                self.get_fields(content)
            }
        }
    )+};
}
part!(PersonName, Address);

/// The numbers of the fields of each value. A number is never given anew.
macro_rules! numbered {
    ($($ty:ty { $($number:literal $field:ident),+ $(,)? })+) => {$(
        impl Fields for $ty {
            fn put_fields(&self, out: &mut Vec<u8>) {
                $(self.$field.put($number, out);)+
            }

            fn get_fields(&mut self, mut bytes: &[u8]) -> Option<()> {
                while let Some((&number, rest)) = bytes.split_first() {
                    bytes = rest;
                    let content = varint::get_bytes(&mut bytes)?;
                    match number {
                        $($number => self.$field.get(content)?,)+
                        _ => {}
                    }
                }
                Some(())
            }
        }
    )+};
}
numbered! {
    Provider {
        1 entity, 2 status, 3 name, 4 organization_name, 5 sex, 6 sole_proprietor, 7 subpart,
        8 parent_organization, 9 official, 10 mailing, 11 practice, 12 secondary, 13 taxonomies,
        14 identifiers, 15 other_names, 16 endpoints, 17 enumerated_on, 18 updated_on,
        19 certified_on, 20 deactivated_on, 21 reactivated_on,
    }
    PersonName { 1 prefix, 2 first, 3 middle, 4 last, 5 suffix, 6 credential }
    Address { 1 line_1, 2 line_2, 3 city, 4 state, 5 postal_code, 6 country, 7 phone, 8 fax }
    ProviderTaxonomy { 1 code, 2 primary, 3 license, 4 state, 5 group }
    Identifier { 1 identifier, 2 code, 3 state, 4 issuer }
    OtherName { 1 code, 2 organization, 3 person }
    Endpoint {
        1 kind, 2 kind_description, 3 endpoint, 4 description, 5 use_code, 6 use_description,
        7 use_other, 8 content, 9 content_description, 10 content_other, 11 affiliation,
        12 affiliation_name, 13 address,
    }
    Official { 1 name, 2 title, 3 phone }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    fn words() -> impl Strategy<Value = Option<String>> {
        proptest::option::of("\\PC{0,12}")
    }

    fn name() -> impl Strategy<Value = PersonName> {
        (words(), words(), words(), words(), words(), words()).prop_map(
            |(prefix, first, middle, last, suffix, credential)| PersonName {
                prefix,
                first,
                middle,
                last,
                suffix,
                credential,
            },
        )
    }

    fn address() -> impl Strategy<Value = Address> {
        (
            words(),
            words(),
            words(),
            words(),
            words(),
            words(),
            "[0-9]{0,12}",
        )
            .prop_map(
                |(line_1, line_2, city, state, postal_code, country, phone)| Address {
                    line_1,
                    line_2,
                    city,
                    state,
                    postal_code,
                    country,
                    phone: Phone::parse(&phone),
                    fax: Phone::parse(&phone),
                },
            )
    }

    fn provider() -> impl Strategy<Value = Provider> {
        let people = (name(), proptest::option::of(name()), words(), words());
        let places = (
            proptest::option::of(address()),
            proptest::option::of(address()),
            proptest::collection::vec(address(), 0..3),
        );
        let lists = proptest::collection::vec((words(), words(), any::<bool>(), name()), 0..4);
        (people, places, lists, 0..3usize, any::<bool>()).prop_map(
            |(
                (name, official, first, second),
                (mailing, practice, secondary),
                lists,
                status,
                flag,
            )| {
                let mut p = Provider::new(Npi::from_first_nine(123_456_789).unwrap());
                p.entity = flag.then_some(Entity::Organization);
                p.status = [
                    RecordStatus::Active,
                    RecordStatus::Deactivated,
                    RecordStatus::Unpublished,
                ][status];
                p.name = name;
                p.official = official.map(|name| Official {
                    name,
                    title: first.clone(),
                    phone: None,
                });
                p.organization_name = first;
                p.parent_organization = second;
                p.sex = flag.then_some(Sex::X);
                p.sole_proprietor = Some(flag);
                p.mailing = mailing;
                p.practice = practice;
                p.secondary = secondary;
                p.enumerated_on = flag.then(|| date(2005, 5, 23));
                p.deactivated_on = Some(date(2026, 12, 31));
                for (one, other, yes, person) in lists {
                    p.taxonomies.push(ProviderTaxonomy {
                        code: one.clone().unwrap_or_default(),
                        primary: yes,
                        license: other.clone(),
                        state: one.clone(),
                        group: None,
                    });
                    p.identifiers.push(Identifier {
                        identifier: other.clone().unwrap_or_default(),
                        code: one.clone(),
                        state: None,
                        issuer: other.clone(),
                    });
                    p.endpoints.push(Endpoint {
                        kind: one.clone(),
                        affiliation: Some(yes),
                        address: Address {
                            city: other.clone(),
                            ..Address::default()
                        },
                        ..Endpoint::default()
                    });
                    p.other_names.push(OtherName {
                        code: one,
                        organization: other,
                        person,
                    });
                }
                p
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_stored_is_read_again(p in provider()) {
            prop_assert_eq!(decode(p.npi, &encode(&p)).unwrap(), p);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(Npi::from_first_nine(123_456_789).unwrap(), &bytes);
        }
    }

    #[test]
    fn a_field_of_a_later_version_is_passed_over() {
        let mut p = Provider::new(Npi::from_first_nine(123_456_789).unwrap());
        p.organization_name = Some("ACME".into());
        let mut bytes = encode(&p);
        put_content(200, b"something new", &mut bytes);
        assert_eq!(decode(p.npi, &bytes).unwrap(), p);
    }
}
