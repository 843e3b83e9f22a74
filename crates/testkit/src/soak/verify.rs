//! What is looked at when all is idle: everything.

use std::{
    collections::{BTreeMap, BTreeSet},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    filter::Filter,
    people::{PLACES, SPECIALTIES},
    process::PATIENCE,
    world::World,
};

/// After so many rounds `doctor` is asked.
const DOCTOR: u32 = 10;

impl World {
    /// Waits until nothing is under way, asks again for what was not answered, and compares the
    /// database with the model.
    pub(super) fn settle(&self) {
        self.wait_for_syncs();
        if self.was_killed() {
            // What the killed left to the server is at its end soon.
            self.wait_for_postgres();
        }
        self.ask_again();
        if self.faults().is_empty() {
            self.verify();
        }
    }

    fn wait_for_syncs(&self) {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let Some(runs) = self.json(0, "/api/sync?limit=50") else {
                return;
            };
            let over =
                |run: &Value| matches!(run["state"].as_str(), Some("finished" | "cancelled"));
            if runs["items"].as_array().is_some_and(|r| r.iter().all(over)) {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        self.fault("syncs do not end");
    }

    fn wait_for_postgres(&self) {
        if self.canvass.database.starts_with("sqlite:") {
            return;
        }
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(10) {
            let active = self.sql(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                 AND state <> 'idle' AND pid <> pg_backend_pid()",
            );
            if active == ["0"] {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// All pages of a list.
    fn walk(&self, server: usize, path: &str) -> Option<(u64, Vec<Value>)> {
        let mut rows = Vec::new();
        let mut after = String::new();
        loop {
            let page = self.json(server, &format!("{path}{after}"))?;
            rows.extend(page["items"].as_array().cloned().unwrap_or_default());
            match page["next_cursor"].as_str() {
                Some(cursor) => after = format!("&cursor={cursor}"),
                None => return Some((page["total"]["count"].as_u64()?, rows)),
            }
        }
    }

    fn verify(&self) {
        let server = usize::try_from(self.model().round).unwrap_or_default();
        let Some((there, unpublished)) = self.verify_providers(server) else {
            return;
        };
        let Some(leads) = self.verify_leads(server) else {
            return;
        };
        self.verify_tables(there.iter().flatten().count(), leads.len());
        self.model().settle(&there, &unpublished, &leads);
        self.verify_places(server);
        self.verify_facets(server);
        if self.model().round.is_multiple_of(DOCTOR) {
            self.verify_doctor();
        }
    }

    fn verify_doctor(&self) {
        let doctor = self.command(&["doctor".to_owned()], None);
        if doctor.as_ref().is_none_or(|ended| ended.code != Some(0)) {
            self.fault(format!("doctor: {doctor:?}"));
        }
    }

    /// Every provider through the search: none twice, each as it may be.
    fn verify_providers(&self, server: usize) -> Option<(Vec<Option<usize>>, BTreeSet<usize>)> {
        let path = "/api/providers?status=any&limit=1000";
        let (total, rows) = self.walk(server, path)?;
        let model = self.model();
        let mut there: Vec<Option<usize>> = vec![None; model.people.len()];
        let mut unpublished = BTreeSet::new();
        let mut faults = Vec::new();
        let floor = model.floor();
        for row in &rows {
            if let Some(wrong) = model.wrong_row(row, &Filter::default(), &floor) {
                faults.push(wrong);
                continue;
            }
            let Some(at) = model.at(row["npi"].as_str().unwrap_or_default()) else {
                continue;
            };
            let updated = row["updated_on"].as_str().unwrap_or_default();
            if there[at].is_some() {
                faults.push(format!("twice: {row}"));
            }
            there[at] = model.people[at].version_of(updated);
            let (may_be_listed, may_be_gone) = model.may_be(at);
            let gone = row["status"] == "unpublished";
            if gone {
                unpublished.insert(at);
            }
            if !(if gone { may_be_gone } else { may_be_listed }) {
                faults.push(format!(
                    "must {} published: {row}, {:?}",
                    if gone { "be" } else { "not be" },
                    model.known[at]
                ));
            }
        }
        for (at, known) in model.known.iter().enumerate() {
            if there[at].is_none() && known.certain.is_some() {
                faults.push(format!("{} is not there: {known:?}", model.people[at].npi));
            }
        }
        faults.extend(model.torn(&there));
        drop(model);
        if total != rows.len() as u64 {
            faults.push(format!("{total} are told and {} come", rows.len()));
        }
        self.fault_of(path, &faults);
        Some((there, unpublished))
    }

    /// One fault for many of a kind.
    fn fault_of(&self, what: &str, faults: &[String]) {
        if !faults.is_empty() {
            let few = &faults[..faults.len().min(4)];
            self.fault(format!(
                "{what}: {} faults: {}",
                faults.len(),
                few.join("; ")
            ));
        }
    }

    fn verify_leads(&self, server: usize) -> Option<BTreeMap<usize, (String, i64)>> {
        let path = "/api/leads?limit=1000";
        let (total, rows) = self.walk(server, path)?;
        let model = self.model();
        let mut faults = Vec::new();
        let mut leads = BTreeMap::new();
        for row in &rows {
            let Some(at) = model.at(row["id"].as_str().unwrap_or_default()) else {
                faults.push(format!("nobody: {row}"));
                continue;
            };
            let status = row["status"].as_str().unwrap_or_default();
            let certain = model.leads.get(&at).map(|lead| &lead.statuses);
            let allowed = certain.or_else(|| model.maybe_leads.get(&at));
            if allowed.is_none_or(|statuses| !statuses.contains(status)) {
                faults.push(format!("must be {allowed:?}: {row}"));
            }
            let version = row["version"].as_i64().unwrap_or_default();
            if leads.insert(at, (status.to_owned(), version)).is_some() {
                faults.push(format!("twice: {row}"));
            }
        }
        for at in model.leads.keys().filter(|at| !leads.contains_key(at)) {
            faults.push(format!("{} is no lead", model.people[*at].npi));
        }
        drop(model);
        if total != rows.len() as u64 {
            faults.push(format!("{total} are told and {} come", rows.len()));
        }
        self.fault_of(path, &faults);
        Some(leads)
    }

    /// The tables agree with what the search and the lists say.
    fn verify_tables(&self, providers: usize, leads: usize) {
        for (statement, wanted) in [
            ("SELECT count(*) FROM providers", providers),
            ("SELECT count(DISTINCT npi) FROM providers", providers),
            ("SELECT count(*) FROM leads", leads),
            ("SELECT count(*) FROM idempotency WHERE response = ''", 0),
        ] {
            let got = self.sql(statement);
            if got != [wanted.to_string()] {
                self.fault(format!("{statement}: {got:?} instead of {wanted}"));
            }
        }
        // The leads of a save-all are created at one moment, and there are as many leads as its receipt says.
        let count = |n: &mut BTreeMap<u64, i64>, of: u64, by: i64| *n.entry(of).or_default() += by;
        let mut sizes = BTreeMap::new();
        for size in self.sql("SELECT count(*) FROM leads GROUP BY created_at") {
            count(&mut sizes, size.parse().unwrap_or_default(), 1);
        }
        for saved in &self.model().saved {
            let created = saved.receipt["created"].as_u64().unwrap_or_default();
            if created > 0 {
                count(&mut sizes, created, -1);
            }
        }
        sizes.retain(|_, n| *n != 0);
        if !sizes.is_empty() {
            self.fault(format!(
                "batches of leads of these sizes are too many, or too few where below 0: {sizes:?}"
            ));
        }
    }

    /// Everybody in service is found at each of their places, and nobody else.
    fn verify_places(&self, server: usize) {
        for (city, place) in PLACES.iter().enumerate() {
            let filter = Filter {
                states: vec![place.0],
                city: Some(city),
                ..Filter::default()
            };
            self.verify_search(server, &filter, "");
        }
    }

    /// What is told beside a search counts those who are found by it.
    fn verify_facets(&self, server: usize) {
        for specialty in 0..SPECIALTIES.len() {
            let filter = Filter {
                specialty: Some(specialty),
                ..Filter::default()
            };
            let path = format!("/api/providers/facets?{}", filter.query());
            let Some(facets) = self.json(server, &path) else {
                return;
            };
            let mut wanted: BTreeMap<&str, u64> = BTreeMap::new();
            let model = self.model();
            let floor = model.floor();
            for at in model.answerable(&filter, &floor).certainly {
                let (person, known) = (&model.people[at], &model.known[at]);
                if let Some(version) = known.certain.filter(|_| !known.unpublished) {
                    let places = person.versions[version].places();
                    let states: BTreeSet<&str> = places.map(|place| PLACES[place].0).collect();
                    for value in states.into_iter().chain([person.entity()]) {
                        *wanted.entry(value).or_default() += 1;
                    }
                }
            }
            drop(model);
            let told: BTreeMap<&str, u64> = [&facets["state"], &facets["entity"]]
                .into_iter()
                .flat_map(|facet| facet.as_array().into_iter().flatten())
                .filter_map(|one| Some((one["value"].as_str()?, one["count"].as_u64()?)))
                .collect();
            if told != wanted {
                self.fault(format!("{path}: {told:?} instead of {wanted:?}"));
            }
        }
    }

    /// The rows of a search are those who must be found by it, and the count is theirs.
    fn verify_search(&self, server: usize, filter: &Filter, more: &str) {
        let path = format!("/api/providers?limit=1000&{}{more}", filter.query());
        let Some((total, rows)) = self.walk(server, &path) else {
            return;
        };
        let model = self.model();
        let floor = model.floor();
        let mut wanted = model.answerable(filter, &floor).certainly;
        wanted.retain(|at| !model.known[*at].unpublished);
        let found: BTreeSet<usize> = rows
            .iter()
            .filter_map(|row| model.at(row["npi"].as_str()?))
            .collect();
        let npis = |set: Vec<&usize>| -> Vec<String> {
            let few = set.into_iter().take(4);
            few.map(|at| model.people[*at].npi.to_string()).collect()
        };
        let missing = npis(wanted.difference(&found).collect());
        let strange = npis(found.difference(&wanted).collect());
        drop(model);
        if found != wanted || rows.len() != found.len() || total != rows.len() as u64 {
            self.fault(format!(
                "{path}: {} rows, {total} told, {} wanted; missing {missing:?}, strange {strange:?}",
                rows.len(),
                wanted.len()
            ));
        }
    }

    /// At the end: everybody by NPI, by name and by place, and what `doctor` says.
    pub(super) fn verify_whole(&self) {
        for server in 0..2 {
            self.verify_places(server);
        }
        let (names, everybody) = {
            let model = self.model();
            let names: BTreeSet<String> =
                model.people.iter().map(super::Person::last_name).collect();
            // A few hundred of them are looked up one by one.
            let step = (model.people.len() / self.settings.looked_up.max(1)).max(1);
            let everybody: Vec<(String, String, bool)> = (0..model.people.len())
                .step_by(step)
                .filter(|at| !model.known[*at].unpublished)
                .map(|at| {
                    let person = &model.people[at];
                    let known = model.known[at].certain.is_some();
                    (person.npi.to_string(), person.own_word(), known)
                })
                .collect();
            (names, everybody)
        };
        for (i, name) in names.into_iter().enumerate() {
            let filter = Filter {
                last_name: Some(name),
                ..Filter::default()
            };
            self.verify_search(i, &filter, "");
        }
        for (i, (npi, word, known)) in everybody.into_iter().enumerate() {
            let Some(answer) = self.get(i, &format!("/api/providers/{npi}")) else {
                return;
            };
            if (answer.status == 200) != known || answer.status >= 500 {
                self.fault(format!("{npi}: {} {}", answer.status, answer.body));
            }
            let Some(page) = self.json(i, &format!("/api/providers?q={word}")) else {
                return;
            };
            let items = page["items"].as_array().cloned().unwrap_or_default();
            if known && !(items.len() == 1 && items[0]["npi"] == npi.as_str()) {
                self.fault(format!("{word} finds {items:?} instead of {npi}"));
            }
        }
        self.verify_doctor();
    }
}
