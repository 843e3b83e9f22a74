use std::fs;

use canvass_nppes::api::{Answer, Fault, parse_answer};
use serde_json::{Value, json};

use crate::fixtures;

const JSON: Option<&str> = Some("application/json");

fn parse(body: impl AsRef<[u8]>) -> Result<Answer, Fault> {
    parse_answer(200, JSON, body.as_ref())
}

#[test]
fn every_recorded_answer_is_a_page_or_a_refusal() {
    let mut records = 0;
    let mut refusals = 0;
    for file in fs::read_dir(fixtures::folder().join("responses")).unwrap() {
        let path = file.unwrap().path();
        match parse(fs::read(&path).unwrap()) {
            Ok(Answer::Page { records: page }) => records += page.len(),
            Ok(Answer::Refused(_)) => refusals += 1,
            // Two pages were trimmed by those who published them.
            Err(Fault::CountMismatch { stated, held }) => {
                assert!(held < stated, "{}", path.display());
                records += usize::try_from(held).unwrap();
            }
            Err(fault) => panic!("{}: {fault}", path.display()),
        }
    }
    assert_eq!((records, refusals), (54, 3));
}

#[test]
fn every_known_refusal_is_read_word_for_word() {
    let errors = fixtures::read("errors.json");
    let errors = errors.as_array().unwrap();
    assert_eq!(errors.len(), 9);
    for error in errors {
        let body = error["body"].to_string();
        let Ok(Answer::Refused(refusals)) = parse(body) else {
            panic!("{error}");
        };
        let said = &error["body"]["Errors"][0];
        assert_eq!(refusals.len(), 1);
        assert_eq!(said["number"], refusals[0].number);
        assert_eq!(said["field"], refusals[0].field);
        assert_eq!(said["description"], refusals[0].description);
    }
    let two = json!({"Errors": [{"number": "07", "field": "state", "description": "A"},
        {"number": 9}], "results": []});
    let Ok(Answer::Refused(two)) = parse(two.to_string()) else {
        panic!("two refusals");
    };
    assert_eq!(two[0].to_string(), "A (state, error 07)");
    assert_eq!(two[1].number, "9");
}

#[test]
fn nothing_found_is_an_empty_page() {
    let empty = Answer::Page { records: vec![] };
    let body = "\u{feff}{\"result_count\":0,\"results\":[]}";
    assert_eq!(parse(body), Ok(empty));
}

#[test]
fn a_page_that_is_shorter_than_it_says_is_a_fault() {
    let page = fs::read(fixtures::folder().join("page_200_first134.json")).unwrap();
    assert_eq!(
        parse(page),
        Err(Fault::CountMismatch {
            stated: 200,
            held: 134
        })
    );
}

#[test]
fn what_an_answer_holds_beyond_what_it_says_is_taken() {
    let body = json!({"result_count": 1, "results": [{"number": "1"}, {"number": "2"}]});
    let Ok(Answer::Page { records }) = parse(body.to_string()) else {
        panic!("no page");
    };
    assert_eq!(records.len(), 2);
}

#[test]
fn a_web_page_is_no_answer_whatever_it_says_it_is() {
    let html = "\n <html><body>Scheduled maintenance</body></html>";
    assert_eq!(parse(html), Err(Fault::Html));
    let page = parse_answer(200, Some("text/HTML; charset=utf-8"), b"down");
    assert_eq!(page, Err(Fault::Html));
}

#[test]
fn what_is_no_answer_is_malformed() {
    for body in [
        "",
        "{\"result_count\":1,\"results\":[{",
        "[]",
        "null",
        "{}",
        "{\"result_count\":0}",
        "{\"results\":[]}",
        "{\"result_count\":\"many\",\"results\":[]}",
        "{\"result_count\":0,\"results\":{}}",
        "{\"Errors\":[]}",
        "{\"Errors\":null}",
    ] {
        let answer = parse(body);
        assert!(matches!(answer, Err(Fault::Malformed(_))), "{body}");
    }
    let deep = "[".repeat(200_000);
    assert!(matches!(parse(deep), Err(Fault::Malformed(_))));
}

#[test]
fn a_status_of_failure_goes_before_the_body() {
    for code in [302, 404, 429, 500, 503] {
        let fault = Fault::Status {
            code,
            retry_after: None,
        };
        let body = Value::from("down").to_string();
        assert_eq!(parse_answer(code, JSON, body.as_bytes()), Err(fault));
    }
}
