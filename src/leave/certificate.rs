//! The certificate of destruction: what a party that left deleted, in its own words, signed by its root.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use sumac_keys::{Chain, ExitNotice, Root, mou_signature};
use sumac_node::store;

use super::destroy::{Destroyed, folder};
use crate::home::{Home, write_public};
use crate::outcome::hinted;
use crate::world;

/// The name of the form.
pub(super) const FORMAT: &str = "sumac-destruction/1";

/// What the file says. Its exact bytes are signed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Certificate {
    pub(super) format: String,
    /// The agreement's id.
    pub(super) agreement: String,
    /// The MOU that was left.
    pub(super) mou: String,
    /// Who left.
    pub(super) party: String,
    /// On which day.
    pub(super) left_on: String,
    /// Why.
    pub(super) because: String,
    /// When all of it was gone.
    pub(super) at: String,
    pub(super) deleted: Destroyed,
    /// What is kept, and why.
    pub(super) kept: Vec<String>,
    /// The log that is kept; none where there was no node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) log: Option<Log>,
}

/// The log as it stood then.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Log {
    /// Records in it.
    pub(super) records: u64,
    /// The root of their Merkle tree.
    pub(super) root: String,
}

/// Where the signature on a certificate lies.
pub(super) fn signature_of(path: &Path) -> PathBuf {
    path.with_extension("p7s")
}

/// Writes the certificate and its signature into the home.
pub(super) fn write(
    home: &Home,
    chain: &Chain,
    root: &Root,
    notice: &ExitNotice,
    deleted: Destroyed,
) -> anyhow::Result<PathBuf> {
    let now = world::now();
    let mut kept = vec![
        "receipts and the heads of others' logs: evidence of what was released".to_owned(),
        "the party's own records, which were never part of the agreement".to_owned(),
    ];
    if deleted.releases.is_none() {
        kept.push(
            "releases beside the log: the MOU does not say that a leaver deletes them".to_owned(),
        );
    }
    let mut log = None;
    if home.ledger().exists() {
        kept.push("the ledger's log: it proves that budgets were kept".to_owned());
        log = head(home, chain)?;
    }
    kept.push("copies elsewhere, in backups too: nothing here reaches them".to_owned());
    let certificate = Certificate {
        format: FORMAT.to_owned(),
        agreement: notice.agreement().to_owned(),
        mou: chain.mou().hash().to_string(),
        party: notice.party().to_string(),
        left_on: notice.on().to_string(),
        because: notice.because().to_owned(),
        at: now.to_string(),
        deleted,
        kept,
        log,
    };
    let mut bytes = serde_json::to_vec_pretty(&certificate).context("write the certificate")?;
    bytes.push(b'\n');
    let signature = mou_signature::sign(root, &bytes)?;
    let path = folder(home).join(format!("destruction-{}.json", notice.on()));
    for (path, bytes) in [(signature_of(&path), signature), (path.clone(), bytes)] {
        write_public(&path, &bytes, true).with_context(|| format!("write `{}`", path.display()))?;
    }
    Ok(path)
}

/// The log's last signed head.
fn head(home: &Home, chain: &Chain) -> anyhow::Result<Option<Log>> {
    let checked = store::check(&home.ledger(), Some(chain.trust())).context("check the ledger")?;
    if checked.undeleted > 0 {
        return Err(hinted(
            format_args!("{} releases are still there", checked.undeleted),
            "run it again: nothing is certified before it is so",
        ));
    }
    Ok(checked.head.map(|head| Log { records: head.head.size, root: head.head.root.to_string() }))
}
