//! `--help`.

use crate::world::{command, run};

fn help(path: &[String]) -> String {
    let mut args: Vec<&str> = path.iter().map(String::as_str).collect();
    args.push("--help");
    run(command(&args), "").expect(0).out
}

/// The commands that a help lists.
fn listed(help: &str) -> Vec<String> {
    help.lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_command_shows_an_example() {
    let mut open = vec![Vec::new()];
    let mut seen = 0;
    while let Some(path) = open.pop() {
        let help = help(&path);
        let (_, examples) = help
            .split_once("Example")
            .unwrap_or_else(|| panic!("no example for canvass {path:?}:\n{help}"));
        let called = format!("canvass {}", path.join(" "));
        assert!(examples.contains(called.trim_end()), "{called}:\n{help}");
        for name in listed(&help) {
            open.push([path.clone(), vec![name]].concat());
        }
        seen += 1;
    }
    assert!(seen > 20, "only {seen} commands were found");
}

#[test]
fn the_version_is_told() {
    let said = run(command(&["--version"]), "").expect(0).out;
    assert_eq!(said, format!("canvass {}\n", env!("CARGO_PKG_VERSION")));
}
