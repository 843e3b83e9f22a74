use askama::Template;
use canvass_model::{LeadStatus, Role, Total};

use super::sample;
use crate::format::When;
use crate::problem::FieldError;
use crate::ui::{
    Avatar, Badge, Bar, BarChart, Chip, Combobox, Empty, Field, Link, Notice, Pager, Progress,
    ReceiptView, Segments, Select, Stat, StatusBadge, StatusSelect, Tab, Tabs, TimelineEntry, Tone,
};

/// One of each.
#[derive(Debug, Template)]
#[template(path = "gallery/components.html")]
pub struct Components {
    fields: Vec<Field>,
    select: Select,
    comboboxes: Vec<Combobox>,
    chips: Vec<Chip>,
    pagers: Vec<Pager>,
    tabs: Tabs,
    segments: Segments,
    notices: Vec<Notice>,
    receipt: ReceiptView,
    progress: Progress,
    empty: Empty,
    badges: Vec<StatusBadge>,
    states: Vec<Badge>,
    selects: Vec<StatusSelect>,
    avatars: Vec<Avatar>,
    timeline: Vec<TimelineEntry>,
    stats: Vec<Stat>,
    chart: BarChart,
}

impl Components {
    pub fn new() -> Self {
        let wrong = [FieldError::new(
            "wrong",
            "\"Calfornia\" is no state; write two letters, as in CA.",
        )];
        let total = |count, exact| Total { count, exact };
        let pager = |total, first: bool, next: bool| Pager {
            shown: 50,
            total,
            noun: "providers",
            first: first.then(|| "/gallery".to_owned()),
            next: next.then(|| "/gallery".to_owned()),
            target: "pager",
        };
        let now = sample::now();
        Self {
            fields: vec![
                Field::text("city", "City").value("Fresno").hint("As the registry spells it."),
                Field::text("wrong", "State").value("Cali").errors(&wrong),
                Field::password("secret", "Password", "off"),
            ],
            select: Select::new("order", "Order", "name", [("name", "Name"), ("city", "City")]),
            comboboxes: vec![
                Combobox {
                    options: vec![
                        ("CA".into(), "California".into()),
                        ("NV".into(), "Nevada".into()),
                        ("OR".into(), "Oregon".into()),
                    ],
                    values: vec![("CA".into(), "California".into())],
                    placeholder: "Nevada",
                    ..Combobox::new("several", "States")
                },
                Combobox::new("long", "Long values").values(&[
                    "Physical Medicine & Rehabilitation, Brain Injury Medicine and what belongs to it".into(),
                    "Pain Medicine".into(),
                ]),
            ],
            chips: ["“garcía”", "Cardiovascular Disease", "California"]
                .into_iter()
                .map(|label| Chip {
                    label: label.to_owned(),
                    without: "/gallery".to_owned(),
                })
                .collect(),
            pagers: vec![
                pager(total(12, true), false, false),
                pager(total(12_418, true), true, true),
                pager(total(1_204_000, false), false, true),
            ],
            tabs: Tabs {
                beside_a_row: false,
                label: "Statuses",
                target: "tabs",
                tabs: [("All", 12_418), ("New", 11_002), ("Converted", 7)]
                    .into_iter()
                    .map(|(label, n)| Tab {
                        label: label.to_owned(),
                        count: Some(n),
                        href: "/gallery".to_owned(),
                        current: label == "New",
                    })
                    .collect(),
            },
            segments: Segments {
                label: "View",
                links: ["Table", "Map"]
                    .map(|label| (Link::new(label, "/gallery"), label == "Map"))
                    .into(),
                target: "tabs",
            },
            notices: vec![
                Notice::good("The lead was saved."),
                Notice::bad("Somebody changed this lead after you opened it. Your change was not saved."),
                Notice {
                    tone: Tone::Warn,
                    text: "Two lines were not taken.".to_owned(),
                    receipt: None,
                },
                Notice::receipt(sample::receipt()),
            ],
            receipt: ReceiptView {
                receipt: sample::receipt(),
            },
            progress: Progress {
                label: "Syncing Internal Medicine".to_owned(),
                percent: 62,
            },
            empty: Empty {
                icon: "search",
                title: "No provider matches".to_owned(),
                text: "Take a filter away, write less of a name, or pull more providers from the registry.".to_owned(),
                links: vec![Link::new("Clear the filters", "/gallery"), Link::new("Pull from the registry", "/gallery")],
            },
            badges: LeadStatus::ALL.map(|status| StatusBadge { status }).into(),
            states: [
                (Tone::Muted, "waiting", "Waiting"),
                (Tone::Accent, "running", "Running"),
                (Tone::Good, "check", "Complete"),
                (Tone::Warn, "partial", "Incomplete"),
                (Tone::Bad, "cross", "Failed"),
                (Tone::Muted, "stopped", "Stopped"),
            ]
            .map(|(tone, icon, text)| Badge {
                tone,
                icon,
                text: text.to_owned(),
            })
            .into(),
            selects: LeadStatus::ALL
                .map(|status| {
                    let id = format!("status-{}", status.as_str());
                    StatusSelect::new(status, Role::Manager, id, "a lead")
                })
                .into(),
            avatars: ["Lee Okafor", "Ana María García", "Jo", "Priya Raman", "Sam Whitfield"]
                .map(Avatar::of)
                .into(),
            timeline: vec![
                TimelineEntry {
                    dot: "phone",
                    title: "Call".to_owned(),
                    text: Some("Asked for a price list. Ring again after ten.".to_owned()),
                    change: None,
                    by: Some("Lee Okafor".to_owned()),
                    when: When::moment(now.at, &now),
                },
                TimelineEntry {
                    dot: "change",
                    title: "Practice phone".to_owned(),
                    text: None,
                    change: Some((Some("559-555-0142".to_owned()), Some("559-555-0143".to_owned()))),
                    by: None,
                    when: When::moment("2025-03-03T09:00:00Z".parse().unwrap_or_default(), &now),
                },
            ],
            stats: vec![
                Stat { label: "Queries", value: "1,204".to_owned() },
                Stat { label: "Truncated", value: "0".to_owned() },
            ],
            chart: BarChart {
                title: "Providers per specialty".to_owned(),
                bars: [("Internal Medicine", 4_210), ("Family Medicine", 2_741), ("Pain Medicine", 96)]
                    .map(|(label, value)| Bar { label: label.to_owned(), value })
                    .into(),
            },
        }
    }
}
