//! The whole log, read and held against itself: what an auditor does with `docs/ledger.md` in hand.
//!
//! It counts anew instead of asking the book, so that a mistake in one shows against the other.

mod approvals;
mod named;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use jiff::Timestamp;
use sumac_keys::seal::verify_head;
use sumac_keys::{Seal, Trust};
use sumac_policy::{Peer, TableKey};
use sumac_protocol::SignedHead;

use self::approvals::Approvals;
use self::named::{Compared, Named};
use super::book::{Book, BookError};
use super::error::{Damage, StoreError};
use super::index::Index;
use super::ledger::{BODIES, INDEX, LOCK, LOG};
use super::record::Event;
use super::restoration::{LostCharge, LostYear, Recovered, Resumed, Standing};
use super::scan::{self, Acknowledged, Batch, Fault, Placed, Stretch};
use super::tree::{self, Tree};

/// What a check found to be in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Records read.
    pub records: u64,
    /// Heads over them, one for each batch.
    pub heads: u64,
    /// Bytes of a write under way, or of one that a crash interrupted.
    pub unfinished_bytes: u64,
    /// The last head.
    pub head: Option<SignedHead>,
    /// Whose signatures the heads carry, by the roots given; none if no roots were given.
    pub signers: Option<Vec<Peer>>,
    /// Charges added up for each accounting year, in nano-ρ.
    pub spent_nano_rho: BTreeMap<String, u64>,
    /// All that was spent added up, in nano-ρ.
    pub lifetime_nano_rho: u64,
    /// What of it was lost in a restore: nobody knows for which table it was spent.
    pub lost_nano_rho: u64,
    /// Whether the log may be answered from.
    pub standing: Standing,
    /// Charges.
    pub charges: u64,
    /// Releases, each after its charge.
    pub releases: u64,
    /// Releases that were deleted because the MOU keeps none so old, tables added up among them.
    pub purged: u64,
    /// Of these, bodies that are still there: a node is at it, or the next start deletes them.
    pub undeleted: u64,
    /// Releases and tables added up whose bodies are there, each as its record binds it; none where there is the log
    /// alone, without the folder of bodies.
    pub bodies: Option<u64>,
    /// The party that a copy was made for last, and when. Of a copy that was handed over: this one.
    pub exported: Option<(String, Timestamp)>,
    /// What the index says.
    pub index: IndexState,
}

/// An index, held against the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexState {
    /// It says what the log says.
    Agrees,
    /// It says what the log said before its last records, which it does not have yet.
    Behind {
        /// How many it does not have.
        records: u64,
    },
    /// It is not there; the next start makes one.
    Missing,
    /// A node has it open.
    InUse,
    /// It cannot be read; the next start makes another.
    Unreadable,
    /// It says otherwise than the log, which is the truth.
    Disagrees,
}

/// Reads all of the log in `dir` and verifies it: checksums, spelling, order, tree, heads, that each release
/// follows its charge, that no year spends more than its budget; and that each release lies beside the log as its
/// record binds it. With `trust`, each head's signature too, by
/// the certificate's standing at the head's time. Works while a node serves, and changes nothing.
///
/// # Errors
/// The first record or release that does not hold; a log shorter than its index remembers; no log.
pub fn check(dir: &Path, trust: Option<&Trust>) -> Result<Checked, StoreError> {
    let path = dir.join(LOG);
    let mut witness = Witness::of(dir);
    let mut audit = Audit { trust, ..Audit::default() };
    // Without a witness, and with nobody writing, a doubt about the last write is damage.
    let known = matches!(witness, Witness::Says { .. } | Witness::Silent(IndexState::InUse));
    let all = Stretch { from: Acknowledged::NOTHING, to: None, known };
    let unfinished_bytes = scan::walk(&path, &all, |batch| {
        let end = batch.end;
        audit.take(batch)?;
        witness.compare(&end, &audit.book);
        Ok(())
    })?;
    if let Witness::Says { acknowledged, .. } = &witness {
        let length = path.metadata().map_err(|source| scan::read_error(&path, source))?.len();
        let acknowledged = acknowledged.length;
        if length - unfinished_bytes < acknowledged {
            return Err(StoreError::Shorter { path, length, acknowledged });
        }
    }
    let index = witness.verdict(audit.records());
    let named = std::mem::take(&mut audit.named);
    let checked = audit.finish(&path, unfinished_bytes, index, named.purged())?;
    Ok(match named.compare(&dir.join(BODIES), &path)? {
        Some(Compared { bodies, undeleted }) => {
            Checked { bodies: Some(bodies), undeleted, ..checked }
        }
        None => checked,
    })
}

