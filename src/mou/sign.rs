//! `sumac mou sign`: a party's consent.

use std::path::PathBuf;

use anyhow::Context;
use serde_json::json;
use sumac_keys::{By, Needed, Root, SignatureState, Version, folder_name, mou_signature};
use sumac_policy::{Mou, Severity};

use super::check::examine;
use super::replaced::replaced;
use crate::agreement::{MouFolder, in_file};
use crate::certificate::RootArgs;
use crate::home::{HomeArgs, write_public};
use crate::outcome::{Hint, Outcome, hinted};
use crate::terminal::{Format, answer, answer_json, confirm, tell};

/// Sign an MOU with this party's root
///
/// Shows what is signed and the fingerprint of every party's root. Read the fingerprints to each other by
/// telephone before you agree: they are what makes strangers strangers. Then opens the root and writes
/// signatures/PARTY.p7s, which goes back to the MOU's author. Nothing is signed if `sumac mou check` finds an
/// error, or if the MOU pins another root for this party.
///
/// A version that replaces another is signed with the root that the others know, which is that of the version replaced;
/// where it brings this party a new root, that one signs too, into PARTY.new.p7s: sign twice, once with each.
///
/// Needs no home if --root names the root, so it can run on a machine without a network.
///
/// Example: sumac mou sign ./mou --root /media/usb/root.p12
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder that holds mou.toml
    #[arg(value_name = "DIR")]
    dir: PathBuf,

    /// Sign without asking: the fingerprints were compared
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

pub(crate) fn run(args: Args) -> anyhow::Result<Outcome> {
    let folder = MouFolder::read(&args.dir)?;
    let mou = sound(&folder)?;
    tell!("{}", what_is_signed(&mou));
    if !args.yes && !confirm("Have you compared the fingerprints, and do you sign?", "--yes")? {
        return Err(hinted("nothing was signed", "sign when the parties agree"));
    }

    let root = args.root.open_any(&args.home.unopened())?;
    let before = replaced(&args.dir, &mou, &args.home)?;
    let by = which_root(&mou, before.as_ref(), &root)?;
    let signature = mou_signature::sign(&root, folder.bytes())?;
    folder.make_folders()?;
    let party = root.party();
    let certificate = folder.root_file(party);
    let pinned = mou.party(party).is_some_and(|listed| listed.root == root.fingerprint());
    if pinned && !certificate.exists() {
        write_public(&certificate, root.certificate_pem().as_bytes(), false)
            .with_context(|| format!("write `{}`", certificate.display()))?;
    }
    let needed = Needed { party: party.clone(), by, state: SignatureState::Signed };
    let path = args.dir.join(needed.file());
    // A signature that is there may be for an earlier draft; this one is for the bytes shown above.
    write_public(&path, &signature, true).with_context(|| format!("write `{}`", path.display()))?;

    let certificate = match (pinned, &before) {
        (false, Some(before)) => {
            format!("earlier/{}/parties/{party}.pem", folder_name(before.mou()))
        }
        _ => format!("parties/{party}.pem"),
    };
    let check = mou_signature::stock_command(&needed.file(), &certificate);
    if args.format == Format::Json {
        answer_json(&json!({
            "format": "sumac-signed/1",
            "agreement": mou.id(),
            "version": mou.version(),
            "mou": mou.hash().to_string(),
            "party": party.to_string(),
            "by": super::by_word(by),
            "file": path.display().to_string(),
            "check": check,
        }))?;
        return Ok(Outcome::Done);
    }
    answer(&format!("{}\n", path.display()))?;
    tell!("\n`{party}` has signed. Send the file above to the MOU's author.");
    tell!("Anyone can check it, from within {}, with OpenSSL alone:\n", args.dir.display());
    tell!("{check}");
    Ok(Outcome::Done)
}

/// The agreement, if a check finds no error.
fn sound(folder: &MouFolder) -> anyhow::Result<Mou> {
    let examined = examine(folder);
    let errors = examined.problems.iter().filter(|found| found.severity == Severity::Error);
    let errors: Vec<_> = errors.map(|found| in_file(&folder.file(), found)).collect();
    match examined.mou {
        Some(mou) if errors.is_empty() => Ok(mou),
        _ => Err(hinted(
            format_args!("an MOU with errors is not signed:\n{}", errors.join("\n")),
            "its author corrects it; `sumac mou check` says all there is to say",
        )),
    }
}

fn what_is_signed(mou: &Mou) -> String {
    let mut lines = vec![
        format!("{} (`{}`), version {}", mou.title(), mou.id(), mou.version()),
        format!("{}", mou.hash()),
        format!(
            "In force from {} to {}, once every party has signed.",
            mou.effective(),
            mou.expires()
        ),
        String::new(),
        "Its parties and the fingerprints of their roots:".to_owned(),
    ];
    lines.extend(mou.parties().iter().map(|party| {
        format!("  {} ({}, {})\n    {}", party.name, party.id, party.kind, party.root)
    }));
    lines.push(String::new());
    lines.join("\n")
}

/// As which of its party's roots this one signs: the one that the others know from the version replaced, or the one
/// that this version pins.
fn which_root(mou: &Mou, before: Option<&Version>, root: &Root) -> anyhow::Result<By> {
    let party = root.party();
    let known = before.and_then(|before| before.mou().party(party)).map(|party| party.root);
    let pinned = mou.party(party).map(|party| party.root);
    if known.or(pinned) == Some(root.fingerprint()) {
        return Ok(By::Root);
    }
    if known.is_some() && pinned == Some(root.fingerprint()) {
        return Ok(By::NewRoot);
    }
    let pinned = pinned.or(known).with_context(|| format!("find `{party}` among the parties"));
    let pinned = pinned.hint(format_args!(
        "the MOU does not list this root's party: it has nothing to sign, or the author forgot it"
    ))?;
    Err(hinted(
        format_args!(
            "the MOU pins {pinned} for `{party}`, and this root is {}",
            root.fingerprint()
        ),
        "tell the MOU's author by telephone: a root that is not yours would speak for you",
    ))
}
