//! Small groups and few parties: what is withheld, by whom, and what they see all the same.

use super::words::{all_parties, and, or};
use super::writer::Writer;
use super::{Keeper, KpiFigures};
use crate::mou::{FloorAt, Limit, Mou};

/// Who withholds small groups.
pub(super) fn who_judges(mou: &Mou) -> Keeper {
    match mou.privacy().floor_at {
        FloorAt::Coalition => Keeper::Backbone,
        FloorAt::Node => Keeper::Node,
    }
}

pub(super) fn groups(writer: &mut Writer<'_>, mou: &Mou, figures: &[KpiFigures]) {
    writer.about("Small groups and few parties");
    floor(writer, mou, figures);
    min_parties(writer, mou);
    writer.say(
        ["privacy.floor"],
        &[Keeper::People],
        "No further group is withheld beside a small one: where a total and all groups but one are shown, the last can \
         be worked out by subtraction, to within the noise of all of them.",
    );
}

fn floor(writer: &mut Writer<'_>, mou: &Mou, figures: &[KpiFigures]) {
    let privacy = mou.privacy();
    let floor = privacy.floor;
    let raised = mou
        .restrictions()
        .iter()
        .enumerate()
        .filter(|(_, restriction)| restriction.limit == Limit::Floor(floor));
    let raised = raised.map(|(n, _)| format!("restrict[{}]", n + 1));
    let clauses: Vec<_> = ["privacy.floor".to_owned(), "privacy.floor_at".to_owned()]
        .into_iter()
        .chain(raised)
        .collect();
    let keeper = [who_judges(mou)];
    let text = match privacy.floor_at {
        FloorAt::Coalition => format!(
            "Groups of fewer than {floor} learners are not shown: the asker’s software judges the sum of all nodes’ \
             noisy counts, and shows a group only if its noisy size exceeds {floor} by so much that a smaller group \
             gets through at most one time in a hundred."
        ),
        FloorAt::Node => format!(
            "Groups of fewer than {floor} learners are not shown: each node judges its own noisy counts, and sends a \
             group only if its noisy size exceeds {floor} by so much that a smaller group gets through at most one \
             time in a hundred."
        ),
    };
    writer.say(&clauses, &keeper, text);
    match privacy.floor_at {
        FloorAt::Coalition => {
            for (kpi, figures) in mou.kpis().iter().zip(figures) {
                let all = match figures.parties {
                    1 => "its one party has answered".to_owned(),
                    more => format!("{} have answered", all_parties(usize::try_from(more).unwrap_or(usize::MAX))),
                };
                writer.say(
                    clauses.iter().cloned().chain([format!("kpi.{}.margin", kpi.id)]),
                    &keeper,
                    format!(
                        "In `{}` that means: when {all}, a noisy size of {} learners or more is shown.",
                        kpi.id, figures.shown_from
                    ),
                );
            }
            writer.say(
                ["privacy.floor_at"],
                &[Keeper::People],
                "This is a rule for what is reported, and not for what the asker receives: the asker’s machine gets \
                 each node’s whole table, with its noise, small groups included, and everybody there who can read its \
                 receipts can read them; what protects a learner from the asker is the noise.",
            );
        }
        FloorAt::Node => writer.say(
            ["privacy.floor_at"],
            &[Keeper::Node],
            "So the asker does not receive small groups either; and since what nodes leave out is missing from the sums, \
             these come out too low, the more so the smaller the parties are.",
        ),
    }
    writer.say(
        ["privacy.floor"],
        &[Keeper::Reading],
        "The floor counts learners and not records, is judged on numbers with noise in them and never on exact ones, \
         and cannot be under 5 in any agreement.",
    );
}

fn min_parties(writer: &mut Writer<'_>, mou: &Mou) {
    let (several, alone): (Vec<_>, Vec<_>) =
        mou.privacy().min_parties.iter().partition(|(_, least)| *least > 1);
    let least: Vec<_> = several.iter().map(|(kind, least)| format!("{least} {kind}s")).collect();
    if least.is_empty() && alone.is_empty() {
        let clause = writer.where_said("privacy.min_parties", "privacy.floor");
        writer.say(
            [clause],
            &[Keeper::People],
            "No fewest number of parties is set: a number may be shown that comes from one party alone, and be read as \
             that party’s own.",
        );
        return;
    }
    let clause = ["privacy.min_parties"];
    if !alone.is_empty() {
        let kinds: Vec<_> = alone.iter().map(|(kind, _)| format!("one {kind}")).collect();
        writer.say(
            clause,
            &[Keeper::People],
            format!(
                "A number may come from {} alone and be read as that party’s own, with which the parties are content.",
                or(&kinds)
            ),
        );
    }
    if least.is_empty() {
        return;
    }
    let least = and(&least);
    writer.say(
        clause,
        &[Keeper::Backbone],
        format!(
            "A number is shown only if at least {least} are behind it, of those kinds that answer its KPI; numbers of \
             other kinds of party may come from one alone."
        ),
    );
    writer.say(
        clause,
        &[Keeper::Node],
        format!(
            "A node refuses a question whose asker does not name at least {least} as asked together; it cannot see \
             whether the others answered."
        ),
    );
    writer.say(
        clause,
        &[Keeper::People],
        "This too is a rule for what is reported: the asker’s machine receives each party’s answer by itself, with its \
         noise.",
    );
}
