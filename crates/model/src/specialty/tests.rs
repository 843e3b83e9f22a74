use super::*;

fn catalogue() -> Catalogue {
    let rows = [
        (
            "207R00000X",
            "Allopathic & Osteopathic Physicians",
            "Internal Medicine",
            "",
        ),
        (
            "207RC0000X",
            "Allopathic & Osteopathic Physicians",
            "Internal Medicine",
            "Cardiovascular Disease",
        ),
        (
            "207RI0011X",
            "Allopathic & Osteopathic Physicians",
            "Internal Medicine",
            "Interventional Cardiology",
        ),
        (
            "207Q00000X",
            "Allopathic & Osteopathic Physicians",
            "Family Medicine",
            "",
        ),
        (
            "207V00000X",
            "Allopathic & Osteopathic Physicians",
            "Obstetrics & Gynecology",
            "",
        ),
        (
            "207N00000X",
            "Allopathic & Osteopathic Physicians",
            "Dermatology",
            "",
        ),
        (
            "208VP0000X",
            "Allopathic & Osteopathic Physicians",
            "Pain Medicine",
            "Pain Medicine",
        ),
        (
            "208VP0014X",
            "Allopathic & Osteopathic Physicians",
            "Pain Medicine",
            "Interventional Pain Medicine",
        ),
        (
            "208D00000X",
            "Allopathic & Osteopathic Physicians",
            "General Practice",
            "",
        ),
        (
            "1223G0001X",
            "Dental Providers",
            "Dentist",
            "General Practice",
        ),
        (
            "207X00000X",
            "Allopathic & Osteopathic Physicians",
            "Orthopaedic Surgery",
            "",
        ),
        (
            "2083P0901X",
            "Allopathic & Osteopathic Physicians",
            "Preventive Medicine",
            "Public Health & General Preventive Medicine",
        ),
        (
            "1835C0206X",
            "Pharmacy Service Providers",
            "Pharmacist",
            "Cardiology",
        ),
        (
            "163WP0000X",
            "Nursing Service Providers",
            "Registered Nurse",
            "Pain Management",
        ),
        (
            "363L00000X",
            "Physician Assistants & Advanced Practice Nursing Providers",
            "Nurse Practitioner",
            "",
        ),
        (
            "363LF0000X",
            "Physician Assistants & Advanced Practice Nursing Providers",
            "Nurse Practitioner",
            "Family",
        ),
    ];
    Catalogue::new(
        rows.iter()
            .map(
                |(code, grouping, classification, specialization)| Taxonomy {
                    code: (*code).into(),
                    section: "Individual".into(),
                    grouping: (*grouping).into(),
                    classification: (*classification).into(),
                    specialization: (*specialization).into(),
                    display_name: format!("{specialization} {classification} Provider")
                        .trim()
                        .into(),
                },
            )
            .collect(),
    )
}

fn codes(name: &str) -> Vec<String> {
    catalogue()
        .resolve(name)
        .unwrap_or_else(|e| panic!("{e}"))
        .codes
}

#[test]
fn everyday_words_mean_what_people_mean() {
    assert_eq!(codes("pain management"), ["208VP0000X", "208VP0014X"]);
    assert_eq!(codes("Cardiologist"), ["207RC0000X", "207RI0011X"]);
    assert_eq!(codes("cardiology"), ["207RC0000X", "207RI0011X"]);
    assert_eq!(codes("OB-GYN"), ["207V00000X"]);
    assert_eq!(codes("ob/gyn"), ["207V00000X"]);
    assert_eq!(codes("family doctor"), ["207Q00000X"]);
    assert_eq!(codes("dermatologists"), ["207N00000X"]);
    assert_eq!(codes("Orthopaedic"), ["207X00000X"]);
}

#[test]
fn a_name_stands_for_all_that_the_registry_finds_with_it() {
    assert_eq!(
        codes("internal medicine"),
        ["207R00000X", "207RC0000X", "207RI0011X"]
    );
    assert_eq!(codes("General Physicians"), ["1223G0001X", "208D00000X"]);
    assert_eq!(codes("Nurse Practitioners"), ["363L00000X", "363LF0000X"]);
}

#[test]
fn one_query_asks_once() {
    assert_eq!(
        catalogue().resolve("Pain Management").unwrap().texts,
        ["Pain Medicine"]
    );
}

#[test]
fn a_code_stands_for_itself_and_asks_with_the_narrower_text() {
    let known = catalogue().resolve("363lf0000x").unwrap();
    assert_eq!(
        (known.codes, known.texts, known.sift),
        (vec!["363LF0000X".into()], vec!["Family".into()], false)
    );
    let known = catalogue().resolve("207R00000X").unwrap();
    assert_eq!(
        (known.texts, known.sift),
        (vec!["Internal Medicine".into()], true)
    );
}

#[test]
fn part_of_a_name_is_enough_when_one_begins_with_it() {
    assert_eq!(codes("cardiovasc"), ["207RC0000X"]);
    assert_eq!(codes("fam"), ["207Q00000X"]);
}

#[test]
fn what_nobody_knows_is_refused_with_three() {
    let unknown = catalogue().resolve("Medical Officer").unwrap_err();
    assert_eq!(unknown.nearest[0], "Preventive Medicine");
    let unknown = catalogue().resolve("Famly Medcine").unwrap_err();
    assert_eq!(unknown.nearest.len(), 3);
    assert_eq!(unknown.nearest[0], "Family Medicine");
    assert_eq!(catalogue().resolve("zzz").unwrap_err().nearest.len(), 3);
    assert!(catalogue().resolve("").is_err());
}

#[test]
fn a_level_of_the_tree_stands_for_all_below_it() {
    let codes = |text: &str| catalogue().codes_of_level(text).unwrap();
    assert_eq!(codes("207rc0000x"), ["207RC0000X"]);
    assert_eq!(codes("999ZZ0000X"), ["999ZZ0000X"]);
    assert_eq!(codes("207R"), ["207R00000X", "207RC0000X", "207RI0011X"]);
    assert_eq!(codes("internal medicine").len(), 3);
    assert_eq!(codes("Cardiovascular Disease"), ["207RC0000X"]);
    assert_eq!(codes("dental providers"), ["1223G0001X"]);
    assert_eq!(codes("Individual").len(), 16);
    let unknown = catalogue().codes_of_level("Famly Medcine").unwrap_err();
    assert_eq!(unknown.nearest[0], "Family Medicine");
    assert!(catalogue().codes_of_level("999").is_err());
}

#[test]
fn the_registry_text_may_end_in_a_star() {
    assert_eq!(catalogue().codes_of_text("Pain*").len(), 3);
    assert_eq!(catalogue().codes_of_text("pain medicine").len(), 2);
    assert!(
        catalogue()
            .codes_of_text("Internal Medicine, Cardiovascular Disease")
            .is_empty()
    );
}
