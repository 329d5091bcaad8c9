//! What a party that leaves deletes. What there was is written down first, so that a certificate can say so even if
//! it is interrupted.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use sumac_keys::Chain;
use sumac_node::store::{Entry, What, history};

use crate::home::{Home, make_folder, read_bounded, write_public};

/// Longest list read, in bytes.
const MAX_LIST: u64 = 1 << 20;

/// What was there, and is not any more.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Destroyed {
    /// Snapshots, by name.
    pub(super) snapshots: Vec<String>,
    /// Releases that lay beside the log, those added up among them, by its count; none where the MOU wants none
    /// deleted.
    pub(super) releases: Option<u64>,
}

/// Deletes snapshots; the node has deleted releases when it stopped.
pub(super) fn destroy(home: &Home, chain: &Chain) -> anyhow::Result<Destroyed> {
    let list = list_file(home);
    let mut destroyed = match read_bounded(&list, MAX_LIST) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Destroyed::default(),
        bytes => {
            serde_json::from_slice(&bytes.with_context(|| format!("read `{}`", list.display()))?)
                .with_context(|| format!("read `{}`", list.display()))?
        }
    };
    let snapshots = home.snapshots();
    for name in names(&snapshots)? {
        if !destroyed.snapshots.contains(&name) {
            destroyed.snapshots.push(name);
        }
    }
    if chain.mou().after().delete_within_days.is_some() && home.ledger().exists() {
        let entries = history(&home.ledger()).context("read the ledger")?;
        destroyed.releases = Some(purged_in_leaving(&entries));
    }
    make_folder(&folder(home)).context("make the folder `left`")?;
    let bytes = serde_json::to_vec_pretty(&destroyed).context("write what is deleted")?;
    write_public(&list, &bytes, true).with_context(|| format!("write `{}`", list.display()))?;
    match fs::remove_dir_all(&snapshots) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        removed => removed.with_context(|| format!("delete `{}`", snapshots.display()))?,
    }
    // Gone after a power cut, too.
    File::open(home.dir())
        .and_then(|folder| folder.sync_all())
        .with_context(|| format!("sync `{}`", home.dir().display()))?;
    Ok(destroyed)
}

/// How many releases the log says were deleted since this party left.
fn purged_in_leaving(entries: &[Entry]) -> u64 {
    let mut purged = 0;
    for entry in entries {
        match &entry.what {
            What::Left(_) => purged = 0,
            What::Purged(releases) => purged += releases.len() as u64,
            _ => {}
        }
    }
    purged
}

/// Where a party that left keeps what says so.
pub(super) fn folder(home: &Home) -> PathBuf {
    home.dir().join("left")
}

fn list_file(home: &Home) -> PathBuf {
    folder(home).join("destroyed.json")
}

/// The names of snapshots: folders of `snapshots/`.
fn names(dir: &std::path::Path) -> anyhow::Result<Vec<String>> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(|| format!("list `{}`", dir.display()))?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.with_context(|| format!("list `{}`", dir.display()))?;
        if entry.path().is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}
