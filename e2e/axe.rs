//! What stands in the way of people with a screen reader, a keyboard or weak eyes, as axe finds it.

use serde_json::Value;

use crate::browser::Browser;

const AXE: &str = include_str!("vendor/axe.min.js");

/// Which rules are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rules {
    /// Those of WCAG 2.2, levels A and AA.
    All,
    /// Those of them that depend on colours.
    Colours,
}

/// What axe finds on the page as it is.
#[track_caller]
pub fn violations(browser: &Browser, rules: Rules) -> Vec<Value> {
    if browser.eval("typeof window.axe", &[]) != "object" {
        browser.run(AXE, &[]);
    }
    let only = match rules {
        Rules::All => {
            "{ type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }"
        }
        Rules::Colours => "{ type: 'rule', values: ['color-contrast', 'link-in-text-block'] }",
    };
    let script = format!(
        "const done = arguments[arguments.length - 1];
         const at = (n) => ({{ at: n.target.join(' '), html: n.html.slice(0, 300), why: n.failureSummary }});
         axe.run(document, {{ runOnly: {only}, resultTypes: ['violations'] }}).then(
           (r) => done(r.violations.map((v) => ({{ rule: v.id, help: v.help, nodes: v.nodes.slice(0, 3).map(at) }}))),
           (e) => done([String(e)]),
         );"
    );
    serde_json::from_value(browser.run_async(&script)).unwrap()
}
