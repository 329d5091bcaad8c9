//! A party's home: where everything lies, and what `sumac.toml` says.
//!
//! ```text
//! sumac.toml            settings
//! root/root.p12         the encrypted root; belongs offline, on a USB stick in a safe
//! root/root.pem         its certificate, which the MOU's author needs
//! certificates/         node.pem, node.key, analyst-maria.pem, analyst-maria.key, …
//! node.secret           hides learners' identifiers and snapshots' hashes
//! snapshots/  ledger/   the node's data
//! receipts/  heads/     what an asker keeps of each node
//! control.sock          while the node serves: its operator's commands
//! restored              while the ledger has still to say that it comes from a backup
//! narrow.toml           what this party's node leaves out of the MOU; need not be there
//! mou/                  mou.toml, parties/, signatures/, exits/; earlier/ holds the versions before
//! mou-next/             a version accepted for a later day
//! proposals/            versions on their way, with the signatures known here
//! ```

mod new_home;
mod private_file;
mod settings;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;
use sumac_keys::{NodeSecret, Shelf, TlsIdentity};
use sumac_policy::PeerRole;

pub(crate) use new_home::{make_home, refuse_what_is_there};
pub(crate) use private_file::{
    forget, make_folder, read_bounded, read_secret, write_private, write_public,
};
pub(crate) use settings::{EngineChoice, Listen, Postgres, Settings};

use crate::outcome::{Hint, hinted};

/// Longest certificate, key or root read, in bytes.
const MAX_PEM: u64 = 1 << 20;

/// Where a party's home is; part of every verb that needs one.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct HomeArgs {
    /// The party's home, as `sumac init` made it
    #[arg(long, env = "SUMAC_HOME", default_value = "./sumac-home", value_name = "DIR")]
    home: PathBuf,
}

impl HomeArgs {
    /// A home that has to be there.
    pub(crate) fn open(&self) -> anyhow::Result<Home> {
        let home = self.unopened();
        if !home.settings_file().is_file() {
            return Err(hinted(
                format_args!("no party's home at `{}`: it has no sumac.toml", self.home.display()),
                "name it with --home DIR or SUMAC_HOME, or make one with `sumac init`",
            ));
        }
        Ok(home)
    }

    /// A home that need not be there.
    pub(crate) fn unopened(&self) -> Home {
        Home { dir: self.home.clone() }
    }
}

/// A party's home.
#[derive(Debug, Clone)]
pub(crate) struct Home {
    dir: PathBuf,
}

impl Home {
    /// A home at this folder.
    pub(crate) fn at(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// Its folder.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Its settings.
    pub(crate) fn settings_file(&self) -> PathBuf {
        self.dir.join("sumac.toml")
    }

    /// The encrypted root, unless it lies elsewhere.
    pub(crate) fn root_file(&self) -> PathBuf {
        self.dir.join("root").join("root.p12")
    }

    /// The root's certificate.
    pub(crate) fn root_certificate_file(&self) -> PathBuf {
        self.dir.join("root").join("root.pem")
    }

    /// The folder of certificates and their keys.
    pub(crate) fn certificates(&self) -> PathBuf {
        self.dir.join("certificates")
    }

    /// The file of a certificate: one node, and people by their names. Its key ends in `.key`.
    pub(crate) fn certificate_file(&self, role: PeerRole, name: &str) -> PathBuf {
        self.certificates().join(match role {
            PeerRole::Node => "node.pem".to_owned(),
            PeerRole::Analyst | PeerRole::Steward => format!("{role}-{name}.pem"),
        })
    }

    /// The secret that hides identifiers.
    pub(crate) fn secret_file(&self) -> PathBuf {
        self.dir.join("node.secret")
    }

    /// The node's frozen data.
    pub(crate) fn snapshots(&self) -> PathBuf {
        self.dir.join("snapshots")
    }

    /// The node's ledger.
    pub(crate) fn ledger(&self) -> PathBuf {
        self.dir.join("ledger")
    }

    /// Is there while the ledger has still to say that it comes from a backup.
    pub(crate) fn restore_pending_file(&self) -> PathBuf {
        self.dir.join("restored")
    }

    /// The party's own addendum to the MOU; need not be there.
    pub(crate) fn narrow(&self) -> PathBuf {
        self.dir.join("narrow.toml")
    }

    /// Where the agreement lies, and what is proposed.
    pub(crate) fn shelf(&self, settings: &Settings) -> Shelf {
        Shelf::new(&self.dir, &settings.mou)
    }

    /// Where a node that serves takes its operator's commands.
    pub(crate) fn control_socket(&self) -> PathBuf {
        self.dir.join("control.sock")
    }

    /// Reads `sumac.toml`. Every problem is named with its line.
    pub(crate) fn settings(&self) -> anyhow::Result<Settings> {
        Settings::read_file(&self.settings_file(), &self.dir)
    }

    /// Reads the node's secret.
    pub(crate) fn node_secret(&self) -> anyhow::Result<NodeSecret> {
        let path = self.secret_file();
        let bytes = read_secret(&path, 33).with_context(|| format!("read `{}`", path.display()))?;
        let bytes: [u8; 32] = bytes.as_slice().try_into().ok().ok_or_else(|| {
            let path = path.display();
            hinted(
                format_args!("`{path}` is not 32 bytes long"),
                "restore it from a backup: with another secret, snapshots are no longer this node's own",
            )
        })?;
        Ok(NodeSecret::new(bytes))
    }

    /// Reads a certificate of this home and its key.
    pub(crate) fn identity(&self, role: PeerRole, name: &str) -> anyhow::Result<TlsIdentity> {
        let certificate = self.certificate_file(role, name);
        let issue = match role {
            PeerRole::Node => "sumac certificate issue node".to_owned(),
            PeerRole::Analyst | PeerRole::Steward => {
                format!("sumac certificate issue {role} --name {name}")
            }
        };
        read_identity(&certificate).hint(format_args!("`{issue}` makes one"))
    }

    /// The certificate files in this home, in the order of their names.
    pub(crate) fn certificate_files(&self) -> anyhow::Result<Vec<PathBuf>> {
        let folder = self.certificates();
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.with_context(|| format!("list `{}`", folder.display()))?,
        };
        let mut files = entries
            .map(|entry| Ok(entry?.path()))
            .collect::<io::Result<Vec<_>>>()
            .with_context(|| format!("list `{}`", folder.display()))?;
        files.retain(|path| path.extension().is_some_and(|extension| extension == "pem"));
        files.sort();
        Ok(files)
    }
}

/// Reads a certificate and the key beside it.
fn read_identity(certificate: &Path) -> anyhow::Result<TlsIdentity> {
    let key = certificate.with_extension("key");
    let in_file = |path: &Path| format!("read `{}`", path.display());
    let certificate_pem =
        read_bounded(certificate, MAX_PEM).with_context(|| in_file(certificate))?;
    let key_pem = read_secret(&key, MAX_PEM).with_context(|| in_file(&key))?;
    TlsIdentity::read(&certificate_pem, &key_pem).with_context(|| in_file(certificate))
}
