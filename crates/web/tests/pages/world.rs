//! A site on a database of its own, and browsers that keep cookies.

use std::sync::LazyLock;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use canvass_app::{Actor, App, Clock, ImportSettings, RegistrySettings, Settings};
use canvass_model::{Catalogue, Npi, PageRequest, Provider, ProviderFilter, ProviderSort, Role};
use canvass_nppes::sample::{SampleSettings, providers};
use canvass_store::SaveAll;
use canvass_web::server::{Server, router};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::form::Form;

const NUCC: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../data/nucc/nucc_taxonomy_251.csv"
);

/// Password of everybody.
pub const PASSWORD: &str = "a long password";

pub fn now() -> Timestamp {
    "2026-11-12T15:00:00Z".parse().unwrap()
}

pub fn catalogue() -> &'static Catalogue {
    static CATALOGUE: LazyLock<Catalogue> =
        LazyLock::new(|| canvass_nppes::nucc::load(NUCC.as_ref()).unwrap());
    &CATALOGUE
}

pub struct Site {
    pub app: App,
    /// The folder of which files may be loaded.
    pub imports: tempfile::TempDir,
    router: Router,
    _folder: tempfile::TempDir,
}

impl Site {
    /// A site with nothing in it and nobody who has access.
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let imports = tempfile::tempdir().unwrap();
        let settings = Settings {
            database: format!("sqlite:{}", folder.path().join("canvass.db").display()),
            nucc: NUCC.into(),
            registry: RegistrySettings {
                // No test here asks it.
                url: "http://127.0.0.1:9/api/".to_owned(),
                ..RegistrySettings::default()
            },
            imports: ImportSettings {
                folder: Some(imports.path().to_owned()),
                most: 4 << 20,
                plain_loopback: false,
            },
        };
        let app = App::open(settings, Clock::from_fn(now)).await.unwrap();
        let server = Server::new(app.clone(), CancellationToken::new()).unwrap();
        Self {
            app,
            imports,
            router: router(server),
            _folder: folder,
        }
    }

    /// A site with so many providers of the sample.
    pub async fn with_providers(count: u64) -> Self {
        let site = Self::new().await;
        let settings = SampleSettings {
            providers: count,
            ..SampleSettings::default()
        };
        let sample: Vec<Provider> = providers(settings, catalogue()).collect();
        site.write(&sample).await;
        site
    }

    pub async fn write(&self, providers: &[Provider]) {
        let store = self.app.store();
        store.write_providers(providers, now()).await.unwrap();
    }

    /// The first providers by name.
    pub async fn npis(&self, count: u32) -> Vec<Npi> {
        let (filter, page) = (ProviderFilter::default(), PageRequest::first(count));
        let found = self.app.search(&filter, ProviderSort::Name, &page).await;
        found.unwrap().items.iter().map(|p| p.npi).collect()
    }

    pub async fn some_npi(&self) -> Npi {
        self.npis(1).await[0]
    }

    /// Leads of these.
    pub async fn save(&self, npis: &[Npi]) {
        let npis = npis.iter().map(ToString::to_string).collect();
        let what = SaveAll::Npis(npis);
        let system = Actor::system();
        self.app.save_all(&system, &what, None).await.unwrap();
    }

    /// A browser that nobody has signed in with.
    pub fn browser(&self) -> Browser {
        Browser {
            router: self.router.clone(),
            cookies: Vec::new(),
            page: "/".to_owned(),
        }
    }

    /// A browser of somebody of this role, whose name is the role's.
    pub async fn signed_in(&self, role: Role) -> Browser {
        let system = Actor::system();
        let name = role.as_str();
        let added = self.app.add_user(&system, name, PASSWORD, role).await;
        added.unwrap();
        let mut browser = self.browser();
        let login = [("name", name), ("password", PASSWORD), ("next", "/team")];
        let answer = browser.post("/login", &login).await;
        assert_eq!(answer.leads_to(), "/team");
        browser
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    /// Where it leads, after an action.
    pub fn leads_to(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.text);
        self.headers[header::LOCATION].to_str().unwrap()
    }

    pub fn assert_says(&self, words: &str) {
        assert!(
            self.text.contains(words),
            "{words:?} is not in the {} answer {}",
            self.status,
            self.text
        );
    }
}

