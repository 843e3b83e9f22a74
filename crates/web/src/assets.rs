//! Stylesheet, scripts and pictures, served out of the binary.
//!
//! The path of an asset carries a hash of its content (`/assets/app.5f2c….css`), so a browser may
//! keep it for ever and a new version is a new path.

use std::sync::LazyLock;

use axum::Router;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

/// One asset and the path it is served at.
#[derive(Debug)]
struct Asset {
    /// Path without `/assets/`.
    file: String,
    media_type: &'static str,
    content: &'static [u8],
}

impl Asset {
    fn new(stem: &str, extension: &str, media_type: &'static str, content: &'static [u8]) -> Self {
        let hash = blake3::hash(content).to_hex();
        Self {
            file: format!("{stem}.{}.{extension}", &hash.as_str()[..12]),
            media_type,
            content,
        }
    }

    fn path(&self) -> String {
        format!("/assets/{}", self.file)
    }
}

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

static ASSETS: LazyLock<[Asset; 8]> = LazyLock::new(|| {
    [
        Asset::new("app", "css", CSS, include_bytes!("../assets/app.css")),
        Asset::new("app", "js", JS, include_bytes!("../assets/app.js")),
        Asset::new(
            "htmx",
            "js",
            JS,
            include_bytes!("../assets/vendor/htmx.min.js"),
        ),
        Asset::new("icons", "svg", SVG, include_bytes!("../assets/icons.svg")),
        Asset::new(
            "favicon",
            "svg",
            SVG,
            include_bytes!("../assets/favicon.svg"),
        ),
        Asset::new(
            "swagger-ui",
            "css",
            CSS,
            include_bytes!("../assets/vendor/swagger-ui.css"),
        ),
        Asset::new(
            "swagger-ui",
            "js",
            JS,
            include_bytes!("../assets/vendor/swagger-ui-bundle.js"),
        ),
        Asset::new(
            "api-docs",
            "js",
            JS,
            include_bytes!("../assets/api-docs.js"),
        ),
    ]
});

/// Where each asset is, for templates.
#[derive(Debug)]
pub struct AssetPaths {
    /// Stylesheet of all pages.
    pub stylesheet: String,
    /// Script of all pages.
    pub script: String,
    /// htmx.
    pub htmx: String,
    /// Sprite of icons; an icon is a fragment of it.
    pub icons: String,
    /// Icon of the site.
    pub favicon: String,
    /// Stylesheet of the API's viewer.
    pub viewer_stylesheet: String,
    /// Script of the API's viewer.
    pub viewer_script: String,
    /// What starts the API's viewer.
    pub viewer_start: String,
}

/// The paths of all assets.
pub static PATHS: LazyLock<AssetPaths> = LazyLock::new(|| {
    let [
        stylesheet,
        script,
        htmx,
        icons,
        favicon,
        viewer_stylesheet,
        viewer_script,
        viewer_start,
    ] = &*ASSETS;
    AssetPaths {
        stylesheet: stylesheet.path(),
        script: script.path(),
        htmx: htmx.path(),
        icons: icons.path(),
        favicon: favicon.path(),
        viewer_stylesheet: viewer_stylesheet.path(),
        viewer_script: viewer_script.path(),
        viewer_start: viewer_start.path(),
    }
});

/// Serves all assets below `/assets/`, and `/favicon.ico` for browsers that ask for it unbidden.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/assets/{file}", get(asset))
        .route("/favicon.ico", get(favicon))
}

async fn asset(Path(file): Path<String>) -> Response {
    let Some(asset) = ASSETS.iter().find(|a| a.file == file) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static(asset.media_type),
        ),
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static("public, max-age=31536000, immutable"),
        ),
    ];
    (headers, Bytes::from_static(asset.content)).into_response()
}

async fn favicon() -> Response {
    axum::response::Redirect::permanent(&PATHS.favicon).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use tower::ServiceExt as _;

    use super::*;

    async fn get(path: &str) -> Response {
        let request = Request::get(path).body(Body::empty()).unwrap();
        router::<()>().oneshot(request).await.unwrap()
    }

    #[tokio::test]
    async fn an_asset_may_be_kept_for_ever_under_the_hash_of_its_content() {
        let answer = get(&PATHS.stylesheet).await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()[header::CONTENT_TYPE], CSS);
        let cache = answer.headers()[header::CACHE_CONTROL].to_str().unwrap();
        assert!(cache.contains("immutable"), "{cache}");
    }

    #[tokio::test]
    async fn another_hash_is_not_found() {
        let answer = get("/assets/app.000000000000.css").await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    }

    #[test]
    fn every_icon_that_a_template_uses_is_drawn() {
        let sprite = include_str!("../assets/icons.svg");
        let mut used = std::collections::BTreeSet::new();
        let mut folders = vec![std::path::PathBuf::from(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/templates"
        ))];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(path).unwrap();
                used.extend(
                    text.split("ui::icon(\"")
                        .skip(1)
                        .filter_map(|rest| rest.split('"').next())
                        .map(ToOwned::to_owned),
                );
            }
        }
        assert!(!used.is_empty());
        for name in used {
            assert!(
                sprite.contains(&format!("id=\"{name}\"")),
                "no icon {name:?}"
            );
        }
    }
}
