use std::{collections::BTreeSet, env, path::Path, process::Command};

use serde_json::Value;

/// Which crates of the workspace each may depend on, outside tests.
const ALLOWED: &[(&str, &[&str])] = &[
    ("canvass-model", &[]),
    ("canvass-nppes", &["canvass-model"]),
    ("canvass-store", &["canvass-model"]),
    (
        "canvass-app",
        &["canvass-model", "canvass-nppes", "canvass-store"],
    ),
    (
        "canvass-web",
        &[
            "canvass-model",
            "canvass-nppes",
            "canvass-store",
            "canvass-app",
        ],
    ),
    (
        "canvass",
        &[
            "canvass-model",
            "canvass-nppes",
            "canvass-store",
            "canvass-app",
            "canvass-web",
        ],
    ),
    ("canvass-testkit", &["canvass-model"]),
];

/// May depend on anything; nothing may depend on it.
const FREE: &str = "xtask";

/// The crate of plain values, and all that it may use from outside.
const PLAIN: (&str, &[&str]) = ("canvass-model", &["jiff", "serde", "thiserror"]);

/// A package and what it depends on outside tests.
#[derive(Debug)]
struct Package {
    name: String,
    dependencies: Vec<String>,
}

/// What is wrong with the dependencies of the workspace in this folder.
pub fn faults(root: &Path) -> Vec<String> {
    match packages(root) {
        Ok(packages) => check(&packages),
        Err(fault) => vec![fault],
    }
}

fn packages(root: &Path) -> Result<Vec<Package>, String> {
    let out = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--no-deps", "--offline", "--format-version=1"])
        .current_dir(root)
        .output()
        .map_err(|e| format!("cannot run cargo: {e}"))?;
    if !out.status.success() {
        let stderr = String::from_utf8_lossy(&out.stderr);
        return Err(format!("cargo metadata failed: {stderr}"));
    }
    let metadata: Value =
        serde_json::from_slice(&out.stdout).map_err(|e| format!("cargo metadata: {e}"))?;
    Ok(list(&metadata["packages"]).iter().map(package).collect())
}

/// A package as `cargo metadata` describes it. The kind of a normal dependency is null.
fn package(described: &Value) -> Package {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Package {
        name: text(&described["name"]),
        dependencies: list(&described["dependencies"])
            .iter()
            .filter(|d| d["kind"] != "dev")
            .map(|d| text(&d["name"]))
            .collect(),
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn check(packages: &[Package]) -> Vec<String> {
    let members: BTreeSet<&str> = packages.iter().map(|p| p.name.as_str()).collect();
    let mut faults = Vec::new();
    for package in packages.iter().filter(|p| p.name != FREE) {
        let name = package.name.as_str();
        let Some((_, allowed)) = ALLOWED.iter().find(|(n, _)| *n == name) else {
            faults.push(format!(
                "{name} is new: say in xtask/src/edges.rs what it may know"
            ));
            continue;
        };
        for dependency in package.dependencies.iter().map(String::as_str) {
            if members.contains(dependency) && !allowed.contains(&dependency) {
                faults.push(format!("{name} must not depend on {dependency}"));
            }
            if name == PLAIN.0 && !members.contains(dependency) && !PLAIN.1.contains(&dependency) {
                faults.push(format!(
                    "{name} holds plain values and must not depend on {dependency}"
                ));
            }
        }
    }
    for (name, _) in ALLOWED.iter().filter(|(name, _)| !members.contains(name)) {
        faults.push(format!("{name} is no member of the workspace any more"));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_keeps_its_edges() {
        assert_eq!(faults(crate::root()), Vec::<String>::new());
    }

    /// The allowed workspace with these dependencies more.
    fn with(additions: &[(&str, &str)]) -> Vec<String> {
        let packages: Vec<Package> = ALLOWED
            .iter()
            .map(|(name, allowed)| Package {
                name: (*name).to_owned(),
                dependencies: additions
                    .iter()
                    .filter(|(n, _)| n == name)
                    .map(|(_, d)| *d)
                    .chain(allowed.iter().copied())
                    .map(str::to_owned)
                    .collect(),
            })
            .collect();
        check(&packages)
    }

    #[test]
    fn an_edge_against_the_flow_is_a_fault() {
        assert_eq!(with(&[]), Vec::<String>::new());
        for (from, to) in [
            ("canvass-model", "canvass-store"),
            ("canvass-nppes", "canvass-store"),
            ("canvass-store", "canvass-nppes"),
            ("canvass-app", "canvass-web"),
            ("canvass-web", "canvass-testkit"),
            ("canvass-testkit", "canvass-store"),
        ] {
            assert_eq!(
                with(&[(from, to)]),
                [format!("{from} must not depend on {to}")]
            );
        }
    }

    #[test]
    fn only_the_model_is_restricted_in_what_it_takes_from_outside() {
        assert!(with(&[("canvass-model", "jiff"), ("canvass-web", "tokio")]).is_empty());
        assert_eq!(with(&[("canvass-model", "tokio")]).len(), 1);
    }

    #[test]
    fn a_crate_that_no_rule_names_is_a_fault() {
        let stranger = Package {
            name: "canvass-extra".into(),
            dependencies: Vec::new(),
        };
        assert!(check(&[stranger])[0].starts_with("canvass-extra is new"));
    }

    #[test]
    fn dependencies_of_tests_do_not_count() {
        let described = serde_json::json!({
            "name": "canvass-web",
            "dependencies": [
                {"name": "canvass-testkit", "kind": "dev"},
                {"name": "canvass-app", "kind": null},
                {"name": "cc", "kind": "build"},
            ],
        });
        assert_eq!(package(&described).dependencies, ["canvass-app", "cc"]);
    }
}
