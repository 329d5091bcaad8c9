//! Questions that wait for a person: what the log says of them, and the calls that put them there and decide them.
//!
//! A question is held for one table at one revision, one snapshot, one MOU version and one margin. With any of them
//! changed it is another one, and has to be approved again.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sumac_policy::{Margin, Sha256, TableKey};

use super::error::StoreError;
use super::ledger::Store;
use super::text;
use super::writer::Request;

/// A question that was put before the node's stewards. Never a value: nothing is counted before they approve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldQuestion {
    /// 1, 2, 3, …
    pub number: u64,
    /// The table.
    #[serde(with = "text::table")]
    pub table: TableKey,
    /// The revision that would be measured; 0 is the first.
    pub revision: u32,
    /// Keyed hash of the data that it would be measured on.
    #[serde(with = "text::hexadecimal")]
    pub commitment: [u8; 32],
    /// The MOU version that allows it.
    #[serde(with = "text::printed")]
    pub mou: Sha256,
    /// The margin that it would be measured at.
    #[serde(with = "text::margin")]
    pub margin: Margin,
    /// What it would cost, in nano-ρ.
    pub price_nano_rho: u64,
    /// How many different stewards have to approve: 1 or 2.
    pub approvals: u32,
    /// Who asked first, as the certificate says.
    pub peer: String,
    /// What for.
    pub purpose: String,
    /// The KPI.
    pub kpi: String,
    /// The period.
    pub period: String,
    /// The dimensions; none is the total.
    pub breakdown: Vec<String>,
}

/// A steward approved a held question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approved {
    /// The question.
    pub number: u64,
    /// Who, as the certificate says.
    pub peer: String,
}

/// A steward rejected a held question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rejected {
    /// The question.
    pub number: u64,
    /// Who, as the certificate says.
    pub peer: String,
    /// Why; told to whoever asks.
    pub because: String,
}

/// A held question, and what its stewards said so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judged {
    /// The question.
    pub question: HeldQuestion,
    /// When it was asked first, by the node's clock.
    #[serde(with = "text::printed")]
    pub at: Timestamp,
    /// Who approved it, in their order.
    pub approved_by: Vec<String>,
    /// Who rejected it, and why.
    pub rejected: Option<Rejected>,
}

/// How far a held question has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// So many approvals are there, and more are needed.
    Waiting,
    /// It may be measured.
    Approved,
    /// It may not.
    Rejected,
}

/// A question to be put before the stewards, unless it is already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldRequest {
    /// The table.
    pub table: TableKey,
    /// Keyed hash of the data that it would be measured on.
    pub commitment: [u8; 32],
    /// The MOU version that allows it.
    pub mou: Sha256,
    /// The margin that it would be measured at.
    pub margin: Margin,
    /// What it would cost, in nano-ρ.
    pub price_nano_rho: u64,
    /// How many different stewards have to approve.
    pub approvals: u32,
    /// Who asks.
    pub peer: String,
    /// What for.
    pub purpose: String,
    /// The KPI.
    pub kpi: String,
    /// The period.
    pub period: String,
    /// The dimensions; none is the total.
    pub breakdown: Vec<String>,
    /// The time now.
    pub at: Timestamp,
}

/// What a steward says of a held question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It may be measured.
    Approve,
    /// It may not, and why.
    Reject {
        /// Why, in the steward's words.
        because: String,
    },
}

/// What came of a verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judging {
    /// It is on disk, and this is where the question stands.
    Done(Judged),
    /// No such question waits: it was never held, is measured or rejected, or another one took its place.
    NotWaiting,
    /// The same steward approved it before; another one has to.
    ApprovedBefore(Judged),
}

/// Whose leave a charge needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// Nobody's.
    NotNeeded,
    /// That of the stewards who approved the held question of this number.
    OfHeld(u64),
    /// Somebody's who was not asked yet: nothing is charged.
    Missing,
}

impl Judged {
    /// How far it has come.
    pub fn judgement(&self) -> Judgement {
        let given = u32::try_from(self.approved_by.len()).unwrap_or(u32::MAX);
        match &self.rejected {
            Some(_) => Judgement::Rejected,
            None if given >= self.question.approvals => Judgement::Approved,
            None => Judgement::Waiting,
        }
    }
}

impl HoldRequest {
    /// Whether a question is this one, put before the stewards earlier.
    pub(super) fn is(&self, question: &HeldQuestion, revision: u32) -> bool {
        let HeldQuestion { table, commitment, mou, margin, .. } = question;
        (*table, question.revision) == (self.table, revision)
            && (*commitment, *mou, *margin) == (self.commitment, self.mou, self.margin)
    }

    /// The record that puts it before the stewards.
    pub(super) fn numbered(self, number: u64, revision: u32) -> HeldQuestion {
        let Self { table, commitment, mou, margin, price_nano_rho, approvals, .. } = self;
        let Self { peer, purpose, kpi, period, breakdown, .. } = self;
        HeldQuestion {
            number,
            table,
            revision,
            commitment,
            mou,
            margin,
            price_nano_rho,
            approvals,
            peer,
            purpose,
            kpi,
            period,
            breakdown,
        }
    }
}

impl Store {
    /// Puts a question before the stewards, or finds it there. On disk when this returns; none if the table was
    /// released meanwhile.
    ///
    /// # Errors
    /// Words that are too long; a ledger that could not be written.
    pub async fn hold(&self, request: HoldRequest) -> Result<Option<Judged>, StoreError> {
        self.ask(|reply| Request::Hold(request, true, reply)).await
    }

    /// The same question, if it was put before the stewards. Changes nothing.
    ///
    /// # Errors
    /// A ledger that could not be written.
    pub async fn find_held(&self, request: HoldRequest) -> Result<Option<Judged>, StoreError> {
        self.ask(|reply| Request::Hold(request, false, reply)).await
    }

    /// Every question that was held and is neither measured nor replaced by a later one, in the order of their numbers.
    ///
    /// # Errors
    /// A ledger that could not be written.
    pub async fn queue(&self) -> Result<Vec<Judged>, StoreError> {
        self.ask(Request::Queue).await
    }

    /// Writes down what a steward says. On disk when this returns.
    ///
    /// # Errors
    /// Words that are too long; a ledger that could not be written.
    pub async fn judge(
        &self,
        number: u64,
        peer: String,
        verdict: Verdict,
        at: Timestamp,
    ) -> Result<Judging, StoreError> {
        self.ask(|reply| Request::Judge(number, peer, verdict, at, reply)).await
    }
}
