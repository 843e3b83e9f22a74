//! `canvass demo`.

use crate::world::{EIGHT, command, run};

#[test]
fn the_demo_ends_with_a_summary() {
    let demo = command(&["demo", "--once", "--providers", "4000", "--latency", "5"]);
    let ended = run(demo, "").expect(0);
    let lines: Vec<&str> = ended.out.lines().collect();
    for (line, name) in lines.iter().zip(EIGHT) {
        let unknown = name.starts_with("Medical");
        assert!(line.contains(&format!("{name}: ")), "{line}");
        if unknown {
            assert!(line.starts_with('✗') && line.contains("nearest"), "{line}");
        } else {
            let said = ["found", "new", "requests", " s ", "complete"];
            assert!(line.starts_with('✓'), "{line}");
            assert!(said.iter().all(|word| line.contains(word)), "{line}");
        }
    }
    let rest = &lines[EIGHT.len()..];
    let number = |line: &str| line.split(' ').next().unwrap().parse::<u64>().unwrap();
    assert!(
        rest[0].contains("providers found") && rest[0].ends_with("complete"),
        "{rest:?}"
    );
    assert!(rest[1].contains("leads saved"), "{rest:?}");
    assert!(number(rest[0]) > 0);
    assert_eq!(number(rest[1]), number(rest[0]), "all are leads");
    assert!(rest[2].starts_with("total: "), "{rest:?}");
}
