use askama::Template;
use canvass_model::Receipt;
use serde::{Deserialize, Serialize};

use crate::format::{When, counted, noun, number};

/// What a colour means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// Something to know.
    #[default]
    Accent,
    /// It went well.
    Good,
    /// Something is missing.
    Warn,
    /// It failed.
    Bad,
    /// Of no weight.
    Muted,
}

impl Tone {
    /// The end of its class name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accent => "accent",
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Muted => "muted",
        }
    }

    fn icon(self) -> &'static str {
        match self {
            Self::Accent | Self::Muted => "info",
            Self::Good => "check",
            Self::Warn => "warning",
            Self::Bad => "cross",
        }
    }
}

/// The answer to a bulk action, part by part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Template)]
#[template(path = "ui/receipt.html")]
pub struct ReceiptView {
    /// The receipt.
    pub receipt: Receipt,
}

impl ReceiptView {
    fn parts(&self) -> Vec<(String, &'static str)> {
        let r = &self.receipt;
        let existing = noun(r.existing, "was a lead already", "were leads already");
        [
            (r.created, noun(r.created, "new lead", "new leads"), true),
            (r.existing, existing, true),
            (r.suppressed, "left out: asked not to be called", false),
            (r.rejected, "left out: not in service", false),
        ]
        .into_iter()
        .filter(|(n, _, always)| *always || *n > 0)
        .map(|(n, label, _)| (number(n), label))
        .collect()
    }

    fn requested(&self) -> String {
        number(self.receipt.requested)
    }

    fn label(&self) -> String {
        let providers = counted(self.receipt.requested, "provider", "providers");
        format!("Receipt for {providers}")
    }
}

/// What came of an action, at the top of the page that follows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Template)]
#[template(path = "ui/notice.html")]
pub struct Notice {
    /// How it went.
    pub tone: Tone,
    /// What happened.
    pub text: String,
    /// The receipt of a bulk action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
}

impl Notice {
    /// It went well.
    pub fn good(text: impl Into<String>) -> Self {
        Self {
            tone: Tone::Good,
            text: text.into(),
            receipt: None,
        }
    }

    /// It failed.
    pub fn bad(text: impl Into<String>) -> Self {
        Self {
            tone: Tone::Bad,
            ..Self::good(text)
        }
    }

    /// The receipt of a save-all.
    pub fn receipt(receipt: Receipt) -> Self {
        let text = match receipt.created {
            0 => "No new leads.".to_owned(),
            1 => "Saved 1 provider as a lead.".to_owned(),
            n => format!("Saved {} providers as leads.", number(n)),
        };
        Self {
            tone: if receipt.created > 0 {
                Tone::Good
            } else {
                Tone::Accent
            },
            text,
            receipt: Some(receipt),
        }
    }

    fn view(&self) -> Option<ReceiptView> {
        self.receipt.map(|receipt| ReceiptView { receipt })
    }
}

/// How far something is.
#[derive(Clone, Debug, Template)]
#[template(
    ext = "html",
    source = r#"<progress max="100" value="{{ percent }}" aria-label="{{ label }}">{{ percent }} %</progress>"#
)]
pub struct Progress {
    /// What, for a screen reader.
    pub label: String,
    /// From 0 to 100.
    pub percent: u8,
}

/// A figure with its name.
#[derive(Clone, Debug, Template)]
#[template(
    ext = "html",
    source = r#"<div class="stat"><dt>{{ label }}</dt><dd>{{ value }}</dd></div>"#
)]
pub struct Stat {
    /// Name.
    pub label: &'static str,
    /// Figure, as it is to be read.
    pub value: String,
}

/// One bar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    /// What it stands for.
    pub label: String,
    /// How much.
    pub value: u64,
}

/// Bars one below the other, each drawn as SVG, so that they print and need no script.
#[derive(Clone, Debug, Template)]
#[template(path = "ui/bars.html")]
pub struct BarChart {
    /// What it shows.
    pub title: String,
    /// The bars.
    pub bars: Vec<Bar>,
}

/// A bar as it is drawn.
struct Drawn<'a> {
    label: &'a str,
    value: String,
    width: u64,
}

impl BarChart {
    const LENGTH: u64 = 220;

    fn drawn(&self) -> Vec<Drawn<'_>> {
        let most = self.bars.iter().map(|b| b.value).max().unwrap_or(0).max(1);
        self.bars
            .iter()
            .map(|bar| Drawn {
                label: &bar.label,
                value: number(bar.value),
                width: (bar.value * Self::LENGTH).div_ceil(most),
            })
            .collect()
    }
}

/// What stands before an entry of a timeline: the name of an icon.
pub type Dot = &'static str;

/// One entry of a timeline.
#[derive(Clone, Debug, Template)]
#[template(path = "ui/timeline_entry.html")]
pub struct TimelineEntry {
    /// Its icon.
    pub dot: Dot,
    /// What happened, in a few words.
    pub title: String,
    /// Free text.
    pub text: Option<String>,
    /// What was and what is now, of a change.
    pub change: Option<(Option<String>, Option<String>)>,
    /// Who did it.
    pub by: Option<String>,
    /// When.
    pub when: When,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_says_what_was_left_out_only_when_something_was() {
        let html = ReceiptView {
            receipt: Receipt {
                requested: 1_300,
                created: 1_204,
                existing: 96,
                suppressed: 0,
                rejected: 0,
            },
        }
        .to_string();
        assert!(html.contains("1,204") && html.contains("96"), "{html}");
        assert!(!html.contains("asked not to be called"), "{html}");
    }

    #[test]
    fn one_is_said_as_one() {
        let receipt = |created, existing| {
            let receipt = Receipt {
                requested: created + existing,
                created,
                existing,
                suppressed: 0,
                rejected: 0,
            };
            ReceiptView { receipt }.to_string()
        };
        for (html, words) in [
            (
                receipt(1, 0),
                [">new lead<", ">were leads already<", "for 1 provider\""],
            ),
            (
                receipt(2, 1),
                [">new leads<", ">was a lead already<", "for 3 providers\""],
            ),
        ] {
            for word in words {
                assert!(html.contains(word), "{word}: {html}");
            }
        }
    }

    #[test]
    fn the_longest_bar_has_the_whole_length_and_the_smallest_is_seen() {
        let bar = |value| Bar {
            label: String::new(),
            value,
        };
        let chart = BarChart {
            title: String::new(),
            bars: vec![bar(1_000_000), bar(1), bar(0)],
        };
        let widths: Vec<u64> = chart.drawn().iter().map(|d| d.width).collect();
        assert_eq!(widths, [BarChart::LENGTH, 1, 0]);
    }
}
