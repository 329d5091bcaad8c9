//! How it begins, changes and ends: pilot, amendment, leaving, what becomes of answers, breach, audit.

use super::Keeper;
use super::words::{and, counted};
use super::writer::Writer;
use crate::mou::Mou;

pub(super) fn pilot(writer: &mut Writer<'_>, mou: &Mou) {
    let Some(pilot) = mou.pilot() else { return };
    writer.about("The pilot");
    let parties: Vec<_> = pilot.parties.iter().map(|id| format!("`{id}`")).collect();
    let kpis: Vec<_> = pilot.kpis.iter().map(|id| format!("`{id}`")).collect();
    writer.say(
        ["pilot.until", "pilot.parties", "pilot.kpis"],
        &[Keeper::Node],
        format!(
            "Until {}, that day included, only {} may be asked, and only the nodes of {} answer.",
            pilot.until,
            and(&kpis),
            and(&parties)
        ),
    );
    let after = if pilot.until < mou.expires() {
        "From the next day on everything else in this agreement may be asked too, without another signature."
    } else {
        "The pilot lasts as long as this version: what goes beyond it needs another version, that every party signs."
    };
    writer.say(["pilot.until", "expires"], &[Keeper::Node], after);
}

pub(super) fn amendment(writer: &mut Writer<'_>, mou: &Mou) {
    writer.about("Amendment");
    let rule = writer.where_said("amendment.rule", "format");
    writer.say(
        [rule.clone()],
        &[Keeper::Node],
        "A new version takes effect only when every party of the old version and of the new one has signed it (less \
         those who have given a signed notice that they leave) and its first day has come; until then this version \
         stands, and each node verifies the signatures itself.",
    );
    if let Some(amendment) = mou.amendment() {
        let comment = writer.where_said("amendment.comment_days", &rule);
        writer.say(
            [comment],
            &[Keeper::People],
            match amendment.comment_days {
                0 => "No time for comment on a proposal is set.".to_owned(),
                days => format!(
                    "The parties have {} to comment on a proposal before it takes effect.",
                    counted(u64::from(days), "day", "days")
                ),
            },
        );
    }
    writer.say(
        ["format"],
        &[Keeper::Node],
        "A party may narrow its own node at once and alone, and can never widen it alone.",
    );
}

pub(super) fn leaving(writer: &mut Writer<'_>, mou: &Mou) {
    writer.about("Leaving");
    match mou.amendment() {
        Some(amendment) => {
            let notice = writer.where_said("amendment.exit_notice_days", "amendment.rule");
            writer.say(
                [notice],
                &[Keeper::People],
                match amendment.exit_notice_days {
                    0 => "A party may leave without notice.".to_owned(),
                    days => format!(
                        "A party that leaves gives notice of {}.",
                        counted(u64::from(days), "day", "days")
                    ),
                },
            );
        }
        None => writer.say(
            ["format"],
            &[Keeper::People],
            "No time of notice is set for a party that leaves.",
        ),
    }
    writer.say(
        ["format"],
        &[Keeper::Node],
        "Whatever the notice, the node of a party that leaves may stop answering at once, and what was released before \
         cannot be called back from those who received it.",
    );
    match mou.after().delete_within_days {
        Some(days) => {
            let by = match days {
                0 => "on the day it leaves".to_owned(),
                days => format!("within {} of leaving", counted(u64::from(days), "day", "days")),
            };
            writer.say(
                ["after.on_exit"],
                &[Keeper::Node],
                format!(
                    "A party that leaves deletes {by} what its Sumac node holds, and certifies it."
                ),
            );
            writer.say(
                ["after.on_exit"],
                &[Keeper::People],
                "Copies elsewhere, in printed reports, mails and others’ receipts, are for people to delete: no node \
                 reaches them.",
            );
        }
        None => writer.say(
            ["format"],
            &[Keeper::People],
            "The file does not say what a party that leaves deletes.",
        ),
    }
}

pub(super) fn answers(writer: &mut Writer<'_>, mou: &Mou) {
    writer.about("How long answers are kept");
    match mou.after().keep_releases_days {
        Some(days) => {
            writer.say(
                ["after.keep_releases_days"],
                &[Keeper::Node, Keeper::Backbone],
                format!(
                    "An answer is deleted {} after it was made, at the node and at the asker; its table stays paid for \
                     and is not measured again.",
                    counted(u64::from(days), "day", "days")
                ),
            );
            writer.say(
                ["after.keep_releases_days"],
                &[Keeper::People],
                "Reports made of it, and copies that others took, are for people to delete.",
            );
        }
        None => writer.say(
            ["format"],
            &[Keeper::Node],
            "No time is set: nodes keep their answers as long as their log, and askers keep their receipts.",
        ),
    }
}

pub(super) fn breach(writer: &mut Writer<'_>, mou: &Mou) {
    writer.about("Breach");
    match &mou.after().breach_notice {
        Some(notice) => {
            let told: Vec<_> = notice
                .to
                .iter()
                .map(|id| match mou.party(id) {
                    Some(party) => format!("{} ({})", party.name, and(&party.contacts)),
                    None => id.to_string(),
                })
                .collect();
            writer.say(
                ["after.breach_notice"],
                &[Keeper::People],
                format!(
                    "Whoever learns of a breach tells {} within {}.",
                    and(&told),
                    counted(u64::from(notice.hours), "hour", "hours")
                ),
            );
        }
        None => writer.say(
            ["format"],
            &[Keeper::People],
            "The file does not say who is told of a breach, nor how soon: the law that binds each party does.",
        ),
    }
    writer.say(
        ["format"],
        &[Keeper::Node],
        "Each node writes every question, charge and answer into a log whose records cannot be changed afterwards without \
         being found out by those who asked.",
    );
}

pub(super) fn audit(writer: &mut Writer<'_>, mou: &Mou) {
    writer.about("The right to an audit");
    let Some(audit) = mou.audit() else {
        writer.say(
            ["format"],
            &[Keeper::Node],
            "The file gives no party a copy of another one’s log; whoever asked can prove from its receipts that what it \
             was answered lies in that log.",
        );
        return;
    };
    let parties: Vec<_> = audit.by.iter().map(|id| format!("`{id}`")).collect();
    writer.say(
        ["audit.by"],
        &[Keeper::Node],
        format!(
            "{} may have a copy of the log of every node, under the node’s signature: who asked what and for which \
             purpose, what was refused, held, charged and released, and every order that its operator gave it.",
            and(&parties)
        ),
    );
    writer.say(
        ["audit.by"],
        &[Keeper::Node],
        "No released number is in the copy, no record and no secret; a node makes it for no other party, and writes into \
         the log that it made one.",
    );
    writer.say(
        ["audit.within_days"],
        &[Keeper::People],
        match audit.within_days {
            0 => "A party hands the copy over on the day it is asked for it.".to_owned(),
            days => format!(
                "A party hands the copy over within {} of being asked for it.",
                counted(u64::from(days), "day", "days")
            ),
        },
    );
}
