use canvass_model::Role;
use jiff::SignedDuration;

use super::{Amount, day, now};
use crate::format::When;
use crate::pages::team::{AddUser, OwnPassword, TeamView, TokenRow, Tokens, UserRow, Users};

fn users(amount: Amount) -> Vec<UserRow> {
    let user = |id: &str, name: &str, role, disabled| UserRow {
        id: id.to_owned(),
        name: name.to_owned(),
        role,
        disabled,
        is_viewer: id == "u1",
        created: When::day(day(2025, 10, 2)),
    };
    let mut all = vec![
        user("u1", "Lee Okafor", Role::Admin, false),
        user("u2", "Ana María García", Role::Manager, false),
        user("u3", "Priya Raman", Role::Caller, false),
        user(
            "u4",
            "Bartholomew Featherstonehaugh-Cholmondeley",
            Role::Caller,
            false,
        ),
        user("u5", "Sam Whitfield", Role::Caller, true),
    ];
    if amount != Amount::Much {
        all.truncate(1);
    }
    all
}

/// The page of the team, for an administrator.
pub fn team(amount: Amount) -> TeamView {
    let now = now();
    let token = |id: &str, name: &str, used: bool| TokenRow {
        id: id.to_owned(),
        name: name.to_owned(),
        user: "Lee Okafor".to_owned(),
        user_id: "u1".to_owned(),
        created: When::day(day(2025, 10, 2)),
        last_used: used.then(|| When::moment(now.at - SignedDuration::from_hours(30), &now)),
    };
    let much = amount == Amount::Much;
    TeamView {
        users: Users {
            rows: users(amount),
            may_edit: true,
        },
        add: Some(AddUser::default()),
        password: OwnPassword::default(),
        tokens: Tokens {
            rows: if much {
                vec![
                    token("t1", "Nightly export", true),
                    token("t2", "Warehouse", false),
                ]
            } else {
                Vec::new()
            },
            secret: much.then(|| "canvass_0123456789abcdef0123456789abcdef".to_owned()),
            errors: Vec::new(),
        },
    }
}

/// The page of the team, for a caller.
pub fn team_of_a_caller() -> TeamView {
    TeamView {
        users: Users {
            rows: users(Amount::Much),
            may_edit: false,
        },
        add: None,
        password: OwnPassword::default(),
        tokens: Tokens::default(),
    }
}
