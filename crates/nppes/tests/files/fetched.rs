//! Fetching a file from a server on loopback that breaks off, moves and changes its mind.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Response, StatusCode},
    routing::get,
};
use canvass_nppes::fetch::{FetchError, FetchSettings, Fetcher};
use futures_util::{StreamExt as _, stream};

/// What the server does with one request.
#[derive(Clone, Debug)]
enum Act {
    /// Gives all that is asked for.
    Give,
    /// Breaks off after so many bytes of it.
    Cut(usize),
    /// Gives the whole, whatever part is asked for.
    Whole,
    /// Answers with this status.
    Status(u16),
    /// Goes on one byte too far.
    Skip,
}

#[derive(Default)]
struct Site {
    content: Vec<u8>,
    etag: &'static str,
    acts: Vec<Act>,
    /// `Range` of each request.
    asked: Vec<String>,
}

type Shared = Arc<Mutex<Site>>;

async fn file(State(site): State<Shared>, headers: HeaderMap) -> Response<Body> {
    let mut site = site.lock().unwrap();
    let header = |name: &str| headers.get(name).map_or("", |v| v.to_str().unwrap());
    let range = header("range").to_owned();
    site.asked.push(range.clone());
    let act = if site.acts.is_empty() {
        Act::Give
    } else {
        site.acts.remove(0)
    };
    let same = header("if-range") == site.etag;
    let mut from = range
        .strip_prefix("bytes=")
        .and_then(|r| r.strip_suffix('-'))
        .filter(|_| same && !matches!(act, Act::Whole))
        .map_or(0, |r| r.parse::<usize>().unwrap());
    if matches!(act, Act::Skip) && from > 0 {
        from += 1;
    }
    let total = site.content.len();
    let answer = Response::builder().header("etag", site.etag);
    if let Act::Status(status) = act {
        return answer.status(status).body(Body::empty()).unwrap();
    }
    if from >= total {
        let range = format!("bytes */{total}");
        let answer = answer.status(416).header("content-range", range);
        return answer.body(Body::empty()).unwrap();
    }
    let rest = Bytes::copy_from_slice(&site.content[from..]);
    let answer = answer.header("content-length", rest.len());
    let answer = if from > 0 {
        let range = format!("bytes {from}-{}/{total}", total - 1);
        answer
            .status(StatusCode::PARTIAL_CONTENT)
            .header("content-range", range)
    } else {
        answer
    };
    let body = match act {
        Act::Cut(after) => {
            let piece = rest.slice(..after);
            // What waits lets the piece before it go out.
            let cut = async {
                tokio::time::sleep(Duration::from_millis(20)).await;
                Err(std::io::Error::other("cut"))
            };
            let pieces = stream::once(async { Ok(piece) }).chain(stream::once(cut));
            Body::from_stream(pieces)
        }
        _ => Body::from(rest),
    };
    answer.body(body).unwrap()
}

struct World {
    site: Shared,
    base: String,
    to: PathBuf,
    _folder: tempfile::TempDir,
}

