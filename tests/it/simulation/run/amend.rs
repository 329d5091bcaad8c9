//! The parties agree on another version, and each node's operator accepts it: at once, late, or killed over it.

use std::path::PathBuf;

use jiff::ToSpan;
use sumac_keys::{Chain, Papers, Version};
use sumac_node::console::{Command, Reply};

use super::super::agreement::{next_text, parties};
use super::super::auditor::Ledger;
use super::super::model::{Agreed, Broken, LAST_DAY, Terms, broken};
use super::super::operation::{Change, Folders, Left, Place, To, Who};
use super::Run;
use crate::amendment::papers;
use crate::coalition::Coalition;

/// A version that everybody signed.
pub(super) struct Signed {
    pub(super) version: Version,
    pub(super) papers: Papers,
    /// Where every operator finds it whose node did not keep it.
    folder: PathBuf,
}

impl Signed {
    pub(super) fn by_all(coalition: &Coalition, number: usize, text: &str) -> Self {
        let roots = parties();
        let papers = papers(text, roots.all(), roots.all());
        let folder = coalition.dir.path().join(format!("signed-{number}"));
        papers.write_new(&folder).unwrap();
        Self { version: Version::read(&papers).unwrap(), papers, folder }
    }

    pub(super) fn agreed(&self, terms: Terms) -> Agreed {
        let mou = self.version.mou();
        Agreed { mou: mou.hash().to_string(), terms, effective: mou.effective() }
    }
}

impl Run {
    pub(super) async fn amend(
        &mut self,
        changes: &[Change],
        days: u16,
        to: To,
    ) -> Result<(), Broken> {
        let last = self.model.versions.last().unwrap();
        let effective = last.effective.max(self.model.today + i64::from(days).days());
        if effective > LAST_DAY {
            return Ok(());
        }
        let terms = changes.iter().fold(last.terms, |terms, change| terms.changed(*change));
        let before = self.signed.last().unwrap().version.mou().clone();
        let text = next_text(self.coalition.text(), &before, &terms, effective);
        let signed = Signed::by_all(&self.coalition, self.signed.len() + 1, &text);
        self.model.versions.push(signed.agreed(terms));
        self.signed.push(signed);
        self.count("amended");
        match to {
            To::All => {
                self.propose().await?;
                self.all_accept(None).await?;
            }
            To::AllBut(place) => self.all_accept(Some(place)).await?,
            To::Killed(place, folders, left) => {
                self.kill_over_it(place, folders, left).await?;
                self.all_accept(None).await?;
            }
        }
        self.audit_all(&Default::default())
    }

    /// The last version is passed to every node by network. Those that go by the one before it keep it.
    async fn propose(&mut self) -> Result<(), Broken> {
        let version = self.signed.len() - 1;
        let papers = self.signed[version].papers.clone();
        let told = self.asker(Who::Maria).propose(&papers).await;
        for place in Place::ALL.into_iter().filter(|place| self.model.is_up(*place)) {
            let of_place = told.iter().find(|(party, _)| party.as_str() == place.party());
            // A restored node that waits takes nothing but what it lost.
            let waits = self.model.node(place).is_some_and(|node| node.ledger.waits());
            let is_kept = !waits && self.model.not_accepted(place, version).is_none();
            if of_place.is_none_or(|(_, kept)| is_kept != (kept.as_ref().ok() == Some(&papers))) {
                let what = format!("{place:?}, version {version}: {of_place:?}");
                return broken("a node keeps what may follow the version in force", what);
            }
        }
        Ok(())
    }

    /// The operators of all nodes that run accept what was signed.
    pub(super) async fn all_accept(&mut self, but: Option<Place>) -> Result<(), Broken> {
        for place in self.places() {
            if self.model.is_up(place) && Some(place) != but {
                self.accept(place).await?;
            }
        }
        Ok(())
    }

    /// A node's operator accepts every version that it lacks, up to one that waits for its day: those behind it are
    /// refused until then.
    pub(super) async fn accept(&mut self, place: Place) -> Result<(), Broken> {
        while let Some(version) = self.model.lacks(place) {
            if !self.activate(place, version).await? {
                break;
            }
        }
        Ok(())
    }

