//! One question at a time, on a terminal or from a pipe.

use std::io::{self, BufRead, IsTerminal, Write};

use anyhow::Context;

use crate::outcome::hinted;
use crate::terminal::tell;

/// Asks what no flag said, unless nothing is to be asked.
pub(super) struct Prompt {
    silent: bool,
}

impl Prompt {
    /// `silent`: take defaults, and ask nothing.
    pub(super) fn new(silent: bool) -> Self {
        Self { silent }
    }

    /// What a flag gave, else what is typed, else the default. `flag` is the flag that says it beforehand.
    ///
    /// A bad answer on a terminal is asked again; from a pipe it is the error.
    pub(super) fn or_ask<T>(
        &self,
        given: Option<T>,
        flag: &str,
        question: &str,
        default: Option<&str>,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> anyhow::Result<T> {
        if let Some(given) = given {
            return Ok(given);
        }
        if self.silent {
            let default = default.ok_or_else(|| {
                hinted(
                    format_args!("no flag answers: {question}"),
                    format_args!("add {flag}, or leave --yes out"),
                )
            })?;
            return read(default).map_err(|error| hinted(error, format_args!("add {flag}")));
        }
        loop {
            let typed = line(question, default)?;
            let text = match (typed.trim(), default) {
                ("", Some(default)) => default,
                (text, _) => text,
            };
            match read(text) {
                Ok(answer) => return Ok(answer),
                Err(error) if io::stdin().is_terminal() => tell!("{error}"),
                Err(error) => {
                    return Err(hinted(error, format_args!("the question was: {question}")));
                }
            }
        }
    }

    /// Whether anything is asked at all.
    pub(super) fn asks(&self) -> bool {
        !self.silent
    }
}

fn line(question: &str, default: Option<&str>) -> anyhow::Result<String> {
    let default = match default {
        Some("") | None => String::new(),
        Some(default) => format!(" [{default}]"),
    };
    let mut stderr = io::stderr();
    write!(stderr, "{question}{default}: ").and_then(|()| stderr.flush()).context("ask")?;
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line).context("read the answer")?;
    if read == 0 {
        return Err(hinted(
            format_args!("the answers end before: {question}"),
            "answer it, or say it with a flag: `sumac mou new --help`",
        ));
    }
    Ok(line)
}
