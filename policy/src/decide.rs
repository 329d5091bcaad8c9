//! Would this node answer that question from that peer, today? The one place where the MOU permits.

use jiff::ToSpan;
use jiff::civil::Date;

use crate::clause::Clause;
use crate::derive::DerivePermit;
use crate::mou::{Capability, Kpi, Mou, PartyKind};
use crate::names::PartyId;
use crate::narrow::Narrow;
use crate::peer::{Peer, PeerRole};
use crate::period::Period;
use crate::permit::{Permit, Permitted, Table};
use crate::question::Question;
use crate::refusal::{Reason, Refusal};
use crate::resolve::Resolved;

/// Decides a question. `node` is the party whose node decides, `narrow` its addendum, `roster` the parties asked
/// together, `today` the date in UTC. Depends on nothing else: never on data, and not on what was spent or released
/// (the ledger knows).
///
/// # Errors
/// A [`Refusal`] that names its clause and what to do.
pub fn decide(
    mou: &Mou,
    narrow: &Narrow,
    node: &PartyId,
    peer: &Peer,
    question: &Question,
    roster: &[PartyId],
    today: Date,
) -> Result<Permitted, Refusal> {
    // Both have to permit, and the MOU first: whatever an addendum says, it can only take away.
    let permitted = by_the_mou(mou, node, peer, question, roster, today)?;
    narrow.allows(mou, question, today)?;
    let narrowed = narrow.over(mou);
    if std::ptr::eq(narrowed, mou) {
        return Ok(permitted);
    }
    by_the_mou(narrowed, node, peer, question, roster, today)
}

fn by_the_mou(
    mou: &Mou,
    node: &PartyId,
    peer: &Peer,
    question: &Question,
    roster: &[PartyId],
    today: Date,
) -> Result<Permitted, Refusal> {
    in_force(mou, today)?;
    let may_measure = may_ask(mou, peer)?;
    let Question { kpi, period, breakdown, purpose } = question;
    if !mou.terms().purposes.contains(purpose) {
        let listed: Vec<_> = mou.terms().purposes.iter().map(|purpose| purpose.as_str()).collect();
        return Err(refusal(
            Reason::PurposeNotListed,
            "agreement.purposes",
            format!("the MOU lists no purpose `{purpose}`"),
            format!("name one of: {}", listed.join(", ")),
        ));
    }
    let resolved = Resolved::of(mou, kpi, *period, breakdown)?;
    let table = resolved.table();
    answered_here(mou, node, table.kpi())?;
    in_pilot(mou, node, table.kpi(), today)?;
    asked_in_time(mou, table, today)?;
    roster_is_large_enough(mou, table.kpi(), roster)?;
    let (question, mou_hash) = (question.clone(), mou.hash());
    let clause = Clause::at(format!("kpi.{kpi}.by"));
    Ok(match resolved {
        Resolved::Listed(table) => Permitted::Measure(Permit {
            question,
            clause,
            mou: mou_hash,
            table,
            accounting_year: mou.calendar().year_starts.year_of(today),
            budget_nano_rho: mou.privacy().budget_nano_rho,
            may_measure,
        }),
        Resolved::RollUp(roll_up) => {
            Permitted::Derive(DerivePermit { question, clause, mou: mou_hash, roll_up })
        }
    })
}

fn refusal(reason: Reason, clause: &str, message: String, hint: String) -> Refusal {
    Refusal { reason, clause: Clause::at(clause), message, hint }
}

fn in_force(mou: &Mou, today: Date) -> Result<(), Refusal> {
    if today < mou.effective() {
        return Err(refusal(
            Reason::MouNotYetEffective,
            "effective",
            format!("the MOU takes effect on {}", mou.effective()),
            "ask again on that day".to_owned(),
        ));
    }
    if today > mou.expires() {
        return Err(refusal(
            Reason::MouExpired,
            "expires",
            format!("the MOU expired on {}", mou.expires()),
            "the parties have to sign a new version".to_owned(),
        ));
    }
    Ok(())
}

