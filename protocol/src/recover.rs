//! What an asker gives back to a node that was restored from a backup.

use prost::Message;
use sumac_policy::{PartyId, Sha256};

use crate::answer::SignedRelease;
use crate::evidence::RecordedRelease;
use crate::field::{WireError, all_parsed, at_most, digest};
use crate::limits::{MAX_MESSAGE_BYTES, MAX_RECORD_BYTES, MAX_ROSTER, MAX_TABLES_PER_CALL};
use crate::log_head::{Consistency, Inclusion, SignedHead};
use crate::wire;

/// Bytes of receipts in one call; the rest of a message is for the head and the frame around it.
const MAX_RECEIPT_BYTES: usize = MAX_MESSAGE_BYTES - (256 << 10);

/// What an asker keeps of a node's lost history, or a part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recover {
    /// The MOU version by which the asker asks.
    pub mou: Sha256,
    /// The last head that it keeps; none if it keeps none.
    pub last_head: Option<SignedHead>,
    /// Releases that it holds.
    pub receipts: Vec<KeptRelease>,
    /// Whether that is all.
    pub done: bool,
}

/// A release with what shows that the node's log held it. Plain data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptRelease {
    /// The release.
    pub release: SignedRelease,
    /// The log's record of it.
    pub recorded: RecordedRelease,
    /// The head that the record is below.
    pub head: SignedHead,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovering {
    /// Receipts of records before this one are of no use to the node.
    pub lost_from: u64,
    /// Parties that the node still waits for.
    pub awaiting: Vec<PartyId>,
    /// One for each receipt.
    pub outcomes: Vec<RecoveryOutcome>,
}

/// What became of a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecoveryOutcome {
    /// The node takes the release back.
    Recovered,
    /// The node holds it already.
    Held,
    /// The node holds another release of this table and revision.
    Differs,
    /// The node did not seal it, or its log did not hold it.
    NotProved,
}

/// Shows that a log was restored from a backup. Plain data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoredLog {
    /// The exact bytes of the log's record of the restore.
    pub record: Vec<u8>,
    /// Shows that they are below the head that is sent with them.
    pub inclusion: Inclusion,
    /// Shows that this head continues the backup.
    pub consistency: Consistency,
}

/// What an asker sends first, to learn which of its receipts the node has lost.
pub fn recover_greeting(mou: Sha256, last_head: Option<&SignedHead>) -> wire::RecoverRequest {
    wire::RecoverRequest {
        mou_sha256: mou.as_bytes().to_vec(),
        last_head: last_head.cloned().map(Into::into),
        receipts: Vec::new(),
        done: false,
    }
}

/// What an asker sends then: as many calls as its receipts need, the last one saying that it is the last.
pub fn recover_requests(
    mou: Sha256,
    last_head: Option<&SignedHead>,
    receipts: impl IntoIterator<Item = KeptRelease>,
) -> Vec<wire::RecoverRequest> {
    let empty = || recover_greeting(mou, last_head);
    let (mut requests, mut request, mut bytes) = (Vec::new(), empty(), 0);
    for receipt in receipts {
        let receipt = wire::KeptRelease::from(receipt);
        let more = receipt.encoded_len();
        let full =
            bytes + more > MAX_RECEIPT_BYTES || request.receipts.len() == MAX_TABLES_PER_CALL;
        if full && !request.receipts.is_empty() {
            requests.push(std::mem::replace(&mut request, empty()));
            bytes = 0;
        }
        bytes += more;
        request.receipts.push(receipt);
    }
    requests.push(wire::RecoverRequest { done: true, ..request });
    requests
}

impl TryFrom<wire::RecoverRequest> for Recover {
    type Error = WireError;
    fn try_from(message: wire::RecoverRequest) -> Result<Self, WireError> {
        let wire::RecoverRequest { mou_sha256, last_head, receipts, done } = message;
        at_most("receipts", receipts.len(), MAX_TABLES_PER_CALL)?;
        Ok(Self {
            mou: digest("mou_sha256", &mou_sha256)?,
            last_head: last_head.map(SignedHead::try_from).transpose()?,
            receipts: receipts.into_iter().map(KeptRelease::try_from).collect::<Result<_, _>>()?,
            done,
        })
    }
}

