//! The client against real servers on loopback, healthy and faulty.

use std::{
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    extract::RawQuery,
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Redirect},
    routing::get,
};
use canvass_model::Entity;
use canvass_nppes::api::{
    Answer, Client, ClientSettings, Fault, Query, RetrySettings, retry_delay,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tower_http::compression::CompressionLayer;

const EMPTY: &str = r#"{"result_count":0,"results":[]}"#;

fn settings() -> ClientSettings {
    ClientSettings {
        contact: "mailto:registry@example.org".into(),
        max_body: 1 << 20,
        ..ClientSettings::default()
    }
}

fn impatient() -> ClientSettings {
    ClientSettings {
        timeout: Duration::from_millis(300),
        ..settings()
    }
}

/// Serves on a port of its own until the test ends.
async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/api/", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
    url
}

async fn answer_of(url: &str, settings: &ClientSettings) -> Result<Answer, Fault> {
    let query = Query {
        state: Some("CA".into()),
        ..Query::default()
    };
    let client = Client::new(url, settings).unwrap();
    client.fetch(&query, 0).await
}

/// What the client makes of this handler's answer.
async fn ask<R: IntoResponse + 'static>(handler: fn() -> R) -> Result<Answer, Fault> {
    let router = Router::new().route(
        "/api/",
        get(move || async move { handler().into_response() }),
    );
    answer_of(&serve(router).await, &settings()).await
}

/// What the client makes of a server that does this with its first connection.
async fn ask_raw<F>(
    settings: &ClientSettings,
    serve: impl FnOnce(TcpStream) -> F,
) -> Result<Answer, Fault>
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/api/", listener.local_addr().unwrap());
    let answer = answer_of(&url, settings);
    let server = async {
        let (stream, _) = listener.accept().await.unwrap();
        tokio::spawn(serve(stream));
    };
    tokio::join!(answer, server).0
}

/// Reads the request, then writes the beginning of an answer of a thousand bytes.
async fn half_an_answer(stream: &mut TcpStream) {
    let mut request = [0; 4_096];
    let read = stream.read(&mut request).await.unwrap();
    assert!(read > 0);
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
        .write_all(b"{\"result_count\":1,\"res")
        .await
        .unwrap();
    stream.flush().await.unwrap();
}

#[tokio::test]
async fn a_query_is_asked_once_with_its_parameters_and_who_asks() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let router = Router::new().route(
        "/api/",
        get(|RawQuery(query): RawQuery, headers: HeaderMap| async move {
            let header = |name| headers.get(name).unwrap().to_str().unwrap().to_owned();
            let agent = header(header::USER_AGENT);
            let encodings = header(header::ACCEPT_ENCODING);
            log.lock().unwrap().push((query.unwrap(), agent, encodings));
            EMPTY
        }),
    );
    let client = Client::new(&serve(router).await, &settings()).unwrap();
    let query = Query {
        taxonomy_description: Some("Obstetrics & Gynecology".into()),
        postal_code: Some("900*".into()),
        enumeration_type: Some(Entity::Individual),
        ..Query::default()
    };
    let answer = client.fetch(&query, 400).await;
    assert_eq!(answer, Ok(Answer::Page { records: vec![] }));
    assert_eq!(
        *seen.lock().unwrap(),
        [(
            "version=2.1&limit=200&skip=400&enumeration_type=NPI-1\
             &taxonomy_description=Obstetrics+%26+Gynecology&postal_code=900*"
                .to_owned(),
            format!(
                "canvass/{} (+mailto:registry@example.org)",
                env!("CARGO_PKG_VERSION")
            ),
            "gzip".to_owned(),
        )]
    );
}

#[tokio::test]
async fn a_fault_is_not_asked_again_by_the_client_itself() {
    let count = Arc::new(Mutex::new(0));
    let counter = Arc::clone(&count);
    let router = Router::new().route(
        "/api/",
        get(|| async move {
            *counter.lock().unwrap() += 1;
            StatusCode::INTERNAL_SERVER_ERROR
        }),
    );
    let answer = answer_of(&serve(router).await, &settings()).await;
    assert_eq!(
        answer,
        Err(Fault::Status {
            code: 500,
            retry_after: None
        })
    );
    assert_eq!(*count.lock().unwrap(), 1);
}

#[tokio::test]
async fn a_compressed_answer_is_read() {
    let router = Router::new()
        .route(
            "/api/",
            get(|| async { format!("{EMPTY}{}", " ".repeat(5_000)) }),
        )
        .layer(CompressionLayer::new());
    let answer = answer_of(&serve(router).await, &settings()).await;
    assert_eq!(answer, Ok(Answer::Page { records: vec![] }));
}

