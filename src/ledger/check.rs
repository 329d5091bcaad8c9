//! `sumac ledger check`: derive everything from the log, and compare.

use std::fmt::Write;

use std::sync::Arc;

use anyhow::Context;
use sumac_keys::Trust;
use sumac_node::day_of;
use sumac_node::store::{self, Checked, IndexState};
use sumac_privacy::NanoRho;

use super::{Ledger, LedgerArgs};
use crate::outcome::{Outcome, hinted};
use crate::status::standing;
use crate::terminal::{answer, tell};

/// Verify a ledger, all of it, from its log alone
///
/// Reads every record: its checksum, its spelling, its place, the tree over all
/// of them, every head and whose signature it carries, that every release
/// follows its charge, that no year spends more than its budget. Holds every
/// release against the record that binds it. Derives every balance anew and
/// compares it with the index. Works while the node serves, and on a copy of
/// the folder (--ledger). Changes nothing. The exit code is 1 if anything is
/// off; then the record's number is told, and what to do.
///
/// Example: sumac ledger check --home /srv/sumac
///          sumac ledger check --ledger ./copy --mou ./mou
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    #[command(flatten)]
    of: LedgerArgs,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let ledger = args.of.find()?;
    let trust = trust(&ledger);
    let checked = store::check(&ledger.dir, trust.as_deref()).context("check the ledger")?;
    answer(&words(&checked))?;
    only_this_party(&checked, &ledger)?;
    if checked.bodies.is_none() && ledger.settings.is_some() {
        return Err(hinted(
            "the folder `bodies` is gone, and the releases with it",
            "stop the node, and put the folder back or restore the ledger from a backup",
        ));
    }
    if checked.index == IndexState::Disagrees {
        return Err(hinted(
            "the index says otherwise than the log",
            "the log is the truth: stop the node and run `sumac ledger rebuild`",
        ));
    }
    Ok(Outcome::Done)
}

/// The roots by which signatures are judged, if there is an MOU to take them from.
fn trust(ledger: &Ledger) -> Option<Arc<Trust>> {
    match ledger.agreement() {
        Ok(agreement) => Some(agreement.trust),
        Err(error) => {
            tell!("note: signatures are not judged: {error:#}");
            None
        }
    }
}

fn only_this_party(checked: &Checked, ledger: &Ledger) -> anyhow::Result<()> {
    let (Some(signers), Some(settings)) = (&checked.signers, &ledger.settings) else {
        return Ok(());
    };
    match signers.iter().find(|signer| *signer.party() != settings.party) {
        None => Ok(()),
        Some(other) => Err(hinted(
            format_args!("heads of this ledger are signed by `{other}`"),
            format_args!("this is not the ledger of `{}`: put its own back", settings.party),
        )),
    }
}

fn words(checked: &Checked) -> String {
    let Checked {
        records,
        heads,
        unfinished_bytes,
        head,
        signers,
        charges,
        releases,
        bodies,
        purged,
        undeleted,
        exported,
        ..
    } = checked;
    let mut text = String::new();
    let mut line = |label: &str, words: &str| {
        let _ = writeln!(text, "{label:<12}{words}");
    };
    line("records", &format!("{records}: each whole, in order, spelled as it must be"));
    match head {
        Some(signed) => {
            line("tree", &format!("{heads} heads, each over the records below it"));
            line("", &format!("{}, {} records", signed.head.root, signed.head.size));
        }
        None => line("tree", "empty"),
    }
    match signers.as_deref() {
        None => line("signatures", "not judged"),
        Some([]) => line("signatures", "none yet"),
        Some(signers) => {
            let names: Vec<_> = signers.iter().map(ToString::to_string).collect();
            let by = names.join(", ");
            line("signatures", &format!("every head, by {by}, valid at its time"));
        }
    }
    line("charges", &format!("{charges}: each table's measurement once, within its year's budget"));
    line("releases", &format!("{releases}: each once, after its charge"));
    if *purged > 0 {
        let left = match undeleted {
            0 => String::new(),
            left => format!("; {left} of them are still there, and the next start deletes them"),
        };
        line("purged", &format!("{purged}: deleted, their tables stay paid for{left}"));
    }
    match bodies {
        Some(bodies) => line("bodies", &format!("{bodies}: each as its record binds it")),
        None => line("bodies", "not compared: the folder `bodies` is not beside the log"),
    }
    if let Some((party, at)) = exported {
        line("copied", &format!("for `{party}` on {}", day_of(*at)));
    }
    for (year, spent) in &checked.spent_nano_rho {
        line("spent", &format!("{year}: ρ = {}", NanoRho::new(*spent)));
    }
    line("", &format!("all years: ρ = {}", NanoRho::new(checked.lifetime_nano_rho)));
    if checked.lost_nano_rho > 0 {
        let lost = NanoRho::new(checked.lost_nano_rho);
        line("", &format!("of which lost before a restore: ρ = {lost}"));
    }
    if let Some(words) = standing(&checked.standing) {
        line("standing", &words);
    }
    line("index", &index(checked.index));
    if *unfinished_bytes > 0 {
        let what =
            format!("{unfinished_bytes} bytes, under way or cut short; nothing rests on them");
        line("unfinished", &what);
    }
    text
}

fn index(state: IndexState) -> String {
    match state {
        IndexState::Agrees => "says the same".to_owned(),
        IndexState::Behind { records } => {
            format!("says the same, without the last {records} records; the next start adds them")
        }
        IndexState::Missing => "not there; the next start makes it".to_owned(),
        IndexState::InUse => "in use by a running node, not compared".to_owned(),
        IndexState::Unreadable => "cannot be read; the next start makes another".to_owned(),
        IndexState::Disagrees => "says otherwise".to_owned(),
    }
}
