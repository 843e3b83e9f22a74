//! Serves every component and every page with made-up data, to look at while designing:
//! `cargo run -p canvass-web --example gallery -- 127.0.0.1:7979`, then `/gallery`.

#[cfg(debug_assertions)]
mod server {
    use std::error::Error;

    use axum::Router;
    use canvass_web::{assets, gallery, pages, security};

    #[tokio::main]
    pub async fn main() -> Result<(), Box<dyn Error>> {
        let address = std::env::args().nth(1);
        let address = address.as_deref().unwrap_or("127.0.0.1:7979");
        let listener = tokio::net::TcpListener::bind(address).await?;
        let routes = Router::new()
            .merge(gallery::router())
            .merge(assets::router())
            .route("/theme", axum::routing::post(pages::theme::choose))
            .route("/api/docs", axum::routing::get(pages::api_docs::show));
        axum::serve(
            listener,
            security::guarded(routes, Router::new(), std::time::Duration::from_secs(30)),
        )
        .await?;
        Ok(())
    }
}

#[cfg(debug_assertions)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    server::main()
}

#[cfg(not(debug_assertions))]
fn main() {
    eprintln!("the gallery exists in debug builds only");
}
