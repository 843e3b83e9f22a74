//! What must be in the database, and what may be.
//!
//! Only a later day of last update replaces what is known, so of a provider it is enough to know
//! two versions: the one that operations which have ended well brought for certain, and the newest
//! that any operation can have brought. At the end of each round, when all is idle, the database
//! must lie between the two; what it has then is certain from then on.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use jiff::civil::Date;
use rand::{Rng, RngExt as _};
use serde_json::Value;

use super::{
    files::Dissemination,
    filter::Filter,
    people::{PLACES, Person, SPECIALTIES, day, long_ago},
};

/// What a sync asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pull {
    pub(super) specialties: Vec<usize>,
    pub(super) state: Option<&'static str>,
}

impl Pull {
    fn fits(&self, person: &Person, version: usize) -> bool {
        let version = &person.versions[version];
        version
            .specialties
            .iter()
            .any(|s| self.specialties.contains(s))
            && self
                .state
                .is_none_or(|state| version.places().any(|p| PLACES[p].0 == state))
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.specialties.iter().map(|s| SPECIALTIES[*s].0)
    }
}

/// What is known of what the database knows of a provider.
#[expect(clippy::struct_excessive_bools, reason = "they are independent facts")]
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Known {
    /// The version that is there at least.
    pub(super) certain: Option<usize>,
    /// The newest version that can be there.
    pub(super) possible: Option<usize>,
    /// Whether it was marked as no longer published when the round began.
    pub(super) unpublished: bool,
    /// What the registry held when the round began.
    before: Option<usize>,
    /// What was certain when the round began.
    at_first: Option<usize>,
    /// The newest that a sync of this round can have brought.
    by_sync: Option<usize>,
    /// Whether a file of this round tells of it.
    told: bool,
    /// Whether a full file without it was loaded in this round, or may have been.
    may_go: bool,
    must_go: bool,
}

/// What is known of a lead.
#[derive(Clone, Debug, Default)]
pub(super) struct Lead {
    /// The statuses that it may have.
    pub(super) statuses: BTreeSet<String>,
    /// Its version, as far as the test has seen.
    pub(super) version: i64,
}

/// A save-all, asked for under a key.
#[derive(Clone, Debug)]
pub(super) struct Saved {
    pub(super) key: String,
    pub(super) filter: Filter,
    /// Whether the command line asked, whose keys are its own.
    pub(super) cli: bool,
    pub(super) receipt: Value,
}

/// An edit of many leads: all of a filter that have one status get another.
#[derive(Clone, Debug)]
pub(super) struct Edit {
    pub(super) filter: Filter,
    pub(super) from: &'static str,
    pub(super) to: &'static str,
}

/// Who may be found by a filter between two moments.
#[derive(Debug, Default)]
pub(super) struct Answerable {
    pub(super) certainly: BTreeSet<usize>,
    pub(super) possibly: BTreeSet<usize>,
}

/// The registry, and what the database has of it.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) people: Vec<Person>,
    pub(super) known: Vec<Known>,
    by_npi: HashMap<String, usize>,
    /// Leads that are there for certain.
    pub(super) leads: BTreeMap<usize, Lead>,
    /// Others that may be.
    pub(super) maybe_leads: BTreeMap<usize, BTreeSet<String>>,
    pub(super) saved: Vec<Saved>,
    pub(super) pulls: Vec<Pull>,
    /// Loads of this round that were broken off, and whether they have said that they were.
    broken: Vec<(Arc<Dissemination>, bool)>,
    loads: Vec<Arc<Dissemination>>,
    /// The latest day of a file that was loaded for certain, and of one that may have been.
    pub(super) loaded_until: Option<Date>,
    pub(super) attempted_until: Option<Date>,
    pub(super) round: u32,
    /// Whether a row may fit its filter no longer that has just done so: to look past that fault.
    pub(super) may_move: bool,
    /// Whether the registry has changed in this round.
    pub(super) changed: bool,
}