#[derive(Clone)]
pub struct Browser {
    router: Router,
    cookies: Vec<(String, String)>,
    /// The page that is open.
    page: String,
}

impl Browser {
    /// Opens a page.
    pub async fn get(&mut self, path: &str) -> Answer {
        let answer = self.ask(Method::GET, path, &[], "", Body::empty()).await;
        path.clone_into(&mut self.page);
        answer
    }

    /// Opens a page that is there.
    pub async fn page(&mut self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
        answer.text
    }

    /// What htmx gets for the part with this identifier.
    pub async fn part(&mut self, path: &str, id: &str) -> Answer {
        let headers = [("hx-request", "true"), ("hx-target", id)];
        self.ask(Method::GET, path, &headers, "", Body::empty())
            .await
    }

    /// Sends a form.
    pub async fn post(&mut self, path: &str, pairs: &[(&str, &str)]) -> Answer {
        self.post_with(path, pairs, &[]).await
    }

    pub async fn send(&mut self, form: &Form) -> Answer {
        self.post(&form.action, &form.pairs()).await
    }

    /// Sends a form by htmx, for the part with this identifier.
    pub async fn send_part(&mut self, form: &Form, id: &str) -> Answer {
        let url = format!("http://canvass.example{}", self.page);
        let headers = [
            ("hx-request", "true"),
            ("hx-target", id),
            ("hx-current-url", &url),
        ];
        self.post_with(&form.action, &form.pairs(), &headers).await
    }

    pub async fn post_with(
        &mut self,
        path: &str,
        pairs: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish();
        let kind = "application/x-www-form-urlencoded";
        self.ask(Method::POST, path, headers, kind, body.into())
            .await
    }

    /// Sends a file in a form.
    pub async fn upload(&mut self, path: &str, content: &str) -> Answer {
        self.upload_as(path, "leads.csv", content.as_bytes()).await
    }

    /// Sends a file of this name.
    pub async fn upload_as(&mut self, path: &str, name: &str, content: &[u8]) -> Answer {
        let mut body = format!(
            "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        )
        .into_bytes();
        body.extend(content);
        body.extend(b"\r\n--x--\r\n");
        let kind = "multipart/form-data; boundary=x";
        self.ask(Method::POST, path, &[], kind, body.into()).await
    }

    /// Follows where an answer leads.
    pub async fn follow(&mut self, answer: &Answer) -> String {
        let to = answer.leads_to().to_owned();
        self.page(&to).await
    }

    pub async fn ask(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        kind: &str,
        body: Body,
    ) -> Answer {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(n, v)| format!("{n}={v}"))
            .collect();
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "canvass.example")
            .header("referer", format!("http://canvass.example{}", self.page));
        if !headers.iter().any(|(name, _)| *name == "sec-fetch-site") {
            request = request.header("sec-fetch-site", "same-origin");
        }
        if !cookies.is_empty() {
            request = request.header("cookie", cookies.join("; "));
        }
        if !kind.is_empty() {
            request = request.header("content-type", kind);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        for line in parts.headers.get_all(header::SET_COOKIE) {
            self.keep(line.to_str().unwrap());
        }
        let bytes = axum::body::to_bytes(body, 1 << 24).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    /// What a script of the page does.
    pub fn set_cookie(&mut self, name: &str, value: &str) {
        self.keep(&format!("{name}={value}"));
    }

    fn keep(&mut self, line: &str) {
        let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
        self.cookies.retain(|(known, _)| known != name);
        if !line.contains("Max-Age=0") {
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
    }
}
