//! What changes beside the questions: who signs, proposes and approves, what a node takes in and gives back,
//! and the words that people keep.

use std::collections::BTreeSet;

use crate::diff::change::Direction;
use crate::diff::paths::of_restriction;
use crate::diff::words;
use crate::mou::{Capability, Kpi, Limit, Mou, PartyKind, Restriction, Target};
use crate::names::PartyId;

/// Whose hands a change beside the questions is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeper {
    /// The nodes and the command act by it.
    Software,
    /// People keep it; software shows and records it.
    People,
}

/// A change that no question notices, and that is no mere wording.
pub(super) struct Aside {
    pub(super) keeper: Keeper,
    pub(super) direction: Option<Direction>,
    pub(super) sentence: String,
    pub(super) paths: Vec<String>,
    /// Whether it is left out where a change of meaning tells of its clauses.
    pub(super) unless_told: bool,
}

/// Everything that changes beside the questions.
pub(super) fn beside(old: &Mou, new: &Mou) -> Vec<Aside> {
    let mut found = signatories(old, new);
    found.extend(roots(old, new));
    found.extend(capabilities(old, new));
    found.extend(withheld(old, new));
    found.extend(idle_restrictions(old, new));
    found.extend(leaving(old, new));
    found.extend(audits(old, new));
    found.extend(targets(old, new));
    found.extend(words_kept(old, new));
    found
}

fn people(sentence: String, paths: &[&str]) -> Aside {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    Aside { keeper: Keeper::People, direction: None, sentence, paths, unless_told: false }
}

fn software(sentence: String, paths: Vec<String>) -> Aside {
    Aside { keeper: Keeper::Software, direction: None, sentence, paths, unless_told: false }
}

fn signatories(old: &Mou, new: &Mou) -> Vec<Aside> {
    let apart = |from: &Mou, other: &Mou| -> BTreeSet<PartyId> {
        let only = from.parties().iter().filter(|party| other.party(&party.id).is_none());
        only.map(|party| party.id.clone()).collect()
    };
    let sides = [(new, apart(new, old), "has", "sign"), (old, apart(old, new), "lets", "leave")];
    let stated = sides.into_iter().filter(|(_, ids, ..)| !ids.is_empty());
    let stated = stated.map(|(mou, ids, lets, what)| {
        let sentence = match what {
            "sign" => {
                format!("{lets} {} {what} it, and every later version", words::parties(mou, &ids))
            }
            _ => format!("{lets} {} {what} the agreement", words::parties(mou, &ids)),
        };
        software(sentence, ids.iter().map(|id| format!("party.{id}")).collect())
    });
    stated.collect()
}

/// Another root; where the party asks or answers, a change of meaning says so as well.
fn roots(old: &Mou, new: &Mou) -> Vec<Aside> {
    let moved = new
        .parties()
        .iter()
        .filter(|party| old.party(&party.id).is_some_and(|before| before.root != party.root));
    let stated = moved.map(|party| {
        let sentence = format!("takes the signatures of `{}` from another root", party.id);
        software(sentence, vec![format!("party.{}.root", party.id)])
    });
    stated.collect()
}

fn capabilities(old: &Mou, new: &Mou) -> Vec<Aside> {
    let holders = |mou: &Mou, what| -> BTreeSet<PartyId> {
        let ids = mou.parties().iter().map(|party| party.id.clone());
        ids.filter(|id| mou.may(id, what)).collect()
    };
    let mut found = Vec::new();
    for (what, words, keeper) in [
        (Capability::Propose, "propose amendments", Keeper::Software),
        (Capability::Approve, "approve questions that wait at their own node", Keeper::Software),
        (Capability::Publish, "publish what was released", Keeper::People),
        (Capability::SetTarget, "set targets", Keeper::People),
    ] {
        let (before, after) = (holders(old, what), holders(new, what));
        for (mou, ids, lets) in [
            (new, after.difference(&before).cloned().collect::<BTreeSet<_>>(), "newly lets"),
            (old, before.difference(&after).cloned().collect(), "no longer lets"),
        ] {
            if !ids.is_empty() {
                let sentence = format!("{lets} {} {words}", words::parties(mou, &ids));
                let mut paths = vec!["roles".to_owned()];
                paths.extend(ids.iter().map(|id| format!("party.{id}")));
                found.push(Aside { keeper, direction: None, sentence, paths, unless_told: false });
            }
        }
    }
    found
}

