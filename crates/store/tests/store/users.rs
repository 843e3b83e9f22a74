use canvass_model::Role;
use canvass_store::{AccessEdit, Attempt, LoginKey, NewUser, SetUp, Store, User};
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};

use crate::{both::now, both_engines};

fn new(name: &str, role: Role) -> NewUser {
    NewUser {
        name: name.into(),
        role,
        password_hash: format!("hash of {name}"),
    }
}

async fn add(store: &Store, name: &str, role: Role) -> User {
    store
        .add_user(&new(name, role), now())
        .await
        .unwrap()
        .unwrap()
}

fn after(seconds: i64) -> Timestamp {
    now() + SignedDuration::from_secs(seconds)
}

fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}

async fn attempt(store: &Store, at: Timestamp) -> Attempt {
    let keys = [
        LoginKey {
            key: "account:ana".into(),
            free: 5,
        },
        LoginKey {
            key: "address:192.0.2.1".into(),
            free: 20,
        },
    ];
    store.login_attempt(&keys, at).await.unwrap()
}

both_engines! {
    async fn a_name_is_taken_without_regard_to_case_and_accents(db: Database) {
        let ana = add(&db, "Ána  Lopez", Role::Caller).await;
        assert!(db.add_user(&new("ANA LOPEZ", Role::Admin), now()).await.unwrap().is_none());
        let (found, hash) = db.credentials("ana lopez").await.unwrap().unwrap();
        assert_eq!((found, hash.as_str()), (ana.clone(), "hash of Ána  Lopez"));
        assert_eq!(db.users().await.unwrap(), std::slice::from_ref(&ana));
        assert_eq!(db.user(&ana.id).await.unwrap(), Some(ana));
        assert_eq!(db.user_by_name("bob").await.unwrap(), None);
    }

    async fn set_up_needs_the_code_and_works_once(db: Database) {
        assert!(db.has_no_user().await.unwrap());
        let ana = new("Ana", Role::Admin);
        assert_eq!(db.set_up("right", &ana, now()).await.unwrap(), SetUp::WrongCode);
        assert!(db.set_setup_code("right").await.unwrap());
        assert_eq!(db.set_up("wrong", &ana, now()).await.unwrap(), SetUp::WrongCode);
        assert!(matches!(db.set_up("right", &ana, now()).await.unwrap(), SetUp::Done(_)));
        assert!(!db.has_no_user().await.unwrap());
        let bob = new("Bob", Role::Admin);
        assert_eq!(db.set_up("right", &bob, now()).await.unwrap(), SetUp::AlreadyDone);
        assert!(!db.set_setup_code("another").await.unwrap());
    }

    async fn a_newer_code_replaces_the_one_before(db: Database) {
        db.set_setup_code("one").await.unwrap();
        db.set_setup_code("two").await.unwrap();
        let ana = new("Ana", Role::Admin);
        assert_eq!(db.set_up("one", &ana, now()).await.unwrap(), SetUp::WrongCode);
        assert!(matches!(db.set_up("two", &ana, now()).await.unwrap(), SetUp::Done(_)));
    }

    async fn of_many_set_ups_at_once_one_succeeds(db: Database) {
        db.set_setup_code("right").await.unwrap();
        let all = (0..20).map(|i| {
            let store = db.store.clone();
            tokio::spawn(async move {
                store.set_up("right", &new(&format!("admin {i}"), Role::Admin), now()).await.unwrap()
            })
        });
        let all: Vec<SetUp> = join_all(all).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(all.iter().filter(|s| matches!(s, SetUp::Done(_))).count(), 1);
        assert_eq!(all.iter().filter(|s| **s == SetUp::AlreadyDone).count(), 19);
        assert_eq!(db.users().await.unwrap().len(), 1);
    }

    async fn the_last_administrator_stays(db: Database) {
        let ana = add(&db, "Ana", Role::Admin).await;
        let bob = add(&db, "Bob", Role::Admin).await;
        assert!(matches!(db.set_disabled(&bob.id, true).await.unwrap(), AccessEdit::Done(u) if u.disabled));
        assert_eq!(db.set_disabled(&ana.id, true).await.unwrap(), AccessEdit::LastAdmin);
        assert_eq!(db.set_role(&ana.id, Role::Manager).await.unwrap(), AccessEdit::LastAdmin);
        assert!(matches!(db.set_role(&ana.id, Role::Admin).await.unwrap(), AccessEdit::Done(_)));
        db.set_disabled(&bob.id, false).await.unwrap();
        assert!(matches!(db.set_role(&ana.id, Role::Caller).await.unwrap(), AccessEdit::Done(u) if u.role == Role::Caller));
        assert_eq!(db.set_role("nobody", Role::Admin).await.unwrap(), AccessEdit::Missing);
    }

    async fn administrators_who_remove_each_other_at_once_leave_one(db: Database) {
        for _ in 0..5 {
            let mut ids = Vec::new();
            for name in ["Ana", "Bob", "Cho"] {
                let user = match db.user_by_name(name).await.unwrap() {
                    Some(user) => user,
                    None => add(&db, name, Role::Admin).await,
                };
                db.set_disabled(&user.id, false).await.unwrap();
                ids.push(user.id);
            }
            let all = ids.into_iter().map(|id| {
                let store = db.store.clone();
                tokio::spawn(async move { store.set_disabled(&id, true).await.unwrap() })
            });
            let all: Vec<_> = join_all(all).await.into_iter().map(Result::unwrap).collect();
            assert_eq!(all.iter().filter(|e| **e == AccessEdit::LastAdmin).count(), 1);
        }
    }

    async fn a_session_lasts_thirty_days_from_its_last_use(db: Database) {
        let ana = add(&db, "Ana", Role::Caller).await;
        db.begin_session(b"s", &ana.id, "hash of Ana", now()).await.unwrap();
        assert_eq!(db.session_user(b"other", now()).await.unwrap(), None);
        let near = now() + days(29);
        assert_eq!(db.session_user(b"s", near).await.unwrap(), Some(ana.clone()));
        assert_eq!(db.session_user(b"s", near + days(29)).await.unwrap(), Some(ana));
        assert_eq!(db.session_user(b"s", near + days(29) + days(30)).await.unwrap(), None);
    }

    async fn disabling_ends_sessions_and_stops_tokens(db: Database) {
        add(&db, "Admin", Role::Admin).await;
        let ana = add(&db, "Ana", Role::Caller).await;
        assert!(db.begin_session(b"s", &ana.id, "hash of Ana", now()).await.unwrap());
        db.add_token(&ana.id, "script", b"t", now()).await.unwrap().unwrap();
        db.set_disabled(&ana.id, true).await.unwrap();
        assert_eq!(db.session_user(b"s", now()).await.unwrap(), None);
        assert_eq!(db.token_user(b"t", now()).await.unwrap(), None);
        db.set_disabled(&ana.id, false).await.unwrap();
        assert_eq!(db.session_user(b"s", now()).await.unwrap(), None);
        assert_eq!(db.token_user(b"t", now()).await.unwrap(), Some(ana));
    }

    async fn a_new_password_ends_the_other_sessions(db: Database) {
        let ana = add(&db, "Ana", Role::Caller).await;
        for hash in [b"a", b"b"] {
            assert!(db.begin_session(hash, &ana.id, "hash of Ana", now()).await.unwrap());
        }
        assert!(db.set_password(&ana.id, "new", None, Some(b"a")).await.unwrap());
        assert!(db.session_user(b"a", now()).await.unwrap().is_some());
        assert!(db.session_user(b"b", now()).await.unwrap().is_none());
        assert_eq!(db.credentials("ana").await.unwrap().unwrap().1, "new");
        db.set_password(&ana.id, "newer", None, None).await.unwrap();
        assert!(db.session_user(b"a", now()).await.unwrap().is_none());
        assert!(!db.set_password("nobody", "new", None, None).await.unwrap());
    }

    async fn no_session_begins_with_a_password_that_was_changed_meanwhile(db: Database) {
        let ana = add(&db, "Ana", Role::Caller).await;
        assert!(!db.begin_session(b"s", &ana.id, "hash of another", now()).await.unwrap());
        assert!(!db.begin_session(b"s", "nobody", "hash of Ana", now()).await.unwrap());
        assert_eq!(db.session_user(b"s", now()).await.unwrap(), None);
        let mut old = "hash of Ana".to_owned();
        for round in 0..40u8 {
            let new = format!("{round}");
            let secret = [round];
            let (_, set) = tokio::join!(
                db.begin_session(&secret, &ana.id, &old, now()),
                db.set_password(&ana.id, &new, None, None),
            );
            assert!(set.unwrap());
            assert_eq!(db.session_user(&secret, now()).await.unwrap(), None, "{round}");
            old = new;
        }
    }

    async fn no_session_that_begins_while_its_user_is_disabled_comes_back_with_them(db: Database) {
        add(&db, "Admin", Role::Admin).await;
        let ana = add(&db, "Ana", Role::Caller).await;
        for round in 0..40u8 {
            let secret = [round];
            let (_, disabled) = tokio::join!(
                db.begin_session(&secret, &ana.id, "hash of Ana", now()),
                db.set_disabled(&ana.id, true),
            );
            disabled.unwrap();
            assert!(!db.begin_session(b"late", &ana.id, "hash of Ana", now()).await.unwrap());
            assert_eq!(db.add_token(&ana.id, "late", &secret, now()).await.unwrap(), None);
            db.set_disabled(&ana.id, false).await.unwrap();
            assert_eq!(db.session_user(&secret, now()).await.unwrap(), None, "{round}");
        }
    }

    async fn of_two_changes_from_one_password_one_is_made(db: Database) {
        let ana = add(&db, "Ana", Role::Caller).await;
        let known = Some("hash of Ana");
        let (one, other) = tokio::join!(
            db.set_password(&ana.id, "a", known, None),
            db.set_password(&ana.id, "b", known, None),
        );
        assert!(one.unwrap() != other.unwrap());
    }

    async fn a_session_ends(db: Database) {
        let ana = add(&db, "Ana", Role::Caller).await;
        assert!(db.begin_session(b"s", &ana.id, "hash of Ana", now()).await.unwrap());
        db.end_session(b"s").await.unwrap();
        assert_eq!(db.session_user(b"s", now()).await.unwrap(), None);
    }

    async fn the_last_use_of_a_token_is_noted_once_a_minute(db: Database) {
        let ana = add(&db, "Ana", Role::Caller).await;
        let token = db.add_token(&ana.id, "script", b"t", now()).await.unwrap().unwrap();
        assert_eq!(db.tokens(&ana.id).await.unwrap(), std::slice::from_ref(&token));
        for (at, noted) in [(0, 0), (59, 0), (60, 60), (90, 60)] {
            assert!(db.token_user(b"t", after(at)).await.unwrap().is_some());
            assert_eq!(db.tokens(&ana.id).await.unwrap()[0].last_used_at, Some(after(noted)));
        }
        assert!(!db.revoke_token("somebody else", &token.id).await.unwrap());
        assert!(db.revoke_token(&ana.id, &token.id).await.unwrap());
        assert_eq!(db.token_user(b"t", now()).await.unwrap(), None);
    }

    async fn the_sixth_failure_waits_and_each_further_one_longer(db: Database) {
        for _ in 0..5 {
            assert_eq!(attempt(&db, now()).await, Attempt::Go);
        }
        assert_eq!(attempt(&db, now()).await, Attempt::Locked(after(1)));
        // Asking again while locked does not lock for longer.
        assert_eq!(attempt(&db, now()).await, Attempt::Locked(after(1)));
        assert_eq!(attempt(&db, after(1)).await, Attempt::Go);
        assert_eq!(attempt(&db, after(1)).await, Attempt::Locked(after(3)));
        assert_eq!(attempt(&db, after(3)).await, Attempt::Go);
        assert_eq!(attempt(&db, after(3)).await, Attempt::Locked(after(7)));
        assert_eq!(attempt(&db, now() + days(2)).await, Attempt::Go);
        assert_eq!(attempt(&db, now() + days(2)).await, Attempt::Go);
    }

    async fn many_logins_at_once_get_no_more_attempts_than_one_after_the_other(db: Database) {
        let all = (0..30).map(|_| {
            let store = db.store.clone();
            tokio::spawn(async move { attempt(&store, now()).await })
        });
        let all: Vec<Attempt> = join_all(all).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(all.iter().filter(|a| **a == Attempt::Go).count(), 5);
    }

    async fn a_login_clears_the_account_but_not_the_address(db: Database) {
        // Four failures and a success, over and over: the account never locks, and of the address
        // the failures stay.
        let mut tried = 0;
        while attempt(&db, now()).await == Attempt::Go {
            tried += 1;
            if tried % 5 == 0 {
                db.login_succeeded("account:ana", Some("address:192.0.2.1")).await.unwrap();
            }
            assert!(tried < 100, "the address never locks");
        }
        assert_eq!(tried, 24);
    }

    async fn what_has_had_its_time_is_swept(db: Database) {
        let ana = add(&db, "Ana", Role::Caller).await;
        assert!(db.begin_session(b"s", &ana.id, "hash of Ana", now()).await.unwrap());
        db.sweep(now() + days(30) - SignedDuration::from_secs(1)).await.unwrap();
        assert!(db.session_user(b"s", now()).await.unwrap().is_some());
        db.sweep(now() + days(31)).await.unwrap();
        assert!(db.session_user(b"s", now()).await.unwrap().is_none());
    }
}