impl From<KeptRelease> for wire::KeptRelease {
    fn from(kept: KeptRelease) -> Self {
        let KeptRelease { release, recorded, head } = kept;
        Self {
            release: Some(release.into()),
            recorded: Some(recorded.into()),
            head: Some(head.into()),
        }
    }
}

impl TryFrom<wire::KeptRelease> for KeptRelease {
    type Error = WireError;
    fn try_from(message: wire::KeptRelease) -> Result<Self, WireError> {
        let wire::KeptRelease { release, recorded, head } = message;
        Ok(Self {
            release: release.ok_or(WireError::Missing("receipt.release"))?.try_into()?,
            recorded: recorded.ok_or(WireError::Missing("receipt.recorded"))?.try_into()?,
            head: head.ok_or(WireError::Missing("receipt.head"))?.try_into()?,
        })
    }
}

impl From<Recovering> for wire::RecoverResponse {
    fn from(recovering: Recovering) -> Self {
        let Recovering { lost_from, awaiting, outcomes } = recovering;
        Self {
            lost_from,
            awaiting: awaiting.iter().map(ToString::to_string).collect(),
            outcomes: outcomes
                .into_iter()
                .map(|outcome| wire::RecoveryOutcome::from(outcome).into())
                .collect(),
        }
    }
}

/// Reads what came of `sent` receipts.
///
/// # Errors
/// Where there are more or fewer outcomes, or one that this version does not know.
pub fn read_recover_response(
    message: wire::RecoverResponse,
    sent: usize,
) -> Result<Recovering, WireError> {
    let wire::RecoverResponse { lost_from, awaiting, outcomes } = message;
    if outcomes.len() != sent {
        let what = format!("{} for {sent} receipts", outcomes.len());
        return Err(WireError::unsound("outcomes", what));
    }
    let outcome = |number: i32| {
        let known = wire::RecoveryOutcome::try_from(number).ok();
        let outcome = known.and_then(|outcome| RecoveryOutcome::try_from(outcome).ok());
        outcome.ok_or(WireError::Unknown { field: "outcomes", value: number.into() })
    };
    Ok(Recovering {
        lost_from,
        awaiting: all_parsed("awaiting", &awaiting, MAX_ROSTER)?,
        outcomes: outcomes.into_iter().map(outcome).collect::<Result<_, _>>()?,
    })
}

impl From<RecoveryOutcome> for wire::RecoveryOutcome {
    fn from(outcome: RecoveryOutcome) -> Self {
        match outcome {
            RecoveryOutcome::Recovered => Self::Recovered,
            RecoveryOutcome::Held => Self::Held,
            RecoveryOutcome::Differs => Self::Differs,
            RecoveryOutcome::NotProved => Self::NotProved,
        }
    }
}

impl TryFrom<wire::RecoveryOutcome> for RecoveryOutcome {
    type Error = ();
    fn try_from(outcome: wire::RecoveryOutcome) -> Result<Self, ()> {
        match outcome {
            wire::RecoveryOutcome::Unspecified => Err(()),
            wire::RecoveryOutcome::Recovered => Ok(Self::Recovered),
            wire::RecoveryOutcome::Held => Ok(Self::Held),
            wire::RecoveryOutcome::Differs => Ok(Self::Differs),
            wire::RecoveryOutcome::NotProved => Ok(Self::NotProved),
        }
    }
}

impl From<RestoredLog> for wire::RestoredLog {
    fn from(restored: RestoredLog) -> Self {
        let RestoredLog { record, inclusion, consistency } = restored;
        Self { record, proof: Some(inclusion.into()), consistency: Some(consistency.into()) }
    }
}