/// Columns that nodes of a kind take in, or no longer do.
fn withheld(old: &Mou, new: &Mou) -> Vec<Aside> {
    let mut found = Vec::new();
    for kind in PartyKind::ALL {
        let columns = |mou: &Mou| -> BTreeSet<_> {
            mou.data(*kind).into_iter().flat_map(|rules| rules.withheld.clone()).collect()
        };
        let (before, after) = (columns(old), columns(new));
        for (columns, lets, direction) in [
            (before.difference(&after), "lets", Direction::Widens),
            (after.difference(&before), "no longer lets", Direction::Narrows),
        ] {
            let columns: Vec<_> = columns.collect();
            if !columns.is_empty() {
                found.push(Aside {
                    keeper: Keeper::Software,
                    direction: Some(direction),
                    sentence: format!(
                        "{lets} the node of a{} take in {}",
                        article(*kind),
                        words::named(columns)
                    ),
                    paths: vec![format!("data.{kind}.withheld")],
                    unless_told: false,
                });
            }
        }
    }
    found
}

/// Restrictions that only one version has, and that no table of either meets today: guards for later.
fn idle_restrictions(old: &Mou, new: &Mou) -> Vec<Aside> {
    let apart = |from: &Mou, other: &Mou| -> Vec<(String, String)> {
        let others: BTreeSet<_> = other.restrictions().iter().map(of_restriction).collect();
        let only = from.restrictions().iter().map(|only| (of_restriction(only), restricted(only)));
        only.filter(|(path, _)| !others.contains(path)).collect()
    };
    let sides = [
        (apart(old, new), "drops", Direction::Widens),
        (apart(new, old), "adds", Direction::Narrows),
    ];
    let stated = sides.into_iter().flat_map(|(apart, does, direction)| {
        apart.into_iter().map(move |(path, what)| Aside {
            keeper: Keeper::Software,
            direction: Some(direction),
            sentence: format!("{does} the restriction of {what}, which no table meets today"),
            paths: vec![path],
            unless_told: true,
        })
    });
    stated.collect()
}

/// What a restriction is about, with its reason.
fn restricted(restriction: &Restriction) -> String {
    let of = restriction.kpi.as_ref().map_or_else(String::new, |kpi| format!(" in `{kpi}`"));
    let what = match &restriction.limit {
        Limit::Column { dimension: Some(dimension), .. } => format!("`{dimension}`{of}"),
        Limit::Column { column, .. } => format!("`{column}`{of}"),
        Limit::Kpi => format!("everything{of}"),
        Limit::Margin(margin) => format!("precision{of} to {margin}"),
        Limit::Floor(floor) => format!("groups to {floor} learners or more"),
    };
    format!("{what} ({})", restriction.because)
}

fn article(kind: PartyKind) -> String {
    if kind == PartyKind::Employer { format!("n {kind}") } else { format!(" {kind}") }
}

/// What a party that leaves does with what it holds.
fn leaving(old: &Mou, new: &Mou) -> Option<Aside> {
    let (before, after) = (old.after().delete_within_days, new.after().delete_within_days);
    let longest = |days: Option<u32>| days.map_or(u64::MAX, u64::from);
    let direction = match longest(after).cmp(&longest(before)) {
        std::cmp::Ordering::Greater => Direction::Widens,
        std::cmp::Ordering::Less => Direction::Narrows,
        std::cmp::Ordering::Equal => return None,
    };
    let words = |days: Option<u32>| match days {
        Some(days) => format!("within {}", words::days(days)),
        None => "never".to_owned(),
    };
    Some(Aside {
        keeper: Keeper::Software,
        direction: Some(direction),
        sentence: format!(
            "has a party that leaves delete what it holds {}, where it was {}",
            words(after),
            words(before)
        ),
        paths: vec!["after.on_exit".to_owned()],
        unless_told: false,
    })
}