impl Model {
    /// A registry with so many providers.
    pub(super) fn new(rng: &mut impl Rng, people: u32) -> Self {
        let mut model = Self::default();
        for _ in 0..people {
            let enumerated = long_ago(rng.random_range(0..1_000));
            model.appear(rng, enumerated);
        }
        model
    }

    fn appear(&mut self, rng: &mut impl Rng, enumerated: Date) {
        let number = u32::try_from(self.people.len()).expect("a small population");
        let person = Person::draw(rng, number, enumerated);
        self.by_npi
            .insert(person.npi.to_string(), self.people.len());
        self.people.push(person);
        self.known.push(Known::default());
    }

    /// What the registry serves now.
    pub(super) fn records(&self) -> Vec<Value> {
        let living = self.people.iter().filter(|p| !p.vanished);
        living.map(|p| p.record(p.newest())).collect()
    }

    pub(super) fn at(&self, npi: &str) -> Option<usize> {
        self.by_npi.get(npi).copied()
    }

    /// Who is in the registry.
    pub(super) fn living(&self) -> Vec<usize> {
        (0..self.people.len())
            .filter(|at| !self.people[*at].vanished)
            .collect()
    }

    /// Providers change, appear and vanish, on the day of this round.
    pub(super) fn change(&mut self, rng: &mut impl Rng) {
        let today = day(self.round);
        let count = self.people.len();
        for _ in 0..(count / 100).max(3) {
            let person = &mut self.people[rng.random_range(0..count)];
            if !person.vanished && person.newest().updated < today {
                person.change(rng, today);
            }
        }
        for _ in 0..(count / 2_000).max(1) {
            self.people[rng.random_range(0..count)].vanished = true;
        }
        for _ in 0..(count / 1_000).max(2) {
            self.appear(rng, today);
        }
        self.changed = true;
        self.pulled();
    }

    /// A round begins, of these syncs.
    pub(super) fn begin(&mut self, round: u32, pulls: Vec<Pull>) {
        self.round = round;
        self.changed = false;
        self.broken.clear();
        self.loads.clear();
        for (person, known) in self.people.iter().zip(&mut self.known) {
            *known = Known {
                certain: known.certain,
                possible: known.possible,
                unpublished: known.unpublished,
                before: (!person.vanished).then(|| person.newest_number()),
                at_first: known.certain,
                ..Known::default()
            };
        }
        self.pulls = pulls;
        self.pulled();
    }

    /// What a sync of this round finds it may bring.
    fn pulled(&mut self) {
        for (person, known) in self.people.iter().zip(&mut self.known) {
            let newest = person.newest_number();
            if !person.vanished && self.pulls.iter().any(|pull| pull.fits(person, newest)) {
                known.by_sync = Some(newest);
                known.possible = known.possible.max(Some(newest));
            }
        }
    }

    /// A sync has ended and says that it is complete: it has brought what was there from the
    /// beginning of the round until now.
    pub(super) fn synced(&mut self, pull: &Pull) {
        for (person, known) in self.people.iter().zip(&mut self.known) {
            if let Some(before) = known.before
                && !person.vanished
                && pull.fits(person, before)
                && pull.fits(person, person.newest_number())
            {
                known.certain = known.certain.max(Some(before));
            }
        }
    }

    /// A load begins that may be brought into use.
    pub(super) fn loading(&mut self, file: &Arc<Dissemination>) {
        self.loads.push(Arc::clone(file));
        self.attempted_until = self.attempted_until.max(Some(file.until));
        for at in 0..self.people.len() {
            if let Some(version) = file.tells(at) {
                self.known[at].possible = self.known[at].possible.max(Some(version));
                self.known[at].told = true;
            } else if self.lacks(file, at) {
                self.known[at].may_go = true;
            }
        }
    }

    /// Whether a full file proves that a provider is not published any more.
    fn lacks(&self, file: &Dissemination, at: usize) -> bool {
        file.full && !file.rows.contains_key(&at) && self.people[at].enumerated <= file.until
    }

