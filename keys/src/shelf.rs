//! Where a party keeps its agreement: the one in force, the one accepted for a later day, and what is proposed.
//!
//! ```text
//! mou/         the version in force; earlier/ holds those before
//! mou-next/    a version accepted here, which waits for its first day
//! proposals/   <version>-<hash>/: versions on their way, with the signatures known here
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use sumac_policy::{PartyId, Sha256};

use crate::chain::{Chain, ChainError, NotNext, folder_name, folders};
use crate::exit_notice::ExitNotice;
use crate::papers::{Papers, PapersError, SignedExit, aside, remove_folder, rename, write_file};
use crate::version::{By, Needed, SignatureState, Standing, Version, VersionError};

/// Most proposals kept; a coalition discusses one or two.
pub const MAX_PROPOSALS: usize = 16;

/// In `mou-next/`: it is being put into `mou/`, file by file.
const TAKING_UP: &str = "taking-up";

/// The folders of a party's agreement.
#[derive(Debug, Clone)]
pub struct Shelf {
    mou: PathBuf,
    next: PathBuf,
    proposals: PathBuf,
}

/// A version that everyone signed who has to. Made only by [`Accepted::judge`].
#[derive(Debug, Clone)]
pub struct Accepted {
    papers: Papers,
    version: Version,
}

/// Why a version is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum NotAccepted {
    /// It cannot be used.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// It does not follow.
    #[error(transparent)]
    NotNext(#[from] NotNext),
    /// Not everyone has signed.
    #[error("it is not signed by everyone who has to: {} of {needed} signatures are missing or do not stand", .lacking.len())]
    NotSigned {
        /// Those.
        lacking: Vec<Needed>,
        /// How many it takes.
        needed: usize,
    },
    /// It is over.
    #[error("it lapsed: it expired on {0}")]
    Expired(Date),
}

/// What may be wrong with the folders.
#[derive(Debug, thiserror::Error)]
pub enum ShelfError {
    /// The chain.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// A file.
    #[error(transparent)]
    Papers(#[from] PapersError),
    /// What waits in `mou-next` does not follow the version in force.
    #[error(
        "the version in `{path}` cannot be taken up: move the folder away, and activate it anew"
    )]
    Next {
        /// The folder.
        path: PathBuf,
        /// Why not.
        source: NotAccepted,
    },
    /// Too many proposals.
    #[error("`{path}` holds {most} proposals already: remove those that lapsed", most = MAX_PROPOSALS)]
    TooMany {
        /// The folder.
        path: PathBuf,
    },
}

impl Accepted {
    /// Judges papers against the versions in force so far. A new agreement, which leaves behind who signs no more,
    /// takes an operator's explicit word.
    ///
    /// # Errors
    /// Where it does not follow, is not signed by everyone who has to, or is over.
    pub fn judge(
        papers: Papers,
        chain: &Chain,
        new_agreement: bool,
        today: Date,
    ) -> Result<Self, NotAccepted> {
        let version = Version::read(&papers)?;
        let mou = version.mou();
        if new_agreement { chain.is_new_agreement(mou) } else { chain.is_next(mou) }?;
        // A new agreement replaces nothing: those it lists sign it.
        let replaces = (mou.id() == chain.mou().id()).then(|| chain.in_force());
        let standing = Standing::of(&papers, &version, replaces);
        let lacking: Vec<_> = standing.lacking().cloned().collect();
        if !lacking.is_empty() {
            return Err(NotAccepted::NotSigned { lacking, needed: standing.signatures().len() });
        }
        if today > mou.expires() {
            return Err(NotAccepted::Expired(mou.expires()));
        }
        Ok(Self { papers, version })
    }

    /// The version.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// Its identity.
    pub fn hash(&self) -> Sha256 {
        self.version.mou().hash()
    }
}

impl Shelf {
    /// The shelf of a home whose agreement lies in the folder `mou`.
    pub fn new(home: &Path, mou: &Path) -> Self {
        let mut next = mou.file_name().unwrap_or_default().to_owned();
        next.push("-next");
        Self {
            mou: mou.to_owned(),
            next: mou.with_file_name(next),
            proposals: home.join("proposals"),
        }
    }

    /// The folder of the version in force.
    pub fn mou(&self) -> &Path {
        &self.mou
    }

