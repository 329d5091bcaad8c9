//! `sumac mou sign`: a party's consent.

use std::path::PathBuf;

use anyhow::Context;
use sumac_keys::{Root, mou_signature};
use sumac_policy::{Mou, Severity};

use super::check::examine;
use crate::agreement::{MouFolder, in_file};
use crate::certificate::RootArgs;
use crate::home::{HomeArgs, write_public};
use crate::outcome::{Hint, Outcome, hinted};
use crate::terminal::{answer, confirm, tell};

/// Sign an MOU with this party's root
///
/// Shows what is signed and the fingerprint of every party's root. Read the fingerprints to each other by
/// telephone before you agree: they are what makes strangers strangers. Then opens the root and writes
/// signatures/PARTY.p7s, which goes back to the MOU's author. Nothing is signed if `sumac mou check` finds an
/// error, or if the MOU pins another root for this party.
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
    is_the_pinned_one(&mou, &root)?;
    let signature = mou_signature::sign(&root, folder.bytes())?;
    folder.make_folders()?;
    let party = root.party();
    let certificate = folder.root_file(party);
    if !certificate.exists() {
        write_public(&certificate, root.certificate_pem().as_bytes(), false)
            .with_context(|| format!("write `{}`", certificate.display()))?;
    }
    let path = folder.signature_file(party);
    // A signature that is there may be for an earlier draft; this one is for the bytes shown above.
    write_public(&path, &signature, true).with_context(|| format!("write `{}`", path.display()))?;

    answer(&format!("{}\n", path.display()))?;
    tell!("\n`{party}` has signed. Send the file above to the MOU's author.");
    tell!("Anyone can check it, from within {}, with OpenSSL alone:\n", args.dir.display());
    tell!("{}", mou_signature::stock_command(party));
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

fn is_the_pinned_one(mou: &Mou, root: &Root) -> anyhow::Result<()> {
    let party = root.party();
    let listed = mou.party(party).with_context(|| format!("find `{party}` among the parties"));
    let listed = listed.hint(format_args!(
        "the MOU does not list this root's party: it has nothing to sign, or the author forgot it"
    ))?;
    if listed.root == root.fingerprint() {
        return Ok(());
    }
    Err(hinted(
        format_args!(
            "the MOU pins {} for `{party}`, and this root is {}",
            listed.root,
            root.fingerprint()
        ),
        "tell the MOU's author by telephone: a root that is not yours would speak for you",
    ))
}
