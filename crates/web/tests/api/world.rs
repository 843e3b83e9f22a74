//! A server on a database of its own, with a registry on loopback and somebody of each role.

use std::{
    collections::HashMap,
    fmt::Write as _,
    sync::{LazyLock, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use canvass_app::{Actor, App, Clock, ImportSettings, RegistrySettings, Runner, Settings};
use canvass_model::{Catalogue, Role};
use canvass_testkit::{FaultyRegistry, Record, registry::npi};
use canvass_web::server::{Server, router};
use serde_json::Value;
use tokio_util::sync::{CancellationToken, DropGuard};
use tower::ServiceExt as _;

use crate::contract;

const NUCC: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../data/nucc/nucc_taxonomy_251.csv"
);

/// Bytes of an uploaded file at most.
pub const LARGEST_IMPORT: u64 = 4 << 20;

/// Password of everybody.
pub const PASSWORD: &str = "a long password";

pub fn catalogue() -> &'static Catalogue {
    static CATALOGUE: LazyLock<Catalogue> =
        LazyLock::new(|| canvass_nppes::nucc::load(NUCC.as_ref()).unwrap());
    &CATALOGUE
}

/// So many internists of Fresno, the first of them named GARCIA0.
pub fn internists(count: u32) -> Vec<Value> {
    (0..count)
        .map(|i| {
            Record::individual(npi(i), &format!("GARCIA{i}"), "ANA")
                .codes(&["207R00000X"])
                .practice("CA", "FRESNO", "937011234")
                .phone("559-555-0100")
                .build()
        })
        .collect()
}

/// What proves who sends a request.
#[derive(Clone, Debug)]
pub enum Proof {
    Nobody,
    Token(String),
    Cookie(String),
}

/// Somebody with access, in both ways.
pub struct Person {
    pub id: String,
    pub token: Proof,
    pub cookie: Proof,
}

pub struct World {
    pub app: App,
    pub router: Router,
    pub registry: FaultyRegistry,
    pub stopping: CancellationToken,
    /// The folder of which files may be loaded.
    pub imports: tempfile::TempDir,
    people: HashMap<Role, Person>,
    _folder: Option<tempfile::TempDir>,
    runner: Option<DropGuard>,
}

impl World {
    /// With a registry of these records.
    pub async fn sqlite(records: &[Value]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("canvass.db").display());
        Self::on(url, Some(folder), records).await
    }

    pub async fn postgres(records: &[Value]) -> Self {
        let url = tokio::task::spawn_blocking(canvass_testkit::postgres_url)
            .await
            .unwrap();
        Self::on(url, None, records).await
    }

    async fn on(database: String, folder: Option<tempfile::TempDir>, records: &[Value]) -> Self {
        let registry = FaultyRegistry::start(records, knowing());
        let imports = tempfile::tempdir().unwrap();
        let settings = Settings {
            database,
            nucc: NUCC.into(),
            registry: RegistrySettings {
                url: registry.url().to_owned(),
                window: Duration::from_millis(1),
                backoff: Duration::from_millis(2),
                ..RegistrySettings::default()
            },
            imports: ImportSettings {
                folder: Some(imports.path().to_owned()),
                most: LARGEST_IMPORT,
                plain_loopback: true,
            },
        };
        let app = App::open(settings, Clock::system()).await.unwrap();
        let mut people = HashMap::new();
        for role in Role::ALL {
            let name = format!("the {role}");
            let user = app
                .add_user(&Actor::system(), &name, PASSWORD, role)
                .await
                .unwrap();
            let (secret, _) = app
                .create_token(&Actor::system(), &user.id, "test")
                .await
                .unwrap();
            let login = app.login(&name, PASSWORD, None).await.unwrap();
            let person = Person {
                id: user.id,
                token: Proof::Token(secret.expose().to_owned()),
                cookie: Proof::Cookie(login.secret.expose().to_owned()),
            };
            people.insert(role, person);
        }
        let stopping = CancellationToken::new();
        let server = Server::new(app.clone(), stopping.clone()).unwrap();
        Self {
            router: router(server),
            app,
            registry,
            stopping,
            imports,
            people,
            _folder: folder,
            runner: None,
        }
    }

    /// With an ordinary answer that may take no time at all.
    #[must_use]
    pub fn impatient(mut self) -> Self {
        let server = Server::new(self.app.clone(), self.stopping.clone()).unwrap();
        self.router = router(server.with_timeout(Duration::ZERO));
        self
    }

    /// Works on jobs beside the server until the test ends.
    #[must_use]
    pub fn working(mut self) -> Self {
        let stop = CancellationToken::new();
        let runner = Runner::new(&self.app, None).unwrap();
        tokio::spawn(runner.run(stop.clone()));
        self.runner = Some(stop.drop_guard());
        self
    }

    pub fn person(&self, role: Role) -> &Person {
        &self.people[&role]
    }

    /// A request by somebody of this role.
    pub fn by(&self, role: Role, method: Method, path: &str) -> Ask<'_> {
        self.ask(&self.person(role).token, method, path)
    }

    pub fn get(&self, path: &str) -> Ask<'_> {
        self.by(Role::Admin, Method::GET, path)
    }

    pub fn post(&self, path: &str) -> Ask<'_> {
        self.by(Role::Admin, Method::POST, path)
    }

    pub fn ask(&self, proof: &Proof, method: Method, path: &str) -> Ask<'_> {
        let mut request = Request::builder().method(method).uri(path);
        match proof {
            Proof::Nobody => {}
            Proof::Token(token) => {
                request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
            }
            Proof::Cookie(secret) => {
                request = request.header(header::COOKIE, format!("canvass={secret}"));
            }
        }
        Ask {
            world: self,
            request,
            body: Body::empty(),
        }
    }

    /// Pulls internists of California and waits for the end.
    pub async fn pull(&self) -> Value {
        let answer = self
            .post("/api/sync")
            .header("prefer", "wait=100")
            .json(&serde_json::json!({"specialties": ["Internal Medicine"], "state": "CA"}))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    }

    /// Pulls, and makes leads of all that was found.
    pub async fn pull_leads(&self) {
        self.pull().await;
        let answer = self
            .post("/api/providers/save-all")
            .json(&serde_json::json!({"filter": {}}))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
}