    /// Whether a node's operator, who tells it to go by a version, is heard, and rightly so.
    async fn activate(&mut self, place: Place, version: usize) -> Result<bool, Broken> {
        let expected = self.model.not_accepted(place, version);
        let n = self.partner(place);
        let signed = &self.signed[version];
        let proposed = self.partners[n].proposal(&self.coalition, signed.version.mou());
        let folder = if proposed.exists() { proposed } else { signed.folder.clone() };
        let order = Command::Activate { folder, new_agreement: false };
        let reply = self.partners[n].command(&self.coalition, order).await;
        let is_due = self.model.versions[version].effective <= self.model.today;
        let as_expected = match (&reply, expected) {
            (Ok(Reply::Activated(activated)), None) => activated.in_force == is_due,
            (Ok(Reply::Refused { message, .. }), Some(why)) => message.contains(why),
            _ => false,
        };
        if !as_expected {
            let what =
                format!("{place:?}, version {version}: expected {expected:?}, got {reply:?}");
            return broken("a version is accepted that everybody signed, in its turn", what);
        }
        if expected.is_none() {
            let node = self.model.node_mut(place);
            node.accepted = version;
            node.by = if is_due { version } else { node.by };
        }
        Ok(expected.is_none())
    }

    /// A node is killed while it accepts the last version. It goes by the one before or by this one, and then takes it.
    async fn kill_over_it(
        &mut self,
        place: Place,
        folders: Folders,
        left: Left,
    ) -> Result<(), Broken> {
        if self.model.node(place).is_none() {
            return Ok(());
        }
        self.audit_all(&Default::default())?;
        let version = self.signed.len() - 1;
        while self.model.lacks(place).is_some_and(|lacked| lacked < version) {
            let lacked = self.model.lacks(place).unwrap();
            if !self.activate(place, lacked).await? {
                return Ok(());
            }
        }
        if self.model.not_accepted(place, version).is_some() {
            return Ok(());
        }
        let n = self.partner(place);
        let (was_up, before) = (self.model.is_up(place), self.model.in_force(place));
        self.partners[n].kill_at(&self.coalition, 1);
        self.activate(place, version).await?;
        let fallen = self.partners[n].fall(&self.coalition, left).await;
        let ledger = Ledger::read(&self.partners[n].ledger(&self.coalition));
        let is_in_log = match (fallen, ledger) {
            (Ok(_), Ok(ledger)) => ledger.mous.len() > version,
            (fallen, ledger) => {
                let what = format!("{place:?}: {fallen:?}, {:?}", ledger.map(drop));
                return broken("an auditor can read the ledger", what);
            }
        };
        let [old, new] = [before, version].map(|version| &self.signed[version].papers);
        let waits =
            self.partners[n].cut_off(&self.coalition, old, new, is_in_log, folders).unwrap();
        let node = self.model.node_mut(place);
        (node.up, node.by) = (false, if is_in_log { version } else { before });
        node.accepted = if waits { version } else { before };
        self.audit_all(&Default::default())?;
        self.model.node_mut(place).loose.clear();
        self.count("killed over a version");
        if was_up {
            if let Err(error) = self.partners[n].start(&self.coalition).await {
                let what = format!("{place:?}: {error}");
                return broken("a node starts on what a kill leaves", what);
            }
            self.model.node_mut(place).up = true;
            self.goes_by_one(place)?;
            // Told again, it is content, or says that it goes by it.
            self.activate(place, version).await?;
        }
        Ok(())
    }

    /// A node that has started goes by the version that it must: never by none, or by another.
    pub(super) fn goes_by_one(&self, place: Place) -> Result<(), Broken> {
        let goes_by = self.partners[self.partner(place)].goes_by();
        let must = &self.model.versions[self.model.in_force(place)].mou;
        if goes_by.as_ref() != Some(must) {
            let what = format!("{place:?}: {goes_by:?}, not {must}");
            return broken("a node goes by the version in force", what);
        }
        Ok(())
    }

    /// A version and those before it.
    pub(super) fn chain(&self, version: usize) -> Chain {
        let before = self.signed[..version].iter().rev();
        let before = before.map(|signed| signed.version.clone()).collect();
        Chain::new(self.signed[version].version.clone(), before)
    }
}
