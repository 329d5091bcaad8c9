//! `sumac leave`: this party leaves the agreement.

mod certificate;
mod destroy;
mod verify;

use anyhow::Context;
use serde_json::json;
use sumac_keys::{Chain, ExitNotice, Root, SignedExit};
use sumac_node::console::{Command, Reply};
use sumac_node::day_of;
use sumac_node::store::{log_file, read_only};
use sumac_policy::PartyId;

use crate::agreement::Agreement;
use crate::certificate::RootArgs;
use crate::counterpart::Counterpart;
use crate::envoy::{Envoy, tell_absences};
use crate::home::{Home, HomeArgs, Settings};
use crate::outcome::{Outcome, hinted};
use crate::terminal::{Format, answer, answer_json, confirm, tell};
use crate::world;

/// Leave the agreement
///
/// This party needs nobody's consent. In this order: its root signs a notice of
/// exit, the node refuses every question from then on, the others' nodes are
/// told and refuse this party's certificates, the data frozen for the agreement
/// is deleted, and so are the releases beside the ledger where the MOU says
/// that a leaver deletes. The ledger's log stays: it is the proof that budgets
/// were kept. What was deleted, and what was not, is written into a certificate
/// that the root signs.
///
/// Interrupted, it is finished by running it again. Nodes that cannot be
/// reached get the notice as files: mou/exits/ of this home.
///
/// Examples:
///   sumac leave --because "the college merges" --root /media/usb/root.p12
///   sumac leave verify destruction.json --mou ./mou
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment, args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,

    /// Why: part of the notice that everyone gets
    #[arg(long, value_name = "REASON", required = true)]
    because: Option<String>,

    /// Do not ask for a confirmation
    #[arg(long)]
    yes: bool,

    /// For people, or for machines
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    #[command(flatten)]
    home: HomeArgs,

    #[command(flatten)]
    root: RootArgs,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    Verify(verify::Args),
}

pub(crate) fn run(args: Args) -> anyhow::Result<Outcome> {
    if let Some(Verb::Verify(args)) = &args.verb {
        return verify::run(args);
    }
    let because = args.because.as_deref().context("read the reason")?;
    let home = args.home.open()?;
    let settings = home.settings()?;
    let chain = Agreement::of_home(&home, &settings)?.chain;
    tell!("{}", what_happens(&chain, &settings.party));
    if !args.yes && !confirm("Leave?", "--yes")? {
        tell!("nothing was changed");
        return Ok(Outcome::Failed);
    }
    let root = args.root.open(&home)?;
    let (notice, signed) = notice(&home, &chain, &root, because)?;
    let shelf = home.shelf(&settings);
    shelf.keep_exit(&notice, &signed)?;
    shelf.drop_next()?;
    if home.ledger().exists() {
        stop(&home)?;
        tell!("The node refuses every question from now on.");
    }
    let told = match Envoy::of(&home, &chain)? {
        Some(envoy) => envoy.tell_exit(&signed),
        None => Vec::new(),
    };
    let told: Vec<_> = told.into_iter().filter(|(party, _)| *party != settings.party).collect();
    let reached = told.iter().filter(|(_, told)| told.is_ok()).count();
    tell!("{reached} of {} other nodes know of it.", told.len());
    tell_absences(&told);
    if reached < told.len() {
        tell!(
            "Send the others mou/exits/{}.toml and .p7s for the `exits` folder beside their MOU.",
            settings.party
        );
    }
    let destroyed = destroy::destroy(&home, &chain)?;
    let path = certificate::write(&home, &chain, &root, &notice, destroyed)?;
    if args.format == Format::Json {
        let told = told.iter().map(|(party, told)| {
            let why_not = told.as_ref().err().map(ToString::to_string);
            json!({ "party": party.to_string(), "why_not": why_not })
        });
        answer_json(&json!({
            "format": "sumac-left/1",
            "party": settings.party.to_string(),
            "on": notice.on().to_string(),
            "because": notice.because(),
            "told": told.collect::<Vec<_>>(),
            "certificate": path.display().to_string(),
            "signature": certificate::signature_of(&path).display().to_string(),
        }))?;
        return Ok(Outcome::Done);
    }
    answer(&format!("{}\n", path.display()))?;
    tell!(
        "\nThe certificate of destruction above is signed: give it to the others, with its .p7s."
    );
    Ok(Outcome::Done)
}

/// Refuses what only a party of the coalition does, once this one has left. One that is on its way back has accepted
/// the version that lists it again, and may get ready.
pub(crate) fn refuse_who_left(home: &Home, settings: &Settings) -> anyhow::Result<()> {
    let (shelf, today) = (home.shelf(settings), day_of(world::now()));
    let mut left = None;
    // An MOU that is not signed yet is nobody's to leave.
    if let Ok(chain) = shelf.chain() {
        if shelf.next(&chain, today)?.is_some() {
            return Ok(());
        }
        let notice = chain.left(today).find(|notice| *notice.party() == settings.party);
        left = notice.map(|notice| notice.on().to_string());
    }
    if left.is_none() && log_file(&home.ledger()).exists() {
        left = read_only(&home.ledger()).context("read the ledger")?.left.map(|left| left.on);
    }
    match left {
        Some(on) => Err(gone(&settings.party, &on)),
        None => Ok(()),
    }
}

/// What is said to who left.
pub(crate) fn gone(party: &PartyId, on: &str) -> anyhow::Error {
    hinted(
        format_args!(
            "`{party}` left the agreement on {on}: it answers nobody, and takes no data in for it"
        ),
        "`sumac leave` finishes what is left to delete; who comes back first accepts the version that lists it again: \
         `sumac mou activate DIR`",
    )
}

fn what_happens(chain: &Chain, party: &PartyId) -> String {
    let (title, days) = (chain.mou().title(), chain.mou().after().delete_within_days);
    let deletes = match days {
        Some(days) => format!(
            "deletes    the frozen data and every release beside the ledger, which the MOU wants within {days} days"
        ),
        None => {
            "deletes    the frozen data; the MOU does not say that a leaver deletes more".to_owned()
        }
    };
    format!(
        "`{party}` leaves `{title}`:\n\
         stops      its node at once, for every question\n\
         tells      every node that can be reached\n\
         {deletes}\n\
         keeps      the ledger's log, receipts, the MOU, and this party's own records, which are no part of it\n"
    )
}

/// The notice that is there already, or a new one.
fn notice(
    home: &Home,
    chain: &Chain,
    root: &Root,
    because: &str,
) -> anyhow::Result<(ExitNotice, SignedExit)> {
    let party = root.party();
    let listed = chain.mou().party(party);
    if listed.is_none_or(|listed| listed.root != root.fingerprint()) {
        return Err(hinted(
            format_args!("the MOU in force does not pin this root for `{party}`"),
            "a party leaves with the root that the others know",
        ));
    }
    let shelf = home.shelf(&home.settings()?);
    if let Some(signed) = shelf.exits()?.remove(party)
        && let Ok(notice) = chain.exit(&signed)
    {
        tell!("note: the notice of {} stands; going on from there", notice.on());
        return Ok((notice, signed));
    }
    let signed = ExitNotice::sign(root, chain.mou().id(), day_of(world::now()), because)?;
    Ok((chain.exit(&signed)?, signed))
}

/// The node writes it into its log, and answers nothing more.
fn stop(home: &Home) -> anyhow::Result<()> {
    match Counterpart::find(home)?.say(&Command::Leave)? {
        Reply::Left => Ok(()),
        Reply::Refused { message, hint, .. } => Err(hinted(message, hint)),
        _ => anyhow::bail!("the node replied to another command"),
    }
}