/// A registry that knows the texts of the whole catalogue.
pub fn knowing() -> canvass_testkit::Settings {
    static CODES: LazyLock<Mutex<HashMap<String, Vec<String>>>> = LazyLock::new(Mutex::default);
    canvass_testkit::Settings::new(|text| {
        let mut codes = CODES.lock().unwrap();
        codes
            .entry(text.to_owned())
            .or_insert_with(|| catalogue().codes_of_text(text))
            .clone()
    })
}

/// A request on its way.
pub struct Ask<'a> {
    world: &'a World,
    request: axum::http::request::Builder,
    body: Body,
}

impl Ask<'_> {
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    #[must_use]
    pub fn body(mut self, kind: &str, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self.header("content-type", kind)
    }

    pub async fn json(self, body: &Value) -> Answer {
        self.body("application/json", body.to_string()).send().await
    }

    /// The answer with its body still to come.
    pub async fn begin(self) -> axum::response::Response {
        let request = self.request.body(self.body).unwrap();
        self.world.router.clone().oneshot(request).await.unwrap()
    }

    /// The whole answer, held against the description.
    pub async fn send(self) -> Answer {
        let request = self.request.body(self.body).unwrap();
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let response = self.world.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 1 << 26).await.unwrap();
        let answer = Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
            bytes: bytes.to_vec(),
        };
        contract::check(&method, &path, &answer);
        answer
    }
}

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
    pub bytes: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }

    /// The fields that a problem names.
    pub fn fields(&self) -> Vec<String> {
        let json = self.json();
        let errors = json["errors"].as_array().cloned().unwrap_or_default();
        errors
            .iter()
            .map(|e| e["field"].as_str().unwrap().to_owned())
            .collect()
    }

    /// The problem without what is another each time.
    pub fn problem(&self) -> String {
        let mut json = self.json();
        assert_eq!(json["request_id"], self.header("x-request-id"));
        json["request_id"] = "...".into();
        let mut text = String::new();
        write!(text, "{json:#}").unwrap();
        text
    }
}

/// Makes of each function a test per engine: `a_rule::sqlite` and `a_rule::postgres`.
#[macro_export]
macro_rules! both_engines {
    ($(async fn $name:ident($world:ident: World of $count:literal) $body:block)+) => {$(
        async fn $name($world: $crate::world::World) $body

        mod $name {
            use $crate::world::{World, internists};

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$name(World::sqlite(&internists($count)).await.working()).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::$name(World::postgres(&internists($count)).await.working()).await;
            }
        }
    )+};
}
