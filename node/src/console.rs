//! The operator's console: a socket in the node's home, for commands to a node while it serves.
//!
//! One JSON request on a line, one JSON reply on a line, from a closed vocabulary. Only the node's own user can open
//! the socket; nothing on it says anything about a record.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sumac_keys::{Chain, ExitNotice, Papers, Shelf, Version};
use sumac_policy::{Narrow, PartyId};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};

use crate::amend::{self, AmendError};
use crate::export::{self, ExportError};
use crate::node::Node;
use crate::pause::{self, PauseError};
use crate::remeasure::{self, Correction, Plan, RemeasureError};
use crate::resume::{self, ResumeError, Without};
use crate::service::chain;
use crate::store::{Cut, Paused, Store, StoreError};
use crate::world::day_of;

/// Longest request, in bytes.
const MAX_REQUEST: u64 = 16 << 10;

/// What an operator asks of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// A released table is to be measured anew.
    Remeasure {
        /// The table, and why.
        correction: Correction,
        /// Whether to order it; if not, only what it would cost is said.
        order: bool,
    },
    /// The node was restored from a backup, and is to go on without parties that it waits for.
    Resume {
        /// Those parties, and why.
        without: Without,
        /// Whether to go on; if not, only what it would cost is said.
        order: bool,
    },
    /// How much of the log may be copied.
    Cut,
    /// A copy of the log is to be made for a party that may audit.
    Export {
        /// The party.
        party: String,
    },
    /// The parties agreed on another version of the MOU.
    Activate {
        /// The folder that holds its papers.
        folder: PathBuf,
        /// Whether it may begin a new agreement in place of the one in force.
        new_agreement: bool,
    },
    /// This party leaves: its notice of exit lies beside the MOU, signed by its root.
    Leave,
    /// The node is to answer nothing for a while.
    Pause(Paused),
    /// It is to go on.
    EndPause,
}

/// What the node says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Reply {
    /// What it would cost; nothing has changed.
    Planned(Plan),
    /// It is ordered, on disk.
    Ordered(Plan),
    /// What it would cost to go on; nothing has changed.
    WouldResume(resume::Plan),
    /// The node answers again.
    Resumed(resume::Plan),
    /// So much of the log is on disk, and stays as it is.
    Cut(Cut),
    /// A version is accepted.
    Activated(Activated),
    /// This party has left. Every question is refused from here on.
    Left,
    /// The node answers nothing from now on.
    Paused,
    /// The node answers again.
    PauseEnded,
    /// It is not done.
    Refused {
        /// Why.
        message: String,
        /// What to do about it.
        hint: String,
        /// Whether it is the year's budget that has no room.
        spent: bool,
        /// Whether it is the MOU that forbids it.
        #[serde(default)]
        by_mou: bool,
    },
}

/// A version that was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Activated {
    /// Its number.
    pub version: u32,
    /// Its hash.
    pub mou: String,
    /// Its first day.
    pub effective: String,
    /// Whether it is in force already; if not, it waits for that day.
    pub in_force: bool,
}

impl Activated {
    fn of(version: &Version, now: Timestamp) -> Self {
        let mou = version.mou();
        Self {
            version: mou.version(),
            mou: mou.hash().to_string(),
            effective: mou.effective().to_string(),
            in_force: mou.effective() <= day_of(now),
        }
    }
}

/// The node's end of the console. The socket goes when this is dropped.
#[derive(Debug)]
pub struct Console {
    listener: UnixListener,
    path: PathBuf,
}

impl Console {
    /// Opens the console at `path`, in place of what an earlier process left there. Call it only with the node's
    /// ledger open, which no two processes have.
    ///
    /// # Errors
    /// A folder that cannot be written; a path longer than a socket's may be, about 100 bytes.
    pub fn open(path: &Path) -> io::Result<Self> {
        // It gets its name only once nobody else may open it.
        let unnamed = path.with_extension("new");
        for left in [&unnamed, path] {
            match fs::remove_file(left) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        let listener = UnixListener::bind(&unnamed)?;
        fs::set_permissions(&unnamed, fs::Permissions::from_mode(0o600))?;
        fs::rename(&unnamed, path)?;
        Ok(Self { listener, path: path.to_owned() })
    }

    /// Answers commands for as long as it is polled.
    pub async fn serve(self, node: Arc<Node>) {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let node = node.clone();
                    tokio::spawn(async move {
                        if let Err(error) = converse(&node, stream).await {
                            tracing::warn!(%error, "a console was left half way");
                        }
                    });
                }
                Err(error) => {
                    tracing::error!(%error, "the console cannot be used any more");
                    return;
                }
            }
        }
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        // Gone already, or taken over: either is as good.
        let _ = fs::remove_file(&self.path);
    }
}

