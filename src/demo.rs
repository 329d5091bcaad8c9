//! `sumac demo`: a whole coalition on this machine, driven through the shipped verbs.
//!
//! Nothing here reaches into another verb: each step is a child process, as a person would type it.

mod agreement;
mod children;
mod files;
mod people;
mod steps;

use std::fs;
use std::io;
use std::path::PathBuf;

use anyhow::Context;

use crate::outcome::{Hint, Outcome, hinted};

/// Run a whole coalition on this machine: two colleges, three employers, a backbone
///
/// Makes real roots and certificates, an MOU that all six sign, and about twenty thousand synthetic learners;
/// imports them, starts five nodes that listen on this machine alone, and asks every table that is due today
/// over mutual TLS. Then it shows a refusal, a repeated question, and what each node has left of its year.
/// Takes some seconds. Nobody in it is real, and nothing leaves this machine.
///
/// Example: sumac demo --dir ./sumac-demo
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where to put its files [default: a new folder, ./sumac-demo or ./sumac-demo-2 …]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,

    /// Leave the nodes running at the end, until Ctrl-C
    #[arg(long)]
    keep_serving: bool,
}

pub(crate) fn run(args: Args) -> anyhow::Result<Outcome> {
    let dir = new_folder(args.dir)?;
    steps::walk(&dir, args.keep_serving)?;
    Ok(Outcome::Done)
}

/// A folder in which nothing is yet.
fn new_folder(named: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    let numbered = (2..100).map(|number| PathBuf::from(format!("sumac-demo-{number}")));
    let candidates: Vec<_> = match named {
        Some(dir) => vec![dir],
        None => std::iter::once(PathBuf::from("sumac-demo")).chain(numbered).collect(),
    };
    for dir in &candidates {
        match fs::create_dir(dir) {
            Ok(()) => return Ok(dir.clone()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                return Err(error)
                    .with_context(|| format!("make the folder `{}`", dir.display()))
                    .hint("name a place that you may write to, with --dir DIR");
            }
        }
    }
    let shown = candidates.first().map(|dir| dir.display().to_string()).unwrap_or_default();
    Err(hinted(
        format_args!("`{shown}` is already there, and the demo overwrites nothing"),
        "name another folder with --dir DIR, or remove that one",
    ))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn a_folder_that_is_there_is_never_used() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("demo");
        assert!(new_folder(Some(dir.clone())).unwrap().ends_with("demo"));
        assert!(new_folder(Some(dir)).is_err());
    }
}