    /// A load has ended well.
    pub(super) fn loaded(&mut self, file: &Arc<Dissemination>) {
        self.loaded_until = self.loaded_until.max(Some(file.until));
        for at in 0..self.people.len() {
            if let Some(version) = file.tells(at) {
                self.known[at].certain = self.known[at].certain.max(Some(version));
            } else if self.lacks(file, at) {
                self.known[at].must_go = true;
            }
        }
    }

    /// A load was broken off: all of it is there or nothing, and nothing where it has said so.
    pub(super) fn load_broke(&mut self, file: &Arc<Dissemination>, said_so: bool) {
        self.broken.push((Arc::clone(file), said_so));
    }

    /// How many in 1,000 of the providers that are known a full file takes out.
    pub(super) fn would_go(&self, file: &Dissemination) -> usize {
        let there = |at: &usize| self.known[*at].certain.is_some() && !self.known[*at].unpublished;
        let active = (0..self.people.len()).filter(there).count();
        let gone = (0..self.people.len()).filter(|at| there(at) && self.lacks(file, *at));
        gone.count() * 1_000 / active.max(1)
    }

    /// Whether a provider may be published, and whether it may be not, at the end of the round.
    pub(super) fn may_be(&self, at: usize) -> (bool, bool) {
        let known = &self.known[at];
        if !self.people[at].vanished {
            return (true, false);
        }
        let listed = known.before.is_some() || known.told;
        if known.must_go && !listed && known.at_first.is_some() {
            return (false, true);
        }
        (
            !known.unpublished || listed,
            known.unpublished || known.may_go,
        )
    }

    /// Loads of which a part is there and a part is not, given the versions that are there.
    pub(super) fn torn(&self, there: &[Option<usize>]) -> Vec<String> {
        let mut faults = Vec::new();
        for (file, said_so) in &self.broken {
            let mut applied = [0, 0];
            for at in 0..self.people.len() {
                let Some(version) = file.tells(at) else {
                    continue;
                };
                let others = self.loads.iter().filter(|other| !Arc::ptr_eq(other, file));
                let elsewhere = others.filter_map(|other| other.tells(at)).max();
                let known = &self.known[at];
                let brought = [known.at_first, known.by_sync, elsewhere];
                if brought.into_iter().max().flatten() >= Some(version) {
                    continue;
                }
                applied[usize::from(there[at] >= Some(version))] += 1;
            }
            if applied[1] > 0 && (applied[0] > 0 || *said_so) {
                faults.push(format!(
                    "of {}, which was stopped, {} providers are there and {} are not",
                    file.path.display(),
                    applied[1],
                    applied[0]
                ));
            }
        }
        faults
    }

    /// The lowest versions that can be there from now on.
    pub(super) fn floor(&self) -> Vec<Option<usize>> {
        self.known.iter().map(|k| k.certain).collect()
    }

    /// Who can be found between the moment of this floor and now, published or not.
    pub(super) fn answerable(&self, filter: &Filter, floor: &[Option<usize>]) -> Answerable {
        let mut answerable = Answerable::default();
        for (at, person) in self.people.iter().enumerate() {
            let certain = floor.get(at).copied().flatten();
            let Some(possible) = self.known[at].possible else {
                continue;
            };
            let range = certain.unwrap_or(0)..=possible;
            let fitting = range
                .clone()
                .filter(|v| filter.fits(person, &person.versions[*v]))
                .count();
            if fitting > 0 {
                answerable.possibly.insert(at);
            }
            if certain.is_some() && fitting == range.count() {
                answerable.certainly.insert(at);
            }
        }
        answerable
    }

    /// The same, of those in service only.
    pub(super) fn active(&self, filter: &Filter, floor: &[Option<usize>]) -> Answerable {
        let mut answerable = self.answerable(filter, floor);
        answerable.certainly.retain(|at| !self.people[*at].vanished);
        answerable
    }

    /// A save-all has ended: who can't have been missed is a lead, others may be.
    pub(super) fn has_saved(&mut self, filter: &Filter, floor: &[Option<usize>]) -> Answerable {
        let answerable = self.active(filter, floor);
        for at in &answerable.possibly {
            if self.leads.contains_key(at) {
                continue;
            }
            let mut statuses = self.maybe_leads.remove(at).unwrap_or_default();
            statuses.insert("new".to_owned());
            if answerable.certainly.contains(at) {
                let version = 0;
                self.leads.insert(*at, Lead { statuses, version });
            } else {
                self.maybe_leads.insert(*at, statuses);
            }
        }
        answerable
    }

