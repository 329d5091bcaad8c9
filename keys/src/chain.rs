//! The versions of an agreement, each naming the one that it replaces by hash: the newest is in force, the earlier
//! ones say what was released and signed before.

use std::path::Path;
use std::sync::Arc;
use std::{fs, io};

use jiff::civil::Date;
use sumac_policy::{Mou, Sha256};

use crate::exit_notice::{ExitNotice, ExitNoticeError};
use crate::papers::{Papers, PapersError, SignedExit};
use crate::trust::Trust;
use crate::version::{Needed, Standing, Version, VersionError};

/// Most earlier versions read; one a month for a lifetime.
const MAX_EARLIER: usize = 1_000;

/// The version in force, and those before it. Every one was signed by everyone who had to.
#[derive(Debug, Clone)]
pub struct Chain {
    in_force: Version,
    /// Newest first.
    earlier: Vec<Version>,
    trust: Arc<Trust>,
    exits: Vec<ExitNotice>,
}

/// A version that not everyone has signed who has to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsigned {
    /// Which, for people.
    pub of: String,
    /// What is missing or does not stand.
    pub lacking: Vec<Needed>,
}

/// Why a version does not follow the one in force.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotNext {
    /// It is the one in force.
    #[error("version {0} is the one in force")]
    InForce(u32),
    /// It is older, or another text of the same number.
    #[error(
        "it is version {found}, and version {ours} of `{agreement}` is in force: nobody goes back"
    )]
    GoesBack {
        /// The agreement.
        agreement: String,
        /// Its number.
        found: u32,
        /// The number in force.
        ours: u32,
    },
    /// A version between is missing.
    #[error("it is version {found}, and version {ours} is in force: activate those between first")]
    Skips {
        /// Its number.
        found: u32,
        /// The number in force.
        ours: u32,
    },
    /// It names another version as the one replaced.
    #[error("it replaces {}, and {ours} is in force", named(*.found))]
    ReplacesAnother {
        /// What it names.
        found: Option<Sha256>,
        /// The version in force.
        ours: Sha256,
    },
    /// Another agreement.
    #[error("it is of the agreement `{found}`, and `{ours}` is in force")]
    OtherAgreement {
        /// Its id.
        found: String,
        /// The id in force.
        ours: String,
    },
    /// An agreement that was in force before.
    #[error("the agreement `{0}` was in force before: a new agreement needs a new id")]
    OldAgreement(String),
    /// A new agreement begins at 1.
    #[error("a new agreement begins with version 1, and this is version {0}")]
    NotTheFirst(u32),
}

/// Why the folder of an MOU holds no chain.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// A file.
    #[error(transparent)]
    Papers(#[from] PapersError),
    /// A version that cannot be used.
    #[error("{of}")]
    Version {
        /// Which.
        of: String,
        /// Why not.
        source: VersionError,
    },
    /// Not everyone has signed.
    #[error("{of} is not signed by {}", names(.lacking))]
    NotSigned {
        /// Which.
        of: String,
        /// What is missing.
        lacking: Vec<Needed>,
    },
    /// Too many of them.
    #[error("`earlier` holds more than {MAX_EARLIER} versions")]
    TooMany,
}

impl Chain {
    /// A chain of versions that were found to be signed, the earlier ones newest first.
    pub fn new(in_force: Version, earlier: Vec<Version>) -> Self {
        let before = earlier.iter().map(|version| version.trust().clone()).collect();
        let trust = Arc::new(Trust::clone(in_force.trust()).with_earlier(before));
        Self { in_force, earlier, trust, exits: Vec::new() }
    }

    /// Reads an MOU's folder with its `earlier` versions, and holds each against the one that it replaces. Where
    /// that one is not at hand, a version is held against its own list of parties.
    ///
    /// # Errors
    /// Where any of it cannot be read, or was not signed by everyone who has to.
    pub fn read(dir: &Path) -> Result<Self, ChainError> {
        let (chain, lacking) = Self::examine(dir)?;
        match lacking.into_iter().next() {
            None => Ok(chain),
            Some(Unsigned { of, lacking }) => Err(ChainError::NotSigned { of, lacking }),
        }
    }

