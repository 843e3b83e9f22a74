//! Light or dark, for a browser without script.

use axum::Form;
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::local_path;
use crate::cookies::Theme;

/// What the menu sends.
#[derive(Debug, Deserialize)]
pub struct ThemeChoice {
    theme: String,
    #[serde(default)]
    back: String,
}

/// `POST /theme`: keeps the choice and goes back.
pub async fn choose(Form(choice): Form<ThemeChoice>) -> Response {
    let cookie = Theme::parse(&choice.theme).keep();
    let back = Redirect::to(local_path(&choice.back));
    ([(header::SET_COOKIE, cookie)], back).into_response()
}
