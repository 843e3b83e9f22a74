//! What stands in the way of people with a screen reader, a keyboard or weak eyes, as axe finds it.

use serde_json::Value;

use crate::browser::Browser;

const AXE: &str = include_str!("vendor/axe.min.js");

/// What axe finds against WCAG 2.2, levels A and AA, on the page as it is.
#[track_caller]
pub fn violations(browser: &Browser) -> Vec<Value> {
    if browser.eval("typeof window.axe", &[]) != "object" {
        browser.run(AXE, &[]);
    }
    let found = browser.run_async(
        "const done = arguments[arguments.length - 1];
         const at = (node) => ({ at: node.target.join(' '), html: node.html.slice(0, 300), why: node.failureSummary });
         axe.run(document, {
           runOnly: { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] },
           resultTypes: ['violations'],
         }).then(
           (r) => done(r.violations.map((v) => ({ rule: v.id, help: v.help, nodes: v.nodes.slice(0, 3).map(at) }))),
           (e) => done([String(e)]),
         );",
    );
    serde_json::from_value(found).unwrap()
}
