use canvass_model::Role;
use canvass_store::{Idempotency, NewSearch, NewUser, SavedSearch, Saving, Store};
use futures_util::future::join_all;

use crate::{both::now, both_engines};

async fn user(store: &Store, name: &str) -> String {
    let new = NewUser {
        name: name.into(),
        role: Role::Caller,
        password_hash: String::new(),
    };
    store.add_user(&new, now()).await.unwrap().unwrap().id
}

async fn save_up_to(store: &Store, most: u32, user_id: &str, name: &str, team: bool) -> Saving {
    let new = NewSearch {
        user_id,
        name,
        query: "state=CA",
        team,
    };
    store.save_search(&new, most, now(), None).await.unwrap()
}

async fn save(store: &Store, user: &str, name: &str, team: bool) -> SavedSearch {
    match save_up_to(store, 200, user, name, team).await {
        Saving::Done(saved) => saved,
        other => panic!("{name}: {other:?}"),
    }
}

async fn names(store: &Store, user: Option<&str>) -> Vec<String> {
    let seen = store.saved_searches(user).await.unwrap();
    seen.into_iter().map(|s| s.name).collect()
}

both_engines! {
    async fn one_sees_ones_own_and_the_teams_by_name(db: Database) {
        let (ana, bob) = (user(&db, "Ana").await, user(&db, "Bob").await);
        for (who, name, team) in [
            (&ana, "new in Fresno", false),
            (&ana, "Elan", true),
            (&bob, "cardiologists", true),
            (&ana, "Dentists", false),
            (&bob, "Bob's", false),
        ] {
            save(&db, who, name, team).await;
        }
        assert_eq!(names(&db, Some(&ana)).await, ["Dentists", "new in Fresno", "cardiologists", "Elan"]);
        assert_eq!(names(&db, Some(&bob)).await, ["Bob's", "cardiologists", "Elan"]);
        assert_eq!(names(&db, None).await, ["cardiologists", "Elan"]);
        let elan = db.team_search(" ELAN").await.unwrap().unwrap();
        assert_eq!((elan.owner.as_str(), elan.query.as_str()), ("Ana", "state=CA"));
        assert_eq!((elan.owner_id.as_str(), elan.created_at), (ana.as_str(), now()));
        assert_eq!(db.team_search("Dentists").await.unwrap(), None);
    }

    async fn a_name_is_taken_among_its_kind_only(db: Database) {
        let (ana, bob) = (user(&db, "Ana").await, user(&db, "Bob").await);
        save(&db, &ana, "Elan", false).await;
        assert_eq!(save_up_to(&db, 200, &ana, "elan", false).await, Saving::NameTaken);
        save(&db, &bob, "elan", false).await;
        save(&db, &bob, "elan", true).await;
        assert_eq!(save_up_to(&db, 200, &ana, "ELAN", true).await, Saving::NameTaken);
        assert_eq!(save_up_to(&db, 200, "nobody", "x", false).await, Saving::NoSuchUser);
    }

    async fn what_is_deleted_is_gone_and_its_name_is_free(db: Database) {
        let ana = user(&db, "Ana").await;
        let saved = save(&db, &ana, "Fresno", false).await;
        assert_eq!(db.saved_search(&saved.id).await.unwrap(), Some(saved.clone()));
        assert!(db.delete_search(&saved.id).await.unwrap());
        assert!(!db.delete_search(&saved.id).await.unwrap());
        assert_eq!(db.saved_search(&saved.id).await.unwrap(), None);
        save(&db, &ana, "Fresno", false).await;
    }

    async fn the_same_key_saves_once(db: Database) {
        let ana = user(&db, "Ana").await;
        let new = NewSearch { user_id: &ana, name: "Fresno", query: "city=Fresno", team: false };
        let key = |request: &[u8]| Idempotency { user: ana.clone(), key: "k".into(), request: request.to_vec() };
        let first = db.save_search(&new, 200, now(), Some(&key(b"a"))).await.unwrap();
        assert!(matches!(first, Saving::Done(_)));
        assert_eq!(db.save_search(&new, 200, now(), Some(&key(b"a"))).await.unwrap(), first);
        let other = db.save_search(&new, 200, now(), Some(&key(b"b"))).await;
        assert!(matches!(other, Err(canvass_store::Error::KeyReused)));
        // A key of a request that was refused is free for another.
        let refused = Idempotency { key: "l".into(), ..key(b"c") };
        assert_eq!(db.save_search(&new, 200, now(), Some(&refused)).await.unwrap(), Saving::NameTaken);
        let named = NewSearch { name: "Clovis", ..new };
        let later = Idempotency { request: b"d".to_vec(), ..refused };
        assert!(matches!(db.save_search(&named, 200, now(), Some(&later)).await.unwrap(), Saving::Done(_)));
    }

    async fn many_at_once_are_no_more_than_there_is_room_for(db: Database) {
        let (ana, bob) = (user(&db, "Ana").await, user(&db, "Bob").await);
        let all = (0..12).map(|i| {
            let (store, ana) = (db.store.clone(), ana.clone());
            tokio::spawn(async move { save_up_to(&store, 5, &ana, &format!("search {i}"), i % 2 == 0).await })
        });
        let all: Vec<Saving> = join_all(all).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(all.iter().filter(|s| matches!(s, Saving::Done(_))).count(), 5);
        assert_eq!(all.iter().filter(|s| **s == Saving::TooMany).count(), 7);
        assert!(matches!(save_up_to(&db, 5, &bob, "mine", false).await, Saving::Done(_)));
    }
}
