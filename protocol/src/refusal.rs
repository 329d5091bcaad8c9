//! Refusals and their reasons, both ways.

use sumac_policy::{Clause, Reason, Refusal};

use crate::field::{WireError, words};
use crate::wire;

impl From<Reason> for wire::RefusalReason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::MouDiffers => Self::MouDiffers,
            Reason::MouNotYetEffective => Self::MouNotYetEffective,
            Reason::MouExpired => Self::MouExpired,
            Reason::RoleMayNotAsk => Self::RoleMayNotAsk,
            Reason::PartyMayNotAsk => Self::PartyMayNotAsk,
            Reason::PurposeNotListed => Self::PurposeNotListed,
            Reason::KpiNotListed => Self::KpiNotListed,
            Reason::KpiNotAnsweredHere => Self::KpiNotAnsweredHere,
            Reason::BreakdownNotListed => Self::BreakdownNotListed,
            Reason::Restricted => Self::Restricted,
            Reason::PeriodNotOfKpi => Self::PeriodNotOfKpi,
            Reason::PeriodBeforeFirst => Self::PeriodBeforeFirst,
            Reason::PeriodNotClosed => Self::PeriodNotClosed,
            Reason::RosterTooSmall => Self::RosterTooSmall,
            Reason::TooManyTables => Self::TooManyTables,
            Reason::NoSnapshot => Self::NoSnapshot,
            Reason::PeriodNotHeld => Self::PeriodNotHeld,
            Reason::SnapshotTooEarly => Self::SnapshotTooEarly,
            Reason::ColumnNotHeld => Self::ColumnNotHeld,
            Reason::BudgetSpent => Self::BudgetSpent,
            Reason::MarginTighter => Self::MarginTighter,
            Reason::NotInPilot => Self::NotInPilot,
            Reason::SnapshotStale => Self::SnapshotStale,
            Reason::NotReleasedYet => Self::NotReleasedYet,
            Reason::Held => Self::Held,
            Reason::Rejected => Self::Rejected,
            Reason::Paused => Self::Paused,
            Reason::PartyLeft => Self::PartyLeft,
            Reason::ReleasePurged => Self::ReleasePurged,
            Reason::ReleaseLost => Self::ReleaseLost,
            Reason::Restored => Self::Restored,
            Reason::PartyMayNotPropose => Self::PartyMayNotPropose,
            Reason::MayNotApprove => Self::MayNotApprove,
            Reason::NotWaiting => Self::NotWaiting,
        }
    }
}

impl TryFrom<wire::RefusalReason> for Reason {
    type Error = WireError;
    fn try_from(reason: wire::RefusalReason) -> Result<Self, WireError> {
        use wire::RefusalReason as Wire;
        Ok(match reason {
            Wire::Unspecified => return Err(unknown(0)),
            Wire::MouDiffers => Self::MouDiffers,
            Wire::MouNotYetEffective => Self::MouNotYetEffective,
            Wire::MouExpired => Self::MouExpired,
            Wire::RoleMayNotAsk => Self::RoleMayNotAsk,
            Wire::PartyMayNotAsk => Self::PartyMayNotAsk,
            Wire::PurposeNotListed => Self::PurposeNotListed,
            Wire::KpiNotListed => Self::KpiNotListed,
            Wire::KpiNotAnsweredHere => Self::KpiNotAnsweredHere,
            Wire::BreakdownNotListed => Self::BreakdownNotListed,
            Wire::Restricted => Self::Restricted,
            Wire::PeriodNotOfKpi => Self::PeriodNotOfKpi,
            Wire::PeriodBeforeFirst => Self::PeriodBeforeFirst,
            Wire::PeriodNotClosed => Self::PeriodNotClosed,
            Wire::RosterTooSmall => Self::RosterTooSmall,
            Wire::TooManyTables => Self::TooManyTables,
            Wire::NoSnapshot => Self::NoSnapshot,
            Wire::PeriodNotHeld => Self::PeriodNotHeld,
            Wire::SnapshotTooEarly => Self::SnapshotTooEarly,
            Wire::ColumnNotHeld => Self::ColumnNotHeld,
            Wire::BudgetSpent => Self::BudgetSpent,
            Wire::MarginTighter => Self::MarginTighter,
            Wire::NotInPilot => Self::NotInPilot,
            Wire::SnapshotStale => Self::SnapshotStale,
            Wire::NotReleasedYet => Self::NotReleasedYet,
            Wire::Held => Self::Held,
            Wire::Rejected => Self::Rejected,
            Wire::Paused => Self::Paused,
            Wire::PartyLeft => Self::PartyLeft,
            Wire::ReleasePurged => Self::ReleasePurged,
            Wire::ReleaseLost => Self::ReleaseLost,
            Wire::Restored => Self::Restored,
            Wire::PartyMayNotPropose => Self::PartyMayNotPropose,
            Wire::MayNotApprove => Self::MayNotApprove,
            Wire::NotWaiting => Self::NotWaiting,
        })
    }
}

fn unknown(value: i32) -> WireError {
    WireError::Unknown { field: "refusal.reason", value: value.into() }
}

impl From<Refusal> for wire::Refusal {
    fn from(refusal: Refusal) -> Self {
        let Refusal { reason, clause, message, hint } = refusal;
        Self {
            reason: wire::RefusalReason::from(reason).into(),
            clause: clause.as_str().to_owned(),
            message,
            hint,
        }
    }
}

impl TryFrom<wire::Refusal> for Refusal {
    type Error = WireError;
    fn try_from(message: wire::Refusal) -> Result<Self, WireError> {
        let wire::Refusal { reason, clause, message, hint } = message;
        let reason = wire::RefusalReason::try_from(reason).map_err(|_| unknown(reason))?;
        Ok(Self {
            reason: reason.try_into()?,
            clause: Clause::at(words(&clause)),
            message: words(&message),
            hint: words(&hint),
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn every_reason_travels_there_and_back_under_its_own_code() {
        for (number, reason) in (1..).zip(Reason::ALL) {
            let sent = wire::RefusalReason::from(reason);
            assert_eq!(i32::from(sent), number, "{reason}");
            assert_eq!(sent.as_str_name(), format!("REFUSAL_REASON_{}", reason.code()));
            assert_eq!(Reason::try_from(sent), Ok(reason));
        }
    }

    #[test]
    fn no_reason_or_an_unknown_one_is_an_error_not_a_default() {
        let refusal = |reason| wire::Refusal { reason, ..Default::default() };
        for reason in [0, 35, -1] {
            assert_eq!(Refusal::try_from(refusal(reason)).unwrap_err(), unknown(reason));
        }
    }
}
