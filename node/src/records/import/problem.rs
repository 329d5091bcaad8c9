//! What is wrong with partners' files, for the operator's own terminal: a problem may show a value of the
//! file, never what identifies a person.

use std::fmt;
use std::path::{Path, PathBuf};

use super::super::source::{Fault, Spot};

/// An import stops looking after this many: enough to correct in one sitting.
const MAX_PROBLEMS: usize = 20;

/// A value longer than this is cut where it is shown.
const MAX_SHOWN: usize = 40;

/// One thing wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileProblem {
    /// Which file.
    pub path: PathBuf,
    /// Where in it; none where it is the file as a whole.
    pub spot: Option<Spot>,
    /// The column of the file.
    pub column: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// Everything wrong with the files of one import, in the order in which it was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileProblems(Vec<FileProblem>);

/// A place in a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) path: &'a Path,
    pub(super) spot: Option<Spot>,
    pub(super) column: Option<&'a str>,
}

impl FileProblems {
    /// Each of them.
    pub fn as_slice(&self) -> &[FileProblem] {
        &self.0
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether there are so many that looking further helps nobody.
    pub(super) fn is_full(&self) -> bool {
        self.0.len() >= MAX_PROBLEMS
    }

    pub(super) fn note(
        &mut self,
        place: Place<'_>,
        message: impl fmt::Display,
        hint: impl fmt::Display,
    ) {
        if self.is_full() {
            return;
        }
        let problem = FileProblem {
            path: place.path.to_owned(),
            spot: place.spot,
            column: place.column.map(str::to_owned),
            message: message.to_string(),
            hint: hint.to_string(),
        };
        // Two tables may read the same field: it is wrong once.
        if !self.0.contains(&problem) {
            self.0.push(problem);
        }
    }

    pub(super) fn fault(&mut self, path: &Path, fault: Fault) {
        let Fault { spot, column, message, hint, .. } = fault;
        self.note(Place { path, spot, column: column.as_deref() }, message, hint);
    }
}

/// A value as it is shown to the operator.
pub(super) fn shown(value: &str) -> String {
    let start: String = value.chars().take(MAX_SHOWN).collect();
    let more = if start.len() < value.len() { "…" } else { "" };
    format!("`{}{more}`", start.escape_debug())
}

impl fmt::Display for FileProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.path.display())?;
        if let Some(spot) = &self.spot {
            write!(f, ", {spot}")?;
        }
        if let Some(column) = &self.column {
            write!(f, ", column `{column}`")?;
        }
        write!(f, ": {} ({})", self.message, self.hint)
    }
}

impl fmt::Display for FileProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, problem) in self.0.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        if self.is_full() {
            write!(f, "\nstopped after {MAX_PROBLEMS} problems: there may be more")?;
        }
        Ok(())
    }
}
