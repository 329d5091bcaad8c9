//! Who keeps what: the last paragraph, which sums up what every sentence says of itself.

use super::Keeper;
use super::words::and;
use super::writer::Writer;
use crate::mou::{FloorAt, Mou};

pub(super) fn enforcement(writer: &mut Writer<'_>, mou: &Mou) {
    writer.about("Who keeps this agreement");
    writer.say(
        ["format"],
        &[Keeper::Reading],
        "“reading”: the software refuses a file that breaks the clause, at every party.",
    );
    writer.say(
        ["format"],
        &[Keeper::Node],
        "“node”: each party’s own node keeps it for that party’s records, whatever the asker or any other party does.",
    );
    let trusted: Vec<String> = [
        (mou.privacy().floor_at == FloorAt::Coalition).then_some("the floor"),
        (!mou.privacy().min_parties.is_empty()).then_some("the fewest parties behind a number"),
        Some("what a report says of its margins and of who answered"),
    ]
    .into_iter()
    .flatten()
    .map(str::to_owned)
    .collect();
    writer.say(
        ["privacy.floor_at"],
        &[Keeper::Backbone],
        format!(
            "“backbone”: the asker’s software keeps it, on noisy numbers that the asker has already; for {} the other \
             parties trust the asker to run that software and to pass on nothing else.",
            and(&trusted)
        ),
    );
    writer.say(
        ["format"],
        &[Keeper::People],
        "“people”: nobody but people keeps it; the software shows it, signs it and records it, and can do no more.",
    );
}
