use canvass_app::{Actor, Error, SearchQuery};
use canvass_model::Role;
use canvass_store::{SavedSearch, User};

use crate::{both_engines, opened::Opened};

fn search(query: &str) -> SearchQuery {
    SearchQuery::parse(query).unwrap()
}

async fn save(app: &Opened, by: &User, name: &str, team: bool) -> Result<SavedSearch, Error> {
    let by = Actor::from(by);
    app.save_search(&by, name, &search("state=CA"), team, None)
        .await
}

both_engines! {
    async fn only_a_manager_shares_and_only_who_may_deletes(db: Database) {
        let app = Opened::on(&db).await;
        let caller = app.user("Cal", Role::Caller).await;
        let manager = app.user("Mia", Role::Manager).await;
        let admin = app.user("Ada", Role::Admin).await;
        let refused = save(&app, &caller, "Ours", true).await;
        assert!(matches!(refused, Err(Error::Forbidden(_))));
        let own = save(&app, &caller, "Mine", false).await.unwrap();
        let ours = save(&app, &manager, "Ours", true).await.unwrap();
        let theirs = save(&app, &admin, "Theirs", true).await.unwrap();

        // What somebody keeps for themselves is nobody else's to see or to delete.
        for other in [&manager, &admin] {
            let other = Actor::from(other);
            assert_eq!(app.saved_searches(&other).await.unwrap().len(), 2);
            let hidden = app.delete_search(&other, &own.id).await;
            assert!(matches!(hidden, Err(Error::NotFound(_))));
        }
        assert_eq!(app.saved_searches(&Actor::from(&caller)).await.unwrap().len(), 3);
        let refused = app.delete_search(&Actor::from(&caller), &ours.id).await;
        assert!(matches!(refused, Err(Error::Forbidden(_))));
        app.delete_search(&Actor::from(&manager), &theirs.id).await.unwrap();

        // Who shared a search may take it back, whatever they are now.
        app.set_role(&Actor::system(), &manager.id, Role::Caller).await.unwrap();
        let demoted = Actor { role: Role::Caller, ..Actor::from(&manager) };
        app.delete_search(&demoted, &ours.id).await.unwrap();
        app.delete_search(&Actor::from(&caller), &own.id).await.unwrap();
        let gone = app.delete_search(&Actor::from(&caller), &own.id).await;
        assert!(matches!(gone, Err(Error::NotFound(_))));
    }

    async fn names_and_searches_are_checked(db: Database) {
        let app = Opened::on(&db).await;
        let ana = Actor::from(&app.user("Ana", Role::Manager).await);
        for name in ["", "  ", "two\nlines", "a\0b", &"x".repeat(81)] {
            let refused = app.save_search(&ana, name, &search(""), false, None).await;
            assert!(matches!(refused, Err(Error::Invalid(f)) if f[0].name == "name"), "{name:?}");
        }
        let kept = app.save_search(&ana, &format!(" {} ", "é".repeat(80)), &search("sort=city&state=CA"), true, None).await.unwrap();
        assert_eq!((kept.name.chars().count(), kept.query.as_str()), (80, "state=CA&sort=city"));
        assert_eq!(app.team_search(&kept.name).await.unwrap(), search("state=CA&sort=city"));
        assert!(matches!(app.team_search("nosuch\0").await, Err(Error::NotFound(_))));

        // What no search would take is not kept.
        for (query, field) in [("specialty=Cardiolgy", "specialty"), ("near=Nowhere", "near")] {
            let refused = app.save_search(&ana, "x", &search(query), false, None).await;
            assert!(matches!(refused, Err(Error::Invalid(f)) if f[0].name == field), "{query}");
        }
        let long = (0..60).map(|i| format!("city={}{i}", "x".repeat(150))).collect::<Vec<_>>().join("&");
        let refused = app.save_search(&ana, "x", &search(&long), false, None).await;
        assert!(matches!(refused, Err(Error::Invalid(f)) if f[0].name == "query"));

        app.save_search(&ana, "x", &search(""), false, None).await.unwrap();
        let taken = app.save_search(&ana, "X", &search(""), false, None).await;
        assert!(matches!(taken, Err(Error::Invalid(f)) if f[0].name == "name" && f[0].problem.contains("of this name")));
        let system = app.save_search(&Actor::system(), "y", &search(""), true, None).await;
        assert!(matches!(system, Err(Error::Forbidden(_))));
    }

    async fn two_hundred_are_enough(db: Database) {
        let app = Opened::on(&db).await;
        let ana = app.user("Ana", Role::Manager).await;
        for i in 0..200 {
            save(&app, &ana, &format!("search {i}"), i % 3 == 0).await.unwrap();
        }
        let refused = save(&app, &ana, "one more", false).await;
        assert!(matches!(refused, Err(Error::Conflict(why)) if why.contains("200")));
    }
}
