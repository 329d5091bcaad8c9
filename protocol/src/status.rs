//! The one place where a call that fails as a whole becomes a gRPC status, and where one is read back.

use std::collections::HashMap;

use sumac_policy::{Clause, Reason, Refusal};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::answer::SupportId;
use crate::field::{WireError, words};
use crate::limits::MAX_MESSAGE_BYTES;

/// The domain of every `google.rpc.ErrorInfo` that Sumac sends.
pub const DOMAIN: &str = "sumac";

const MALFORMED: &str = "MALFORMED";
const TOO_LARGE: &str = "TOO_LARGE";
const CERTIFICATE_NOT_ACCEPTED: &str = "CERTIFICATE_NOT_ACCEPTED";
const BUSY: &str = "BUSY";
const LOG_DIFFERS: &str = "LOG_DIFFERS";
const INTERNAL: &str = "INTERNAL";

/// Why a whole call got no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// Refused: nothing in the call can be answered.
    #[error("refused: {0}")]
    Refused(Refusal),
    /// The message cannot be read.
    #[error("the message cannot be read: {0}")]
    Malformed(String),
    /// The message is larger than a node reads.
    #[error("the message is larger than the {MAX_MESSAGE_BYTES} bytes that a node accepts")]
    TooLarge,
    /// The certificate shown when the connection began no longer stands. Why is for the node's operator.
    #[error(
        "this certificate is not accepted any more: the node's operator finds the reason in its log"
    )]
    CertificateNotAccepted,
    /// The node has all the work it can take, or is stopping. Asking again later is free.
    #[error("the node is busy or stopping: ask again later")]
    Busy,
    /// The node's log does not continue the head that the asker kept: it was lost in part, or changed. If the node
    /// signed that head, it answers nobody before its operator has put the right log back.
    #[error(
        "the node's log does not continue what it held before: it was lost in part, or changed"
    )]
    LogDiffers,
    /// The node failed; its operator finds the cause by this id.
    #[error("the node failed: quote {0} to its operator")]
    Fault(SupportId),
}

impl From<WireError> for CallError {
    fn from(error: WireError) -> Self {
        Self::Malformed(error.to_string())
    }
}

impl From<CallError> for Status {
    fn from(error: CallError) -> Self {
        let (code, message, reason, metadata) = match error {
            CallError::Refused(Refusal { reason, clause, message, hint }) => (
                refusal_code(reason),
                message,
                reason.code(),
                HashMap::from([
                    ("clause".to_owned(), clause.as_str().to_owned()),
                    ("hint".to_owned(), hint),
                ]),
            ),
            CallError::Malformed(what) => (Code::InvalidArgument, what, MALFORMED, HashMap::new()),
            CallError::TooLarge => {
                (Code::OutOfRange, CallError::TooLarge.to_string(), TOO_LARGE, HashMap::new())
            }
            CallError::CertificateNotAccepted => (
                Code::Unauthenticated,
                CallError::CertificateNotAccepted.to_string(),
                CERTIFICATE_NOT_ACCEPTED,
                HashMap::new(),
            ),
            CallError::Busy => (
                Code::Unavailable,
                "busy or stopping: ask again later".to_owned(),
                BUSY,
                HashMap::new(),
            ),
            CallError::LogDiffers => {
                (Code::DataLoss, CallError::LogDiffers.to_string(), LOG_DIFFERS, HashMap::new())
            }
            CallError::Fault(id) => (
                Code::Internal,
                "internal".to_owned(),
                INTERNAL,
                HashMap::from([("support_id".to_owned(), id.as_str().to_owned())]),
            ),
        };
        Self::with_error_details(
            code,
            message,
            ErrorDetails::with_error_info(reason, DOMAIN, metadata),
        )
    }
}

/// Reads a status that a node sent. `None` where it is not one of ours: a broken connection, another service.
pub fn read(status: &Status) -> Option<CallError> {
    let info = status.get_details_error_info().filter(|info| info.domain == DOMAIN)?;
    let metadata = |key| words(info.metadata.get(key).map_or("", String::as_str));
    match info.reason.as_str() {
        MALFORMED => Some(CallError::Malformed(words(status.message()))),
        TOO_LARGE => Some(CallError::TooLarge),
        CERTIFICATE_NOT_ACCEPTED => Some(CallError::CertificateNotAccepted),
        BUSY => Some(CallError::Busy),
        LOG_DIFFERS => Some(CallError::LogDiffers),
        INTERNAL => metadata("support_id").parse().ok().map(CallError::Fault),
        code => Reason::from_code(code).map(|reason| {
            CallError::Refused(Refusal {
                reason,
                clause: Clause::at(metadata("clause")),
                message: words(status.message()),
                hint: metadata("hint"),
            })
        }),
    }
}