    /// The versions in force so far. A change that was interrupted is finished first.
    ///
    /// # Errors
    /// Where they cannot be read, or were not signed by everyone.
    pub fn chain(&self) -> Result<Chain, ShelfError> {
        self.finish()?;
        Ok(Chain::read(&self.mou)?)
    }

    /// Finishes a change of the folders that was interrupted.
    ///
    /// # Errors
    /// Folders that cannot be written.
    pub fn finish(&self) -> Result<(), ShelfError> {
        if self.next.join(TAKING_UP).is_file() {
            self.put_in_place()?;
        }
        Ok(())
    }

    /// The versions in force on a day, one that was accepted and waited for it among them. It is put in place where
    /// no node has to write it into its log first.
    ///
    /// # Errors
    /// As [`Shelf::chain`].
    pub fn chain_on(&self, today: Date, has_node: bool) -> Result<Chain, ShelfError> {
        let chain = self.chain()?;
        match self.next(&chain, today)? {
            Some(next) if next.version.mou().effective() <= today => {
                if !has_node {
                    self.take_up()?;
                }
                Ok(chain.followed_by(next.version))
            }
            _ => Ok(chain),
        }
    }

    /// The version that waits for its day, if there is one. One that lapsed meanwhile is no more.
    ///
    /// # Errors
    /// Where it cannot be read, or does not follow.
    pub fn next(&self, chain: &Chain, today: Date) -> Result<Option<Accepted>, ShelfError> {
        if !self.next.join("mou.toml").is_file() {
            return Ok(None);
        }
        let papers = Papers::read(&self.next)?;
        // That it may be a new agreement was decided when it was put there.
        match Accepted::judge(papers, chain, true, today) {
            Ok(accepted) => Ok(Some(accepted)),
            Err(NotAccepted::Expired(_) | NotAccepted::NotNext(_)) => Ok(None),
            Err(source) => Err(ShelfError::Next { path: self.next.clone(), source }),
        }
    }

    /// Puts a version where it waits for its day, in place of another that waited.
    ///
    /// # Errors
    /// Folders that cannot be written.
    pub fn accept(&self, accepted: &Accepted) -> Result<(), ShelfError> {
        self.drop_next()?;
        Ok(accepted.papers.write_new(&self.next)?)
    }

