//! What a margin means, and what one learner risks.

use super::words::{all_parties, counted, guess, percent, rho};
use super::writer::Writer;
use super::{Figures, Keeper};
use crate::mou::Mou;

pub(super) fn precision(writer: &mut Writer<'_>) {
    writer.about("How to read a number");
    writer.say(
        ["format"],
        &[Keeper::Backbone],
        "A margin is stated for one count, in one cell, at one node; one time in twenty the exact count lies outside it.",
    );
    writer.say(
        ["format"],
        &[Keeper::Backbone],
        "Sums are less precise, by the square root of what is added: the size of a group with two outcomes by √2, the \
         sum of k nodes by √k.",
    );
    writer.say(
        ["format"],
        &[Keeper::Backbone],
        "Every combined number states its margin, who answered, and who did not and why.",
    );
}

pub(super) fn learner(writer: &mut Writer<'_>, mou: &Mou, figures: &Figures) {
    writer.about("What one learner risks");
    let budget = || ["privacy.budget"];
    writer.say(
        budget(),
        &[Keeper::Node],
        format!(
            "However many questions are asked in a year, one node lets out so little that from all of its answers \
             together {}.",
            guess(&figures.year)
        ),
    );
    let answering = answering(mou);
    if answering > 1 {
        writer.say(
            budget(),
            &[Keeper::People],
            format!(
                "Each node keeps its own budget and no one adds them up for a learner: for one known to two parties, \
                 in a year in which both spend all of it, {}.",
                guess(&figures.two)
            ),
        );
    }
    if answering > 2 {
        writer.say(
            budget(),
            &[Keeper::People],
            format!(
                "For a learner known to {} that answer, in a year in which all of them spend all of \
                 it, {}.",
                all_parties(answering),
                guess(&figures.everywhere)
            ),
        );
    }
    writer.say(
        ["privacy.budget"],
        &[Keeper::People],
        "These are upper bounds, for somebody who knows every other record and every answer; they hold for each year by \
         itself, and what is learnt in several years adds up.",
    );
    writer.say(
        ["privacy.budget"],
        &[Keeper::Node],
        "They hold for all records of the learner at the node together, however many there are, and do not depend on what \
         the attacker knows, has or will learn elsewhere.",
    );
}

fn answering(mou: &Mou) -> usize {
    let answers = |party: &&crate::mou::Party| {
        mou.kpis().iter().any(|kpi| mou.is_answered_by(kpi, &party.id))
    };
    mou.parties().iter().filter(answers).count()
}

pub(super) fn budget(writer: &mut Writer<'_>, mou: &Mou, figures: &Figures) {
    writer.about("The year’s budget");
    writer.say(
        ["privacy.budget", "calendar.year_starts"],
        &[Keeper::Node],
        format!(
            "Each node may spend ρ = {} in a year; what a table costs is written to disk before a record is read, is \
             never given back, and what is left lapses with the year.",
            rho(mou.privacy().budget_nano_rho)
        ),
    );
    writer.say(
        ["privacy.budget"],
        &[Keeper::Node],
        "A table that the rest of the year’s budget does not hold is refused until the next year.",
    );
    for year in &figures.years {
        let share = year.share_permille.map_or_else(String::new, percent);
        writer.say(
            ["privacy.budget", "effective", "expires"],
            &[Keeper::Node],
            format!(
                "In {} the calendar has {} for each {}, which together cost {share} of its budget.",
                year.year,
                counted(u64::try_from(year.tables).unwrap_or(u64::MAX), "new table", "new tables"),
                year.kind,
            ),
        );
    }
}
