//! What is read all the time: every row has to fit what was asked, and who is there for certain has
//! to be among them.

use std::collections::BTreeSet;

use rand::{Rng, RngExt as _};
use serde_json::{Value, json};

use super::{
    filter::Filter,
    ops::status,
    people::{SPECIALTIES, STATES},
    world::World,
};

const SORTS: [&str; 4] = ["name", "city", "enumerated", "updated"];

impl World {
    /// One question of any kind.
    pub(super) fn read(&self, rng: &mut impl Rng) {
        let server = rng.random_range(0..2);
        match rng.random_range(0..14) {
            0..=3 => self.search(rng, server),
            4 | 5 => self.search_by_name(rng, server),
            6 => self.export(rng, server),
            7 => self.facets(rng, server),
            8 | 9 => self.lead_list(rng, server),
            10 | 11 => self.registry_page(rng, server),
            _ => self.look_up(rng, server),
        }
    }

    /// A search through its pages.
    fn search(&self, rng: &mut impl Rng, server: usize) {
        self.count("searches");
        let mut filter = Filter::draw(rng);
        match rng.random_range(0..4) {
            0 => filter.lead = Some(rng.random_bool(0.5)),
            1 => filter.lead_status = Some(status(rng)),
            _ => {}
        }
        let sort = SORTS[rng.random_range(0..SORTS.len())];
        let limit = [20, 100, 1_000][rng.random_range(0..3)];
        let floor = self.model().floor();
        let mut found = BTreeSet::new();
        let mut after = String::new();
        for _ in 0..3 {
            let path = format!(
                "/api/providers?{}&sort={sort}&limit={limit}{after}",
                filter.query()
            );
            let Some(page) = self.json(server, &path) else {
                return;
            };
            self.check_rows(&path, &page["items"], &filter, &floor, &mut found);
            match page["next_cursor"].as_str() {
                Some(cursor) => after = format!("&cursor={cursor}"),
                None if after.is_empty() => {
                    // One page, so one moment.
                    return self.check_all(&path, &filter, &floor, &found);
                }
                None => return,
            }
        }
    }

    fn search_by_name(&self, rng: &mut impl Rng, server: usize) {
        self.count("searches by name");
        let (filter, floor) = {
            let model = self.model();
            let person = &model.people[rng.random_range(0..model.people.len())];
            let filter = Filter {
                last_name: Some(person.last_name()),
                ..Filter::default()
            };
            (filter, model.floor())
        };
        let path = format!("/api/providers?{}&limit=1000&status=any", filter.query());
        let Some(page) = self.json(server, &path) else {
            return;
        };
        let mut found = BTreeSet::new();
        self.check_rows(&path, &page["items"], &filter, &floor, &mut found);
        if page["next_cursor"].is_null() {
            self.check_all(&path, &filter, &floor, &found);
        }
    }

    fn export(&self, rng: &mut impl Rng, server: usize) {
        self.count("exports");
        let filter = Filter::draw(rng);
        let floor = self.model().floor();
        let sort = if rng.random_bool(0.5) {
            "&sort=name"
        } else {
            ""
        };
        let path = format!(
            "/api/providers/export?format=ndjson{sort}&columns=npi,name,city,state,updated_on,lead&{}",
            filter.query()
        );
        let Some(answer) = self.get(server, &path) else {
            return;
        };
        if answer.status != 200 {
            return self.fault(format!("{path}: {} {}", answer.status, answer.body));
        }
        let rows: Result<Vec<Value>, _> = answer.body.lines().map(serde_json::from_str).collect();
        match rows {
            Ok(rows) => {
                let mut found = BTreeSet::new();
                self.check_rows(&path, &rows.into(), &filter, &floor, &mut found);
                self.check_all(&path, &filter, &floor, &found);
            }
            Err(error) => self.fault(format!("{path}: {error}")),
        }
    }

    fn facets(&self, rng: &mut impl Rng, server: usize) {
        self.count("facets");
        let filter = Filter::draw(rng);
        self.json(server, &format!("/api/providers/facets?{}", filter.query()));
    }

