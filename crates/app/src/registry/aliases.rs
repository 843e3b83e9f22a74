//! First names that stand for one another in the registry's search.
//!
//! The registry's own table is not published. Its help page names the group of Robert, and a page
//! recorded in 2026 shows most of the group of Jo; the others are common English short forms.

/// Names in one group find each other. A name may be in several groups.
const GROUPS: &[&[&str]] = &[
    &["ROBERT", "ROB", "BOB", "ROBBIE", "BOBBY"],
    &[
        "JO",
        "JOSEPHINE",
        "JOSEFINA",
        "JOSEPHA",
        "JOSEFA",
        "JOSIE",
        "JOSEY",
        "JOETTE",
        "JOSETTE",
        "JOSETTA",
    ],
    &["WILLIAM", "WILL", "BILL", "BILLY", "WILLIE", "LIAM"],
    &["RICHARD", "RICK", "RICKY", "RICH", "DICK"],
    &["JAMES", "JIM", "JIMMY", "JAMIE"],
    &["JOHN", "JOHNNY", "JACK"],
    &["JONATHAN", "JONATHON", "JON", "JONNY"],
    &["MICHAEL", "MIKE", "MICKEY", "MIKEY"],
    &["THOMAS", "TOM", "TOMMY"],
    &["CHARLES", "CHARLIE", "CHUCK", "CHAS"],
    &["JOSEPH", "JOE", "JOEY"],
    &["DAVID", "DAVE", "DAVEY"],
    &["DANIEL", "DAN", "DANNY"],
    &["EDWARD", "ED", "EDDIE", "TED", "NED"],
    &["THEODORE", "TED", "TEDDY", "THEO"],
    &["ANTHONY", "TONY"],
    &["ANDREW", "ANDY", "DREW"],
    &["CHRISTOPHER", "CHRIS", "TOPHER", "KIT"],
    &["MATTHEW", "MATT"],
    &["STEPHEN", "STEVEN", "STEVE", "STEPH"],
    &["KENNETH", "KEN", "KENNY"],
    &["RONALD", "RON", "RONNIE"],
    &["DONALD", "DON", "DONNIE"],
    &["TIMOTHY", "TIM", "TIMMY"],
    &["GREGORY", "GREG"],
    &["LAWRENCE", "LAURENCE", "LARRY"],
    &["GERALD", "GERRY", "JERRY"],
    &["JEFFREY", "GEOFFREY", "JEFF", "GEOFF"],
    &["BENJAMIN", "BEN", "BENNY"],
    &["SAMUEL", "SAM", "SAMMY"],
    &["NICHOLAS", "NICK", "NICKY"],
    &["ALEXANDER", "ALEX", "AL", "ALEC"],
    &["FRANCIS", "FRANK", "FRANKIE"],
    &["HENRY", "HANK", "HARRY"],
    &["PATRICK", "PAT", "PADDY"],
    &["PETER", "PETE"],
    &["PHILIP", "PHILLIP", "PHIL"],
    &["RAYMOND", "RAY"],
    &["WALTER", "WALT", "WALLY"],
    &[
        "ELIZABETH",
        "ELISABETH",
        "LIZ",
        "LIZZIE",
        "BETH",
        "BETTY",
        "BETSY",
        "ELIZA",
        "LISA",
    ],
    &["MARGARET", "MAGGIE", "MEG", "PEGGY", "MARGE", "MARGIE"],
    &[
        "KATHERINE",
        "CATHERINE",
        "KATHRYN",
        "KATE",
        "KATIE",
        "KATHY",
        "CATHY",
        "KAY",
    ],
    &["PATRICIA", "PAT", "PATTY", "PATTI", "TRICIA", "TRISH"],
    &["JENNIFER", "JEN", "JENNY", "JENN"],
    &["DEBORAH", "DEBRA", "DEB", "DEBBIE", "DEBBY"],
    &["SUSAN", "SUZANNE", "SUE", "SUSIE", "SUZY"],
    &["BARBARA", "BARB", "BARBIE", "BABS"],
    &["REBECCA", "BECKY", "BECCA"],
    &["JESSICA", "JESS", "JESSIE"],
    &["CHRISTINE", "CHRISTINA", "CHRIS", "CHRISSY", "TINA"],
    &["VICTORIA", "VICKI", "VICKY", "TORI"],
    &["KIMBERLY", "KIM", "KIMMY"],
    &["JACQUELINE", "JACKIE"],
    &["SANDRA", "SANDY"],
    &["SAMANTHA", "SAM"],
    &["DOROTHY", "DOT", "DOTTIE", "DOLLY"],
    &["ALEXANDRA", "ALEX", "LEXI", "SANDRA"],
    &["AMANDA", "MANDY"],
    &["CYNTHIA", "CINDY"],
    &["PAMELA", "PAM"],
    &["TERESA", "THERESA", "TERRI", "TERRY", "TESS"],
    &["ABIGAIL", "ABBY"],
];

/// The name itself, in upper case, and all that stand for it.
pub(super) fn of(name: &str) -> Vec<String> {
    let mut all = vec![name.to_owned()];
    for group in GROUPS.iter().filter(|group| group.contains(&name)) {
        for &other in *group {
            if !all.iter().any(|known| known == other) {
                all.push(other.to_owned());
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_finds_its_groups_and_itself() {
        assert_eq!(of("BOB"), ["BOB", "ROBERT", "ROB", "ROBBIE", "BOBBY"]);
        let pat = of("PAT");
        assert!(pat.contains(&"PATRICK".to_owned()) && pat.contains(&"PATRICIA".to_owned()));
        assert_eq!(of("NEETI"), ["NEETI"]);
    }

    #[test]
    fn the_table_is_as_names_are_compared() {
        for name in GROUPS.iter().flat_map(|group| group.iter()) {
            assert_eq!(canvass_store::sort_key(name), **name);
        }
    }
}
