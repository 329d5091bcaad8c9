//! The operator's console: a socket in the node's home, for commands to a node while it serves.
//!
//! One JSON request on a line, one JSON reply on a line, from a closed vocabulary. Only the node's own user can open
//! the socket; nothing on it says anything about a record.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};

use crate::node::Node;
use crate::remeasure::{self, Correction, Plan, RemeasureError};
use crate::service::chain;

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
}

/// What the node says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Reply {
    /// What it would cost; nothing has changed.
    Planned(Plan),
    /// It is ordered, on disk.
    Ordered(Plan),
    /// It is not done.
    Refused {
        /// Why.
        message: String,
        /// What to do about it.
        hint: String,
        /// Whether it is the year's budget that has no room.
        spent: bool,
    },
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

async fn converse(node: &Node, stream: UnixStream) -> io::Result<()> {
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

async fn obey(node: &Node, command: Command) -> Reply {
    let Command::Remeasure { correction, order } = command;
    let (store, agreement, now) = (&node.store, node.agreement(), node.world.now());
    let mou = agreement.mou();
    let done = if order {
        remeasure::order(store, mou, &correction, now).await.map(Reply::Ordered)
    } else {
        remeasure::plan(store, mou, &correction, now).await.map(Reply::Planned)
    };
    if let Ok(Reply::Ordered(plan)) = &done {
        let Correction { kpi, period, by, because } = &correction;
        let (by, revision) = (by.join(" × "), plan.revision);
        tracing::info!(kpi, period, by, revision, because, "a new measurement is ordered");
    }
    done.unwrap_or_else(|error| {
        if let RemeasureError::Store(_) = &error {
            tracing::error!(error = chain(&error), "failed at the console");
        }
        Reply::Refused {
            message: error.to_string(),
            hint: error.hint(),
            spent: matches!(error, RemeasureError::Spent { .. }),
        }
    })
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
