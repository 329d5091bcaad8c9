//! The library that kills a process at one of its durable steps (`shim.c`), and what it writes down.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use crate::command::Environment;

/// Where a process is killed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kill {
    /// How the call and the path of the step begin; nothing for any step.
    pub(crate) kind: String,
    /// Which step of that kind, counted from 1. Threads come to steps in any order, but to those of a kind mostly
    /// in one.
    pub(crate) nth: u64,
    pub(crate) phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    Before,
    /// A write puts the first half of its bytes. For a call that has no half, this is behind it.
    Half,
    After,
}

/// A step that a process came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    /// What it called: `write`, `fdatasync`, …
    pub(crate) call: String,
    /// On which file of the home.
    pub(crate) path: String,
}

/// Watches one process, and kills it.
pub(crate) struct Watch {
    dir: tempfile::TempDir,
    kill: Option<Kill>,
}

static LIBRARY: LazyLock<(tempfile::TempDir, PathBuf)> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    let (source, library) = (dir.path().join("shim.c"), dir.path().join("shim.so"));
    fs::write(&source, include_str!("shim.c")).unwrap();
    let cc = Command::new("cc")
        .args(["-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(&source)
        .arg("-ldl")
        .output()
        .expect("run `cc`, which building this workspace needs anyway");
    assert!(cc.status.success(), "{}", String::from_utf8_lossy(&cc.stderr));
    (dir, library)
});

/// Whether a process can be killed so on this system. Says so if not.
pub(crate) fn works_here() -> bool {
    let works = cfg!(all(target_os = "linux", target_env = "gnu"));
    if !works {
        println!("not run here: killing at each durable step needs LD_PRELOAD and glibc");
    }
    works
}

impl Watch {
    /// A process that is killed there, or never.
    pub(crate) fn new(kill: Option<Kill>) -> Self {
        Self { dir: tempfile::tempdir().unwrap(), kill }
    }

    pub(crate) fn kill(&self) -> Option<&Kill> {
        self.kill.as_ref()
    }

    /// What the process must find in its environment. Its steps are those under `home`.
    pub(crate) fn environment(&self, home: &Path) -> Environment {
        let (nth, kind) = self.kill.as_ref().map_or((0, ""), |kill| (kill.nth, &*kill.kind));
        let phase = match self.kill.as_ref().map(|kill| kill.phase) {
            Some(Phase::Half) => "half",
            Some(Phase::After) => "after",
            Some(Phase::Before) | None => "before",
        };
        Environment::from([
            ("LD_PRELOAD", LIBRARY.1.clone().into_os_string()),
            ("CRASH_UNDER", home.as_os_str().to_owned()),
            ("CRASH_TRACE", self.trace().into_os_string()),
            ("CRASH_KIND", kind.into()),
            ("CRASH_AT", nth.to_string().into()),
            ("CRASH_PHASE", phase.into()),
        ])
    }

    /// Every step that the process came to, in the order of their numbers.
    pub(crate) fn steps(&self) -> Vec<Step> {
        let mut steps = self.lines();
        // Threads write their lines when they come to it.
        steps.sort_by_key(|line| line.number);
        steps.into_iter().map(|line| line.step).collect()
    }

    /// The step at which the process was killed, if it came so far.
    pub(crate) fn killed_at(&self) -> Option<Step> {
        self.lines().into_iter().find(|line| line.killed).map(|line| line.step)
    }

    fn lines(&self) -> Vec<Line> {
        // A process that came to no step wrote nothing.
        let text = fs::read_to_string(self.trace()).unwrap_or_default();
        text.lines().map(line).collect()
    }

    fn trace(&self) -> PathBuf {
        self.dir.path().join("steps")
    }
}

struct Line {
    number: u64,
    killed: bool,
    step: Step,
}

fn line(text: &str) -> Line {
    let [number, call, path] = text.splitn(3, ' ').collect::<Vec<_>>()[..] else {
        panic!("no step: {text}");
    };
    let killed = number.ends_with('!');
    let number = number.trim_end_matches('!').parse().unwrap();
    Line { number, killed, step: Step { call: call.to_owned(), path: path.to_owned() } }
}

impl Step {
    /// A write may end in its middle.
    pub(crate) fn has_a_half(&self) -> bool {
        self.call == "write"
    }

    /// How steps like this one begin: names are cut before the numbers in them, which differ from run to run.
    pub(crate) fn kind(&self) -> String {
        let end = self.path.find(|c: char| c.is_ascii_digit());
        match end {
            Some(end) => format!("{} {}", self.call, &self.path[..end]),
            None => format!("{} {}\n", self.call, self.path),
        }
    }
}