/// Whether the peer may have a table measured; one whose party may only read gets what is released already.
fn may_ask(mou: &Mou, peer: &Peer) -> Result<bool, Refusal> {
    if peer.role() != PeerRole::Analyst {
        return Err(refusal(
            Reason::RoleMayNotAsk,
            "roles",
            format!("a {} certificate does not ask", peer.role()),
            "ask with an analyst's certificate".to_owned(),
        ));
    }
    let party = peer.party();
    let listed = mou.party(party).is_some();
    let may = |capability| listed && mou.may(party, capability);
    match (may(Capability::Ask), may(Capability::Read)) {
        (true, _) => Ok(true),
        (false, true) => Ok(false),
        (false, false) => Err(refusal(
            Reason::PartyMayNotAsk,
            "roles",
            format!("`{party}` holds no role that may ask or read"),
            "see the MOU's [roles]".to_owned(),
        )),
    }
}

fn answered_here(mou: &Mou, node: &PartyId, kpi: &Kpi) -> Result<(), Refusal> {
    if mou.answering(kpi).any(|party| party.id == *node) {
        return Ok(());
    }
    let kinds: Vec<_> = kpi.answered_by.iter().map(|kind| kind.as_str()).collect();
    Err(refusal(
        Reason::KpiNotAnsweredHere,
        &format!("kpi.{}.answered_by", kpi.id),
        format!("`{}` is not answered by `{node}`", kpi.id),
        format!("ask parties of kind {}", kinds.join(", ")),
    ))
}

fn in_pilot(mou: &Mou, node: &PartyId, kpi: &Kpi, today: Date) -> Result<(), Refusal> {
    let Some(pilot) = mou.pilot().filter(|pilot| today <= pilot.until) else { return Ok(()) };
    let (clause, what) = if !pilot.kpis.contains(&kpi.id) {
        ("pilot.kpis", format!("`{}`", kpi.id))
    } else if !pilot.parties.contains(node) {
        ("pilot.parties", format!("`{node}`"))
    } else {
        return Ok(());
    };
    Err(refusal(
        Reason::NotInPilot,
        clause,
        format!("until {} a pilot runs, which does not include {what}", pilot.until),
        "ask again when the pilot is over".to_owned(),
    ))
}

fn asked_in_time(mou: &Mou, table: &Table, today: Date) -> Result<(), Refusal> {
    let (calendar, period) = (mou.calendar(), table.period());
    if table.span().first < calendar.first_period.span(calendar.year_starts).first {
        return Err(refusal(
            Reason::PeriodBeforeFirst,
            "calendar.first_period",
            format!("{period} begins before {}", calendar.first_period),
            "nothing earlier may be asked".to_owned(),
        ));
    }
    match mou.asked_from(period) {
        Some(day) if day <= today => Ok(()),
        day => Err(refusal(
            Reason::PeriodNotClosed,
            "calendar.wait_days",
            format!(
                "{period} closes on {}, and waits {} days",
                table.span().last,
                calendar.wait_days
            ),
            day.map_or_else(|| "ask later".to_owned(), |day| format!("ask from {day}")),
        )),
    }
}

/// Whether enough parties of each kind are asked together.
pub(crate) fn roster_is_large_enough(
    mou: &Mou,
    kpi: &Kpi,
    roster: &[PartyId],
) -> Result<(), Refusal> {
    for (kind, least) in &mou.privacy().min_parties {
        if !kpi.answered_by.contains(kind) {
            continue;
        }
        let together = asked_together(mou, *kind, roster);
        if together < usize::try_from(*least).unwrap_or(usize::MAX) {
            return Err(refusal(
                Reason::RosterTooSmall,
                "privacy.min_parties",
                format!(
                    "{together} parties of kind {kind} are asked together, and {least} are needed"
                ),
                "ask all of them at once".to_owned(),
            ));
        }
    }
    Ok(())
}

/// Distinct parties of a kind on the roster; a name twice, or a stranger's, adds nobody.
fn asked_together(mou: &Mou, kind: PartyKind, roster: &[PartyId]) -> usize {
    mou.parties().iter().filter(|party| party.kind == kind && roster.contains(&party.id)).count()
}

impl Mou {
    /// The first day on which a period may be asked: the day after it closes, and the waiting days after
    /// that. None for one that the calendar does not have, or that lies where dates end.
    pub fn asked_from(&self, period: Period) -> Option<Date> {
        let last = self.calendar().span(period)?.last;
        last.checked_add((i64::from(self.calendar().wait_days) + 1).days()).ok()
    }
}
