//! `sumac.toml`: a party's settings.

mod engine;
mod postgres;

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::Context;
use sumac_policy::section::Sheet;
use sumac_policy::{PartyId, Problems, Severity};

pub(crate) use postgres::Postgres;

pub(crate) use self::engine::EngineChoice;
use super::private_file::read_bounded;
use crate::agreement::in_file;
use crate::outcome::hinted;

/// Where a node listens unless it is told otherwise.
const LISTEN: &str = "0.0.0.0:7443";
/// Replies leave on the ticks of a clock, so that their time says nothing about what was counted. In
/// milliseconds.
const REPLY_TICK_MS: u64 = 250;
/// Slower than this, and askers' deadlines pass.
const MAX_REPLY_TICK_MS: i64 = 10_000;
/// Longest settings file, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// What `sumac.toml` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Whose home it is.
    pub(crate) party: PartyId,
    /// The folder of the MOU.
    pub(crate) mou: PathBuf,
    /// Where the node listens.
    pub(crate) listen: Listen,
    /// Milliseconds between the moments at which replies leave.
    pub(crate) reply_tick_ms: u64,
    /// The party's own PostgreSQL server, if its data lies in one.
    pub(crate) postgres: Option<Postgres>,
    /// What counts the node's tables.
    pub(crate) engine: EngineChoice,
}

impl Settings {
    /// Reads and checks the file; paths in it are relative to `home`.
    pub(super) fn read_file(path: &Path, home: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let bytes = read_bounded(path, MAX_FILE).with_context(|| format!("read `{shown}`"))?;
        Self::read(&bytes, home).map_err(|problems| {
            let lines: Vec<_> = problems.0.iter().map(|found| in_file(path, found)).collect();
            hinted(
                format_args!("the settings cannot be used:\n{}", lines.join("\n")),
                format_args!("correct `{shown}`; `sumac init` writes a whole one into a new home"),
            )
        })
    }

    fn read(bytes: &[u8], home: &Path) -> Result<Self, Problems> {
        let sheet = Sheet::parse(bytes)?;
        let settings = Self::from_sheet(&sheet, home);
        let mut problems = sheet.problems();
        problems.retain(|problem| problem.severity == Severity::Error);
        match settings {
            Some(settings) if problems.is_empty() => Ok(settings),
            _ => Err(Problems(problems)),
        }
    }

    fn from_sheet(sheet: &Sheet, home: &Path) -> Option<Self> {
        let root = sheet.root();
        let party = root.word::<PartyId>("party");
        let mou = root.text("mou").map(|found| home.join(found.value));
        let listen = root.word_if_any::<Listen>("listen").map(|found| found.value);
        let tick = root.number_if_any("reply_tick_ms", 1..=MAX_REPLY_TICK_MS);
        let postgres = root.section_if_any("postgres");
        let postgres = postgres.map(|section| Postgres::from_section(&section, home));
        let engine = root.section_if_any("engine").map(|section| EngineChoice::read(&section));
        root.end(&["dial"]);
        Some(Self {
            party: party?.value,
            mou: mou?,
            listen: listen.or_else(|| LISTEN.parse().ok())?,
            engine: engine.unwrap_or(Some(EngineChoice::Snapshot))?,
            reply_tick_ms: tick.map_or(Some(REPLY_TICK_MS), |found| found.value.try_into().ok())?,
            // Of one that cannot be used, the problem is noted.
            postgres: postgres.flatten(),
        })
    }

    /// The text of a new home's `sumac.toml`.
    pub(crate) fn text(party: &PartyId, listen: &Listen) -> String {
        format!(
            "# Settings of a Sumac party. Unknown keys are errors; `sumac status` shows what is in force.\n\
             party  = \"{party}\"\n\
             mou    = \"mou\"            # the folder of the MOU, relative to this file\n\
             listen = \"{listen}\"   # where `sumac serve` answers; the MOU tells others the address\n\
             \n\
             # Replies leave on the ticks of a clock, so that their time says nothing about what was counted.\n\
             # reply_tick_ms = {REPLY_TICK_MS}\n"
        )
    }
}

/// An address of this machine to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Listen(pub(crate) SocketAddr);

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A text that is no address to listen on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not an address of this machine and a port: write {LISTEN}, or [::]:7443 for IPv6"
)]
pub(crate) struct ListenError(String);

impl FromStr for Listen {
    type Err = ListenError;
    fn from_str(text: &str) -> Result<Self, ListenError> {
        text.parse().map(Self).map_err(|_| ListenError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn the_file_that_init_writes_is_read_back() {
        let party: PartyId = "harbor-tech".parse().unwrap();
        let listen: Listen = "127.0.0.1:7443".parse().unwrap();
        let text = Settings::text(&party, &listen);
        let settings = Settings::read(text.as_bytes(), Path::new("/srv/sumac")).unwrap();
        let mou = PathBuf::from("/srv/sumac/mou");
        assert_eq!(
            settings,
            Settings {
                party,
                mou,
                listen,
                reply_tick_ms: 250,
                engine: EngineChoice::Snapshot,
                postgres: None
            }
        );
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let cases = [
            ("mou = \"mou\"\n", "line 1: file: `party` is missing"),
            ("party = \"a\"\nmou = \"mou\"\nlisen = \"0.0.0.0:1\"\n", "did you mean `listen`?"),
            ("party = \"A b\"\nmou = \"mou\"\n", "`A b` is not a party id"),
            (
                "party = \"a\"\nmou = \"mou\"\nlisten = \"here\"\n",
                "line 3: listen: `here` is not an",
            ),
            ("party = \"a\"\nmou = \"mou\"\nlisten = \"localhost:1\"\n", "`localhost:1` is not an"),
            ("party = \"a\"\nmou = \"mou\"\nreply_tick_ms = 0\n", "0 is not from 1 to 10000"),
            ("party = \"a\"\nmou = 3\n", "a text in quotes is needed"),
            ("party = \"a\"\nmou = \"mou\"\ndial = \"n\"\n", "cannot enforce `dial`"),
            ("party = ", "line 1"),
        ];
        for (text, expected) in cases {
            let problems = Settings::read(text.as_bytes(), Path::new(".")).unwrap_err().to_string();
            assert!(problems.contains(expected), "{text:?}: {problems}");
        }
    }
}