    /// An edit of many has ended; `surely` when it has been done, and between the moment of the floor
    /// and now.
    pub(super) fn has_edited(&mut self, edit: &Edit, floor: &[Option<usize>], surely: bool) {
        let answerable = self.answerable(&edit.filter, floor);
        let leads = self.leads.iter_mut().map(|(at, l)| (at, &mut l.statuses));
        for (at, statuses) in leads.chain(&mut self.maybe_leads) {
            if !statuses.contains(edit.from) || !answerable.possibly.contains(at) {
                continue;
            }
            if surely && answerable.certainly.contains(at) {
                statuses.remove(edit.from);
            }
            statuses.insert(edit.to.to_owned());
        }
    }

    /// How many leads an edit asks for, at least and at most.
    pub(super) fn asked_for(&self, edit: &Edit, floor: &[Option<usize>]) -> (u64, u64) {
        let answerable = self.answerable(&edit.filter, floor);
        let (mut least, mut most) = (0, 0);
        for (at, lead) in &self.leads {
            let may = lead.statuses.contains(edit.from);
            least +=
                u64::from(may && lead.statuses.len() == 1 && answerable.certainly.contains(at));
            most += u64::from(may && answerable.possibly.contains(at));
        }
        for (at, statuses) in &self.maybe_leads {
            most += u64::from(statuses.contains(edit.from) && answerable.possibly.contains(at));
        }
        (least, most)
    }

    /// The wrong of a row of a search, if anything: it must be a version between the floor and now,
    /// agree with it, and fit the filter.
    pub(super) fn wrong_row(
        &self,
        row: &Value,
        filter: &Filter,
        floor: &[Option<usize>],
    ) -> Option<String> {
        let npi = row["npi"].as_str().unwrap_or_default();
        let Some(at) = self.at(npi) else {
            return Some(format!("{npi} is nobody of the registry"));
        };
        let person = &self.people[at];
        let updated = row["updated_on"].as_str().unwrap_or_default();
        let Some(version) = person.version_of(updated) else {
            return Some(format!("{npi} was never updated on {updated:?}"));
        };
        let certain = floor.get(at).copied().flatten();
        if Some(version) < certain || Some(version) > self.known[at].possible {
            return Some(format!(
                "{npi} is version {version}, between {certain:?} and {:?}",
                self.known[at].possible
            ));
        }
        let version = &person.versions[version];
        if let Some(differs) = person.differs(version, row) {
            return Some(format!("{npi}, as updated on {updated}: {differs}"));
        }
        let had = certain.unwrap_or(0)..=self.known[at].possible.unwrap_or(0);
        let fitted = self.may_move
            && had
                .into_iter()
                .any(|v| filter.fits(person, &person.versions[v]));
        if !filter.fits(person, version) && !fitted {
            return Some(format!("{npi} does not fit {}: {row}", filter.query()));
        }
        let lead = row.get("lead").unwrap_or(&Value::Null);
        if !filter.fits_lead(lead) {
            return Some(format!(
                "{npi} with lead {lead} does not fit {}",
                filter.query()
            ));
        }
        None
    }

    /// What is there at the end of a round is certain from then on.
    pub(super) fn settle(
        &mut self,
        there: &[Option<usize>],
        unpublished: &BTreeSet<usize>,
        leads: &BTreeMap<usize, (String, i64)>,
    ) {
        for (at, known) in self.known.iter_mut().enumerate() {
            known.certain = there[at];
            known.possible = there[at];
            known.unpublished = unpublished.contains(&at);
        }
        self.maybe_leads.clear();
        self.leads = leads
            .iter()
            .map(|(at, (status, version))| {
                let statuses = BTreeSet::from([status.clone()]);
                let version = *version;
                (*at, Lead { statuses, version })
            })
            .collect();
    }
}