/// The error behind a status that the gRPC library made itself, before any code of ours saw the call: a message
/// too large, or no message at all. `None` for every other status.
pub fn of_the_library(status: &Status) -> Option<CallError> {
    if !status.details().is_empty() {
        return None;
    }
    match status.code() {
        Code::OutOfRange => Some(CallError::TooLarge),
        Code::Internal | Code::InvalidArgument => {
            Some(CallError::Malformed("it is not an encoded message of this call".to_owned()))
        }
        _ => None,
    }
}

/// The canonical code nearest to a reason; the reason itself is in the `ErrorInfo`.
fn refusal_code(reason: Reason) -> Code {
    match reason {
        Reason::RoleMayNotAsk
        | Reason::PartyMayNotAsk
        | Reason::PurposeNotListed
        | Reason::KpiNotListed
        | Reason::KpiNotAnsweredHere
        | Reason::BreakdownNotListed
        | Reason::Restricted
        | Reason::PeriodNotOfKpi
        | Reason::PeriodBeforeFirst
        | Reason::NotInPilot
        | Reason::NotReleasedYet
        | Reason::Rejected
        | Reason::MayNotApprove
        | Reason::PartyLeft
        | Reason::PartyMayNotPropose => Code::PermissionDenied,
        Reason::MouDiffers
        | Reason::MouNotYetEffective
        | Reason::MouExpired
        | Reason::PeriodNotClosed
        | Reason::RosterTooSmall
        | Reason::NoSnapshot
        | Reason::PeriodNotHeld
        | Reason::SnapshotTooEarly
        | Reason::ColumnNotHeld
        | Reason::MarginTighter
        | Reason::SnapshotStale
        | Reason::Held
        | Reason::Paused
        | Reason::ReleasePurged
        | Reason::ReleaseLost
        | Reason::Restored
        | Reason::NotWaiting => Code::FailedPrecondition,
        Reason::TooManyTables => Code::InvalidArgument,
        Reason::BudgetSpent => Code::ResourceExhausted,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn every_error_is_read_back_with_exactly_one_error_info() {
        let refusals = Reason::ALL.map(|reason| {
            CallError::Refused(Refusal {
                reason,
                clause: Clause::at("kpi.completers.by"),
                message: "nicht erlaubt – ±10".into(),
                hint: "ask for `sex`".into(),
            })
        });
        let others = [
            CallError::Malformed("`roster` is missing".into()),
            CallError::TooLarge,
            CallError::CertificateNotAccepted,
            CallError::Busy,
            CallError::LogDiffers,
            CallError::Fault("7f3a-11".parse().unwrap()),
        ];
        for error in refusals.into_iter().chain(others) {
            let status = Status::from(error.clone());
            assert_eq!(status.get_error_details_vec().len(), 1, "{error:?}");
            assert_eq!(read(&status), Some(error));
        }
    }

    #[test]
    fn a_fault_says_internal_and_nothing_else() {
        let status = Status::from(CallError::Fault("7f3a".parse().unwrap()));
        assert_eq!((status.code(), status.message()), (Code::Internal, "internal"));
    }

    #[test]
    fn a_status_of_the_librarys_own_gets_a_reason_and_no_other_does() {
        assert_eq!(of_the_library(&Status::out_of_range("too large")), Some(CallError::TooLarge));
        let undecodable = of_the_library(&Status::internal("failed to decode"));
        assert!(matches!(undecodable, Some(CallError::Malformed(_))));
        assert_eq!(of_the_library(&Status::unimplemented("no such call")), None);
        assert_eq!(of_the_library(&CallError::Busy.into()), None);
    }

    #[test]
    fn a_strangers_status_is_not_ours() {
        assert_eq!(read(&Status::unavailable("transport error")), None);
        let foreign = ErrorDetails::with_error_info("KPI_NOT_LISTED", "elsewhere", HashMap::new());
        let status = Status::with_error_details(Code::PermissionDenied, "no", foreign);
        assert_eq!(read(&status), None);
    }
}