async fn converse(node: &Arc<Node>, stream: UnixStream) -> io::Result<()> {
    let (reading, mut writing) = stream.into_split();
    let mut reading = BufReader::new(reading);
    loop {
        let mut line = String::new();
        (&mut reading).take(MAX_REQUEST).read_line(&mut line).await?;
        if line.is_empty() {
            return Ok(());
        }
        let whole = line.ends_with('\n');
        let reply = match serde_json::from_str::<Command>(&line) {
            Ok(command) if whole => obey(node, command).await,
            _ => Reply::Refused {
                message: "the node does not know this command".to_owned(),
                hint: "compare versions: the command and the node are of one".to_owned(),
                spent: false,
                by_mou: false,
            },
        };
        let mut bytes = serde_json::to_vec(&reply)?;
        bytes.push(b'\n');
        writing.write_all(&bytes).await?;
        if !whole {
            return Ok(());
        }
    }
}

async fn obey(node: &Arc<Node>, command: Command) -> Reply {
    // Not while an asker gives something back.
    let _turn = node.recovering.lock().await;
    let (store, party, now) = (&node.store, &node.party, node.world.now());
    let agreement = match node.goes_by(now).await {
        Ok(agreement) => agreement,
        Err(error) => {
            tracing::error!(error = chain(&error), "failed at the console");
            let (message, hint) = (error.to_string(), "see the node's log".to_owned());
            return Reply::Refused { message, hint, spent: false, by_mou: false };
        }
    };
    let reply = match &command {
        Command::Activate { folder, new_agreement } => {
            activate(node, folder, *new_agreement, now).await
        }
        Command::Leave => leave(node, now).await,
        _ => {
            let chain = agreement.chain();
            carry_out(store, &node.shelf, chain, agreement.narrow(), party, command.clone(), now)
                .await
        }
    };
    match (command, &reply) {
        (Command::Remeasure { correction, .. }, Reply::Ordered(plan)) => {
            let Correction { kpi, period, by, because } = &correction;
            let (by, revision) = (by.join(" × "), plan.revision);
            tracing::info!(kpi, period, by, revision, because, "a new measurement is ordered");
        }
        (Command::Resume { without, .. }, Reply::Resumed(plan)) => {
            let (lost_nano_rho, tables) = (plan.lost_nano_rho, plan.tables.len());
            let (without, because) = (without.parties.join(", "), without.because);
            tracing::warn!(without, because, lost_nano_rho, tables, "the node answers again");
        }
        (Command::Pause(Paused { because, until }), Reply::Paused) => {
            let until = until.map(|last| last.to_string()).unwrap_or_default();
            tracing::warn!(because, until, "paused: every question is refused");
        }
        (Command::EndPause, Reply::PauseEnded) => {
            tracing::warn!("the pause is over: the node answers again");
        }
        _ => {}
    }
    reply
}

/// Accepts a version while the node serves.
async fn activate(node: &Node, folder: &Path, new_agreement: bool, now: Timestamp) -> Reply {
    let accepted = async {
        let papers = Papers::read(folder)?;
        node.activate(papers, new_agreement, now).await
    };
    match accepted.await {
        Ok(version) => Reply::Activated(Activated::of(&version, now)),
        Err(error) => *Refused::from(error).0,
    }
}

/// Leaves while the node serves.
async fn leave(node: &Node, now: Timestamp) -> Reply {
    let left = async {
        let notice = own_notice(&node.shelf, node.agreement().chain(), &node.party)?;
        node.leave(&notice, now).await
    };
    match left.await {
        Ok(()) => {
            tracing::warn!("this party has left the agreement: nothing is answered any more");
            Reply::Left
        }
        Err(error) => *Refused::from(error).0,
    }
}

/// This party's notice of exit, which lies beside the MOU.
fn own_notice(shelf: &Shelf, chain: &Chain, party: &PartyId) -> Result<ExitNotice, AmendError> {
    let exits = shelf.exits()?;
    let signed = exits.get(party).cloned().unwrap_or_default();
    Ok(chain.exit(&signed)?)
}

