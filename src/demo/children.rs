//! Verbs as child processes: run to their end, or serving until they are told to stop.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tokio::signal::unix::{SignalKind, signal};

/// As many verbs at once: each is busy with a passphrase or a file, and small machines have two cores.
const AT_ONCE: usize = 2;
/// A node that has not begun to listen, or to stop, by then is stuck.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at a child.
const LOOK: Duration = Duration::from_millis(10);

/// How to run `sumac`.
pub(super) struct Sumac {
    program: PathBuf,
    /// As the person who runs it typed it.
    called: String,
    passphrase_file: PathBuf,
}

/// The words after `sumac`.
pub(super) type Words = Vec<OsString>;

/// The words of a verb: texts and paths.
macro_rules! words {
    ($($word:expr),* $(,)?) => { vec![$(::std::ffi::OsString::from($word)),*] };
}
pub(super) use words;

impl Sumac {
    /// This very program.
    pub(super) fn this_program(passphrase_file: PathBuf) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("find the program that is running")?;
        let called = std::env::args_os().next().unwrap_or_else(|| program.clone().into());
        Ok(Self { program, called: called.to_string_lossy().into_owned(), passphrase_file })
    }

    /// A verb that can be typed here, whether or not the program is on the path.
    pub(super) fn typed_here(&self, words: &Words) -> String {
        typed_by(&self.called, words)
    }

    fn command(&self, words: &Words) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(words)
            .env("SUMAC_PASSPHRASE_FILE", &self.passphrase_file)
            .stdin(Stdio::null());
        command
    }

    /// Runs a verb to its end, whatever comes of it.
    pub(super) fn outcome(&self, words: &Words) -> anyhow::Result<Output> {
        self.command(words).output().with_context(|| format!("run `{}`", typed(words)))
    }

    /// Runs a verb that has to succeed, and returns its answer.
    pub(super) fn answer(&self, words: &Words) -> anyhow::Result<String> {
        let output = self.outcome(words)?;
        if !output.status.success() {
            let said = [&output.stderr, &output.stdout].map(|said| String::from_utf8_lossy(said));
            let [error, answer] = said.each_ref().map(|said| said.trim_end());
            bail!("`{}` failed ({}):\n{error}\n{answer}", typed(words), output.status);
        }
        String::from_utf8(output.stdout)
            .with_context(|| format!("read what `{}` said", typed(words)))
    }

    /// Runs several verbs side by side; their answers in the same order.
    pub(super) fn answers(&self, verbs: &[Words]) -> anyhow::Result<Vec<String>> {
        let mut answers = Vec::new();
        for together in verbs.chunks(AT_ONCE) {
            let ended: Vec<_> = thread::scope(|scope| {
                let running: Vec<_> =
                    together.iter().map(|words| scope.spawn(move || self.answer(words))).collect();
                running.into_iter().map(thread::ScopedJoinHandle::join).collect()
            });
            for answer in ended {
                answers.push(answer.map_err(|_| anyhow::anyhow!("a thread stopped"))??);
            }
        }
        Ok(answers)
    }

    /// Starts a node. What it says goes into a log file.
    fn serve(&self, home: &Path, log: &Path) -> anyhow::Result<Child> {
        let file = File::create(log).with_context(|| format!("make `{}`", log.display()))?;
        let words = words!["serve", "--home", home];
        let mut command = self.command(&words);
        command.stdout(Stdio::null()).stderr(file);
        command.spawn().with_context(|| format!("start `{}`", typed(&words)))
    }
}

/// Waits until somebody presses Ctrl-C or sends SIGTERM.
pub(super) fn wait_for_the_end() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("wait for Ctrl-C")?.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt()).context("listen for Ctrl-C")?;
        let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        Ok(())
    })
}

/// A verb as a person would type it.
pub(super) fn typed(words: &Words) -> String {
    typed_by("sumac", words)
}

/// The same, where the program is not on the path.
fn typed_by(program: &str, words: &Words) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,=".contains(c);
    let quoted = words.iter().map(|word| match word.to_string_lossy() {
        word if word.chars().all(plain) => word.into_owned(),
        word => format!("'{}'", word.replace('\'', "'\\''")),
    });
    std::iter::once(program.to_owned()).chain(quoted).collect::<Vec<_>>().join(" ")
}

/// Nodes that are serving. They are stopped when this is dropped.
#[derive(Default)]
pub(super) struct Nodes {
    nodes: Vec<Node>,
}

struct Node {
    child: Child,
    log: PathBuf,
}

impl Nodes {
    /// Starts a node for each home and waits until each has said that it listens.
    pub(super) fn start(sumac: &Sumac, homes: &[(PathBuf, PathBuf)]) -> anyhow::Result<Self> {
        let mut nodes = Self::default();
        for (home, log) in homes {
            nodes.nodes.push(Node { child: sumac.serve(home, log)?, log: log.clone() });
        }
        for node in &mut nodes.nodes {
            node.wait_until_it_listens()?;
        }
        Ok(nodes)
    }

    /// Asks every node to stop and waits until it has.
    pub(super) fn stop(&mut self) -> anyhow::Result<()> {
        for node in &mut self.nodes {
            node.ask_to_stop();
        }
        for mut node in self.nodes.drain(..) {
            node.wait_until_it_stopped()?;
        }
        Ok(())
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        // Reached with nodes only where a step failed, which is told.
        let _ = self.stop();
    }
}

impl Node {
    fn wait_until_it_listens(&mut self) -> anyhow::Result<()> {
        let began = Instant::now();
        loop {
            let said = fs::read_to_string(&self.log).context("read a node's log")?;
            if said.contains(" listening on ") {
                return Ok(());
            }
            let ended = self.child.try_wait().context("look at a node")?;
            if ended.is_some() || began.elapsed() > PATIENCE {
                bail!("a node did not begin to listen; its log, {}:\n{said}", self.log.display());
            }
            thread::sleep(LOOK);
        }
    }

    /// Sends SIGTERM, which the standard library cannot.
    fn ask_to_stop(&self) {
        let kill = "kill -TERM \"$0\" 2>/dev/null";
        let mut shell = Command::new("sh");
        // A node that does not hear it is killed below.
        let _ = shell.args(["-c", kill, &self.child.id().to_string()]).status();
    }

    fn wait_until_it_stopped(&mut self) -> anyhow::Result<()> {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if self.child.try_wait().context("look at a node")?.is_some() {
                return Ok(());
            }
            thread::sleep(LOOK);
        }
        self.child.kill().context("kill a node that does not stop")?;
        self.child.wait().context("wait for a node")?;
        bail!("a node had to be killed; its log is {}", self.log.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verb_is_typed_so_that_a_shell_understands_it() {
        let name = "St. Mary's College";
        let typed = typed(&words!["init", "st-marys", "--name", name, "--home", Path::new("a/b")]);
        assert_eq!(typed, r"sumac init st-marys --name 'St. Mary'\''s College' --home a/b");
    }
}
