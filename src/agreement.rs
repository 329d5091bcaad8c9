//! An MOU's folder: the agreement, each party's root certificate, each party's signature.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use sumac_keys::{Chain, Needed, RootCertificate, SignatureState, Trust, mou_signature};
use sumac_node::day_of;
use sumac_policy::{Mou, Party, PartyId, Problem, Problems};

use crate::home::{Home, Settings, read_bounded};
use crate::outcome::{Hint, hinted};
use crate::world;

/// Longest MOU, certificate or signature read, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// An agreement with the versions before it, whom it makes trustworthy, and who has not signed it.
#[derive(Debug)]
pub(crate) struct Agreement {
    /// What was agreed.
    pub(crate) mou: Arc<Mou>,
    /// Every party's root, as the MOU pins it; heads of logs are held against those of earlier versions, too.
    pub(crate) trust: Arc<Trust>,
    /// The version in force and those before it.
    pub(crate) chain: Chain,
    /// Signatures that are missing or do not stand, of any of these versions.
    pub(crate) lacking: Vec<Needed>,
}

impl Agreement {
    /// Reads a folder: an MOU without errors, and every party's root as the MOU pins it. Signatures may be
    /// missing or bad; [`Agreement::in_force_when_signed`] refuses those.
    pub(crate) fn read(dir: &Path) -> anyhow::Result<Self> {
        let folder = MouFolder::read(dir)?;
        // First what is wrong with this version, line by line and party by party.
        let mou = folder.mou()?;
        let roots = mou.parties().iter().map(|party| {
            let pem = folder.root_pem(&party.id)?;
            Ok((party.id.clone(), party.root, pem))
        });
        let roots = roots.collect::<anyhow::Result<Vec<_>>>()?;
        Trust::new(roots)
            .with_context(|| format!("check the roots of `{}`", dir.display()))
            .hint(format_args!("`sumac mou verify {}` looks at every party", dir.display()))?;
        let (chain, lacking) = Chain::examine(dir)
            .hint("`earlier` holds the folders of the versions before, as they were")?;
        let lacking = lacking.into_iter().flat_map(|unsigned| unsigned.lacking).collect();
        Ok(Self { mou: chain.mou().clone(), trust: chain.trust().clone(), chain, lacking })
    }

    /// The agreement, if everyone has signed it who has to: nothing else is ever acted on.
    pub(crate) fn in_force_when_signed(self) -> anyhow::Result<Self> {
        if self.lacking.is_empty() {
            return Ok(self);
        }
        let lacking: Vec<_> = self.lacking.iter().map(ToString::to_string).collect();
        Err(hinted(
            format_args!("the MOU is not signed by {}", lacking.join(", ")),
            "every party runs `sumac mou sign` and sends its file; `sumac mou verify` tells who is missing",
        ))
    }

    /// The agreement of a home as it stands today: a version that waited for its day is in force from then on.
    pub(crate) fn of_home(home: &Home, settings: &Settings) -> anyhow::Result<Self> {
        let shelf = home.shelf(settings);
        shelf.finish()?;
        let read = Self::read(&settings.mou)?.in_force_when_signed()?;
        let chain = shelf.chain_on(day_of(world::now()), home.ledger().exists())?;
        Ok(Self { mou: chain.mou().clone(), trust: chain.trust().clone(), chain, ..read })
    }
}

/// The files of an MOU's folder.
#[derive(Debug)]
pub(crate) struct MouFolder {
    dir: PathBuf,
    bytes: Vec<u8>,
}

impl MouFolder {
    /// Reads `mou.toml`, whose exact bytes are what is signed.
    pub(crate) fn read(dir: &Path) -> anyhow::Result<Self> {
        let path = dir.join("mou.toml");
        // A folder that is copied onto one that is there lands inside it.
        let deeper = dir.join(dir.file_name().unwrap_or_default());
        let hint = if deeper.join("mou.toml").is_file() {
            format!("it is one folder deeper: move what is in `{}` up", deeper.display())
        } else {
            "name the folder that holds mou.toml; a party's home expects it at `mou/`".to_owned()
        };
        let bytes = read_bounded(&path, MAX_FILE)
            .with_context(|| format!("read the MOU `{}`", path.display()))
            .hint(hint)?;
        Ok(Self { dir: dir.to_owned(), bytes })
    }

    /// The bytes of `mou.toml`.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The path of `mou.toml`.
    pub(crate) fn file(&self) -> PathBuf {
        self.dir.join("mou.toml")
    }

    /// The agreement, if nothing is wrong with it.
    pub(crate) fn mou(&self) -> anyhow::Result<Mou> {
        Mou::read(&self.bytes).map_err(|Problems(problems)| {
            let file = self.file();
            let lines: Vec<_> = problems.iter().map(|found| in_file(&file, found)).collect();
            hinted(
                format_args!("the MOU cannot be used:\n{}", lines.join("\n")),
                format_args!("`sumac mou check {}` says all there is to say", self.dir.display()),
            )
        })
    }

    /// The path of a party's root certificate.
    pub(crate) fn root_file(&self, party: &PartyId) -> PathBuf {
        self.dir.join("parties").join(format!("{party}.pem"))
    }

    /// The path of a party's signature.
    pub(crate) fn signature_file(&self, party: &PartyId) -> PathBuf {
        self.dir.join("signatures").join(format!("{party}.p7s"))
    }

    /// A party's root certificate, as PEM.
    pub(crate) fn root_pem(&self, party: &PartyId) -> anyhow::Result<Vec<u8>> {
        let path = self.root_file(party);
        read_bounded(&path, MAX_FILE)
            .with_context(|| {
                format!("read the root certificate of `{party}`, `{}`", path.display())
            })
            .hint(format_args!("ask `{party}` for its root.pem, and save it there"))
    }

    /// A party's root, held against its pinned fingerprint.
    pub(crate) fn root(&self, party: &Party) -> anyhow::Result<RootCertificate> {
        let pem = self.root_pem(&party.id)?;
        let trust = Trust::new([(party.id.clone(), party.root, pem)])?;
        trust.root(&party.id).cloned().context("find the root just read")
    }

    /// Whether a party has signed, judged by its root.
    pub(crate) fn signature(&self, party: &PartyId, root: &RootCertificate) -> SignatureState {
        match read_bounded(&self.signature_file(party), MAX_FILE) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => SignatureState::Missing,
            Err(error) => SignatureState::Bad(error.to_string()),
            Ok(p7s) => match mou_signature::verify(&p7s, &self.bytes, root) {
                Ok(()) => SignatureState::Signed,
                Err(error) => SignatureState::Bad(error.to_string()),
            },
        }
    }

    /// Makes the folders in which roots and signatures lie.
    pub(crate) fn make_folders(&self) -> anyhow::Result<()> {
        for folder in ["parties", "signatures"] {
            let path = self.dir.join(folder);
            fs::create_dir_all(&path).with_context(|| format!("make `{}`", path.display()))?;
        }
        Ok(())
    }
}

/// A problem as editors and people find it: `mou/mou.toml:12: kpi[2].margin: …`.
pub(crate) fn in_file(file: &Path, problem: &Problem) -> String {
    let Problem { line, place, message, hint, .. } = problem;
    let hint = if hint.is_empty() { String::new() } else { format!(" ({hint})") };
    format!("{}:{line}: {place}: {message}{hint}", file.display())
}