/// Carries out a command on an open store: the node's, or that of a node that does not serve.
pub async fn carry_out(
    store: &Store,
    shelf: &Shelf,
    chain: &Chain,
    narrow: &Narrow,
    party: &PartyId,
    command: Command,
    now: Timestamp,
) -> Reply {
    let mou = chain.mou();
    let terms = narrow.over(mou);
    let done = match command {
        Command::Remeasure { correction, order: false } => {
            remeasure::plan(store, terms, &correction, now)
                .await
                .map(Reply::Planned)
                .map_err(Into::into)
        }
        Command::Remeasure { correction, order: true } => {
            remeasure::order(store, terms, &correction, now)
                .await
                .map(Reply::Ordered)
                .map_err(Into::into)
        }
        Command::Resume { without, order: false } => {
            let planned = resume::plan(store, chain, party, &without, now).await;
            planned.map(Reply::WouldResume).map_err(Into::into)
        }
        Command::Resume { without, order: true } => {
            let resumed = resume::order(store, chain, party, &without, now).await;
            resumed.map(Reply::Resumed).map_err(Into::into)
        }
        Command::Pause(paused) => {
            pause::pause(store, paused, now).await.map(|()| Reply::Paused).map_err(Into::into)
        }
        Command::EndPause => {
            pause::end_pause(store, now).await.map(|()| Reply::PauseEnded).map_err(Into::into)
        }
        Command::Cut => store.cut().await.map(Reply::Cut).map_err(Refused::from),
        Command::Export { party } => {
            export::export(store, mou, &party, now).await.map(Reply::Cut).map_err(Into::into)
        }
        Command::Activate { folder, new_agreement } => {
            let accepted = async {
                let papers = Papers::read(&folder)?;
                amend::activate(store, shelf, party, papers, new_agreement, now).await
            };
            let accepted = accepted.await.map(|version| Activated::of(&version, now));
            accepted.map(Reply::Activated).map_err(Refused::from)
        }
        Command::Leave => {
            let left = async {
                let notice = own_notice(shelf, &shelf.chain()?, party)?;
                Ok::<_, AmendError>(amend::leave(store, mou, &notice, now).await?)
            };
            left.await.map(|()| Reply::Left).map_err(Refused::from)
        }
    };
    done.unwrap_or_else(|Refused(reply)| *reply)
}

/// Why a command is not carried out, as it is replied.
struct Refused(Box<Reply>);

impl Refused {
    fn new(message: String, hint: String, spent: bool) -> Self {
        Self(Box::new(Reply::Refused { message, hint, spent, by_mou: false }))
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        tracing::error!(error = chain(&error), "failed at the console");
        Self::new(chain(&error), "`sumac ledger check` says more".to_owned(), false)
    }
}

impl From<AmendError> for Refused {
    fn from(error: AmendError) -> Self {
        let hint = error.hint();
        match error {
            AmendError::Store(error) => error.into(),
            error => Self::new(chain(&error), hint, false),
        }
    }
}

impl From<RemeasureError> for Refused {
    fn from(error: RemeasureError) -> Self {
        let spent = matches!(error, RemeasureError::Spent { .. });
        let (message, hint) = (error.to_string(), error.hint());
        match error {
            RemeasureError::Store(error) => error.into(),
            _ => Self::new(message, hint, spent),
        }
    }
}

impl From<PauseError> for Refused {
    fn from(error: PauseError) -> Self {
        let (message, hint) = (error.to_string(), error.hint().to_owned());
        match error {
            PauseError::Store(error) => error.into(),
            _ => Self::new(message, hint, false),
        }
    }
}

impl From<ExportError> for Refused {
    fn from(error: ExportError) -> Self {
        let (message, hint, by_mou) =
            (error.to_string(), error.hint().to_owned(), error.is_refusal());
        match error {
            ExportError::Store(error) => error.into(),
            _ => Self(Box::new(Reply::Refused { message, hint, spent: false, by_mou })),
        }
    }
}

impl From<ResumeError> for Refused {
    fn from(error: ResumeError) -> Self {
        let (message, hint) = (error.to_string(), error.hint().to_owned());
        match error {
            ResumeError::Store(error) => error.into(),
            _ => Self::new(message, hint, false),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn the_vocabulary_is_closed() {
        let correction = r#"{"kpi":"completers","period":"2025-26","by":["sex"],"because":"a file was missing"}"#;
        let spelled = format!(r#"{{"remeasure":{{"correction":{correction},"order":true}}}}"#);
        let command: Command = serde_json::from_str(&spelled).unwrap();
        assert_eq!(serde_json::to_string(&command).unwrap(), spelled);
        for other in [
            spelled.replace("remeasure", "erase"),
            spelled.replace(",\"order\":true", ""),
            spelled.replace("\"order\":true", "\"order\":true,\"force\":true"),
            spelled.replace("\"by\"", "\"where\""),
            String::new(),
        ] {
            assert!(serde_json::from_str::<Command>(&other).is_err(), "{other}");
        }
    }

    #[tokio::test]
    async fn takes_the_place_of_what_a_killed_node_left_and_leaves_nothing() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("control.sock");
        fs::write(&path, "left").unwrap();
        let console = Console::open(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        drop(console);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        assert!(Console::open(&dir.path().join("long".repeat(40))).is_err());
    }
}
