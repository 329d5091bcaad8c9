//! Lists that once broke a promise, as they were found and shrunk. None is ever taken out.
//!
//! A failing simulation prints its list in this form: paste it here under a name that says what went wrong. Every
//! run of the tests runs them all.

use super::operation::Budget::*;
use super::operation::By::*;
use super::operation::Change::*;
use super::operation::For::*;
use super::operation::IndexLeft::*;
use super::operation::Kept::*;
use super::operation::Kpi::*;
use super::operation::Moment::*;
use super::operation::Op::*;
use super::operation::Place::*;
use super::operation::Said::*;
use super::operation::To::*;
use super::operation::Who::*;
use super::operation::{Case, Folders, Left, Q, list};

/// Every one of them.
#[rustfmt::skip]
pub(super) fn all() -> Vec<(&'static str, Case)> {
    vec![
        // Measured on a charge of last year, a release states this year as the one that paid.
        ("a release states the year of its charge, even if it is measured in the next", Case { nodes: 1, budget: Tight, ops: list([
            Crash(Lakeshore, Maria, list([Q(Enrolment, Sex, 2021, Report)]), Call(2), Left { tail: 51, index: Deleted }),
            StepClock(340),
        ]) }),
        // The release and the head are dated when the call came in, and sealed with a certificate that starts
        // later: nobody ever accepts the release, and the log does not check.
        ("a certificate renewed under a slow call leaves what was sealed good", Case { nodes: 1, budget: Tight, ops: list([
            DropReply(Omar, list([Q(Enrolment, Sex, 2023, Report), Q(Enrolment, Sex, 2024, Report), Q(Retention, Pell, 2021, Equity)]), Call(8)),
            StepClock(1),
            Renew(Lakeshore),
        ]) }),
        // The log had the new version, the folders did not, and its last day passed: the node started no more.
        ("a version that is in the log is put in place, even if it expired since", Case { nodes: 1, budget: Tight, ops: list([
            StepClock(1500),
            Down(Lakeshore),
            Amend(Margin(Enrolment, 20), 0, Killed(Lakeshore, Folders(0), Left { tail: 255, index: Whole })),
            StepClock(400),
            Up(Lakeshore),
        ]) }),
        // A steward's question, which is refused, was taken for the last one of the party: its analysts, who alone may
        // give anything back, were never heard.
        ("a question of a steward does not keep the analysts of its party from giving back", Case { nodes: 2, budget: Tight, ops: list([
            Crash(Harbor, Steward, list([Q(Enrolment, RaceSex, 2024, Report)]), Call(2), Left { tail: 253, index: Whole }),
            Backup(Harbor),
            Restore(Harbor, Once),
        ]) }),
        // Only what was lost since the second backup counted, so that the table was measured a second time.
        ("what was lost before a node that waited was lost itself stays lost", Case { nodes: 1, budget: Tight, ops: list([
            Backup(Lakeshore),
            Ask(Omar, list([Q(Enrolment, Sex, 2025, Report)])),
            Lose(Omar, Receipts),
            Restore(Lakeshore, Once),
            Ask(Maria, list([Q(Enrolment, Total, 2025, Report)])),
            Backup(Lakeshore),
            Restore(Lakeshore, Once),
            Ask(Omar, list([Q(Enrolment, Sex, 2025, Report)])),
        ]) }),
    ]
}
