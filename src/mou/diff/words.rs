//! Changes as people read them.

use std::fmt::Write;

use sumac_policy::diff::{
    Asked, Beside, Change, ChangedClause, Diff, Direction, Keeper, Reported, Route, Term, Terms,
    Topic, Version, Witness,
};
use sumac_policy::{Margin, Refusal};
use sumac_privacy::{NanoRho, kpi_price};

/// Columns of text, as the help has.
const WIDTH: usize = 100;
/// Where what is said of a change begins.
const INDENT: usize = 16;

/// What the two versions are called.
pub(super) struct Names {
    pub(super) old: String,
    pub(super) new: String,
}

impl Names {
    pub(super) fn of(old: &Version, new: &Version) -> Self {
        let (before, after) = (old.mou().version(), new.mou().version());
        if before == after || old.mou().id() != new.mou().id() {
            return Self { old: "the old text".to_owned(), new: "the new text".to_owned() };
        }
        Self { old: format!("version {before}"), new: format!("version {after}") }
    }
}

/// The whole comparison.
pub(super) fn text(old: &Version, new: &Version, diff: &Diff<'_>) -> String {
    let names = Names::of(old, new);
    let mut text = heading(old, new, diff, &names);
    let mut number = 0;
    let sections = [
        (Direction::Widens, "WIDER: disclosed by {new}, and not by {old}"),
        (Direction::Both, "BOTH: something is withdrawn, and something else newly disclosed"),
        (Direction::Narrows, "NARROWER: disclosed by {old}, and no longer by {new}"),
    ];
    for (direction, title) in sections {
        let of_it: Vec<_> =
            diff.changes.iter().filter(|found| found.change.direction == direction).collect();
        if of_it.is_empty() {
            continue;
        }
        let title = title.replace("{old}", &names.old).replace("{new}", &names.new);
        let _ = writeln!(text, "\n{title}");
        for reported in of_it {
            number += 1;
            text.push_str(&change(number, reported, (old, new), &names));
        }
    }
    for (keeper, title) in [
        (Keeper::Software, "BESIDE THE QUESTIONS: acted on by nodes and by this command"),
        (
            Keeper::People,
            "WORDS THAT PEOPLE KEEP: recorded and shown, enforced by nobody's software",
        ),
    ] {
        let of_it: Vec<_> = diff.beside.iter().filter(|aside| aside.keeper == keeper).collect();
        if of_it.is_empty() {
            continue;
        }
        let _ = writeln!(text, "\n{title}");
        for Beside { direction, sentence, clauses, .. } in of_it {
            number += 1;
            let word =
                direction.map_or_else(String::new, |direction| format!(" ({})", side(direction)));
            let _ = writeln!(text, "\n{}", wrapped(&format!("{number}. It {sentence}{word}."), 3));
            text.push_str(&forms(clauses));
        }
    }
    if !diff.wording.is_empty() {
        let _ = writeln!(
            text,
            "\nWORDING: written differently, and no question is answered differently for it\n"
        );
        text.push_str(&wording(&diff.wording));
    } else if diff.is_same() {
        let same = match old.mou().hash() == new.mou().hash() {
            true => "Nothing differs: these are the same bytes.",
            false => {
                "Nothing differs but comments, spaces and order: every question is answered alike."
            }
        };
        let _ = writeln!(text, "\n{same}");
    }
    text
}

fn heading(old: &Version, new: &Version, diff: &Diff<'_>, names: &Names) -> String {
    let (before, after) = (old.mou(), new.mou());
    let mut text = String::new();
    if !diff.is_one_agreement() {
        let _ = writeln!(
            text,
            "These are two agreements, `{}` and `{}`, and not two versions of one.\n",
            before.id(),
            after.id()
        );
    }
    let _ = writeln!(text, "{}", after.title());
    for (word, mou) in [("old", before), ("new", after)] {
        let _ = writeln!(text, "{word}: version {}, {}", mou.version(), mou.hash());
    }
    if let Some(from) = diff.compared_from() {
        let Names { old, new } = names;
        let _ = writeln!(
            text,
            "{}",
            wrapped(
                &format!(
                    "Until {from}, {old} stands; compared from that day on, on which {new} takes effect."
                ),
                0
            )
        );
        if after.replaces() != Some(before.hash()) {
            let _ =
                writeln!(text, "Note: `replaces` of {new} names another version than this {old}.");
        }
    }
    let widening = widening(diff).len();
    let verdict = match (diff.is_same(), widening) {
        (true, _) => "No change in meaning.".to_owned(),
        (false, 0) => "Nothing is disclosed that was not.".to_owned(),
        (false, 1) => "1 change discloses what was not disclosed.".to_owned(),
        (false, count) => format!("{count} changes disclose what was not disclosed."),
    };
    let _ = writeln!(text, "\n{verdict}");
    text
}

