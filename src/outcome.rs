//! What came of a verb, as an exit code; and what went wrong, as an error with a hint.

use std::fmt;
use std::io;
use std::process::ExitCode;

use crate::terminal::tell;

/// What came of a verb that ran to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It did what it was asked to.
    Done,
    /// It ran, and its answer is bad news: an MOU with errors, a missing signature.
    Failed,
    /// The MOU allows none of it.
    Refused,
    /// The year's budget holds none of it.
    Spent,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        // 2 is clap's, for wrong usage.
        Self::from(match outcome {
            Outcome::Done => 0,
            Outcome::Failed => 1,
            Outcome::Refused => 3,
            Outcome::Spent => 4,
        })
    }
}

/// Prints why a verb failed: the chain of causes, then what to type next.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    // Whoever read our output has had enough of it.
    let closed_pipe = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<io::Error>().is_some_and(|io| io.kind() == io::ErrorKind::BrokenPipe)
    };
    if error.chain().any(closed_pipe) {
        return ExitCode::SUCCESS;
    }
    tell!("error: {}", sentence(error));
    if let Some(hint) = error.chain().find_map(|cause| cause.downcast_ref::<Hinted>()) {
        tell!("\nhint: {}", hint.hint);
    }
    Outcome::Failed.into()
}

/// The chain as one sentence; a cause of several lines starts on its own.
fn sentence(error: &anyhow::Error) -> String {
    let mut sentence = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        // Some libraries repeat their cause's words in their own.
        if cause.is_empty() || sentence.ends_with(&cause) {
            continue;
        }
        if !sentence.is_empty() {
            sentence.push_str(if cause.contains('\n') { ":\n" } else { ": " });
        }
        sentence.push_str(&cause);
    }
    sentence
}

/// An error with what to do about it. It prints as the error alone; [`report`] finds the hint.
#[derive(Debug)]
struct Hinted {
    error: anyhow::Error,
    hint: String,
}

impl fmt::Display for Hinted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for Hinted {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}

/// Says what to do about an error.
pub(crate) trait Hint<T> {
    /// `hint` is printed after the error: the next thing to type, or to do.
    fn hint(self, hint: impl fmt::Display) -> anyhow::Result<T>;
}

impl<T, E: Into<anyhow::Error>> Hint<T> for Result<T, E> {
    fn hint(self, hint: impl fmt::Display) -> anyhow::Result<T> {
        self.map_err(|error| {
            anyhow::Error::new(Hinted { error: error.into(), hint: hint.to_string() })
        })
    }
}

/// A new error with what to do about it.
pub(crate) fn hinted(error: impl fmt::Display, hint: impl fmt::Display) -> anyhow::Error {
    let (error, hint) = (anyhow::anyhow!("{error}"), hint.to_string());
    anyhow::Error::new(Hinted { error, hint })
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn a_hint_is_found_under_any_context_and_is_no_part_of_the_sentence() {
        let inner: Result<(), _> = Err(io::Error::new(io::ErrorKind::NotFound, "no such file"));
        let error = inner.context("read `a`").hint("make `a`").context("start");
        let error = error.expect_err("it was an error from the start");
        assert_eq!(sentence(&error), "start: read `a`: no such file");
        let hint = error.chain().find_map(|cause| cause.downcast_ref::<Hinted>());
        assert_eq!(hint.map(|hint| hint.hint.as_str()), Some("make `a`"));
    }

    #[test]
    fn several_lines_stand_below_what_they_are_about() {
        let error = anyhow::anyhow!("line 1: a\nline 2: b").context("read `mou.toml`");
        assert_eq!(sentence(&error), "read `mou.toml`:\nline 1: a\nline 2: b");
    }
}
