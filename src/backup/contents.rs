//! Which files of a home are in a backup.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;
use sumac_node::store::{Cut, log_file};

use super::archive::Member;
use crate::home::{Home, Settings};

/// Folders of a home that are kept whole, if they are there.
const FOLDERS: [&str; 4] = ["certificates", "mappings", "receipts", "heads"];

/// Deeper than any of these folders is.
const MAX_DEPTH: usize = 6;

/// The files of a backup.
pub(super) struct Contents {
    files: Vec<Member>,
}

impl Contents {
    /// What a home holds that a restore needs, and nothing about a learner.
    pub(super) fn of(
        home: &Home,
        settings: &Settings,
        ledger: Option<Cut>,
    ) -> anyhow::Result<Self> {
        let mut files = Vec::new();
        let mut add =
            |path: PathBuf, name: PathBuf| files.push(Member { path, name, length: None });
        let dir = home.dir();
        for path in entries(dir)? {
            // Settings, and mapping files that lie beside them.
            if path.extension().is_some_and(|extension| extension == "toml") && path.is_file() {
                let name = path.file_name().unwrap_or_default().into();
                add(path, name);
            }
        }
        for name in ["node.secret", "root/root.pem"] {
            let path = dir.join(name);
            if path.is_file() {
                add(path, name.into());
            }
        }
        for folder in FOLDERS {
            walk(&dir.join(folder), Path::new(folder), MAX_DEPTH, &mut add)?;
        }
        walk(&settings.mou, &mou_in(home, settings), MAX_DEPTH, &mut add)?;
        if let Some(cut) = ledger {
            let folder = home.ledger();
            let name = Path::new("ledger");
            files.push(Member {
                path: log_file(&folder),
                name: log_file(name),
                length: Some(cut.length),
            });
            // Only ever appended to, or replaced whole: what the log names is in them.
            let mut add = |path, name| files.push(Member { path, name, length: None });
            walk(&folder.join("bodies"), &name.join("bodies"), 1, &mut add)?;
        }
        Ok(Self { files })
    }

    pub(super) fn files(&self) -> &[Member] {
        &self.files
    }

    /// What is in it and what is not, for people.
    pub(super) fn words(&self, ledger: Option<Cut>) -> String {
        let ledger = match ledger {
            Some(cut) => format!("the ledger up to record {}, ", cut.records),
            None => String::new(),
        };
        format!(
            "backing up {ledger}settings, secret, certificates and keys, MOU, receipts: {} files\n\
             not in it: the snapshots (import again after a restore), and the party's root",
            self.files.len()
        )
    }
}

/// Where the MOU's folder lies in a backup: as in the home, or where a home expects it if it lies elsewhere.
fn mou_in(home: &Home, settings: &Settings) -> PathBuf {
    let inside = settings.mou.strip_prefix(home.dir()).ok();
    let plain = |path: &&Path| {
        path.components().all(|part| matches!(part, std::path::Component::Normal(_)))
    };
    inside.filter(plain).unwrap_or(Path::new("mou")).to_owned()
}

fn walk(
    folder: &Path,
    name: &Path,
    depth: usize,
    add: &mut impl FnMut(PathBuf, PathBuf),
) -> anyhow::Result<()> {
    for path in entries(folder)? {
        let file_name = path.file_name().unwrap_or_default();
        // What another process is about to finish or to take away.
        if file_name.to_string_lossy().starts_with('.') {
            continue;
        }
        let name = name.join(file_name);
        if path.is_dir() {
            anyhow::ensure!(depth > 0, "`{}` has folders within folders", folder.display());
            walk(&path, &name, depth - 1, add)?;
        } else if path.is_file() {
            add(path, name);
        }
    }
    Ok(())
}

/// What is in a folder, in the order of names; nothing if there is no folder.
fn entries(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let listed = || -> io::Result<Vec<PathBuf>> {
        let mut paths =
            fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
        paths.sort();
        Ok(paths)
    };
    match listed() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        listed => listed.with_context(|| format!("list `{}`", folder.display())),
    }
}
