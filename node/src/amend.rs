//! How a node comes to go by another version of the agreement: proposed, accepted by its operator, taken up on its
//! first day. And how it learns that a party has left.
//!
//! Nothing here believes anybody: a version counts for what its signatures are worth to this node.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use jiff::Timestamp;
use jiff::civil::Date;
use sumac_keys::{
    Accepted, Chain, ExitNotice, ExitNoticeError, NotAccepted, NotNext, Papers, PapersError, Shelf,
    ShelfError, SignedExit, Version, VersionError,
};
use sumac_policy::{Clause, Mou, PartyId, Reason, Refusal, Sha256};

use crate::agreement::Agreement;
use crate::node::{Node, NodeError};
use crate::service::chain;
use crate::store::{Exit, Left, MouInForce, Note, Store, StoreError};
use crate::world::day_of;

/// Why a change of the agreement is not made.
#[derive(Debug, thiserror::Error)]
pub enum AmendError {
    /// The version is not accepted.
    #[error(transparent)]
    NotAccepted(#[from] NotAccepted),
    /// A proposal that cannot be read.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// A proposal that does not follow.
    #[error(transparent)]
    NotNext(#[from] NotNext),
    /// A proposal that lapsed.
    #[error("it lapsed: it expired on {0}")]
    Lapsed(Date),
    /// A notice that does not stand.
    #[error(transparent)]
    Exit(#[from] ExitNoticeError),
    /// This party does not appear in it, so it is left, not amended.
    #[error("`{0}` is not a party to it: this node would have nothing to go by")]
    NotAParty(PartyId),
    /// The party's own data has columns that the version declares otherwise, and so on.
    #[error("the folders of the agreement")]
    Shelf(#[from] ShelfError),
    /// Papers.
    #[error(transparent)]
    Papers(#[from] PapersError),
    /// The ledger.
    #[error("keep the ledger")]
    Store(#[from] StoreError),
    /// The folders and the ledger do not belong together.
    #[error(
        "the ledger went by version {version} of `{agreement}` ({mou}), and the MOU here is {found}, which does not follow it"
    )]
    GoesBack {
        /// The agreement that the ledger went by.
        agreement: String,
        /// Its version.
        version: u32,
        /// Its hash.
        mou: Sha256,
        /// The version found.
        found: String,
    },
    /// Put in place by hand, before its day.
    #[error(
        "version {version} takes effect on {effective}, and the one before it is still in force"
    )]
    TooEarly {
        /// Its number.
        version: u32,
        /// Its first day.
        effective: Date,
    },
    /// A task stopped without a result.
    #[error("a task stopped half way: see the log above")]
    Stopped,
}

impl AmendError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::NotAccepted(NotAccepted::NotNext(error)) | Self::NotNext(error) => {
                error.hint().to_owned()
            }
            Self::NotAccepted(NotAccepted::NotSigned { lacking, .. }) => {
                let files: Vec<_> = lacking.iter().map(|needed| needed.file()).collect();
                format!("until then the version before stands; still needed: {}", files.join(", "))
            }
            Self::NotAccepted(_) | Self::Version(_) | Self::Lapsed(_) => {
                "the version before stands; `sumac mou verify` looks at every party".to_owned()
            }
            Self::Exit(_) => "ask the party for its notice again".to_owned(),
            Self::NotAParty(_) => "a party that leaves runs `sumac leave`".to_owned(),
            Self::GoesBack { .. } => {
                "nobody goes back: put the newest MOU's folder back in place, with its `earlier` versions; if the \
                 parties agreed on a new one, `sumac mou activate DIR`"
                    .to_owned()
            }
            Self::TooEarly { .. } => {
                "put the version before it back in place, and `sumac mou activate` the new one: it waits for its day"
                    .to_owned()
            }
            Self::Shelf(_) | Self::Papers(_) | Self::Store(_) | Self::Stopped => {
                "see the node's log".to_owned()
            }
        }
    }
}

/// What a record of the log says of a version.
pub(crate) fn record_of(mou: &Mou) -> MouInForce {
    MouInForce { mou: mou.hash(), agreement: mou.id().to_owned(), version: mou.version() }
}

/// Holds the folders of an agreement against the ledger, and finishes a change that was interrupted between the two.
/// What the ledger went by last is never left for anything older.
///
/// # Errors
/// Folders that cannot be read; an MOU that is older than the ledger, or another of the same number.
pub async fn settle(store: &Store, shelf: &Shelf, today: Date) -> Result<Chain, AmendError> {
    let chain = shelf.chain()?;
    let Some(last) = store.mou().await? else { return Ok(chain) };
    if last.mou == chain.mou().hash() {
        return Ok(chain);
    }
    // Written down, and not put in place any more: in time then, even if it expired since.
    if let Some(next) = shelf.next(&chain, Date::MIN)?
        && next.hash() == last.mou
    {
        shelf.take_up()?;
        return Ok(shelf.chain()?);
    }
    follows(&chain, &last, today)?;
    Ok(chain)
}