fn change(
    number: usize,
    Reported { change, clauses }: &Reported,
    versions: (&Version, &Version),
    names: &Names,
) -> String {
    let mut text = String::new();
    let mut sentence = change.sentence.clone();
    if let Some(price) = price(change, versions) {
        sentence.push_str(&price);
    }
    let _ = writeln!(text, "\n{}", wrapped(&format!("{number}. It {sentence}."), 3));
    for witness in &change.witnesses {
        text.push_str(&said("witness", &question(witness, change.topic)));
        let terms = change.terms();
        for (name, says) in [(&names.old, &witness.old), (&names.new, &witness.new)] {
            text.push_str(&said(name, &outcome(says, &terms)));
        }
    }
    text + &forms(clauses)
}

/// What another margin costs.
fn price(change: &Change, (old, new): (&Version, &Version)) -> Option<String> {
    if change.topic != Topic::Margin {
        return None;
    }
    let id = &change.witnesses.first()?.asked.question.kpi;
    let (before, after) = (kpi_price(old.mou().kpi(id)?), kpi_price(new.mou().kpi(id)?));
    Some(format!(", at ρ = {after} a table instead of ρ = {before}"))
}

/// The witness as a sentence.
pub(super) fn question(witness: &Witness, topic: Topic) -> String {
    let Asked { asker, node, question, roster, day } = &witness.asked;
    let by = match question.breakdown.dimensions() {
        [] => "in all".to_owned(),
        _ => format!("by {}", question.breakdown),
    };
    let root = match topic {
        Topic::Root => format!(" with a certificate of the root {}", asker.root),
        _ => String::new(),
    };
    let together = match topic {
        Topic::MinParties => {
            let names: Vec<_> = roster.iter().map(|id| format!("`{id}`")).collect();
            format!(", asked together: {}", names.join(", "))
        }
        _ => String::new(),
    };
    format!(
        "On {day} an analyst of `{}`{root} asks `{node}` for `{}`, {}, {by}, for `{}`{together}.",
        asker.party, question.kpi, question.period, question.purpose
    )
}

/// What a version says to the witness; of an answer, the terms that matter.
pub(super) fn outcome(says: &Result<Terms, Refusal>, terms: &[Term]) -> String {
    match says {
        Err(refusal) => {
            format!("refuses: {} ({}: {refusal})", refusal.reason.code(), refusal.clause)
        }
        Ok(answer) if terms.is_empty() => match &answer.route {
            Route::Listed => format!("answers, at {}", answer.margin),
            Route::AddedUp(_) => format!("answers, {}", route(&answer.route, answer.margin)),
        },
        Ok(answer) => {
            let stated: Vec<_> = terms.iter().filter_map(|term| of_term(*term, answer)).collect();
            format!("answers, {}", stated.join(", "))
        }
    }
}

/// One term of an answer in words.
fn of_term(term: Term, terms: &Terms) -> Option<String> {
    let measured = terms.measured.as_ref();
    let days = |days: u32| if days == 1 { "1 day".to_owned() } else { format!("{days} days") };
    Some(match term {
        Term::Definition => {
            let hash = terms.definition.to_string();
            format!("counting what is defined by {}…", hash.chars().take(23).collect::<String>())
        }
        Term::Span => format!("for {} to {}", terms.span.first, terms.span.last),
        Term::Route => route(&terms.route, terms.margin),
        Term::Margin => format!("at {}", terms.margin),
        Term::Floor => format!("with a floor of {}", terms.floor),
        Term::FloorAt => format!("with the floor judged at the {}", terms.floor_at),
        Term::MinParties if terms.min_parties.is_empty() => "with no fewest parties".to_owned(),
        Term::MinParties => {
            let least: Vec<_> =
                terms.min_parties.iter().map(|(kind, least)| format!("{kind} = {least}")).collect();
            format!("with min_parties {}", least.join(", "))
        }
        Term::KeepDays => match terms.keep_days {
            Some(kept) => format!("kept {}", days(kept)),
            None => "kept for ever".to_owned(),
        },
        Term::NodeRoot => format!("by a node of the root {}", terms.node_root),
        Term::MayMeasure => match measured?.may_measure {
            true => "measured if it is not released yet".to_owned(),
            false => "if it is released already".to_owned(),
        },
        Term::Needs => match measured?.needs {
            Some(approval) => format!("after {approval}"),
            None => "with nobody's approval".to_owned(),
        },
        Term::Budget => {
            format!("from a budget of ρ = {}", NanoRho::new(measured?.budget_nano_rho))
        }
        Term::Accounting => {
            let span = measured?.accounting;
            format!("paid from the year {} to {}", span.first, span.last)
        }
        Term::Freshness => match measured?.freshness_days {
            Some(old) => format!("from data up to {} old", days(old)),
            None => "from data of any age".to_owned(),
        },
    })
}