#[tokio::test]
async fn too_many_requests_say_how_long_to_wait_in_seconds_or_until_a_date() {
    let waits = |answer: Result<Answer, Fault>| {
        let fault = answer.unwrap_err();
        retry_delay(1, &fault, &RetrySettings::default(), 0.0)
            .unwrap()
            .as_millis()
    };
    let seconds = ask(|| (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "7")])).await;
    assert_eq!(waits(seconds), 7_250);
    let dated = ask(|| {
        let headers = [
            ("retry-after", "Tue, 10 Feb 2026 09:23:29 GMT"),
            ("date", "Tue, 10 Feb 2026 09:22:59 GMT"),
        ];
        (StatusCode::SERVICE_UNAVAILABLE, headers)
    })
    .await;
    assert_eq!(waits(dated), 30_250);
    let past = ask(|| {
        let headers = [("retry-after", "Fri, 11 Feb 2000 09:23:29 GMT")];
        (StatusCode::SERVICE_UNAVAILABLE, headers)
    })
    .await;
    assert_eq!(waits(past), 250);
    let nonsense = ask(|| (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "soon")])).await;
    assert_eq!(waits(nonsense), 250);
}

#[tokio::test]
async fn a_web_page_is_a_fault() {
    assert_eq!(ask(|| Html("<p>maintenance")).await, Err(Fault::Html));
}

#[tokio::test]
async fn a_wrong_count_is_a_fault() {
    assert_eq!(
        ask(|| r#"{"result_count":2,"results":[{}]}"#).await,
        Err(Fault::CountMismatch { stated: 2, held: 1 })
    );
}

#[tokio::test]
async fn a_refusal_is_an_answer() {
    let answer = ask(|| r#"{"Errors":[{"description":"A","field":"state","number":"07"}]}"#).await;
    assert!(matches!(answer, Ok(Answer::Refused(refusals)) if refusals[0].number == "07"));
}

#[tokio::test]
async fn an_answer_is_read_up_to_its_bound_only() {
    let too_large = Err(Fault::TooLarge { limit: 1 << 20 });
    assert_eq!(ask(|| vec![b' '; 2 << 20]).await, too_large);
    // The same, announced with no length and small on the way.
    let router = Router::new()
        .route("/api/", get(|| async { " ".repeat(2 << 20) }))
        .layer(CompressionLayer::new());
    assert_eq!(
        answer_of(&serve(router).await, &settings()).await,
        too_large
    );
}

#[tokio::test]
async fn half_a_body_is_a_fault() {
    let answer = ask_raw(&settings(), |mut stream| async move {
        half_an_answer(&mut stream).await;
    })
    .await;
    assert!(matches!(answer, Err(Fault::Broken(_))), "{answer:?}");
}

#[tokio::test]
async fn a_reset_connection_is_a_fault() {
    let answer = ask_raw(&settings(), |stream| async move {
        stream.set_zero_linger().unwrap();
    })
    .await;
    assert!(
        matches!(answer, Err(Fault::Broken(_) | Fault::Connect(_))),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_registry_that_hangs_is_given_up() {
    let silent = ask_raw(&impatient(), |stream| async move {
        pending::<()>().await;
        drop(stream);
    })
    .await;
    assert_eq!(silent, Err(Fault::Timeout));
    let halfway = ask_raw(&impatient(), |mut stream| async move {
        half_an_answer(&mut stream).await;
        pending::<()>().await;
    })
    .await;
    assert_eq!(halfway, Err(Fault::Timeout));
}

#[tokio::test]
async fn nobody_there_is_a_fault() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/api/", listener.local_addr().unwrap());
    drop(listener);
    let answer = answer_of(&url, &settings()).await;
    assert!(matches!(answer, Err(Fault::Connect(_))), "{answer:?}");
}

#[tokio::test]
async fn a_redirect_is_followed_within_the_registry_only() {
    let elsewhere = serve(Router::new().route("/api/", get(|| async { EMPTY }))).await;
    let elsewhere_by_name = elsewhere.replace("127.0.0.1", "localhost");
    let router = Router::new()
        .route("/api", get(|| async { Redirect::temporary("/api/") }))
        .route("/api/", get(|| async { EMPTY }))
        .route(
            "/host",
            get(|| async move { Redirect::temporary(&elsewhere_by_name) }),
        )
        .route(
            "/port",
            get(|| async move { Redirect::temporary(&elsewhere) }),
        )
        .route("/loop", get(|| async { Redirect::temporary("/loop") }));
    let base = serve(router).await;
    let at = |path: &str| base.replace("/api/", path);
    let within = answer_of(&at("/api"), &settings()).await;
    assert_eq!(within, Ok(Answer::Page { records: vec![] }));
    for path in ["/host", "/port", "/loop"] {
        let fault = Fault::Status {
            code: 307,
            retry_after: None,
        };
        assert_eq!(
            answer_of(&at(path), &settings()).await,
            Err(fault),
            "{path}"
        );
    }
}
