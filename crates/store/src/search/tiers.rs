//! Orders that depend on what is asked: by relevance and by distance. What is found falls into
//! tiers; within one it is in the order of names.

use std::collections::HashMap;

use canvass_model::{Cursor, PageRequest, PlaceOf, ProviderFilter};

use crate::{
    Error, Store,
    index::{self, Answer, Held, Order, Standing, Step},
};

/// Providers that are read and sorted by their own distance rather than looked for ZIP by ZIP.
const FEW: u64 = 64;
/// ZIP codes that are looked at together, at most.
const BAND: usize = 256;
/// Digits of a tier in a cursor.
const DIGITS: usize = 5;

/// The place after which a page begins.
struct After {
    tier: usize,
    standing: Standing,
}

impl After {
    fn of(cursor: &Cursor) -> Option<Self> {
        let (tier, key) = cursor.key.split_at_checked(DIGITS)?;
        let name = Cursor {
            key: key.to_owned(),
            npi: cursor.npi,
        };
        Some(Self {
            tier: tier.parse().ok()?,
            standing: index::standing(&name, Order::Name)?,
        })
    }
}

/// A row of a page with its tier.
struct Placed {
    tier: usize,
    held: Held,
}

impl Placed {
    fn cursor(&self) -> Cursor {
        let npi = self.held.provider.npi;
        let name = Standing::of(&self.held.provider, Order::Name).cursor(npi, Order::Name);
        Cursor {
            key: format!("{:0DIGITS$}{}", self.tier, name.key),
            npi,
        }
    }
}

/// The page that begins with these rows, of which one more than wanted was looked for.
fn page(mut rows: Vec<Placed>, wanted: usize) -> (Vec<Held>, Option<Cursor>) {
    let more = rows.len() > wanted;
    rows.truncate(wanted);
    let next = rows.last().filter(|_| more).map(Placed::cursor);
    (rows.into_iter().map(|row| row.held).collect(), next)
}

fn after(page: &PageRequest) -> Result<Option<After>, Error> {
    let after = page.after.as_ref();
    after
        .map(|cursor| After::of(cursor).ok_or(Error::Cursor))
        .transpose()
}

impl Store {
    /// Those that have each word of a text whole before others, and of these first those that are
    /// filed under one of them.
    pub(super) async fn by_relevance(
        &self,
        answer: Answer,
        q: &str,
        request: &PageRequest,
    ) -> Result<(Vec<Held>, Option<Cursor>), Error> {
        let after = after(request)?;
        let wanted = request.limit as usize;
        let (whole, head) = index::text_whole(q);
        let (whole, others) = answer.parted(self, &whole).await?;
        let (first, second) = whole.parted(self, &head).await?;
        let mut rows = Vec::with_capacity(wanted + 1);
        for (tier, answer) in [first, second, others].into_iter().enumerate() {
            let from = after.as_ref().filter(|after| after.tier >= tier);
            if from.is_some_and(|after| after.tier > tier) || rows.len() > wanted {
                continue;
            }
            let from = from.map(|after| after.standing.clone());
            let missing = wanted + 1 - rows.len();
            let steps = answer.walk(Order::Name, from).next(self, missing).await?;
            rows.extend(steps.into_iter().map(|step| step.placed(tier)));
        }
        Ok(page(rows, wanted))
    }

    /// By the distance of the nearest address. A tier is a ZIP code; bands of them are looked at
    /// together until there are few enough providers to be read.
    pub(super) async fn by_distance(
        &self,
        mut answer: Answer,
        filter: &ProviderFilter,
        request: &PageRequest,
    ) -> Result<(Vec<Held>, Option<Cursor>), Error> {
        let after = after(request)?;
        let wanted = request.limit as usize;
        let zips = &filter.nearest;
        let among = |zips: &[String]| index::in_zips(zips, filter.place);
        let mut at = after.as_ref().map_or(0, |after| after.tier);
        if at >= zips.len() {
            return Err(Error::Cursor);
        }
        if at > 0 {
            answer = answer.parted(self, &among(&zips[..at])).await?.1;
        }
        let mut rows: Vec<Placed> = Vec::with_capacity(wanted + 1);
        let mut band = 1;
        while rows.len() <= wanted && at < zips.len() && answer.len() > 0 {
            let upto = if answer.len() <= FEW {
                zips.len()
            } else {
                zips.len().min(at + band)
            };
            let (inside, outside) = answer.parted(self, &among(&zips[at..upto])).await?;
            if inside.len() > FEW && upto - at > 1 {
                band /= 2;
                continue;
            }
            let missing = wanted + 1 - rows.len();
            let begun = after.as_ref().filter(|after| after.tier >= at);
            if inside.len() > FEW {
                let from = begun.map(|after| after.standing.clone());
                let steps = inside.walk(Order::Name, from).next(self, missing).await?;
                rows.extend(steps.into_iter().map(|step| step.placed(at)));
            } else if inside.len() > 0 {
                let mut near = self.placed(&inside, filter).await?;
                near.retain(|(tier, standing, _)| {
                    begun.is_none_or(|after| (tier, standing) > (&after.tier, &after.standing))
                });
                near.truncate(missing);
                rows.extend(
                    near.into_iter()
                        .map(|(tier, _, held)| Placed { tier, held }),
                );
            }
            answer = outside;
            at = upto;
            band = (band * 2).min(BAND);
        }
        Ok(page(rows, wanted))
    }

    /// Some providers, each with the place of its nearest ZIP code, in order.
    async fn placed(
        &self,
        answer: &Answer,
        filter: &ProviderFilter,
    ) -> Result<Vec<(usize, Standing, Held)>, Error> {
        let places: HashMap<&str, usize> = filter
            .nearest
            .iter()
            .enumerate()
            .map(|(place, zip)| (zip.as_str(), place))
            .collect();
        let held = self.held(&answer.ids()).await?;
        let mut near: Vec<(usize, Standing, Held)> = held
            .into_iter()
            .map(|held| {
                let p = &held.provider;
                let practice = p
                    .practice_locations()
                    .filter(|_| filter.place == PlaceOf::Practice);
                let mailing = p
                    .mailing
                    .iter()
                    .filter(|_| filter.place == PlaceOf::Mailing);
                let codes = practice
                    .chain(mailing)
                    .filter_map(|a| a.postal_code.as_deref());
                let nearest = codes
                    .filter_map(|code| places.get(code.get(..5)?).copied())
                    .min()
                    .unwrap_or(usize::MAX);
                (nearest, Standing::of(p, Order::Name), held)
            })
            .collect();
        near.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        Ok(near)
    }
}

impl Step {
    fn placed(self, tier: usize) -> Placed {
        Placed {
            tier,
            held: self.held,
        }
    }
}