    fn lead_list(&self, rng: &mut impl Rng, server: usize) {
        self.count("lists of leads");
        let mut filter = Filter::draw(rng);
        filter.lead_status = Some(status(rng));
        let floor = self.model().floor();
        let sort = ["updated", "name", "created"][rng.random_range(0..3)];
        let path = format!(
            "/api/leads?{}&sort={sort}&limit=1000",
            filter.query().replace("lead_status=", "status=")
        );
        let Some(page) = self.json(server, &path) else {
            return;
        };
        let items = page["items"].as_array().cloned().unwrap_or_default();
        // The lead's own status counts; its provider tells it as well.
        let wrong = items
            .iter()
            .find(|lead| lead["status"] != filter.lead_status.unwrap_or_default());
        if let Some(lead) = wrong {
            self.fault(format!("{path}: {lead}"));
        }
        let rows: Vec<Value> = items
            .into_iter()
            .map(|lead| lead["provider"].clone())
            .collect();
        self.check_rows(&path, &rows.into(), &filter, &floor, &mut BTreeSet::new());
    }

    /// A page as the registry itself would give it.
    fn registry_page(&self, rng: &mut impl Rng, server: usize) {
        self.count("pages as of the registry");
        let filter = Filter {
            states: vec![STATES[rng.random_range(0..STATES.len())]],
            specialty: Some(rng.random_range(0..SPECIALTIES.len())),
            ..Filter::default()
        };
        let floor = self.model().floor();
        let skip = rng.random_range(0..3) * 50;
        let path = format!(
            "/api/?version=2.1&taxonomy_description={}&state={}&limit=200&skip={skip}",
            SPECIALTIES[filter.specialty.unwrap_or_default()].0,
            filter.states[0]
        );
        let Some(page) = self.json(server, &path) else {
            return;
        };
        let Some(results) = page["results"].as_array() else {
            return self.fault(format!("{path}: {page}"));
        };
        let row = |result: &Value| json!({"npi": result["number"], "updated_on": result["basic"]["last_updated"]});
        let rows: Vec<Value> = results.iter().map(row).collect();
        self.check_rows(&path, &rows.into(), &filter, &floor, &mut BTreeSet::new());
    }

    fn look_up(&self, rng: &mut impl Rng, server: usize) {
        self.count("providers looked up");
        let (at, npi, certain) = {
            let model = self.model();
            let at = rng.random_range(0..model.people.len());
            (
                at,
                model.people[at].npi.to_string(),
                model.known[at].certain,
            )
        };
        let Some(answer) = self.get(server, &format!("/api/providers/{npi}")) else {
            return;
        };
        let possible = self.model().known[at].possible;
        let fits = match answer.status {
            200 => possible.is_some(),
            404 => certain.is_none(),
            _ => false,
        };
        if !fits {
            self.fault(format!(
                "provider {npi}, between {certain:?} and {possible:?}: {} {}",
                answer.status, answer.body
            ));
        }
    }

    /// Checks each row, and that none comes twice.
    pub(super) fn check_rows(
        &self,
        path: &str,
        rows: &Value,
        filter: &Filter,
        floor: &[Option<usize>],
        found: &mut BTreeSet<usize>,
    ) {
        let model = self.model();
        let mut wrong = None;
        for row in rows.as_array().into_iter().flatten() {
            let at = model.at(row["npi"].as_str().unwrap_or_default());
            if let Some(at) = at
                && !found.insert(at)
            {
                // Who moves along the order while pages are turned comes twice, rightly.
                if !path.contains("cursor=") {
                    wrong = Some(format!("twice: {row}"));
                }
            }
            wrong = wrong.or_else(|| model.wrong_row(row, filter, floor));
        }
        drop(model);
        if let Some(wrong) = wrong {
            self.fault(format!("{path}: {wrong}"));
        }
    }

    /// Checks that nobody is missing who was there all the time.
    pub(super) fn check_all(
        &self,
        path: &str,
        filter: &Filter,
        floor: &[Option<usize>],
        found: &BTreeSet<usize>,
    ) {
        if filter.lead.is_some() || filter.lead_status.is_some() {
            return;
        }
        let model = self.model();
        let answerable = model.active(filter, floor);
        let missing: Vec<String> = answerable
            .certainly
            .difference(found)
            .map(|at| model.people[*at].npi.to_string())
            .collect();
        drop(model);
        if !missing.is_empty() {
            self.fault(format!(
                "{path}: {} of {} are missing, {:?} and so on",
                missing.len(),
                answerable.certainly.len(),
                &missing[..missing.len().min(5)]
            ));
        }
    }
}
