//! Closing the account after a restore: what nobody gave back counts as spent, and stays unanswered.
//!
//! The heads that askers show say how much was charged in the history that was lost. What came back is paid for
//! again; if the two are equal, nothing else was charged. If not, the difference counts as spent, and every table
//! that may have been measured since the backup is given up until it is measured anew. Made of the MOU and the
//! ledger, never of records.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sumac_keys::{Chain, Version};
use sumac_policy::{Mou, PartyId, Table};

use crate::release::price_of;
use crate::store::{
    Held, HeldState, LostTable, LostYear, Note, RestoreFacts, Resumed, Standing, Store, StoreError,
    Waiting,
};
use crate::world::day_of;

/// Longest reason that is written down, in bytes.
const MAX_REASON: usize = 1_000;

/// What the askers' heads say of the history that was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shown {
    /// Records below the largest.
    pub(crate) size: u64,
    /// The most that any says was charged, in nano-ρ.
    pub(crate) spent_nano_rho: u64,
}

/// Going on without parties that were not heard, in the operator's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Without {
    /// Those parties.
    pub parties: Vec<String>,
    /// Why; kept in the ledger.
    pub because: String,
    /// The version of the MOU that the others go by: of an older one, not every table that may have been measured
    /// would be given up.
    pub mou_version: u32,
}

/// What it costs to go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// What counts as spent though nobody gave it back, in nano-ρ.
    pub lost_nano_rho: u64,
    /// The accounting years that it counts against.
    pub years: Vec<String>,
    /// The tables that are answered only once they are measured anew, in words.
    pub tables: Vec<String>,
    /// What may be spent in a year, in nano-ρ.
    pub budget_nano_rho: u64,
}

/// Why the node does not go on. For its operator.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// There is nothing to go on from.
    #[error("this node does not wait for anybody: it was not restored, or answers again")]
    NotWaiting,
    /// Others are waited for, too.
    #[error("the node waits for `{0}` as well")]
    StillAwaited(String),
    /// It is not waited for.
    #[error("the node does not wait for `{0}`")]
    NotAwaited(String),
    /// Nothing was said, or too much.
    #[error(
        "going on without a party needs a reason, of at most {MAX_REASON} bytes and without control characters"
    )]
    NoReason,
    /// It goes by another version.
    #[error("this node goes by version {here} of the MOU, not by version {said}")]
    OtherVersion {
        /// The node's.
        here: u32,
        /// The operator's.
        said: u32,
    },
    /// The ledger.
    #[error("keep the ledger")]
    Store(#[from] StoreError),
}

impl ResumeError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotWaiting | Self::NotAwaited(_) => "`sumac status` tells who is waited for",
            Self::StillAwaited(_) => {
                "it is heard with its next `sumac ask`; if it is gone for good, name it with --without, too"
            }
            Self::NoReason => "say it with --because \"…\"",
            Self::OtherVersion { here, said } if said < here => {
                "ask one of the others which version is in force today, and say that one"
            }
            Self::OtherVersion { .. } => {
                "`sumac mou activate` each version that was accepted since the backup first: the tables that it added may have been measured, too"
            }
            Self::Store(_) => "see the node's log",
        }
    }
}

/// Looks what it would cost to go on. Changes nothing.
///
/// # Errors
/// Where it would not be taken.
pub async fn plan(
    store: &Store,
    chain: &Chain,
    party: &PartyId,
    without: &Without,
    now: Timestamp,
) -> Result<Plan, ResumeError> {
    let restore = waiting(store, chain, without).await?;
    let shown = Shown { size: restore.shown_size, spent_nano_rho: restore.shown_nano_rho };
    let account = Account::of(store, chain, party, &restore, shown, true, now).await?;
    Ok(account.plan(chain.mou()))
}

/// Goes on without these parties: on disk when this returns.
///
/// # Errors
/// Where it is not taken.
pub async fn order(
    store: &Store,
    chain: &Chain,
    party: &PartyId,
    without: &Without,
    now: Timestamp,
) -> Result<Plan, ResumeError> {
    let restore = waiting(store, chain, without).await?;
    let shown = Shown { size: restore.shown_size, spent_nano_rho: restore.shown_nano_rho };
    let account = Account::of(store, chain, party, &restore, shown, true, now).await?;
    let plan = account.plan(chain.mou());
    let Without { parties, because, .. } = without.clone();
    store.note(Note::Resumed(account.resumed(parties, because)), now).await?;
    Ok(plan)
}

/// Closes the account once everybody was heard, or when one shows later that more was charged.
pub(crate) async fn close(
    store: &Store,
    chain: &Chain,
    party: &PartyId,
    shown: Shown,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(restore) = store.restoration().await?.unaccounted() else { return Ok(()) };
    let account = Account::of(store, chain, party, &restore, shown, false, now).await?;
    let (lost_nano_rho, tables) = (account.lost_nano_rho, account.tables.len());
    store.note(Note::Resumed(account.resumed(Vec::new(), String::new())), now).await?;
    if lost_nano_rho > 0 || tables > 0 {
        tracing::warn!(
            lost_nano_rho,
            tables,
            "the node answers again. What nobody gave back counts as spent, and these tables stay unanswered until \
             `sumac remeasure`: `sumac ledger show` lists them"
        );
    } else {
        tracing::info!("the node answers again: all that it had charged came back");
    }
    Ok(())
}

