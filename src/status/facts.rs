//! What a home's files say.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use jiff::Timestamp;
use jiff::civil::Date;
use sumac_keys::CertificateFacts;
use sumac_node::day_of;
use sumac_node::records::snapshot::Data as InUse;
use sumac_node::store::{self, Judged, Judgement, Paused, Standing, Summary};
use sumac_policy::{Due, KpiId, Measure, Mou, PartyId, Period, Sha256, Suspension, Year};
use sumac_privacy::NanoRho;
use sumac_protocol::Description;

use crate::agreement::Agreement;
use crate::certificate::read_facts;
use crate::home::{Home, Settings};

/// Where a party stands.
pub(super) struct Facts {
    pub(super) party: PartyId,
    /// Whether the MOU gives it no node: it asks, and holds no records.
    pub(super) asks_only: bool,
    pub(super) mou: Option<MouFacts>,
    pub(super) certificates: Vec<CertificateFacts>,
    pub(super) data: Option<Data>,
    pub(super) budget: Option<Budget>,
    /// Whether the node's ledger may be answered from; none where there is no ledger yet.
    pub(super) standing: Option<Standing>,
    /// Since when this party has left the agreement, as its ledger says.
    pub(super) has_left: Option<String>,
    /// The pause that holds today.
    pub(super) paused: Option<Paused>,
    /// Questions that wait for a steward, or for a second one.
    pub(super) waiting: usize,
    /// What the party's own addendum takes away, in words.
    pub(super) narrow: Vec<String>,
    /// The next day on which tables of this party come due, and how many.
    pub(super) next_due: Option<(Date, usize)>,
    /// What the KPIs count, by id: how a target is read.
    pub(super) measures: BTreeMap<KpiId, Measure>,
    /// What each node says of itself; filled at the backbone alone.
    pub(super) nodes: Vec<(PartyId, Result<Description, String>)>,
}

/// Which agreement.
pub(super) struct MouFacts {
    pub(super) title: String,
    pub(super) version: u32,
    pub(super) hash: Sha256,
    pub(super) effective: Date,
    pub(super) expires: Date,
    /// Parties that have not signed, or whose signature does not stand.
    pub(super) unsigned: Vec<PartyId>,
}

/// Which data.
pub(super) struct Data {
    pub(super) snapshot: String,
    /// The schema whose views are counted, where the records stay in PostgreSQL.
    pub(super) in_place: Option<String>,
    pub(super) as_of: Date,
    pub(super) covers: Vec<Period>,
}

/// What may still be spent.
pub(super) struct Budget {
    pub(super) year: Year,
    pub(super) budget: NanoRho,
    pub(super) spent: NanoRho,
    /// Tables released since the node began.
    pub(super) released: u64,
}

impl Budget {
    /// What is left; nothing, should the MOU have become narrower than what was spent.
    pub(super) fn left(&self) -> NanoRho {
        self.budget.checked_sub(self.spent).unwrap_or(NanoRho::ZERO)
    }
}

/// Reads everything that a home says. A part that is not there yet is left out.
pub(super) fn gather(
    home: &Home,
    settings: &Settings,
    mou: Option<&Mou>,
    now: Timestamp,
) -> anyhow::Result<Facts> {
    let files = home.certificate_files()?;
    let certificates = files.iter().map(|path| read_facts(path)).collect::<anyhow::Result<_>>()?;
    let party = settings.party.clone();
    let mut facts = Facts {
        party: party.clone(),
        asks_only: false,
        mou: None,
        certificates,
        data: None,
        budget: None,
        standing: None,
        has_left: None,
        paused: None,
        waiting: 0,
        narrow: Vec::new(),
        next_due: None,
        measures: BTreeMap::new(),
        nodes: Vec::new(),
    };
    let Some(mou) = mou else { return Ok(facts) };
    let listed = mou.party(&party);
    let listed = listed.with_context(|| format!("find `{party}` among the MOU's parties"))?;
    facts.asks_only = listed.address.is_none();
    let measures = mou.kpis().iter().map(|kpi| (kpi.id.clone(), kpi.definition.measure.clone()));
    facts.measures = measures.collect();
    facts.mou = Some(mou_facts(&settings.mou, mou));
    facts.next_due = next_due(mou, &party, facts.asks_only, day_of(now));
    if !facts.asks_only {
        facts.data = data(home, mou)?;
        // A node that has never served has no ledger, and has spent nothing.
        let ledger = home.ledger();
        let summary = ledger.exists().then(|| store::read_only(&ledger).context("read the ledger"));
        let summary = summary.transpose()?;
        let narrow = sumac_node::narrow::read(&home.narrow(), mou).narrow;
        facts.narrow = narrow.in_words(mou);
        facts.budget = Some(budget(summary.as_ref(), narrow.over(mou), day_of(now)));
        if let Some(summary) = summary {
            let holds = |paused: &Paused| Suspension::from(paused.clone()).holds_on(day_of(now));
            facts.paused = summary.paused.filter(holds);
            facts.waiting = summary.held.iter().filter(|held| waits(held, mou)).count();
            facts.standing = Some(summary.standing);
            facts.has_left = summary.left.map(|left| left.on);
        }
    }
    Ok(facts)
}

/// Whether a held question waits, of the version of the MOU in use.
fn waits(held: &Judged, mou: &Mou) -> bool {
    held.judgement() == Judgement::Waiting && held.question.mou == mou.hash()
}

fn mou_facts(dir: &Path, mou: &Mou) -> MouFacts {
    let unsigned = match Agreement::read(dir) {
        Ok(agreement) => agreement.lacking.into_iter().map(|needed| needed.party).collect(),
        // Without every root nobody's signature counts.
        Err(_) => mou.parties().iter().map(|party| party.id.clone()).collect(),
    };
    MouFacts {
        title: mou.title().to_owned(),
        version: mou.version(),
        hash: mou.hash(),
        effective: mou.effective(),
        expires: mou.expires(),
        unsigned,
    }
}

fn data(home: &Home, mou: &Mou) -> anyhow::Result<Option<Data>> {
    let snapshot = InUse::current(&home.snapshots(), &home.node_secret()?, mou.schema())
        .context("open the snapshot in use")?;
    Ok(snapshot.map(|snapshot| Data {
        snapshot: snapshot.id().to_owned(),
        in_place: snapshot.schema_in_place().map(str::to_owned),
        as_of: snapshot.holdings().as_of,
        covers: snapshot.holdings().covers.iter().map(|it| it.period).collect(),
    }))
}

fn budget(summary: Option<&Summary>, mou: &Mou, today: Date) -> Budget {
    let year = mou.calendar().year_starts.year_of(today);
    let span = year.span(mou.calendar().year_starts);
    Budget {
        year,
        budget: NanoRho::new(mou.privacy().budget_nano_rho),
        spent: NanoRho::new(summary.map_or(0, |summary| summary.spent_in(span))),
        released: summary.map_or(0, |summary| summary.released_tables),
    }
}

/// The next day on which tables come due: a node's own, or anybody's where the party only asks.
fn next_due(mou: &Mou, party: &PartyId, anybodys: bool, today: Date) -> Option<(Date, usize)> {
    let due = mou.calendar_tables();
    let concerns = |due: &&Due| anybodys || mou.is_answered_by(due.table.kpi(), party);
    let ahead = || due.iter().filter(concerns).map(|due| due.from).filter(|from| *from > today);
    let next = ahead().min()?;
    Some((next, ahead().filter(|from| *from == next).count()))
}