/// Whether the version in force may come after what the ledger went by.
pub(crate) fn follows(chain: &Chain, last: &MouInForce, today: Date) -> Result<(), AmendError> {
    let mou = chain.mou();
    if mou.hash() == last.mou {
        return Ok(());
    }
    let MouInForce { mou: hash, agreement, version } = last.clone();
    let later = mou.id() == agreement && mou.version() > version && chain.version(hash).is_some();
    if !later {
        let found = format!("version {} of `{}` ({})", mou.version(), mou.id(), mou.hash());
        return Err(AmendError::GoesBack { agreement, version, mou: hash, found });
    }
    if mou.effective() > today {
        let (version, effective) = (mou.version(), mou.effective());
        return Err(AmendError::TooEarly { version, effective });
    }
    Ok(())
}

impl Node {
    /// Takes up a version that was accepted and waited for this day, between questions: in the log first, then in
    /// memory, then in the folders.
    pub(crate) async fn follow(self: &Arc<Self>, now: Timestamp) -> Result<(), NodeError> {
        if self.due(day_of(now)).is_none() {
            return Ok(());
        }
        // Spawned, because what is begun is finished even if the asker hangs up.
        let node = self.clone();
        let followed = tokio::spawn(async move {
            let _turn = node.changing.lock().await;
            match node.due(day_of(now)) {
                Some(next) => node.take_up(next, now).await,
                None => Ok(()),
            }
        });
        followed.await.map_err(|_| NodeError::Stopped)?
    }

    /// The version that waits for its first day.
    pub(crate) fn waiting(&self) -> Option<Version> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether this party is still one of the coalition.
    pub(crate) fn has_not_left(&self) -> Result<(), Refusal> {
        if !self.left.load(Ordering::Acquire) {
            return Ok(());
        }
        Err(Refusal {
            reason: Reason::PartyLeft,
            clause: Clause::at("amendment.exit_notice_days"),
            message: format!("`{}` has left the agreement", self.party),
            hint: "go on without it: the others amend the MOU, with its notice of exit attached"
                .to_owned(),
        })
    }

    /// The version that waits, if its first day has come.
    fn due(&self, today: Date) -> Option<Version> {
        self.waiting().filter(|next| next.mou().effective() <= today)
    }

    async fn take_up(&self, next: Version, now: Timestamp) -> Result<(), NodeError> {
        let before = self.agreement();
        let lapsed = day_of(now) > next.mou().expires();
        if !lapsed {
            self.store.note(Note::Mou(record_of(next.mou())), now).await?;
        }
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = None;
        if lapsed {
            tracing::warn!(
                version = next.mou().version(),
                "a version lapsed; the one before stands"
            );
            return Ok(());
        }
        let (version, mou) = (next.mou().version(), next.mou().hash());
        let versions = before.chain().followed_by(next);
        self.agreement.send_replace(Arc::new(Agreement::new(versions, day_of(now))));
        self.left.store(false, Ordering::Release);
        tracing::info!(version, %mou, "a new version of the MOU is in force");
        let shelf = self.shelf.clone();
        let put = tokio::task::spawn_blocking(move || shelf.take_up()).await;
        if let Err(error) = put.map_err(|_| AmendError::Stopped).and_then(|put| Ok(put?)) {
            // The log has it, so that the next start finishes it.
            tracing::error!(error = chain(&error), "the folder of the MOU could not be changed");
        }
        Ok(())
    }

    /// Accepts a version on the operator's word: at once if its first day has come, else it waits for it.
    ///
    /// # Errors
    /// Where it is not accepted, or cannot be written.
    pub async fn activate(
        &self,
        papers: Papers,
        new_agreement: bool,
        now: Timestamp,
    ) -> Result<Version, AmendError> {
        let _turn = self.changing.lock().await;
        let today = day_of(now);
        let before = self.agreement();
        let accepted = Accepted::judge(papers, before.chain(), new_agreement, today)?;
        let version = accepted.version().clone();
        if version.mou().party(&self.party).is_none() {
            return Err(AmendError::NotAParty(self.party.clone()));
        }
        let shelf = self.shelf.clone();
        let kept = tokio::task::spawn_blocking(move || shelf.accept(&accepted));
        kept.await.map_err(|_| AmendError::Stopped)??;
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = Some(version.clone());
        if version.mou().effective() <= today {
            self.take_up(version.clone(), now).await.map_err(|error| match error {
                NodeError::Store(error) => AmendError::Store(error),
                _ => AmendError::Stopped,
            })?;
        }
        Ok(version)
    }

    /// Keeps a proposal, and says what is known of its signatures.
    pub(crate) async fn propose(
        &self,
        agreement: &Agreement,
        papers: Papers,
        now: Timestamp,
    ) -> Result<Papers, AmendError> {
        let version = Version::read(&papers)?;
        let (chain, mou) = (agreement.chain().clone(), version.mou().clone());
        // A new agreement is for operators to accept; it is passed on all the same.
        chain.is_new_agreement(&mou)?;
        if day_of(now) > mou.expires() {
            return Err(AmendError::Lapsed(mou.expires()));
        }
        let _turn = self.changing.lock().await;
        let shelf = self.shelf.clone();
        let kept = tokio::task::spawn_blocking(move || shelf.propose(&papers, &version, &chain));
        let (_, kept) = kept.await.map_err(|_| AmendError::Stopped)??;
        Ok(kept)
    }

