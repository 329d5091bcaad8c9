//! `sumac leave verify`: whether a certificate of destruction is that party's own word.

use std::path::PathBuf;

use anyhow::Context;
use sumac_keys::mou_signature;
use sumac_policy::{PartyId, Sha256};

use super::certificate::{Certificate, FORMAT, signature_of};
use crate::agreement::Agreement;
use crate::home::read_bounded;
use crate::outcome::{Hint, Outcome, hinted};
use crate::terminal::{Format, answer, answer_json};

/// Longest certificate or signature read, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// Verify a certificate of destruction, offline
///
/// Holds FILE and its signature, the file of the same name that ends in .p7s, against the root that the MOU pins for
/// the party that left. It proves who says so, not that it is so.
///
/// Example: sumac leave verify destruction-2026-11-24.json --mou ./mou
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The certificate
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The folder that holds mou.toml, the parties' roots and the versions before
    #[arg(long, value_name = "DIR")]
    mou: PathBuf,

    /// For people, or for machines
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let read = |path: &PathBuf| {
        read_bounded(path, MAX_FILE).with_context(|| format!("read `{}`", path.display()))
    };
    let bytes = read(&args.file)?;
    let signature = read(&signature_of(&args.file))?;
    let certificate: Certificate = serde_json::from_slice(&bytes)
        .with_context(|| format!("read `{}`", args.file.display()))
        .hint("it is no certificate of destruction, or was changed")?;
    if certificate.format != FORMAT {
        return Err(hinted(
            format_args!(
                "its format is `{}`, and this version reads `{FORMAT}`",
                certificate.format
            ),
            "compare versions",
        ));
    }
    let chain = Agreement::read(&args.mou)?.chain;
    let mou: Sha256 = certificate.mou.parse().context("read the MOU that was left")?;
    let party: PartyId = certificate.party.parse().context("read the party that left")?;
    let version = chain.version(mou);
    let root = version.and_then(|version| version.trust().root(&party));
    let root = root.ok_or_else(|| {
        hinted(
            format_args!("the folder holds no MOU {mou} with a party `{party}`"),
            "name the folder of the MOU that was left, or of a later version",
        )
    })?;
    mou_signature::verify(&signature, &bytes, root)
        .context("the certificate does not stand")
        .hint(format_args!("ask `{party}` for the file as it signed it"))?;
    if args.format == Format::Json {
        answer_json(&serde_json::to_value(&certificate).context("write the answer as JSON")?)?;
        return Ok(Outcome::Done);
    }
    let Certificate { agreement, left_on, because, at, deleted, kept, log, .. } = certificate;
    let releases = match deleted.releases {
        Some(1) => "1 release beside the log, by its count".to_owned(),
        Some(count) => format!("{count} releases beside the log, by its count"),
        None => "no releases".to_owned(),
    };
    let snapshots = match deleted.snapshots.as_slice() {
        [] => "no snapshot".to_owned(),
        [one] => format!("1 snapshot ({one})"),
        several => format!("{} snapshots ({})", several.len(), several.join(", ")),
    };
    let log = log.map_or_else(String::new, |log| {
        format!("Log:     {} records, root {}\n", log.records, log.root)
    });
    answer(&format!(
        "`{party}` says, and its root signed it:\n\n\
         Left:    {agreement} ({mou}) on {left_on}: {because}\n\
         Deleted: {snapshots}; {releases}; all gone on {at}\n\
         Kept:    {}\n\
         {log}\n\
         Nobody can prove that there is no other copy.\n",
        kept.join("; "),
    ))?;
    Ok(Outcome::Done)
}
