use std::net::{IpAddr, Ipv4Addr};

use canvass_app::{Actor, Error, Login};
use canvass_model::Role;
use futures_util::future::join_all;

use crate::{
    both_engines,
    opened::{Opened, PASSWORD},
};

const HOME: Option<IpAddr> = Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));
const ELSEWHERE: Option<IpAddr> = Some(IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7)));

fn is_wrong(login: &Result<Login, Error>) -> bool {
    matches!(login, Err(Error::WrongLogin))
}

both_engines! {
    async fn the_first_administrator_comes_with_the_code_and_no_second_does(db: Database) {
        let app = Opened::on(&db).await;
        assert!(app.needs_setup().await.unwrap());
        let old = app.setup_code().await.unwrap();
        let code = app.setup_code().await.unwrap();
        for wrong in [old.expose(), "", "0000-0000-0000-0000"] {
            let refused = app.setup(wrong, "Ana", PASSWORD).await;
            assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
        }
        let weak = app.setup(code.expose(), "Ana", "short").await;
        assert!(matches!(weak, Err(Error::Invalid(_))));
        let typed = code.expose().to_lowercase();
        let login = app.setup(&typed, " Ana ", PASSWORD).await.unwrap();
        assert_eq!((login.user.name.as_str(), login.user.role), ("Ana", Role::Admin));
        assert_eq!(app.session(login.secret.expose()).await.unwrap(), Some(login.user));
        assert!(!app.needs_setup().await.unwrap());
        let second = app.setup(code.expose(), "Bob", PASSWORD).await;
        assert!(matches!(second, Err(Error::Conflict(_))));
        assert!(matches!(app.setup_code().await, Err(Error::Conflict(_))));
    }

    async fn of_set_ups_at_once_one_succeeds(db: Database) {
        let app = Opened::on(&db).await;
        let code = app.setup_code().await.unwrap();
        let all = (0..8).map(|i| {
            let (app, code) = (canvass_app::App::clone(&app), code.clone());
            tokio::spawn(async move { app.setup(code.expose(), &format!("admin {i}"), PASSWORD).await })
        });
        let all: Vec<_> = join_all(all).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(all.iter().filter(|r| r.is_ok()).count(), 1);
        assert!(all.iter().all(|r| matches!(r, Ok(_) | Err(Error::Conflict(_)))));
        assert_eq!(app.users().await.unwrap().len(), 1);
    }

    async fn unknown_wrong_and_disabled_are_told_alike(db: Database) {
        let app = Opened::on(&db).await;
        app.user("Admin", Role::Admin).await;
        app.user("Ana", Role::Caller).await;
        let bob = app.user("Bob", Role::Caller).await;
        app.disable_user(&Actor::system(), &bob.id, true).await.unwrap();
        for (name, password) in [("Nobody", PASSWORD), ("Ana", "a wrong password"), ("Bob", PASSWORD), ("A\0na", PASSWORD), ("", "")] {
            let login = app.login(name, password, HOME).await;
            assert!(is_wrong(&login), "{name}: {login:?}");
        }
        let login = app.login("ÁNA", PASSWORD, HOME).await.unwrap();
        assert_eq!(login.user.name, "Ana");
    }

    async fn five_failures_lock_an_account_and_time_opens_it(db: Database) {
        let app = Opened::on(&db).await;
        app.user("Ana", Role::Caller).await;
        for name in ["Ana", "Nobody"] {
            for _ in 0..5 {
                assert!(is_wrong(&app.login(name, "a wrong password", HOME).await));
            }
            // The right password is of no use either, from wherever it comes.
            let locked = app.login(name, PASSWORD, ELSEWHERE).await;
            assert!(matches!(locked, Err(Error::Throttled { seconds: 1 })), "{locked:?}");
        }
        app.pass(1);
        assert!(is_wrong(&app.login("Ana", "a wrong password", HOME).await));
        let locked = app.login("Ana", PASSWORD, HOME).await;
        assert!(matches!(locked, Err(Error::Throttled { seconds: 2 })), "{locked:?}");
        app.pass(2);
        app.login("Ana", PASSWORD, HOME).await.unwrap();
        for _ in 0..4 {
            assert!(is_wrong(&app.login("Ana", "a wrong password", HOME).await));
        }
        app.login("Ana", PASSWORD, HOME).await.unwrap();
    }

    async fn an_address_that_tries_many_accounts_is_locked(db: Database) {
        let app = Opened::on(&db).await;
        app.user("Ana", Role::Caller).await;
        for i in 0..20 {
            assert!(is_wrong(&app.login(&format!("user {i}"), "a password", HOME).await));
        }
        let locked = app.login("Ana", PASSWORD, HOME).await;
        assert!(matches!(locked, Err(Error::Throttled { .. })), "{locked:?}");
        app.login("Ana", PASSWORD, ELSEWHERE).await.unwrap();
    }

    async fn passwords_have_a_length_and_are_not_the_name(db: Database) {
        let app = Opened::on(&db).await;
        let long = "x".repeat(1_001);
        for (name, password) in [("Ana", "123456789"), ("Ana", long.as_str()), ("Ana Maria Lopez", "ANA maria lopez")] {
            let refused = app.add_user(&Actor::system(), name, password, Role::Caller).await;
            assert!(matches!(&refused, Err(Error::Invalid(f)) if f[0].name == "password"), "{refused:?}");
        }
        for name in ["", "  ", "a\nb", &"x".repeat(101)] {
            let refused = app.add_user(&Actor::system(), name, PASSWORD, Role::Caller).await;
            assert!(matches!(&refused, Err(Error::Invalid(f)) if f[0].name == "name"), "{refused:?}");
        }
        app.user("Ana", Role::Caller).await;
        let taken = app.add_user(&Actor::system(), "ana", PASSWORD, Role::Caller).await;
        assert!(matches!(&taken, Err(Error::Invalid(f)) if f[0].name == "name"));
    }

    async fn a_session_ends_with_logout_and_with_time(db: Database) {
        let app = Opened::on(&db).await;
        let ana = app.user("Ana", Role::Caller).await;
        let one = app.login("Ana", PASSWORD, None).await.unwrap();
        let two = app.login("Ana", PASSWORD, None).await.unwrap();
        app.logout(one.secret.expose()).await.unwrap();
        assert_eq!(app.session(one.secret.expose()).await.unwrap(), None);
        assert_eq!(app.session(two.secret.expose()).await.unwrap(), Some(ana));
        app.pass(30 * 24 * 3_600 + 1);
        assert_eq!(app.session(two.secret.expose()).await.unwrap(), None);
        assert_eq!(app.session("").await.unwrap(), None);
    }

    async fn ones_own_password_changes_with_the_current_one(db: Database) {
        let app = Opened::on(&db).await;
        app.user("Ana", Role::Caller).await;
        let here = app.login("Ana", PASSWORD, None).await.unwrap();
        let there = app.login("Ana", PASSWORD, None).await.unwrap();
        let wrong = app.change_password(here.secret.expose(), "not this one", "another password").await;
        assert!(matches!(wrong, Err(Error::WrongLogin)));
        app.change_password(here.secret.expose(), PASSWORD, "another password").await.unwrap();
        assert!(app.session(here.secret.expose()).await.unwrap().is_some());
        assert!(app.session(there.secret.expose()).await.unwrap().is_none());
        assert!(is_wrong(&app.login("Ana", PASSWORD, None).await));
        app.login("Ana", "another password", None).await.unwrap();
    }

    async fn an_administrator_sets_a_password_and_opens_a_locked_account(db: Database) {
        let app = Opened::on(&db).await;
        let ana = app.user("Ana", Role::Caller).await;
        let session = app.login("Ana", PASSWORD, None).await.unwrap();
        for _ in 0..5 {
            assert!(is_wrong(&app.login("Ana", "a wrong password", None).await));
        }
        app.set_password(&Actor::system(), &ana.id, "another password").await.unwrap();
        assert_eq!(app.session(session.secret.expose()).await.unwrap(), None);
        app.login("Ana", "another password", None).await.unwrap();
    }

    async fn a_token_is_its_users_until_it_is_revoked(db: Database) {
        let app = Opened::on(&db).await;
        let ana = app.user("Ana", Role::Caller).await;
        let bob = app.user("Bob", Role::Manager).await;
        let (secret, token) = app.create_token(&Actor::from(&ana), &ana.id, "script").await.unwrap();
        assert!(secret.expose().starts_with("cvs_"));
        assert_eq!(app.token_user(secret.expose()).await.unwrap(), Some(ana.clone()));
        assert_eq!(app.token_user("cvs_0000").await.unwrap(), None);
        assert_eq!(app.session(secret.expose()).await.unwrap(), None);
        let bob = Actor::from(&bob);
        assert!(matches!(app.create_token(&bob, &ana.id, "x").await, Err(Error::Forbidden(_))));
        assert!(matches!(app.tokens(&bob, &ana.id).await, Err(Error::Forbidden(_))));
        assert!(matches!(app.revoke_token(&bob, &ana.id, &token.id).await, Err(Error::Forbidden(_))));
        assert_eq!(app.tokens(&Actor::system(), &ana.id).await.unwrap().len(), 1);
        app.revoke_token(&Actor::from(&ana), &ana.id, &token.id).await.unwrap();
        assert_eq!(app.token_user(secret.expose()).await.unwrap(), None);
        let again = app.revoke_token(&Actor::from(&ana), &ana.id, &token.id).await;
        assert!(matches!(again, Err(Error::NotFound(_))));
    }

    async fn only_an_administrator_gives_access(db: Database) {
        let app = Opened::on(&db).await;
        let admin = app.user("Admin", Role::Admin).await;
        let manager = Actor::from(&app.user("Manager", Role::Manager).await);
        let forbidden = |e: Error| assert!(matches!(e, Error::Forbidden(_)), "{e:?}");
        forbidden(app.add_user(&manager, "New", PASSWORD, Role::Caller).await.unwrap_err());
        forbidden(app.set_role(&manager, &admin.id, Role::Caller).await.unwrap_err());
        forbidden(app.disable_user(&manager, &admin.id, true).await.unwrap_err());
        forbidden(app.set_password(&manager, &admin.id, "another password").await.unwrap_err());
        let last = app.disable_user(&Actor::from(&admin), &admin.id, true).await;
        assert!(matches!(last, Err(Error::Conflict(_))));
    }
}