fn route(route: &Route, margin: Margin) -> String {
    match route {
        Route::Listed => format!("measured at {margin}"),
        Route::AddedUp(sources) => {
            let from: Vec<_> = sources
                .iter()
                .map(|(by, cells)| format!("by {by}, {cells} cells of {margin} for one"))
                .collect();
            format!("added up from a released table {}", from.join("; or "))
        }
    }
}

/// A change's clauses, each as reference, original and replacement.
fn forms(clauses: &[ChangedClause]) -> String {
    let mut text = String::new();
    for clause in clauses {
        text.push_str(&said("clause", &place(clause)));
        let nothing = "(nothing)".to_owned();
        text.push_str(&said("original", clause.original.as_ref().unwrap_or(&nothing)));
        text.push_str(&said("replacement", clause.replacement.as_ref().unwrap_or(&nothing)));
    }
    text
}

/// A clause with its lines.
fn place(clause: &ChangedClause) -> String {
    let lines = match (clause.old_line, clause.new_line) {
        (Some(old), Some(new)) if old != new => format!(", line {new}, formerly {old}"),
        (_, Some(line)) => format!(", line {line}"),
        (Some(line), None) => format!(", formerly line {line}"),
        (None, None) => String::new(),
    };
    format!("{}{lines}", clause.reference)
}

fn wording(clauses: &[ChangedClause]) -> String {
    let lines = clauses.iter().map(|clause| format!("   {}\n", place(clause)));
    lines.collect()
}

/// `witness      On 2026-10-22 …`
fn said(what: &str, words: &str) -> String {
    let label = format!("   {what:<width$}", width = INDENT - 3);
    let body = wrapped(&format!("{}{words}", "\u{a0}".repeat(INDENT)), INDENT);
    let body: String = body.chars().skip(INDENT).collect();
    format!("{label}{body}\n")
}

/// Text in lines of [`WIDTH`], all but the first indented; a longer word stands alone.
fn wrapped(text: &str, indent: usize) -> String {
    let (mut lines, mut width) = (String::new(), 0);
    for word in text.split(' ') {
        let long = word.chars().count();
        if width > 0 && width + 1 + long > WIDTH {
            lines.push('\n');
            lines.push_str(&" ".repeat(indent));
            width = indent;
        } else if width > 0 {
            lines.push(' ');
            width += 1;
        }
        lines.push_str(word);
        width += long;
    }
    lines
}

/// What discloses more, in words.
pub(super) fn widening(diff: &Diff<'_>) -> Vec<String> {
    let changes = diff.changes.iter().map(|found| &found.change);
    let changes = changes.filter(|change| change.direction.widens());
    let beside = diff.beside.iter().filter(|aside| aside.direction.is_some_and(Direction::widens));
    let sentences = changes.map(|change| &change.sentence);
    sentences.chain(beside.map(|aside| &aside.sentence)).cloned().collect()
}

/// Everything that is no mere wording.
pub(super) fn all(diff: &Diff<'_>) -> Vec<String> {
    let changes = diff.changes.iter().map(|found| found.change.sentence.clone());
    changes.chain(diff.beside.iter().map(|aside| aside.sentence.clone())).collect()
}

fn side(direction: Direction) -> &'static str {
    match direction {
        Direction::Widens => "wider",
        Direction::Narrows => "narrower",
        Direction::Both => "both",
    }
}
