use jiff::{Timestamp, civil::date};

use super::*;
use crate::{
    ChangeKind, Endpoint, Entity, Identifier, OtherName, Phone, ProviderTaxonomy, changes_between,
};

const OLD: Option<Date> = Some(date(2023, 4, 1));
const NEW: Option<Date> = Some(date(2025, 6, 1));

fn provider(updated_on: Option<Date>) -> Provider {
    let mut p = Provider::new("1234567893".parse().unwrap());
    p.entity = Some(Entity::Organization);
    p.organization_name = Some("ST. MARY CLINIC".into());
    p.practice = Some(Address {
        line_1: Some("12 MAIN ST".into()),
        phone: Phone::parse("5595550142"),
        ..Address::default()
    });
    p.taxonomies = vec![taxonomy("207R00000X", "A1"), taxonomy("208D00000X", "A2")];
    p.other_names = vec![organization("THE DBA")];
    p.enumerated_on = Some(date(2005, 5, 23));
    p.updated_on = updated_on;
    p
}

fn taxonomy(code: &str, license: &str) -> ProviderTaxonomy {
    ProviderTaxonomy {
        code: code.into(),
        license: Some(license.into()),
        ..ProviderTaxonomy::default()
    }
}

fn organization(name: &str) -> OtherName {
    OtherName {
        code: Some("3".into()),
        organization: Some(name.into()),
        ..OtherName::default()
    }
}

fn location(line: &str) -> Address {
    Address {
        line_1: Some(line.into()),
        ..Address::default()
    }
}

fn bare(on: Date) -> Provider {
    Provider::new("1234567893".parse().unwrap()).out_of_service(Some(on))
}

/// The fields that change when one record comes after another.
fn changed(known: &Provider, new: &Provider, door: &Door) -> Vec<String> {
    let kept = new.onto(known, door);
    let changes = changes_between(known, &kept, door.source, Timestamp::UNIX_EPOCH);
    changes.into_iter().map(|change| change.field).collect()
}

#[test]
fn only_a_later_day_of_update_replaces() {
    for (known, new, verdict) in [
        (OLD, NEW, Verdict::Replace),
        (NEW, OLD, Verdict::Keep),
        (NEW, NEW, Verdict::Fill),
        (None, NEW, Verdict::Replace),
        (NEW, None, Verdict::Fill),
        (None, None, Verdict::Replace),
    ] {
        let (known, mut new) = (provider(known), provider(new));
        new.organization_name = Some("ANOTHER".into());
        let file = Door::whole(Source::FullFile, None);
        assert_eq!(new.verdict(&known, &file), verdict);
        let kept = new.onto(&known, &file);
        let is_new = kept.organization_name == new.organization_name;
        assert_eq!(is_new, verdict == Verdict::Replace);
    }
    assert_eq!(
        bare(date(2026, 1, 1)).verdict(&provider(None), &Door::API),
        Verdict::Keep
    );
}

#[test]
fn the_api_replaces_what_was_updated_on_the_same_day() {
    let (known, mut new) = (provider(NEW), provider(NEW));
    new.organization_name = Some("ANOTHER".into());
    assert_eq!(new.verdict(&known, &Door::API), Verdict::Replace);
    let kept = new.onto(&known, &Door::API);
    assert_eq!(kept.organization_name, new.organization_name);
}

#[test]
fn what_says_the_same_is_no_change() {
    let known = provider(OLD);
    let say = |with: fn(&mut Provider)| {
        let mut new = provider(NEW);
        with(&mut new);
        changed(&known, &new, &Door::API)
    };
    let none: [&str; 0] = [];
    assert_eq!(say(|_| {}), none);
    assert_eq!(say(|p| p.taxonomies.reverse()), none);
    assert_eq!(
        say(|p| p.organization_name = Some("St Mary Clinic".into())),
        none
    );
    let other_line = |line: &str| Address {
        line_2: Some("NA".into()),
        phone: Phone::parse("5595550142"),
        ..location(line)
    };
    let mut new = provider(NEW);
    new.practice = Some(other_line("12 Main St."));
    assert_eq!(changed(&known, &new, &Door::API), none);
    assert_eq!(say(|p| p.taxonomies[0].license = Some("NA".into())), none);
    assert_eq!(
        say(|p| p.other_names.push(organization("THE D.B.A."))),
        none
    );
    assert_eq!(
        say(|p| p.taxonomies[0].license = Some("B1".into())),
        ["taxonomies"]
    );
    assert_eq!(say(|p| p.other_names.clear()), ["other_names"]);
}

#[test]
fn the_only_taxonomy_is_the_primary_one_whether_it_is_marked_or_not() {
    let mut known = provider(OLD);
    known.taxonomies.truncate(1);
    let mut new = provider(NEW);
    new.taxonomies = known.taxonomies.clone();
    new.taxonomies[0].primary = true;
    assert_eq!(changed(&known, &new, &Door::API), [""; 0]);
    known.taxonomies.push(taxonomy("208D00000X", "A2"));
    new.taxonomies.push(taxonomy("208D00000X", "A2"));
    assert_eq!(changed(&known, &new, &Door::API), ["taxonomies"]);
}

#[test]
fn what_a_door_does_not_carry_stays() {
    let mut known = provider(OLD);
    known.secondary = vec![location("1 SECOND ST")];
    known.endpoints = vec![Endpoint {
        endpoint: Some("a@example.org".into()),
        ..Endpoint::default()
    }];
    known.deactivated_on = Some(date(2010, 1, 1));
    known.reactivated_on = Some(date(2010, 2, 1));
    let mut new = provider(NEW);
    new.other_names.clear();
    let mut bare_set = Door::whole(Source::FullFile, NEW);
    (bare_set.other_names, bare_set.secondary, bare_set.endpoints) = (false, false, false);
    assert_eq!(changed(&known, &new, &bare_set), [""; 0]);
    let kept = new.onto(&known, &bare_set);
    assert_eq!(kept.secondary, known.secondary);
    assert_eq!(kept.endpoints, known.endpoints);
    assert_eq!(kept.other_names, known.other_names);
    assert_eq!(
        changed(&known, &new, &Door::API),
        ["secondary", "other_names", "endpoints"]
    );
    new.other_names = vec![organization("THE D.B.A.")];
    assert_eq!(new.onto(&known, &bare_set).other_names, new.other_names);
}