    /// The same, whether or not everyone has signed; with the signatures that are lacking, by version. What lacks one
    /// is never acted on: this is for showing.
    ///
    /// # Errors
    /// Where any of it cannot be read.
    pub fn examine(dir: &Path) -> Result<(Self, Vec<Unsigned>), ChainError> {
        let mut read = Vec::new();
        for folder in folders(&dir.join("earlier"))? {
            let papers = Papers::read(&folder)?;
            let of = || format!("the earlier version `{}`", folder.display());
            read.push((of(), version(&papers, of)?, papers));
        }
        let papers = Papers::read(dir)?;
        let of = || format!("the MOU `{}`", dir.display());
        let in_force = version(&papers, of)?;
        let find = |version: &Version| {
            let replaced = version.mou().replaces()?;
            read.iter().map(|(_, version, _)| version).find(|other| other.mou().hash() == replaced)
        };
        let all = read.iter().map(|(of, version, papers)| (of.clone(), version, papers));
        let mut unsigned = Vec::new();
        for (of, version, papers) in all.chain([(of(), &in_force, &papers)]) {
            let standing = Standing::of(papers, version, find(version));
            let lacking: Vec<_> = standing.lacking().cloned().collect();
            if !lacking.is_empty() {
                unsigned.push(Unsigned { of, lacking });
            }
        }
        let hash = in_force.mou().hash();
        let mut earlier: Vec<_> = read.into_iter().map(|(_, version, _)| version).collect();
        earlier.retain(|version| version.mou().hash() != hash);
        // The order of time: within an agreement by number, between agreements by their first days.
        earlier.sort_by_key(|version| {
            std::cmp::Reverse((version.mou().effective(), version.mou().version()))
        });
        let mut chain = Self::new(in_force, earlier);
        for signed in papers.exits.values() {
            if let Ok(notice) = chain.exit(signed) {
                chain.exits.push(notice);
            }
        }
        Ok((chain, unsigned))
    }

    /// The chain with another version in force, after this one.
    #[must_use]
    pub fn followed_by(&self, next: Version) -> Self {
        let hash = next.mou().hash();
        let before = self.versions().filter(|version| version.mou().hash() != hash);
        Self::new(next, before.cloned().collect())
    }

    /// The chain with one more notice of exit.
    #[must_use]
    pub fn with_exit(mut self, notice: ExitNotice) -> Self {
        self.exits.retain(|other| other.party() != notice.party());
        self.exits.push(notice);
        self
    }

    /// Reads a notice of exit from the version in force. A notice of a day before it began is of an earlier one: who
    /// left that one may have come back.
    ///
    /// # Errors
    /// Where it is not the word of a party of this version.
    pub fn exit(&self, signed: &SignedExit) -> Result<ExitNotice, ExitNoticeError> {
        let notice = ExitNotice::verify(signed, self.mou().id(), self.in_force.trust())?;
        if notice.on() < self.mou().effective() {
            return Err(ExitNoticeError::Before { on: notice.on(), first: self.mou().effective() });
        }
        Ok(notice)
    }

    /// Who has left the version in force by this day.
    pub fn left(&self, today: Date) -> impl Iterator<Item = &ExitNotice> {
        self.exits.iter().filter(move |notice| notice.on() <= today)
    }

    /// The version in force.
    pub fn in_force(&self) -> &Version {
        &self.in_force
    }

    /// What the version in force says.
    pub fn mou(&self) -> &Arc<Mou> {
        self.in_force.mou()
    }

    /// The roots of the version in force; heads of logs are held against earlier ones, too.
    pub fn trust(&self) -> &Arc<Trust> {
        &self.trust
    }