    /// Forgets the version that waits.
    ///
    /// # Errors
    /// A folder that cannot be removed.
    pub fn drop_next(&self) -> Result<(), ShelfError> {
        // It loses its name first: cut off, a removal leaves nothing that could pass for a version with papers missing.
        let aside = aside(&self.next);
        let dropped = remove_folder(&aside).and_then(|()| match rename(&self.next, &aside) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            renamed => renamed.and_then(|()| remove_folder(&aside)),
        });
        Ok(dropped.map_err(|source| failed(&self.next, source))?)
    }

    /// Puts the version that waits in the place of the one in force, which is kept among the earlier ones. Cut off
    /// at any moment, it is finished by the next [`Shelf::chain`].
    ///
    /// # Errors
    /// Folders that cannot be written.
    pub fn take_up(&self) -> Result<(), ShelfError> {
        if !self.next.join("mou.toml").is_file() {
            return Ok(());
        }
        let papers = Papers::read(&self.mou)?;
        if papers.hash() != Papers::read(&self.next)?.hash() {
            let mou = sumac_policy::Mou::read(&papers.mou).map_err(|problems| {
                let source = VersionError::Mou(problems).into();
                ShelfError::Next { path: self.mou.clone(), source }
            })?;
            let earlier = self.mou.join("earlier").join(folder_name(&mou));
            match earlier.join("mou.toml").is_file() {
                true => papers.write_into(&earlier)?,
                // Whole from the moment that it counts.
                false => papers.write_new(&earlier)?,
            }
        }
        let mark = self.next.join(TAKING_UP);
        write_file(&mark, b"").map_err(|source| failed(&mark, source))?;
        self.put_in_place()
    }

    /// Every step may be done twice.
    fn put_in_place(&self) -> Result<(), ShelfError> {
        let next = Papers::read(&self.next)?;
        for folder in ["parties", "signatures", "exits"] {
            let path = self.mou.join(folder);
            remove_folder(&path).map_err(|source| failed(&path, source))?;
        }
        next.write_into(&self.mou)?;
        // Last of all: without it there is nothing to finish.
        let mark = self.next.join(TAKING_UP);
        fs::remove_file(&mark).map_err(|source| failed(&mark, source))?;
        self.drop_next()
    }

    /// Everything proposed, in the order of the folders' names; what cannot be read is left out.
    ///
    /// # Errors
    /// A folder that cannot be listed.
    pub fn proposals(&self) -> Result<Vec<(PathBuf, Papers, Version)>, ShelfError> {
        let folders = folders(&self.proposals)?.into_iter();
        let read = folders.filter_map(|path| {
            let papers = Papers::read(&path).ok()?;
            let version = Version::read(&papers).ok()?;
            Some((path, papers, version))
        });
        Ok(read.collect())
    }

    /// Keeps a proposal, with what is known of its signatures already. A signature that stands is never replaced,
    /// and one that does not is never taken in.
    ///
    /// # Errors
    /// More proposals than are kept; folders that cannot be written.
    pub fn propose(
        &self,
        papers: &Papers,
        version: &Version,
        chain: &Chain,
    ) -> Result<(PathBuf, Papers), ShelfError> {
        let path = self.proposals.join(folder_name(version.mou()));
        let replaces = chain.in_force();
        let replaces = (replaces.mou().id() == version.mou().id()).then_some(replaces);
        let there = path.join("mou.toml").is_file();
        if !there {
            self.drop_lapsed(chain)?;
        }
        if !there && folders(&self.proposals)?.len() >= MAX_PROPOSALS {
            return Err(ShelfError::TooMany { path: self.proposals.clone() });
        }
        let mut kept = Papers { mou: papers.mou.clone(), ..Papers::default() };
        for party in version.mou().parties() {
            if let Some(pem) = papers.roots.get(&party.id) {
                kept.roots.insert(party.id.clone(), pem.clone());
            }
        }
        kept.gather(papers, version, replaces);
        if there {
            kept.gather(&Papers::read(&path)?, version, replaces);
            kept.write_into(&path)?;
        } else {
            kept.write_new(&path)?;
        }
        Ok((path, kept))
    }

    /// Removes proposals that came into force, or lapsed: what they replace is in force no more.
    fn drop_lapsed(&self, chain: &Chain) -> Result<(), ShelfError> {
        for (path, _, version) in self.proposals()? {
            if chain.is_new_agreement(version.mou()).is_err() {
                remove_folder(&path).map_err(|source| failed(&path, source))?;
            }
        }
        Ok(())
    }

    /// The notices of exit beside the version in force, as bytes.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn exits(&self) -> Result<BTreeMap<PartyId, SignedExit>, ShelfError> {
        Ok(Papers::read(&self.mou)?.exits)
    }

    /// Keeps a party's notice of exit beside the version in force.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn keep_exit(&self, notice: &ExitNotice, signed: &SignedExit) -> Result<(), ShelfError> {
        let folder = self.mou.join("exits");
        for (end, bytes) in [(".p7s", &signed.signature), (".toml", &signed.notice)] {
            let path = folder.join(format!("{}{end}", notice.party()));
            write_file(&path, bytes).map_err(|source| failed(&path, source))?;
        }
        Ok(())
    }
}

fn failed(path: &Path, source: io::Error) -> PapersError {
    PapersError::Write { path: path.to_owned(), source }
}

impl Papers {
    /// Takes in the signatures and notices of other papers of the same version that stand, where there is none that
    /// stands here. Returns whether anything was taken in.
    pub fn gather(&mut self, other: &Self, version: &Version, replaces: Option<&Version>) -> bool {
        if other.mou != self.mou {
            return false;
        }
        let mut gathered = false;
        for exit in Standing::of(other, version, replaces).exits() {
            if let (true, Some(signed)) = (exit.notice.is_ok(), other.exits.get(&exit.party)) {
                gathered |= self.exits.insert(exit.party.clone(), signed.clone()).is_none();
            }
        }
        let lacking: Vec<_> = Standing::of(self, version, replaces).lacking().cloned().collect();
        let theirs = Standing::of(other, version, replaces);
        for Needed { party, by, .. } in lacking {
            let stands = |theirs: &Needed| {
                theirs.party == party && theirs.by == by && theirs.state == SignatureState::Signed
            };
            let (from, to) = match by {
                By::Root => (&other.signatures, &mut self.signatures),
                By::NewRoot => (&other.new_root_signatures, &mut self.new_root_signatures),
            };
            if let (true, Some(p7s)) = (theirs.signatures().iter().any(stands), from.get(&party)) {
                to.insert(party.clone(), p7s.clone());
                gathered = true;
            }
        }
        gathered
    }
}