impl TryFrom<wire::RestoredLog> for RestoredLog {
    type Error = WireError;
    fn try_from(message: wire::RestoredLog) -> Result<Self, WireError> {
        let wire::RestoredLog { record, proof, consistency } = message;
        if record.is_empty() {
            return Err(WireError::Missing("restored.record"));
        }
        at_most("restored.record", record.len(), MAX_RECORD_BYTES)?;
        Ok(Self {
            record,
            inclusion: proof.ok_or(WireError::Missing("restored.proof"))?.try_into()?,
            consistency: consistency
                .ok_or(WireError::Missing("restored.consistency"))?
                .try_into()?,
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use jiff::Timestamp;

    use super::*;
    use crate::log_head::LogHead;

    fn head() -> SignedHead {
        let (root, at) = ([7; 32].into(), Timestamp::UNIX_EPOCH);
        let head = LogHead { size: 9, root, at, spent_nano_rho: 3 };
        SignedHead { head, signature: vec![8], chain: vec![vec![9]] }
    }

    fn kept(bytes: usize) -> KeptRelease {
        let inclusion = Inclusion { seq: 3, path: vec![[5; 32]] };
        KeptRelease {
            release: SignedRelease {
                body: vec![1; bytes],
                signature: vec![2],
                chain: vec![vec![3]],
            },
            recorded: RecordedRelease { record: b"{}".to_vec(), inclusion },
            head: head(),
        }
    }

    #[test]
    fn receipts_travel_in_as_many_calls_as_they_need_and_the_last_says_so() {
        let mou = Sha256::from([1; 32]);
        for (receipts, calls) in [
            (vec![], vec![0]),
            (vec![kept(1); 3], vec![3]),
            (vec![kept(3 << 20); 3], vec![1, 1, 1]),
            (vec![kept(1); MAX_TABLES_PER_CALL + 1], vec![MAX_TABLES_PER_CALL, 1]),
        ] {
            let requests = recover_requests(mou, Some(&head()), receipts.clone());
            let last = requests.len() - 1;
            let mut read = Vec::new();
            for (place, request) in requests.iter().enumerate() {
                assert!(request.encoded_len() < MAX_MESSAGE_BYTES);
                let recover = Recover::try_from(request.clone()).unwrap();
                assert_eq!((recover.mou, recover.last_head), (mou, Some(head())));
                assert_eq!(recover.done, place == last);
                read.push(recover.receipts);
            }
            assert_eq!(read.iter().map(Vec::len).collect::<Vec<_>>(), calls);
            assert_eq!(read.concat(), receipts);
        }
    }

    #[test]
    fn a_receipt_without_its_proof_is_none() {
        let good = || wire::KeptRelease::from(kept(1));
        for (field, message) in [
            ("receipt.release", wire::KeptRelease { release: None, ..good() }),
            ("receipt.recorded", wire::KeptRelease { recorded: None, ..good() }),
            ("receipt.head", wire::KeptRelease { head: None, ..good() }),
        ] {
            assert_eq!(KeptRelease::try_from(message), Err(WireError::Missing(field)));
        }
    }

    #[test]
    fn what_came_of_it_is_read_back_and_an_unknown_outcome_is_an_error() {
        let recovering = Recovering {
            lost_from: 7,
            awaiting: vec!["chamber".parse().unwrap()],
            outcomes: vec![
                RecoveryOutcome::Recovered,
                RecoveryOutcome::Held,
                RecoveryOutcome::Differs,
                RecoveryOutcome::NotProved,
            ],
        };
        let message = wire::RecoverResponse::from(recovering.clone());
        assert_eq!(read_recover_response(message.clone(), 4), Ok(recovering));
        assert!(read_recover_response(message.clone(), 3).is_err());
        for number in [0, 5] {
            let unknown = wire::RecoverResponse { outcomes: vec![number], ..message.clone() };
            assert!(read_recover_response(unknown, 1).is_err());
        }
    }
}