/// The restore that waits, if it waits for these parties alone.
async fn waiting(
    store: &Store,
    chain: &Chain,
    without: &Without,
) -> Result<RestoreFacts, ResumeError> {
    let Without { parties, because, mou_version } = without;
    let Standing::Restored(Waiting { awaited, .. }) = store.standing().await? else {
        return Err(ResumeError::NotWaiting);
    };
    if let Some(other) = parties.iter().find(|party| !awaited.contains(party)) {
        return Err(ResumeError::NotAwaited(other.clone()));
    }
    if let Some(other) = awaited.iter().find(|party| !parties.contains(party)) {
        return Err(ResumeError::StillAwaited(other.clone()));
    }
    if because.trim().is_empty()
        || because.len() > MAX_REASON
        || because.chars().any(char::is_control)
    {
        return Err(ResumeError::NoReason);
    }
    let here = chain.mou().version();
    if here != *mou_version {
        return Err(ResumeError::OtherVersion { here, said: *mou_version });
    }
    store.restoration().await?.unaccounted().ok_or(ResumeError::NotWaiting)
}

/// What is lost.
struct Account {
    lost_nano_rho: u64,
    years: Vec<LostYear>,
    tables: Vec<LostTable>,
}

impl Account {
    /// With everybody heard, the heads say how much was charged. Without somebody, the most that may have been: the
    /// price of every table that may have been measured.
    async fn of(
        store: &Store,
        chain: &Chain,
        party: &PartyId,
        restore: &RestoreFacts,
        shown: Shown,
        without: bool,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let mut account = Self {
            lost_nano_rho: 0,
            years: years(chain.mou(), restore.backed_up, now),
            tables: Vec::new(),
        };
        // Of a log that others had seen otherwise, the heads do not say how much it lost.
        let without = without || restore.forked;
        let unaccounted = shown.spent_nano_rho.saturating_sub(restore.accounted_nano_rho);
        // Nobody saw anything that the backup does not hold.
        if !without && unaccounted == 0 && shown.size <= restore.size {
            return Ok(account);
        }
        let charged = without || unaccounted > 0;
        let mut most = 0_u64;
        for (table, price) in measurable(chain, party, day_of(now)) {
            let (revision, price) = match store.held(&table.key()).await? {
                None if charged => (0, price),
                Some(Held { revision, state: HeldState::RemeasureOrdered, .. }) if charged => {
                    (revision.saturating_add(1), price)
                }
                // Paid for in the backup, and perhaps released since. Once the node has gone on, by itself.
                Some(Held { revision, state: HeldState::Charged, .. }) if !restore.resumed => {
                    (revision, 0)
                }
                _ => continue,
            };
            most = most.saturating_add(price);
            account.tables.push(lost(&table, revision));
        }
        account.lost_nano_rho = if without { unaccounted.max(most) } else { unaccounted };
        Ok(account)
    }

    fn plan(&self, mou: &Mou) -> Plan {
        let words = |lost: &LostTable| {
            let by = match lost.breakdown.as_slice() {
                [] => "everybody".to_owned(),
                some => format!("by {}", some.join(", ")),
            };
            format!("{}, {}, {by}", lost.kpi, lost.period)
        };
        Plan {
            lost_nano_rho: self.lost_nano_rho,
            years: self.years.iter().map(|year| year.year.clone()).collect(),
            tables: self.tables.iter().map(words).collect(),
            budget_nano_rho: mou.privacy().budget_nano_rho,
        }
    }

    fn resumed(self, without: Vec<String>, because: String) -> Resumed {
        let Self { lost_nano_rho, years, tables } = self;
        Resumed { without, because, lost_nano_rho, years, tables }
    }
}

/// Every table that may have been measured here by any version so far, and the most that it cost: what a later one left
/// out may be listed again.
fn measurable(chain: &Chain, party: &PartyId, today: Date) -> Vec<(Table, u64)> {
    let (mut places, mut tables) = (BTreeMap::new(), Vec::<(Table, u64)>::new());
    for mou in chain.versions().map(Version::mou) {
        let due = mou.calendar_tables().into_iter().filter(|due| due.from <= today);
        for table in due.map(|due| due.table).filter(|t| mou.is_answered_by(t.kpi(), party)) {
            let price = price_of(&table).get();
            let place = *places.entry(table.key()).or_insert(tables.len());
            match tables.get_mut(place) {
                Some((_, most)) => *most = price.max(*most),
                None => tables.push((table, price)),
            }
        }
    }
    tables
}

/// The accounting years with a day between the backup and now, whichever of them is the earlier.
fn years(mou: &Mou, backed_up: Timestamp, now: Timestamp) -> Vec<LostYear> {
    let starts = mou.calendar().year_starts;
    let first = starts.year_of(day_of(backed_up.min(now)));
    let last = starts.year_of(day_of(backed_up.max(now)));
    let from_first = std::iter::successors(Some(first), |year| Some(year.next()));
    from_first
        .take_while(|year| *year <= last)
        .map(|year| {
            let span = year.span(starts);
            LostYear { year: year.to_string(), year_first: span.first, year_last: span.last }
        })
        .collect()
}

fn lost(table: &Table, revision: u32) -> LostTable {
    LostTable {
        table: table.key(),
        revision,
        margin: table.kpi().margin,
        kpi: table.kpi().id.to_string(),
        period: table.period().to_string(),
        breakdown: table.breakdown().dimensions().iter().map(ToString::to_string).collect(),
    }
}
