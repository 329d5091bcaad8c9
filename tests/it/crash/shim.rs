//! The library that kills a process at one of its durable steps (`shim.c`), and what it writes down.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use crate::command::Environment;

/// Where a process is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kill {
    /// The step, counted from 1.
    pub(super) step: u64,
    pub(super) phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    Before,
    /// A write puts the first half of its bytes. For a call that has no half, this is behind it.
    Half,
    After,
}

/// A step that a process came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    /// What it called: `write`, `fdatasync`, …
    pub(super) call: String,
    /// On which file of the home.
    pub(super) path: String,
}

/// Watches one process, and kills it.
pub(super) struct Watch {
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
pub(super) fn works_here() -> bool {
    let works = cfg!(all(target_os = "linux", target_env = "gnu"));
    if !works {
        println!("not run here: killing at each durable step needs LD_PRELOAD and glibc");
    }
    works
}

impl Watch {
    /// A process that is killed there, or never.
    pub(super) fn new(kill: Option<Kill>) -> Self {
        Self { dir: tempfile::tempdir().unwrap(), kill }
    }

    pub(super) fn kill(&self) -> Option<Kill> {
        self.kill
    }

    /// What the process must find in its environment. Its steps are those under `home`.
    pub(super) fn environment(&self, home: &Path) -> Environment {
        let (step, phase) = match self.kill {
            None => (0, "before"),
            Some(Kill { step, phase: Phase::Before }) => (step, "before"),
            Some(Kill { step, phase: Phase::Half }) => (step, "half"),
            Some(Kill { step, phase: Phase::After }) => (step, "after"),
        };
        Environment::from([
            ("LD_PRELOAD", LIBRARY.1.clone().into_os_string()),
            ("CRASH_UNDER", home.as_os_str().to_owned()),
            ("CRASH_TRACE", self.trace().into_os_string()),
            ("CRASH_AT", step.to_string().into()),
            ("CRASH_PHASE", phase.into()),
        ])
    }

    /// Every step that the process came to, in the order of their numbers.
    pub(super) fn steps(&self) -> Vec<Step> {
        let text = fs::read_to_string(self.trace()).unwrap_or_default();
        let mut steps: Vec<(u64, Step)> = text.lines().map(step).collect();
        // Threads write their lines when they come to it.
        steps.sort_by_key(|(number, _)| *number);
        steps.into_iter().map(|(_, step)| step).collect()
    }

    /// The step at which the process was to be killed, if it came so far.
    pub(super) fn killed_at(&self) -> Option<Step> {
        let number = self.kill?.step;
        let text = fs::read_to_string(self.trace()).unwrap_or_default();
        text.lines().map(step).find(|(found, _)| *found == number).map(|(_, step)| step)
    }

    fn trace(&self) -> PathBuf {
        self.dir.path().join("steps")
    }
}

fn step(line: &str) -> (u64, Step) {
    let [number, call, path] = line.splitn(3, ' ').collect::<Vec<_>>()[..] else {
        panic!("no step: {line}");
    };
    (number.parse().unwrap(), Step { call: call.to_owned(), path: path.to_owned() })
}

impl Step {
    /// A write may end in its middle.
    pub(super) fn has_a_half(&self) -> bool {
        self.call == "write"
    }

    /// The call and the kind of file, without the numbers and ids in its name.
    pub(super) fn place(&self) -> String {
        let name = |part: &str| -> String {
            let digits = part.chars().filter(char::is_ascii_digit).count();
            if digits > 3 { "*".to_owned() } else { part.to_owned() }
        };
        let path: Vec<_> = self.path.split('/').map(name).collect();
        format!("{} {}", self.call, path.join("/").trim_start_matches('/'))
    }
}