/// Who may have a copy of each node's log, which tells of everyone who asked.
fn audits(old: &Mou, new: &Mou) -> Vec<Aside> {
    let auditors = |mou: &Mou| -> BTreeSet<PartyId> {
        mou.audit().into_iter().flat_map(|audit| audit.by.clone()).collect()
    };
    let (before, after) = (auditors(old), auditors(new));
    let sides = [
        (new, after.difference(&before), "newly lets", Direction::Widens),
        (old, before.difference(&after), "no longer lets", Direction::Narrows),
    ];
    // A clause that comes or goes is told of whole.
    let path = if old.audit().is_some() && new.audit().is_some() { "audit.by" } else { "audit" };
    let mut found = Vec::new();
    for (mou, ids, lets, direction) in sides {
        let ids: BTreeSet<_> = ids.cloned().collect();
        if !ids.is_empty() {
            found.push(Aside {
                keeper: Keeper::Software,
                direction: Some(direction),
                sentence: format!(
                    "{lets} {} have a copy of every node's log",
                    words::parties(mou, &ids)
                ),
                paths: vec![path.to_owned()],
                unless_told: false,
            });
        }
    }
    if let (Some(before), Some(after)) = (old.audit(), new.audit())
        && before.within_days != after.within_days
    {
        let (now, was) = (words::days(after.within_days), words::days(before.within_days));
        let sentence = format!("has a copy of a log handed over within {now}, where it was {was}");
        found.push(people(sentence, &["audit.within_days"]));
    }
    found
}

fn targets(old: &Mou, new: &Mou) -> Vec<Aside> {
    let both = new.kpis().iter().filter_map(|kpi| Some((old.kpi(&kpi.id)?, kpi)));
    let apart = both.filter(|(before, after)| before.target != after.target);
    let stated = apart.map(|(before, after): (&std::sync::Arc<Kpi>, _)| {
        let sentence = match (before.target, after.target) {
            (None, _) => format!("sets a target for `{}`", after.id),
            (_, None) => format!("sets no target for `{}` any more", after.id),
            (Some(Target { .. }), Some(_)) => format!("sets another target for `{}`", after.id),
        };
        people(sentence, &[&format!("kpi.{}.target", after.id)])
    });
    stated.collect()
}

fn words_kept(old: &Mou, new: &Mou) -> Vec<Aside> {
    let set = |words: &[String]| words.iter().cloned().collect::<BTreeSet<_>>();
    let (before, after) = (old.terms(), new.terms());
    let notice = |mou: &Mou| {
        let notice = mou.after().breach_notice.clone();
        notice.map(|notice| (notice.hours, notice.to.into_iter().collect::<BTreeSet<_>>()))
    };
    let comment = |mou: &Mou| mou.amendment().map_or(0, |amendment| amendment.comment_days);
    let exit = |mou: &Mou| mou.amendment().map_or(0, |amendment| amendment.exit_notice_days);
    let differs = [
        (
            set(&before.legal) != set(&after.legal),
            "changes the legal authority that is stated",
            "agreement.legal",
        ),
        (
            set(&before.prohibited) != set(&after.prohibited),
            "changes the list of prohibited uses",
            "agreement.prohibited",
        ),
        (before.document != after.document, "restates another document", "agreement.document"),
        (
            notice(old) != notice(new),
            "changes who is told of a breach, or how soon",
            "after.breach_notice",
        ),
    ];
    let mut found: Vec<_> = differs
        .into_iter()
        .filter(|(differs, ..)| *differs)
        .map(|(_, sentence, path)| people(sentence.to_owned(), &[path]))
        .collect();
    let days = [
        (
            "gives {} for comment on a proposal",
            comment(old),
            comment(new),
            "amendment.comment_days",
        ),
        (
            "asks a party that leaves for {} of notice",
            exit(old),
            exit(new),
            "amendment.exit_notice_days",
        ),
    ];
    for (sentence, before, after, path) in days {
        if before != after {
            let sentence = sentence.replace("{}", &words::days(after));
            let was = words::days(before);
            found.push(people(format!("{sentence}, where it was {was}"), &[path]));
        }
    }
    found
}
