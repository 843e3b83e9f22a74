//! Syncs, save-alls and edits of leads.

use std::{
    sync::{PoisonError, atomic::Ordering},
    thread,
    time::{Duration, Instant},
};

use rand::{Rng, RngExt as _, seq::IndexedRandom as _};
use serde_json::{Value, json};

use super::{
    filter::Filter,
    model::{Edit, Pull, Saved},
    people::{STATES, SYNCED},
    process::PATIENCE,
    world::{Unanswered, World, lock},
};

/// Statuses that edits give and look for; do_not_call is one's last.
const STATUSES: [&str; 6] = [
    "new",
    "contacted",
    "interested",
    "not_interested",
    "follow_up",
    "converted",
];

/// A sync that a round will do.
#[derive(Clone, Debug)]
pub(super) struct Sync {
    pub(super) pull: Pull,
    /// The server that is asked; else a command pulls.
    server: Option<usize>,
    /// When it is to be stopped.
    stop: Option<Duration>,
}

impl Sync {
    pub(super) fn draw(rng: &mut impl Rng) -> Self {
        let first = rng.random_range(0..SYNCED);
        let mut specialties = vec![first];
        if rng.random_bool(0.4) {
            specialties.push((first + 1) % SYNCED);
        }
        let stop = rng
            .random_bool(0.15)
            .then(|| Duration::from_millis(rng.random_range(5..400)));
        Self {
            pull: Pull {
                specialties,
                state: rng
                    .random_bool(0.6)
                    .then(|| STATES[rng.random_range(0..STATES.len())]),
            },
            server: rng.random_bool(0.5).then(|| rng.random_range(0..2)),
            stop,
        }
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.is_some()
    }
}

/// Any status of [`STATUSES`].
pub(super) fn status(rng: &mut impl Rng) -> &'static str {
    STATUSES[rng.random_range(0..STATUSES.len())]
}

impl World {
    /// Pulls from the registry.
    pub(super) fn sync(&self, sync: &Sync) {
        self.count("syncs");
        let began = Instant::now();
        let complete = match sync.server {
            Some(server) => self.sync_by_server(sync, server),
            None => self.sync_by_command(sync),
        };
        let names: Vec<&str> = sync.pull.names().collect();
        self.note(&format!(
            "sync of {names:?} in {:?} by {}: complete {complete:?} in {:?}",
            sync.pull.state,
            sync.server
                .map_or("a command".into(), |s| format!("server {s}")),
            began.elapsed()
        ));
        match complete {
            Some(true) => {
                self.count("syncs complete");
                self.model().synced(&sync.pull);
            }
            Some(false) => {
                let changed = self.model().changed;
                if !changed && !self.excused.load(Ordering::SeqCst) {
                    self.fault(format!(
                        "a sync of {names:?} in {:?} is incomplete, and nothing was in its way",
                        sync.pull.state
                    ));
                }
            }
            None => {}
        }
    }

    /// Whether it was complete; none when that is not known.
    fn sync_by_command(&self, sync: &Sync) -> Option<bool> {
        let mut args = vec!["sync".to_owned(), "--json".to_owned()];
        for name in sync.pull.names() {
            args.extend(["--specialty".to_owned(), name.to_owned()]);
        }
        if let Some(state) = sync.pull.state {
            args.extend(["--state".to_owned(), state.to_owned()]);
        }
        let ended = self.command(&args, sync.stop)?;
        let code = ended.code?;
        let run: Value = serde_json::from_str(&ended.out).unwrap_or_default();
        match code {
            0 => {
                if run["complete"] != true {
                    self.fault(format!("{args:?} ended with 0: {ended:?}"));
                }
                Some(true)
            }
            3 => Some(false),
            1 if sync.stop.is_some() => None,
            code => {
                self.fault(format!("{args:?} ended with {code}: {ended:?}"));
                None
            }
        }
    }