/// The running sums of a check.
#[derive(Default)]
struct Audit<'a> {
    trust: Option<&'a Trust>,
    book: Book,
    tree: Tree,
    heads: u64,
    head: Option<SignedHead>,
    chain: Option<Vec<Vec<u8>>>,
    signers: Vec<Peer>,
    spent: BTreeMap<String, u64>,
    lifetime_nano_rho: u64,
    lost_nano_rho: u64,
    /// Every measurement that was charged, and whether it is released.
    measured: BTreeMap<(TableKey, u32), bool>,
    named: Named,
    approvals: Approvals,
    /// The last copy that was made for an auditor.
    exported: Option<(String, Timestamp)>,
}

impl Audit<'_> {
    fn records(&self) -> u64 {
        self.tree.size()
    }

    fn take(&mut self, batch: Batch) -> Result<(), Fault> {
        scan::take_in(&batch, &mut self.book)?;
        let mut last = self.records();
        for Placed { offset, payload, record } in batch.records {
            let fault = |damage| Fault { record: record.seq, offset, damage };
            self.named.take(&record).map_err(Damage::Place).map_err(fault)?;
            self.approvals.take(&record.event).map_err(Damage::Place).map_err(fault)?;
            if let Event::Exported(made) = &record.event {
                self.exported = Some((made.party.clone(), record.at));
            }
            self.count(record.event).map_err(Damage::Place).map_err(fault)?;
            self.tree.push(tree::leaf(&payload));
            last = record.seq;
        }
        let fault = |damage| Fault { record: last, offset: batch.head_at, damage };
        let head = batch.head.log_head();
        if head.size != self.tree.size() || head.root != self.tree.root(head.size) {
            return Err(fault(Damage::Head));
        }
        let unsigned = || Damage::Signature("no certificate is written down before it".to_owned());
        let chain = self.chain.clone().ok_or_else(unsigned).map_err(fault)?;
        let signed = SignedHead { head, signature: batch.head.signature, chain };
        if let Some(trust) = self.trust {
            let signer = signer_of(&signed, trust).map_err(fault)?;
            if !self.signers.contains(&signer) {
                self.signers.push(signer);
            }
        }
        self.heads += 1;
        self.head = Some(signed);
        Ok(())
    }

    fn count(&mut self, event: Event) -> Result<(), BookError> {
        match event {
            Event::Charged(charged) => {
                let spent = self.spent.entry(charged.year.clone()).or_default();
                *spent = sum(*spent, charged.price_nano_rho)?;
                self.lifetime_nano_rho = sum(self.lifetime_nano_rho, charged.price_nano_rho)?;
                if *spent > charged.budget_nano_rho {
                    let (table, year) = (charged.table, charged.year);
                    return Err(BookError::OverBudget { table, year });
                }
                match self.measured.insert((charged.table, charged.revision), false) {
                    None => Ok(()),
                    Some(_) => Err(BookError::ChargedTwice(charged.table)),
                }
            }
            Event::Released(released) => {
                match self.measured.insert((released.table, released.revision), true) {
                    Some(false) => Ok(()),
                    Some(true) => Err(BookError::ReleasedTwice(released.table)),
                    None => Err(BookError::NotCharged(released.table)),
                }
            }
            Event::Signer(signer) => {
                self.chain = Some(signer.chain);
                Ok(())
            }
            Event::Recovered(recovered) => {
                let Recovered { table, revision, charge, .. } = recovered;
                let LostCharge { year, price_nano_rho, .. } = charge;
                match self.measured.insert((table, revision), true) {
                    // The charge was in the backup.
                    Some(false) => Ok(()),
                    Some(true) => Err(BookError::ReleasedTwice(table)),
                    None => {
                        let spent = self.spent.entry(year).or_default();
                        *spent = sum(*spent, price_nano_rho)?;
                        self.lifetime_nano_rho = sum(self.lifetime_nano_rho, price_nano_rho)?;
                        Ok(())
                    }
                }
            }
            Event::Resumed(Resumed { lost_nano_rho, years, .. }) if lost_nano_rho > 0 => {
                for LostYear { year, .. } in years {
                    let spent = self.spent.entry(year).or_default();
                    *spent = sum(*spent, lost_nano_rho)?;
                }
                self.lost_nano_rho = sum(self.lost_nano_rho, lost_nano_rho)?;
                self.lifetime_nano_rho = sum(self.lifetime_nano_rho, lost_nano_rho)?;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn finish(
        self,
        path: &Path,
        unfinished_bytes: u64,
        index: IndexState,
        purged: u64,
    ) -> Result<Checked, StoreError> {
        let (records, charges) = (self.records(), self.measured.len() as u64);
        let releases = self.measured.values().filter(|released| **released).count() as u64;
        let lifetime_nano_rho = self.lifetime_nano_rho;
        let totals = self.book.totals();
        let same = totals.spent == self.spent
            && totals.lifetime_nano_rho == lifetime_nano_rho
            && (totals.charged, totals.released, totals.purged) == (charges, releases, purged);
        if !same {
            let fault = Fault { record: records, offset: 0, damage: Damage::Sums };
            return Err(scan::damaged(path, fault));
        }
        Ok(Checked {
            records,
            heads: self.heads,
            unfinished_bytes,
            head: self.head,
            signers: self.trust.map(|_| self.signers),
            spent_nano_rho: self.spent,
            lifetime_nano_rho,
            lost_nano_rho: self.lost_nano_rho,
            standing: Standing::of(totals),
            charges,
            releases,
            purged,
            undeleted: 0,
            bodies: None,
            exported: self.exported,
            index,
        })
    }
}

fn sum(one: u64, other: u64) -> Result<u64, BookError> {
    one.checked_add(other).ok_or(BookError::OutOfRange)
}

/// Whose signature a head carries.
///
/// # Errors
/// What is wrong with it, as the damage of the record below it.
pub(super) fn signer_of(signed: &SignedHead, trust: &Trust) -> Result<Peer, Damage> {
    let SignedHead { head, signature, chain } = signed;
    let seal = Seal { signature: signature.clone(), chain: chain.clone() };
    verify_head(&seal, &head.canonical_bytes(), trust, head.at).map_err(|error| {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        Damage::Signature(cause.map_or(error.to_string(), |cause| format!("{error}: {cause}")))
    })
}

/// What an index says, until the log has been read as far.
enum Witness {
    Says { book: Box<Book>, acknowledged: Acknowledged },
    Agreed { records: u64 },
    Silent(IndexState),
}

impl Witness {
    fn of(dir: &Path) -> Self {
        let path = dir.join(INDEX);
        if !path.exists() {
            return Self::Silent(IndexState::Missing);
        }
        // A store that is open has its lock; sled cannot be read by two.
        let lock = File::open(dir.join(LOCK));
        if lock.as_ref().is_ok_and(|lock| lock.try_lock().is_err()) {
            return Self::Silent(IndexState::InUse);
        }
        match Index::load(&path) {
            None => Self::Silent(IndexState::Unreadable),
            Some((_, book, acknowledged)) if acknowledged == Acknowledged::NOTHING => {
                Self::empty(&book)
            }
            Some((_, book, acknowledged)) => Self::Says { book: Box::new(book), acknowledged },
        }
    }

    fn empty(book: &Book) -> Self {
        match *book == Book::default() {
            true => Self::Agreed { records: 0 },
            false => Self::Silent(IndexState::Disagrees),
        }
    }

    fn compare(&mut self, end: &Acknowledged, book: &Book) {
        if let Self::Says { book: said, acknowledged } = self
            && acknowledged == end
        {
            *self = match **said == *book {
                true => Self::Agreed { records: end.records },
                false => Self::Silent(IndexState::Disagrees),
            };
        }
    }

    fn verdict(self, records: u64) -> IndexState {
        match self {
            Self::Agreed { records: known } if known == records => IndexState::Agrees,
            Self::Agreed { records: known } => IndexState::Behind { records: records - known },
            Self::Silent(state) => state,
            Self::Says { .. } => IndexState::Disagrees,
        }
    }
}
