use std::path::Path;

use canvass_model::Catalogue;
use canvass_nppes::nucc::{self, NuccError};

const OFFICIAL_HEADER: &str =
    "Code,Grouping,Classification,Specialization,Definition,Notes,Display Name,Section";

pub fn catalogue() -> Catalogue {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/nucc/nucc_taxonomy_251.csv");
    nucc::load(&path).unwrap()
}

fn codes(name: &str) -> Vec<String> {
    let resolved = catalogue().resolve(name);
    resolved.unwrap_or_else(|e| panic!("{e}")).codes
}

#[test]
fn release_25_1_has_883_codes() {
    let catalogue = catalogue();
    assert_eq!(catalogue.taxonomies().len(), 883);
    let individual = |t: &&canvass_model::Taxonomy| t.section == "Individual";
    assert_eq!(
        catalogue.taxonomies().iter().filter(individual).count(),
        698
    );
    let cardiology = catalogue.get("207RC0000X").unwrap();
    assert_eq!(
        cardiology.description(),
        "Internal Medicine, Cardiovascular Disease"
    );
    assert_eq!(cardiology.display_name, "Cardiovascular Disease Physician");
}

#[test]
fn the_layout_of_the_nucc_is_read_with_and_without_a_byte_order_mark() {
    let row = "207RC0000X,Allopathic & Osteopathic Physicians,Internal Medicine,Cardiovascular Disease,\
               \"A definition,\r\nof two lines\",[1/1/2020: new],Cardiovascular Disease Physician,Individual";
    for mark in ["", "\u{feff}"] {
        let file = format!("{mark}{OFFICIAL_HEADER}\r\n{row}\r\n");
        let catalogue = nucc::parse(file.as_bytes()).unwrap();
        let all = catalogue.taxonomies();
        assert_eq!(
            all,
            [super::nucc::catalogue().get("207RC0000X").unwrap().clone()]
        );
    }
}

#[test]
fn what_is_no_taxonomy_is_refused_with_its_reason() {
    let refusal = |text: &str| nucc::parse(text.as_bytes()).unwrap_err();
    assert!(matches!(
        refusal("\n<!DOCTYPE html><html></html>"),
        NuccError::Html
    ));
    let header = refusal("NPI,Entity Type Code\n1234567893,1\n").to_string();
    assert!(
        header.contains("lacks the columns code, section"),
        "{header}"
    );
    assert!(matches!(refusal(""), NuccError::Header { .. }));
    assert!(matches!(refusal(OFFICIAL_HEADER), NuccError::Empty));
    let bad = refusal(&format!("{OFFICIAL_HEADER}\nABC,Group,A,,,,A,Individual\n")).to_string();
    assert!(
        bad.starts_with("line 2 ") && bad.contains("\"ABC\""),
        "{bad}"
    );
    let twice = "193200000X,Group,Multi-Specialty,,,,A,Individual\n".repeat(2);
    let twice = refusal(&format!("{OFFICIAL_HEADER}\n{twice}")).to_string();
    assert!(twice.contains("second time"), "{twice}");
    let absent = nucc::load(Path::new("no/such/file.csv")).unwrap_err();
    assert!(absent.to_string().contains("no/such/file.csv"));
}

#[test]
fn everyday_words_find_the_codes_that_people_mean() {
    assert_eq!(
        codes("pain management"),
        [
            "207LP2900X",
            "2081P2900X",
            "2084P2900X",
            "208VP0000X",
            "208VP0014X"
        ]
    );
    for name in ["cardiologist", "Cardiology"] {
        assert_eq!(codes(name), ["207RC0000X", "207RI0011X"], "{name}");
    }
    assert!(codes("ob-gyn").contains(&"207V00000X".to_owned()));
    assert!(codes("family doctor").contains(&"207Q00000X".to_owned()));
    // The registry searches specializations too: dentists, nurses, pharmacists and podiatrists.
    assert_eq!(
        codes("General Practice"),
        [
            "1223G0001X",
            "163WG0000X",
            "1835G0000X",
            "208D00000X",
            "213EG0000X"
        ]
    );
    assert!(codes("Registered Nurse").len() > 50);
}

#[test]
fn every_everyday_word_stands_for_texts_of_the_release() {
    let catalogue = catalogue();
    for (word, texts) in Catalogue::everyday() {
        for text in texts {
            assert!(!catalogue.codes_of_text(text).is_empty(), "{word}: {text}");
        }
        let codes = catalogue.resolve(word).map(|s| s.codes);
        let mut expected: Vec<String> = texts
            .iter()
            .flat_map(|t| catalogue.codes_of_text(t))
            .collect();
        expected.sort();
        expected.dedup();
        assert_eq!(codes, Ok(expected), "{word}");
    }
}

#[test]
fn six_of_the_eight_exist_and_the_others_name_the_nearest() {
    let catalogue = catalogue();
    let eight = &Catalogue::presets()[0];
    assert_eq!(eight.specialties.len(), 8);
    let (known, unknown): (Vec<_>, Vec<_>) = eight
        .specialties
        .iter()
        .map(|name| catalogue.resolve(name))
        .partition(Result::is_ok);
    assert_eq!((known.len(), unknown.len()), (6, 2));
    for refused in unknown {
        let nearest = refused.unwrap_err().nearest;
        assert_eq!(nearest.len(), 3);
        for name in nearest {
            assert!(catalogue.resolve(&name).is_ok(), "{name}");
        }
    }
    for preset in &Catalogue::presets()[1..] {
        for name in preset.specialties {
            assert!(catalogue.resolve(name).is_ok(), "{name}");
        }
    }
}