    fn sync_by_server(&self, sync: &Sync, server: usize) -> Option<bool> {
        let names: Vec<&str> = sync.pull.names().collect();
        let mut request = json!({"specialties": names});
        if let Some(state) = sync.pull.state {
            request["state"] = state.into();
        }
        let answer = self.ask(server, "POST", "/api/sync", &[], Some(&request))?;
        if !matches!(answer.status, 200 | 202) {
            self.fault(format!("sync {request}: {} {}", answer.status, answer.body));
            return None;
        }
        let id = answer.json()["id"].as_str()?.to_owned();
        if let Some(after) = sync.stop {
            thread::sleep(after);
            let path = format!("/api/sync/{id}/cancel");
            let answer = self.ask(server + 1, "POST", &path, &[], None)?;
            if !matches!(answer.status, 200 | 409) {
                self.fault(format!("{path}: {} {}", answer.status, answer.body));
            }
        }
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            // Any of the two can tell.
            let run = self
                .get(server, &format!("/api/sync/{id}"))
                .map(|answer| answer.json());
            let over =
                |run: &Value| matches!(run["state"].as_str(), Some("finished" | "cancelled"));
            if let Some(run) = run.filter(over) {
                return run["complete"].as_bool();
            }
            thread::sleep(Duration::from_millis(20));
        }
        self.fault(format!("sync {id} does not end"));
        None
    }

    /// Saves all of a search as leads.
    pub(super) fn save(&self, rng: &mut impl Rng) {
        let repeated = {
            let model = self.model();
            let repeats = rng.random_bool(0.2);
            model.saved.choose(rng).filter(|_| repeats).cloned()
        };
        if let Some(saved) = repeated {
            let again = self.save_under(&saved, rng.random_range(0..2));
            if let Some(again) = again
                && again != saved.receipt
            {
                self.fault(format!(
                    "the key {} gave {} and then {again}",
                    saved.key, saved.receipt
                ));
            }
            self.count("save-alls repeated");
            return;
        }
        let mut filter = Filter::draw(rng);
        if rng.random_bool(0.3) {
            filter.lead = Some(false);
        }
        let saved = Saved {
            key: format!("save-{:016x}", rng.random::<u64>()),
            filter,
            cli: rng.random_bool(0.3),
            receipt: Value::Null,
        };
        let _shared = self.leads.read().unwrap_or_else(PoisonError::into_inner);
        let floor = self.model().floor();
        self.count("save-alls");
        match self.save_under(&saved, rng.random_range(0..2)) {
            Some(receipt) => self.has_saved(saved, &floor, &receipt),
            None => lock(&self.unanswered).push(Unanswered::Save(saved, floor)),
        }
    }

    /// The receipt of a save-all; none when nobody was left to answer.
    fn save_under(&self, saved: &Saved, server: usize) -> Option<Value> {
        if saved.cli {
            let mut args = ["leads", "save-all", "--json", "--idempotency-key"]
                .map(str::to_owned)
                .to_vec();
            args.push(saved.key.clone());
            args.extend(saved.filter.arguments());
            let ended = self.command(&args, None)?;
            match ended.code {
                None => return None,
                Some(0) => return serde_json::from_str(&ended.out).ok(),
                Some(_) => self.fault(format!("{args:?}: {ended:?}")),
            }
            return None;
        }
        let body = json!({"filter": saved.filter.body()});
        let key = ("Idempotency-Key", saved.key.as_str());
        let answer = self.ask(
            server,
            "POST",
            "/api/providers/save-all",
            &[key],
            Some(&body),
        )?;
        if answer.status != 200 {
            self.fault(format!(
                "save-all {body}: {} {}",
                answer.status, answer.body
            ));
            return None;
        }
        Some(answer.json())
    }

    fn has_saved(&self, mut saved: Saved, floor: &[Option<usize>], receipt: &Value) {
        let number = |name: &str| receipt[name].as_u64().unwrap_or_default();
        let requested = number("requested");
        let parts = ["created", "existing", "suppressed", "rejected"].map(number);
        let narrowed = saved.filter.lead.is_some();
        let mut model = self.model();
        let before = model.leads.len() + model.maybe_leads.len();
        let answerable = model.has_saved(&saved.filter, floor);
        saved.receipt = receipt.clone();
        model.saved.push(saved.clone());
        drop(model);
        let (least, most) = (
            answerable.certainly.len() as u64,
            answerable.possibly.len() as u64,
        );
        self.note(&format!(
            "save-all {} by {}: {receipt}; between {least} and {most}, {before} leads before",
            saved.filter.query(),
            if saved.cli { "a command" } else { "a server" }
        ));
        if requested != parts.iter().sum::<u64>() || number("rejected") > 0 {
            self.fault(format!("the receipt does not add up: {receipt}"));
        }
        if requested > most || (requested < least && !narrowed) {
            self.fault(format!(
                "save-all {}: {receipt}, and there were between {least} and {most}",
                saved.filter.query()
            ));
        }
    }

    /// Gives all leads of a filter that have one status another.
    pub(super) fn edit_many(&self, rng: &mut impl Rng) {
        let from = status(rng);
        let to = if rng.random_bool(0.1) {
            "do_not_call"
        } else {
            status(rng)
        };
        if from == to {
            return;
        }
        let edit = Edit {
            filter: Filter::draw(rng),
            from,
            to,
        };
        let key = format!("edit-{:016x}", rng.random::<u64>());
        let _alone = self.leads.write().unwrap_or_else(PoisonError::into_inner);
        let floor = self.model().floor();
        self.count("edits of many leads");
        let Some(receipt) = self.edit_under(&key, &edit, rng.random_range(0..2)) else {
            self.model().has_edited(&edit, &floor, false);
            lock(&self.unanswered).push(Unanswered::Edit(key, edit));
            return;
        };
        let number = |name: &str| receipt[name].as_u64().unwrap_or_default();
        let mut model = self.model();
        let (least, most) = model.asked_for(&edit, &floor);
        model.has_edited(&edit, &floor, true);
        drop(model);
        self.note(&format!(
            "edit of {} from {from} to {to}: {receipt}; between {least} and {most}",
            edit.filter.query()
        ));
        let requested = number("requested");
        let parts = ["updated", "unchanged", "suppressed", "rejected"].map(number);
        if requested != parts.iter().sum::<u64>() || !(least..=most).contains(&requested) {
            self.fault(format!(
                "edit of {} from {from} to {to}: {receipt}, and there were between {least} and {most}",
                edit.filter.query()
            ));
        }
    }

    fn edit_under(&self, key: &str, edit: &Edit, server: usize) -> Option<Value> {
        let mut filter = edit.filter.body();
        filter.insert("status".into(), json!([edit.from]));
        let body = json!({"filter": filter, "patch": {"status": edit.to}});
        let answer = self.ask(
            server,
            "POST",
            "/api/leads/bulk",
            &[("Idempotency-Key", key)],
            Some(&body),
        )?;
        if answer.status != 200 {
            self.fault(format!("bulk {body}: {} {}", answer.status, answer.body));
            return None;
        }
        Some(answer.json())
    }

    /// Edits some leads, one after the other, each as it was read.
    pub(super) fn edit_some(&self, rng: &mut impl Rng) {
        let _shared = self.leads.read().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..6 {
            let chosen = {
                let model = self.model();
                let leads: Vec<usize> = model.leads.keys().copied().collect();
                leads
                    .choose(rng)
                    .map(|at| (*at, model.people[*at].npi.to_string()))
            };
            let Some((at, npi)) = chosen else {
                return;
            };
            self.edit_one(rng, at, &npi);
        }
    }

    fn edit_one(&self, rng: &mut impl Rng, at: usize, npi: &str) -> Option<()> {
        let path = format!("/api/leads/{npi}");
        let answer = self.get(rng.random_range(0..2), &path)?;
        let lead = answer.json();
        let (had, version) = (lead["status"].as_str(), lead["version"].as_i64());
        let (Some(had), Some(version), Some(tag)) = (had, version, answer.header("etag")) else {
            self.fault(format!("lead {npi}: {} {}", answer.status, answer.body));
            return None;
        };
        let allowed = self.model().leads.get(&at)?.statuses.clone();
        if !allowed.contains(had) {
            self.fault(format!("lead {npi} is {had} instead of {allowed:?}"));
        }
        let to = status(rng);
        self.count("edits of one lead");
        let patch = json!({"status": to});
        let stale = rng.random_bool(0.2);
        let tag = if stale {
            format!("\"{}\"", version - 1)
        } else {
            tag.to_owned()
        };
        let headers = [("If-Match", tag.as_str())];
        let server = rng.random_range(0..2);
        let Some(answer) = self.ask(server, "PATCH", &path, &headers, Some(&patch)) else {
            if let Some(lead) = self.model().leads.get_mut(&at) {
                lead.statuses.insert(to.to_owned());
            }
            return None;
        };
        if answer.status != if stale { 412 } else { 200 } {
            self.fault(format!(
                "edit of lead {npi} from {had} to {to}, version {version}, {tag}: {} {}",
                answer.status, answer.body
            ));
        }
        if answer.status == 200
            && let Some(lead) = self.model().leads.get_mut(&at)
        {
            lead.statuses = [to.to_owned()].into();
            lead.version = version + 1;
        }
        Some(())
    }

    /// Asks again for what was not answered, now that nobody is killed.
    pub(super) fn ask_again(&self) {
        let unanswered = std::mem::take(&mut *lock(&self.unanswered));
        for one in unanswered {
            match one {
                Unanswered::Save(saved, floor) => match self.save_under(&saved, 0) {
                    Some(receipt) => self.has_saved(saved, &floor, &receipt),
                    None => self.fault(format!("save-all {} gives no receipt", saved.key)),
                },
                Unanswered::Edit(key, edit) => {
                    let floor = self.model().floor();
                    if self.edit_under(&key, &edit, 1).is_none() {
                        self.fault(format!("edit {key} gives no receipt"));
                    }
                    self.model().has_edited(&edit, &floor, false);
                }
            }
        }
    }
}
