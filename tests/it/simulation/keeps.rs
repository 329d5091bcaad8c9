//! What each asker keeps of each node, in a folder of its own as in a party's home: the last head and the receipts.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sumac_backbone::Keep;

use super::operation::{Kept, Place, Who};
use super::partner::copy_folder;

/// The folders of all askers.
pub(super) struct Keeps(PathBuf);

/// What an asker keeps of a node.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Held {
    pub(super) head: Option<Head>,
    /// By table and revision.
    pub(super) receipts: BTreeMap<(String, u64), Receipt>,
}

/// A signed head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) size: u64,
    pub(super) root: String,
    pub(super) spent_nano_rho: u64,
}

/// A receipt of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Receipt {
    /// The place of its record.
    pub(super) position: u64,
    /// The signed release.
    pub(super) body: Vec<u8>,
}

impl Keeps {
    pub(super) fn new(dir: PathBuf) -> Self {
        Self(dir)
    }

    /// Where this asker keeps all that comes back.
    pub(super) fn keep(&self, who: Who) -> Keep {
        let (party, role, name) = (who.party(), who.role(), who.name());
        Keep::new(self.home(who), format!("sumac://{party}/{role}/{name}"))
    }

    /// What is kept now.
    pub(super) fn held(&self, who: Who, place: Place) -> Held {
        let home = self.home(who);
        let head = fs::read(home.join("heads").join(format!("{}.json", place.party())));
        let head = head.ok().map(|file| {
            let file: Value = serde_json::from_slice(&file).unwrap();
            let head = &file["head"];
            Head {
                size: head["size"].as_u64().unwrap(),
                root: head["root"].as_str().unwrap().to_owned(),
                spent_nano_rho: head["spent_nano_rho"].as_u64().unwrap(),
            }
        });
        let kept = Keep::receipts(&home).unwrap().into_iter();
        let kept = kept.filter(|kept| !kept.differs && is_of(&kept.path, place));
        let receipts = kept.map(|kept| {
            let receipt = kept.receipt.unwrap();
            let record: Value = serde_json::from_slice(&receipt.recorded.record).unwrap();
            let event = &record["event"];
            let named = event.get("released").or(event.get("recovered")).unwrap();
            let table = named["table"].as_str().unwrap().to_owned();
            let position = receipt.recorded.inclusion.seq;
            let body = receipt.release.to_bytes();
            ((table, named["revision"].as_u64().unwrap()), Receipt { position, body })
        });
        Held { head, receipts: receipts.collect() }
    }

    /// Takes away what an asker loses.
    pub(super) fn lose(&self, who: Who, kept: Kept) {
        let folders: &[&str] = match kept {
            Kept::Receipts => &["receipts"],
            Kept::All => &["receipts", "heads"],
        };
        for folder in folders {
            let _ = fs::remove_dir_all(self.home(who).join(folder));
        }
    }

    /// Puts aside what an asker keeps of all nodes.
    pub(super) fn put_aside(&self, who: Who) -> io::Result<()> {
        let aside = self.aside(who);
        let _ = fs::remove_dir_all(&aside);
        fs::create_dir_all(self.home(who))?;
        copy_folder(&self.home(who), &aside)
    }

    /// Takes back what was put aside of a node: what it answered since was never heard.
    pub(super) fn take_back(&self, who: Who, place: Place) -> io::Result<()> {
        let (home, aside) = (self.home(who), self.aside(who));
        let party = place.party();
        let of_party =
            |name: &str| name.strip_prefix(party).is_some_and(|rest| rest.starts_with('.'));
        for name in names(&home.join("heads")).iter().filter(|name| of_party(name)) {
            fs::remove_file(home.join("heads").join(name))?;
        }
        for name in names(&aside.join("heads")).iter().filter(|name| of_party(name)) {
            fs::copy(aside.join("heads").join(name), home.join("heads").join(name))?;
        }
        let receipts = Path::new("receipts").join(party);
        let _ = fs::remove_dir_all(home.join(&receipts));
        match aside.join(&receipts).exists() {
            true => copy_folder(&aside.join(&receipts), &home.join(&receipts)),
            false => Ok(()),
        }
    }

    fn home(&self, who: Who) -> PathBuf {
        self.0.join(who.name())
    }

    fn aside(&self, who: Who) -> PathBuf {
        self.0.join(format!("{}-aside", who.name()))
    }
}

fn is_of(receipt: &Path, place: Place) -> bool {
    receipt.parent().and_then(Path::file_name).is_some_and(|folder| folder == place.party())
}

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}