    /// The version in force and those before it, newest first.
    pub fn versions(&self) -> impl Iterator<Item = &Version> {
        std::iter::once(&self.in_force).chain(&self.earlier)
    }

    /// A version by its hash.
    pub fn version(&self, hash: Sha256) -> Option<&Version> {
        self.versions().find(|version| version.mou().hash() == hash)
    }

    /// Whether a version replaces the one in force.
    ///
    /// # Errors
    /// Where it does not, and why.
    pub fn is_next(&self, new: &Mou) -> Result<(), NotNext> {
        let ours = self.mou();
        let (found, number) = (new.version(), ours.version());
        if new.hash() == ours.hash() {
            return Err(NotNext::InForce(number));
        }
        if new.id() != ours.id() {
            let [found, ours] = [new.id(), ours.id()].map(str::to_owned);
            return Err(NotNext::OtherAgreement { found, ours });
        }
        if found <= number {
            let agreement = ours.id().to_owned();
            return Err(NotNext::GoesBack { agreement, found, ours: number });
        }
        if found - number > 1 {
            return Err(NotNext::Skips { found, ours: number });
        }
        if new.replaces() != Some(ours.hash()) {
            return Err(NotNext::ReplacesAnother { found: new.replaces(), ours: ours.hash() });
        }
        Ok(())
    }

    /// Whether a version begins a new agreement in place of the one in force, without those who sign no more.
    ///
    /// # Errors
    /// Where it does not, and why.
    pub fn is_new_agreement(&self, new: &Mou) -> Result<(), NotNext> {
        if new.id() == self.mou().id() {
            return self.is_next(new);
        }
        if self.versions().any(|version| version.mou().id() == new.id()) {
            return Err(NotNext::OldAgreement(new.id().to_owned()));
        }
        if new.version() != 1 {
            return Err(NotNext::NotTheFirst(new.version()));
        }
        Ok(())
    }
}

impl NotNext {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::InForce(_) => "there is nothing to do",
            Self::GoesBack { .. } => "raise `version`, and name what it replaces",
            Self::Skips { .. } => "each version replaces the one before it",
            Self::ReplacesAnother { .. } => {
                "`sumac mou verify` prints the hash of the version in force: its author writes it into `replaces`"
            }
            Self::OtherAgreement { .. } => {
                "if the rest of you go on without a party that signs no more, activate it with --new-agreement"
            }
            Self::OldAgreement(_) => "choose another `id`",
            Self::NotTheFirst(_) => "write version = 1, and leave `replaces` out",
        }
    }
}

/// The name of a version's folder beside others: its number, and eight digits of its hash.
pub fn folder_name(mou: &Mou) -> String {
    let hash = mou.hash().to_string();
    let digits: String = hash.chars().skip("sha256:".len()).take(8).collect();
    format!("{}-{digits}", mou.version())
}

fn version(papers: &Papers, of: impl Fn() -> String) -> Result<Version, ChainError> {
    Version::read(papers).map_err(|source| ChainError::Version { of: of(), source })
}

/// The folders in a folder, by name; none if there is none. What is half written does not count.
pub(crate) fn folders(dir: &Path) -> Result<Vec<std::path::PathBuf>, ChainError> {
    let listed = || -> io::Result<Vec<_>> {
        let mut paths =
            fs::read_dir(dir)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
        paths.retain(|path| {
            path.join("mou.toml").is_file() && path.extension().is_none_or(|end| end != "partial")
        });
        paths.sort();
        Ok(paths)
    };
    let folders = match listed() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        listed => listed.map_err(|source| PapersError::Read { path: dir.to_owned(), source })?,
    };
    if folders.len() > MAX_EARLIER {
        return Err(ChainError::TooMany);
    }
    Ok(folders)
}

fn named(hash: Option<Sha256>) -> String {
    hash.map_or_else(|| "nothing".to_owned(), |hash| hash.to_string())
}

fn names(lacking: &[Needed]) -> String {
    lacking.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
