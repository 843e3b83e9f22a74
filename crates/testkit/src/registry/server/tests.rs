use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Instant,
};

use super::*;
use crate::registry::{Deep, Record, npi};

const INTERNISTS: &str = "version=2.1&taxonomy_description=Internal+Medicine&limit=200";

fn settings() -> Settings {
    Settings::with_texts(&[("Internal Medicine", &["207R00000X"])])
}

fn internists(count: u32) -> Vec<Value> {
    (0..count)
        .map(|n| {
            Record::individual(npi(n), &format!("NAME{n:05}"), "A")
                .codes(&["207R00000X"])
                .build()
        })
        .collect()
}

/// Status line, headers and body as bytes came, and how the connection ended.
struct Raw {
    head: String,
    body: String,
    end: io::Result<()>,
}

impl Raw {
    fn numbers(&self) -> Vec<String> {
        let answer: Value = serde_json::from_str(&self.body).expect(&self.body);
        let records = answer["results"].as_array().unwrap();
        assert_eq!(answer["result_count"], records.len());
        records
            .iter()
            .map(|r| r["number"].as_str().unwrap().to_owned())
            .collect()
    }
}

fn get(registry: &FaultyRegistry, query: &str) -> Raw {
    let address = registry.url().strip_prefix("http://").unwrap();
    let (host, path) = address.split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(
        stream,
        "GET /{path}?{query} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: test/1\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut bytes = Vec::new();
    let end = stream.read_to_end(&mut bytes).map(|_| ());
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    Raw {
        head: head.to_ascii_lowercase(),
        body: body.to_owned(),
        end,
    }
}

fn numbers(range: std::ops::Range<u32>) -> Vec<String> {
    range.map(|n| npi(n).to_string()).collect()
}

#[test]
fn pages_come_in_order_and_the_last_is_short() {
    let registry = FaultyRegistry::start(&internists(450), settings());
    let page = |skip| get(&registry, &format!("{INTERNISTS}&skip={skip}")).numbers();
    assert_eq!(page(0), numbers(0..200));
    assert_eq!(page(200), numbers(200..400));
    assert_eq!(page(400), numbers(400..450));
    assert!(page(600).is_empty());
    let answer = get(&registry, INTERNISTS);
    assert!(answer.head.starts_with("http/1.1 200"), "{}", answer.head);
    assert!(answer.head.contains("content-type: application/json"));
}

#[test]
fn a_refusal_has_status_200_and_errors_alone() {
    let registry = FaultyRegistry::start(&internists(1), settings());
    let answer = get(
        &registry,
        "version=2.1&taxonomy_description=Medical+Officer",
    );
    assert!(answer.head.starts_with("http/1.1 200"), "{}", answer.head);
    assert_eq!(
        answer.body,
        r#"{"Errors":[{"description":"No taxonomy codes found with entered description","field":"taxonomy_description","number":"14"}]}"#
    );
}

#[test]
fn faults_of_the_answer_look_as_they_do_on_the_wire() {
    let registry = FaultyRegistry::start(
        &internists(1),
        settings().faults(Faults::scripted(
            [
                Fault::TooManyRequests {
                    retry_after: Some(7),
                },
                Fault::TooManyRequests { retry_after: None },
                Fault::ServerError,
                Fault::Html200,
            ]
            .map(Some),
        )),
    );
    let answers: Vec<Raw> = (0..5).map(|_| get(&registry, INTERNISTS)).collect();
    assert!(answers[0].head.starts_with("http/1.1 429"));
    assert!(answers[0].head.contains("retry-after: 7"));
    assert!(answers[1].head.starts_with("http/1.1 429"));
    assert!(!answers[1].head.contains("retry-after"));
    assert!(answers[2].head.starts_with("http/1.1 500"));
    assert!(answers[3].head.starts_with("http/1.1 200"));
    assert!(answers[3].head.contains("content-type: text/html"));
    assert_eq!(answers[4].numbers(), numbers(0..1));
}

#[test]
fn half_a_body_announces_the_whole() {
    let registry = FaultyRegistry::start(
        &internists(200),
        settings().faults(Faults::scripted([Some(Fault::HalfBody)])),
    );
    let half = get(&registry, INTERNISTS);
    let whole = get(&registry, INTERNISTS).body;
    assert!(
        half.head
            .contains(&format!("content-length: {}", whole.len()))
    );
    assert_eq!(half.body.len(), whole.len() / 2);
    assert!(whole.starts_with(&half.body));
}

#[test]
fn a_reset_is_one() {
    let registry = FaultyRegistry::start(
        &internists(1),
        settings().faults(Faults::scripted([Some(Fault::Reset)])),
    );
    let answer = get(&registry, INTERNISTS);
    assert_eq!(answer.head, "");
    assert_eq!(
        answer.end.unwrap_err().kind(),
        io::ErrorKind::ConnectionReset
    );
    assert_eq!(get(&registry, INTERNISTS).numbers().len(), 1);
}

/// A connection with a request on it that has arrived and that nobody reads the answer of.
fn under_way(registry: &FaultyRegistry) -> TcpStream {
    let before = registry.requests().len();
    let host = registry.url().split('/').nth(2).unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(
        stream,
        "GET /api/?{INTERNISTS} HTTP/1.1\r\nHost: {host}\r\n\r\n"
    )
    .unwrap();
    while registry.requests().len() == before {
        thread::yield_now();
    }
    stream
}

#[test]
fn a_hang_answers_in_the_end() {
    let hang = Duration::from_millis(50);
    let registry = FaultyRegistry::start(
        &internists(1),
        settings().faults(Faults::scripted([Some(Fault::Hang(hang))])),
    );
    assert_eq!(get(&registry, INTERNISTS).numbers(), numbers(0..1));
    let [request] = registry.requests().try_into().unwrap();
    assert!(request.end.unwrap() - request.start >= hang);
}

#[test]
fn a_hang_holds_up_nobody_else() {
    let registry = FaultyRegistry::start(
        &internists(1),
        settings().faults(Faults::scripted([Some(Fault::Hang(Duration::from_mins(
            10,
        )))])),
    );
    let _hung = under_way(&registry);
    assert_eq!(get(&registry, INTERNISTS).numbers(), numbers(0..1));
    let requests = registry.requests();
    assert_eq!(requests[0].end, None);
    assert!(requests[1].end.is_some());
    assert_eq!(registry.max_in_flight(), 2);
}

#[test]
fn a_request_that_the_client_gives_up_ends() {
    let registry =
        FaultyRegistry::start(&internists(1), settings().latency(Duration::from_mins(10)));
    let given_up = under_way(&registry);
    assert_eq!(registry.requests()[0].end, None);
    drop(given_up);
    let deadline = Instant::now() + Duration::from_secs(20);
    while registry.requests()[0].end.is_none() {
        assert!(Instant::now() < deadline, "the request never ended");
        thread::yield_now();
    }
}

#[test]
fn the_previous_page_is_repeated_except_before_the_first() {
    let registry = FaultyRegistry::start(
        &internists(450),
        settings().faults(Faults::scripted([Some(Fault::RepeatPreviousPage); 2])),
    );
    assert_eq!(get(&registry, INTERNISTS).numbers(), numbers(0..200));
    assert_eq!(
        get(&registry, &format!("{INTERNISTS}&skip=400")).numbers(),
        numbers(200..400)
    );
    let met: Vec<_> = registry.requests().iter().map(|r| r.fault).collect();
    assert_eq!(met, [None, Some(Fault::RepeatPreviousPage)]);
}

#[test]
fn records_repeated_in_a_page_displace_none() {
    let registry = FaultyRegistry::start(
        &internists(205),
        settings().faults(Faults::scripted([Some(Fault::RepeatRecordsInPage)])),
    );
    let mut repeated = get(&registry, INTERNISTS).numbers();
    assert_eq!(repeated.len(), 220);
    repeated.dedup();
    assert_eq!(repeated, numbers(0..200));
}

#[test]
fn what_always_fails_fails_each_time_and_nothing_else_does() {
    let registry = FaultyRegistry::start(
        &internists(450),
        settings().always_fail(|params| params.get("skip").is_some_and(|s| s == "200")),
    );
    for _ in 0..3 {
        let failed = get(&registry, &format!("{INTERNISTS}&skip=200"));
        assert!(failed.head.starts_with("http/1.1 500"));
    }
    assert_eq!(get(&registry, INTERNISTS).numbers().len(), 200);
}

#[test]
fn deep_pages_follow_the_setting_also_when_it_changes() {
    let registry = FaultyRegistry::start(&internists(1300), settings().deep(Deep::Repeats));
    let deep = || get(&registry, &format!("{INTERNISTS}&skip=1200")).numbers();
    assert_eq!(deep(), numbers(1000..1200));
    registry.set_settings(settings());
    assert_eq!(deep(), numbers(1200..1300));
    registry.set_settings(settings().deep(Deep::Empty));
    assert!(deep().is_empty());
}

#[test]
fn other_records_are_served_from_the_next_request_on() {
    let registry = FaultyRegistry::start(&internists(3), settings());
    assert_eq!(get(&registry, INTERNISTS).numbers().len(), 3);
    registry.set_records(&internists(2));
    assert_eq!(get(&registry, INTERNISTS).numbers().len(), 2);
}

#[test]
fn requests_are_recorded_with_parameters_and_agent() {
    let registry = FaultyRegistry::start(&internists(1), settings());
    get(&registry, &format!("{INTERNISTS}&city=LOS%20ANGELES"));
    let [request] = registry.requests().try_into().unwrap();
    assert_eq!(request.params["city"], "LOS ANGELES");
    assert_eq!(request.params["taxonomy_description"], "Internal Medicine");
    assert_eq!(request.user_agent.as_deref(), Some("test/1"));
    assert_eq!(request.fault, None);
    assert!(request.end.unwrap() >= request.start);
}

#[tokio::test]
async fn it_starts_and_ends_inside_a_runtime_too() {
    let registry = FaultyRegistry::start(&internists(1), settings());
    let host = registry.url().split('/').nth(2).unwrap().to_owned();
    drop(registry);
    assert!(tokio::net::TcpStream::connect(host).await.is_err());
}

#[test]
fn answers_are_held_back_until_they_are_let_go() {
    let registry = FaultyRegistry::start(&internists(450), settings());
    registry.hold(|r| r.number >= 1);
    let page = |skip| get(&registry, &format!("{INTERNISTS}&skip={skip}")).numbers();
    assert_eq!(page(0), numbers(0..200));
    std::thread::scope(|scope| {
        let held = [200, 400].map(|skip| scope.spawn(move || page(skip)));
        while registry.requests().len() < 3 {
            thread::yield_now();
        }
        assert!(registry.requests()[1..].iter().all(|r| r.end.is_none()));
        // Another gate holds one of the two.
        registry.hold(|r| r.params["skip"] == "400");
        let [second, third] = held;
        assert_eq!(second.join().unwrap(), numbers(200..400));
        assert!(!third.is_finished());
        registry.release();
        assert_eq!(third.join().unwrap(), numbers(400..450));
    });
    assert!(page(600).is_empty());
}

#[test]
fn a_registry_ends_while_it_holds_answers_back() {
    let registry = FaultyRegistry::start(&internists(1), settings());
    registry.hold(|_| true);
    let host = registry.url().split('/').nth(2).unwrap().to_owned();
    let mut stream = TcpStream::connect(&host).unwrap();
    write!(
        stream,
        "GET /api/?{INTERNISTS} HTTP/1.1\r\nHost: {host}\r\n\r\n"
    )
    .unwrap();
    while registry.requests().is_empty() {
        thread::yield_now();
    }
    drop(registry);
    // Closed or reset, and no answer.
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(answer.is_empty());
}
