//! The components: each one struct, one template and one section of the stylesheet.
//!
//! A component displays as HTML that is already escaped, so a template writes it as `{{ badge }}`.

mod form;
mod list;
mod report;
mod status;

use std::fmt;

pub use form::{Combobox, Field, Select, SelectOption};
pub use list::{Chip, Count, Empty, ExportMenu, Link, ListHead, Pager, Segments, Tab, Tabs};
pub use report::{Bar, BarChart, Dot, Notice, Progress, ReceiptView, Stat, TimelineEntry, Tone};
pub use status::{Avatar, Badge, StatusBadge, StatusSelect};

/// A picture of the sprite, for the eye only: the words beside it say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Icon(&'static str);

/// The icon of this name.
pub fn icon(name: &'static str) -> Icon {
    Icon(name)
}

impl fmt::Display for Icon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sprite = &crate::assets::PATHS.icons;
        write!(
            f,
            r#"<svg class="icon" aria-hidden="true"><use href="{sprite}#{}"/></svg>"#,
            self.0
        )
    }
}

// What these display is the output of a template that escapes, or a fixed text.
impl askama::filters::HtmlSafe for Icon {}

// For structs whose template escapes what comes from outside.
macro_rules! shown_as_html {
    ($($component:ty),* $(,)?) => { $(impl askama::filters::HtmlSafe for $component {})* };
}
pub(crate) use shown_as_html;

shown_as_html!(
    Avatar,
    Badge,
    BarChart,
    Chip,
    Combobox,
    Count,
    Empty,
    ExportMenu,
    Field,
    Notice,
    Pager,
    Progress,
    ReceiptView,
    Segments,
    Select,
    Stat,
    StatusBadge,
    StatusSelect,
    Tabs,
    TimelineEntry,
);

/// An address with a query: what each pair says, percent-encoded.
pub fn href<N: AsRef<str>, V: AsRef<str>>(
    path: &str,
    pairs: impl IntoIterator<Item = (N, V)>,
) -> String {
    let mut text = path.to_owned();
    let mut mark = if path.contains('?') { '&' } else { '?' };
    for (name, value) in pairs {
        text.push(mark);
        mark = '&';
        encode(&mut text, name.as_ref());
        text.push('=');
        encode(&mut text, value.as_ref());
    }
    text
}

/// `application/x-www-form-urlencoded` of one text.
fn encode(into: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' => {
                into.push(char::from(byte));
            }
            b' ' => into.push('+'),
            _ => {
                use std::fmt::Write as _;
                // Writing to a String cannot fail.
                let _ = write!(into, "%{byte:02X}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_every_pair_and_escapes_it() {
        assert_eq!(
            href("/providers", [("q", "O'Brien & co"), ("city", "San José")]),
            "/providers?q=O%27Brien+%26+co&city=San+Jos%C3%A9"
        );
        assert_eq!(
            href("/providers?q=a", [("sort", "name")]),
            "/providers?q=a&sort=name"
        );
        assert_eq!(href("/leads", Vec::<(&str, &str)>::new()), "/leads");
    }
}