    /// Every proposal that still may come into force, with the signatures that stand; and papers that hold nothing
    /// but the notices of exit from the version in force.
    pub(crate) async fn proposals(
        &self,
        agreement: &Agreement,
        now: Timestamp,
    ) -> Result<(Vec<Papers>, Papers), AmendError> {
        let (shelf, chain) = (self.shelf.clone(), agreement.chain().clone());
        let today = day_of(now);
        let read = tokio::task::spawn_blocking(move || -> Result<_, ShelfError> {
            let mut proposals = shelf.proposals()?;
            proposals.retain(|(_, _, version)| {
                chain.is_new_agreement(version.mou()).is_ok() && today <= version.mou().expires()
            });
            let proposals = proposals.into_iter().map(|(_, papers, _)| papers).collect();
            Ok((proposals, Papers { exits: shelf.exits()?, ..Papers::default() }))
        });
        Ok(read.await.map_err(|_| AmendError::Stopped)??)
    }

    /// Takes note that a party has left: in the log first. From its day on its certificates are refused.
    pub(crate) async fn exit(&self, signed: SignedExit, now: Timestamp) -> Result<(), AmendError> {
        let _turn = self.changing.lock().await;
        let agreement = self.agreement();
        let notice = agreement.chain().exit(&signed)?;
        if agreement.chain().left(Date::MAX).any(|known| known.party() == notice.party()) {
            return Ok(());
        }
        let exit = Exit {
            party: notice.party().to_string(),
            on: notice.on().to_string(),
            mou: agreement.mou().hash(),
        };
        self.store.note(Note::Exit(exit), now).await?;
        let (shelf, kept) = (self.shelf.clone(), notice.clone());
        let written = tokio::task::spawn_blocking(move || shelf.keep_exit(&kept, &signed));
        let written = written.await.map_err(|_| AmendError::Stopped)?;
        tracing::info!(party = %notice.party(), on = %notice.on(), "a party has left");
        let chain = agreement.chain().clone().with_exit(notice);
        self.agreement.send_replace(Arc::new(Agreement::new(chain, day_of(now))));
        Ok(written?)
    }

    /// Stops this node for good under this agreement: from now on every question is refused.
    pub(crate) async fn leave(
        &self,
        notice: &ExitNotice,
        now: Timestamp,
    ) -> Result<(), AmendError> {
        let _turn = self.changing.lock().await;
        // First of all, so that nothing is charged any more.
        self.left.store(true, Ordering::Release);
        leave(&self.store, self.agreement().mou(), notice, now).await?;
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(())
    }
}

/// Writes down that this party has left, and then deletes the releases beside the log where the MOU says so. Twice does
/// no harm.
///
/// # Errors
/// A ledger that cannot be written.
pub async fn leave(
    store: &Store,
    mou: &Mou,
    notice: &ExitNotice,
    now: Timestamp,
) -> Result<(), StoreError> {
    if store.left().await?.is_none() {
        let (on, because) = (notice.on().to_string(), notice.because().to_owned());
        store.note(Note::Left(Left { on, because, mou: mou.hash() }), now).await?;
    }
    if mou.after().delete_within_days.is_some() {
        // Every release, whenever it is dated. What a crash leaves undone, the next run finishes.
        store.purge(Timestamp::MAX, now).await?;
    }
    Ok(())
}

/// Accepts a version at a node that does not serve: as [`Node`] does at its console.
///
/// # Errors
/// Where it is not accepted, or cannot be written.
pub async fn activate(
    store: &Store,
    shelf: &Shelf,
    party: &PartyId,
    papers: Papers,
    new_agreement: bool,
    now: Timestamp,
) -> Result<Version, AmendError> {
    let today = day_of(now);
    let chain = take_up_what_is_due(store, shelf, now).await?;
    let accepted = Accepted::judge(papers, &chain, new_agreement, today)?;
    let version = accepted.version().clone();
    if version.mou().party(party).is_none() {
        return Err(AmendError::NotAParty(party.clone()));
    }
    shelf.accept(&accepted)?;
    if version.mou().effective() <= today {
        store.note(Note::Mou(record_of(version.mou())), now).await?;
        shelf.take_up()?;
    }
    Ok(version)
}

/// Takes up a version whose first day came while the node did not serve, as a node that serves does before it accepts
/// the next one.
async fn take_up_what_is_due(
    store: &Store,
    shelf: &Shelf,
    now: Timestamp,
) -> Result<Chain, AmendError> {
    let today = day_of(now);
    let chain = settle(store, shelf, today).await?;
    let next = shelf.next(&chain, today)?.map(|next| next.version().clone());
    let Some(due) = next.filter(|next| next.mou().effective() <= today) else { return Ok(chain) };
    store.note(Note::Mou(record_of(due.mou())), now).await?;
    shelf.take_up()?;
    Ok(shelf.chain()?)
}