impl World {
    async fn new(content: &[u8], acts: &[Act]) -> Self {
        let site = Arc::new(Mutex::new(Site {
            content: content.to_vec(),
            etag: "\"one\"",
            acts: acts.to_vec(),
            asked: Vec::new(),
        }));
        let to_file = |status: u16| {
            get(async move || {
                let answer = Response::builder().status(status);
                answer
                    .header("location", "/file.zip")
                    .body(Body::empty())
                    .unwrap()
            })
        };
        let router = Router::new()
            .route("/file.zip", get(file))
            .route("/moved", to_file(302))
            .route(
                "/round",
                get(async || axum::response::Redirect::temporary("/round")),
            )
            .route(
                "/away",
                get(async || axum::response::Redirect::temporary("http://files.example/x")),
            )
            .with_state(site.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let folder = tempfile::tempdir().unwrap();
        Self {
            site,
            base,
            to: folder.path().join("file.zip"),
            _folder: folder,
        }
    }

    async fn fetch_from(
        &self,
        path: &str,
        most: u64,
    ) -> Result<Vec<(u64, Option<u64>)>, FetchError> {
        let settings = FetchSettings {
            most,
            attempts: 3,
            pause: Duration::from_millis(1),
            still: Duration::from_secs(5),
            plain_loopback: true,
        };
        let fetcher = Fetcher::new(settings, "https://canvass.example").unwrap();
        let mut told = Vec::new();
        fetcher
            .fetch(&format!("{}{path}", self.base), &self.to, &mut |len, of| {
                told.push((len, of));
            })
            .await?;
        Ok(told)
    }

    async fn fetch(&self) -> Result<Vec<(u64, Option<u64>)>, FetchError> {
        self.fetch_from("/file.zip", 1 << 20).await
    }

    fn asked(&self) -> Vec<String> {
        self.site.lock().unwrap().asked.clone()
    }

    #[track_caller]
    fn assert_whole(&self) {
        let content = std::fs::read(&self.to).unwrap();
        assert_eq!(content, self.site.lock().unwrap().content);
        let beside = self.to.with_file_name("file.zip.from");
        assert!(!beside.exists(), "what was needed to go on is left");
    }
}

fn bytes(n: u32) -> Vec<u8> {
    (0..n).map(|i| (i % 251) as u8).collect()
}

#[tokio::test]
async fn a_file_comes_whole_and_tells_how_far_it_is() {
    let world = World::new(&bytes(100_000), &[]).await;
    let told = world.fetch().await.unwrap();
    world.assert_whole();
    assert_eq!(told.first(), Some(&(0, Some(100_000))));
    assert_eq!(told.last(), Some(&(100_000, Some(100_000))));
    assert!(told.is_sorted());
    assert_eq!(world.asked(), [""]);
}

#[tokio::test]
async fn it_goes_on_where_it_broke_off() {
    let acts = [
        Act::Cut(4_000),
        Act::Status(503),
        Act::Cut(1_000),
        Act::Give,
    ];
    let world = World::new(&bytes(10_000), &acts).await;
    world.fetch().await.unwrap();
    world.assert_whole();
    assert_eq!(
        world.asked(),
        ["", "bytes=4000-", "bytes=4000-", "bytes=5000-"]
    );
}

#[tokio::test]
async fn another_try_goes_on_as_well_and_from_another_edition_begins_anew() {
    let broken = [
        Act::Cut(3_000),
        Act::Status(500),
        Act::Status(502),
        Act::Status(503),
    ];
    for changed in [false, true] {
        let world = World::new(&bytes(10_000), &broken).await;
        match world.fetch().await.unwrap_err() {
            FetchError::BrokenOff { bytes, cause } => {
                assert_eq!(bytes, 3_000);
                assert!(cause.contains("502"), "{cause}");
            }
            other => panic!("{other}"),
        }
        if changed {
            let mut site = world.site.lock().unwrap();
            site.content = bytes(8_000).into_iter().rev().collect();
            site.etag = "\"two\"";
        }
        world.site.lock().unwrap().acts.clear();
        world.fetch().await.unwrap();
        world.assert_whole();
        assert_eq!(world.asked().last().unwrap(), "bytes=3000-");
    }
}

#[tokio::test]
async fn a_server_that_does_not_go_on_rightly_is_begun_anew() {
    for act in [Act::Whole, Act::Skip, Act::Status(416)] {
        let world = World::new(&bytes(10_000), &[Act::Cut(3_000), act]).await;
        world.fetch().await.unwrap();
        world.assert_whole();
    }
    // One that has no name for an edition is not believed to have the same.
    let world = World::new(&bytes(10_000), &[Act::Cut(3_000)]).await;
    world.site.lock().unwrap().etag = "W/\"weak\"";
    world.fetch().await.unwrap();
    world.assert_whole();
    assert_eq!(world.asked(), ["", ""]);
}

#[tokio::test]
async fn what_is_too_large_or_refused_ends_at_once() {
    let world = World::new(&bytes(10_000), &[]).await;
    let error = world.fetch_from("/file.zip", 9_999).await.unwrap_err();
    assert!(matches!(
        error,
        FetchError::TooLarge {
            bytes: 10_000,
            most: 9_999
        }
    ));
    assert_eq!(std::fs::metadata(&world.to).unwrap().len(), 0);
    world.fetch_from("/file.zip", 10_000).await.unwrap();
    let error = world.fetch_from("/nothing", 1).await.unwrap_err();
    assert!(error.to_string().contains("404"), "{error}");
}

#[tokio::test]
async fn a_redirect_is_followed_where_it_may_lead() {
    let world = World::new(&bytes(1_000), &[]).await;
    world.fetch_from("/moved", 1 << 20).await.unwrap();
    world.assert_whole();
    for (path, why) in [("/away", "https://"), ("/round", "without end")] {
        match world.fetch_from(path, 1 << 20).await.unwrap_err() {
            FetchError::Address { problem, .. } => assert!(problem.contains(why), "{problem}"),
            other => panic!("{path}: {other}"),
        }
    }
}

#[tokio::test]
async fn nothing_is_asked_where_it_can_not_be_kept() {
    let mut world = World::new(&bytes(1_000), &[]).await;
    world.to = world.to.join("below a file that is none");
    let error = world.fetch().await.unwrap_err();
    assert!(matches!(error, FetchError::Write { .. }), "{error}");
    assert!(world.asked().is_empty());
}