#[test]
fn a_record_of_the_same_day_fills_and_changes_nothing() {
    let mut known = provider(NEW);
    known.enumerated_on = None;
    known.taxonomies.truncate(1);
    let mut new = provider(NEW);
    new.practice.as_mut().unwrap().phone = Phone::parse("5595550199");
    new.secondary = vec![location("1 SECOND ST")];
    new.identifiers = vec![Identifier {
        identifier: "X1".into(),
        ..Identifier::default()
    }];
    let file = Door::whole(Source::FullFile, None);
    let kept = new.onto(&known, &file);
    assert_eq!(kept.enumerated_on, new.enumerated_on);
    assert_eq!(kept.taxonomies, new.taxonomies);
    assert_eq!(kept.secondary, new.secondary);
    assert_eq!(kept.identifiers, new.identifiers);
    assert_eq!(kept.practice, known.practice);
    assert_eq!(changed(&known, &new, &file), [""; 0]);
    assert_eq!(new.onto(&kept, &file), kept);
}

#[test]
fn a_deactivation_counts_unless_what_is_known_is_younger() {
    let day = date(2026, 3, 1);
    let report = Door::whole(Source::DeactivationReport, None);
    let as_of = |day| Door::whole(Source::DeactivationReport, Some(day));
    let mut back = provider(OLD);
    back.deactivated_on = Some(date(2026, 2, 1));
    back.reactivated_on = Some(date(2026, 2, 20));
    for (what, known, door, out) in [
        ("in service", provider(OLD), report, true),
        ("back before", back.clone(), report, true),
        (
            "back since",
            Provider {
                reactivated_on: Some(date(2026, 3, 2)),
                ..back.clone()
            },
            as_of(date(2026, 9, 1)),
            false,
        ),
        (
            "back the same day",
            Provider {
                reactivated_on: Some(day),
                ..back
            },
            report,
            true,
        ),
        (
            "updated since",
            provider(Some(date(2026, 4, 1))),
            report,
            false,
        ),
        (
            "updated since, but out by a later report",
            provider(Some(date(2026, 4, 1))),
            as_of(date(2026, 5, 1)),
            true,
        ),
    ] {
        let kept = bare(day).onto(&known, &door);
        assert_eq!(kept.status == RecordStatus::Deactivated, out, "{what}");
        assert_eq!(kept.organization_name, known.organization_name, "{what}");
        let kinds: Vec<_> = changes_between(&known, &kept, door.source, Timestamp::UNIX_EPOCH)
            .into_iter()
            .map(|change| change.kind)
            .collect();
        assert_eq!(kinds.contains(&ChangeKind::Deactivated), out, "{what}");
    }
}

#[test]
fn a_deactivation_that_is_overtaken_changes_nothing() {
    let mut known = provider(OLD);
    known.deactivated_on = Some(date(2012, 1, 1));
    known.reactivated_on = Some(date(2012, 6, 1));
    let report = Door::whole(Source::DeactivationReport, None);
    assert_eq!(bare(date(2012, 1, 1)).onto(&known, &report), known);
    let known = provider(Some(date(2026, 4, 1)));
    assert_eq!(bare(date(2012, 1, 1)).onto(&known, &report), known);
}

#[test]
fn in_service_again_is_what_speaks_of_a_later_day() {
    let known = provider(OLD).out_of_service(Some(date(2025, 1, 1)));
    let file = |day| Door::whole(Source::FullFile, Some(day));
    for (what, new, door, back) in [
        ("the API", provider(OLD), Door::API, true),
        (
            "an older file",
            provider(OLD),
            file(date(2024, 9, 1)),
            false,
        ),
        (
            "a younger file",
            provider(OLD),
            file(date(2025, 2, 1)),
            true,
        ),
        (
            "a younger record",
            provider(NEW),
            file(date(2024, 9, 1)),
            true,
        ),
        (
            "a day of reactivation",
            Provider {
                deactivated_on: Some(date(2025, 1, 1)),
                reactivated_on: Some(date(2025, 1, 9)),
                ..provider(OLD)
            },
            file(date(2024, 9, 1)),
            true,
        ),
    ] {
        let kept = new.onto(&known, &door);
        assert_eq!(kept.status == RecordStatus::Active, back, "{what}");
    }
    let gone = Provider {
        status: RecordStatus::Unpublished,
        ..provider(OLD)
    };
    assert_eq!(provider(OLD).onto(&gone, &Door::API), provider(OLD));
    assert_eq!(changed(&gone, &provider(OLD), &Door::API), ["status"]);
    let older = provider(Some(date(2020, 1, 1)));
    let kept = older.onto(&gone, &file(date(2025, 1, 1)));
    assert_eq!(kept, gone);
}

#[test]
fn a_placeholder_replaces_no_value() {
    let mut known = provider(OLD);
    known.name.credential = Some("M.D.".into());
    let mut new = provider(NEW);
    new.name.credential = Some("N/A".into());
    new.taxonomies[0].license = Some("NA".into());
    let kept = new.onto(&known, &Door::API);
    assert_eq!(kept.name.credential, known.name.credential);
    assert_eq!(kept.taxonomies, known.taxonomies);
}
