//! The shipped command as a child of this process.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::{Said, tells_nothing};

/// A child that takes longer is stuck.
const PATIENCE: Duration = Duration::from_secs(60);

/// A node that serves as a process of its own; killed when dropped.
pub(crate) struct Serving {
    child: Child,
    log: Arc<Mutex<String>>,
    reading: Option<JoinHandle<()>>,
}

impl Serving {
    /// Runs this command, and waits until it listens. One that ends before leaves its exit code and its log.
    pub(super) fn start(mut command: Command) -> Result<Self, (Option<i32>, String)> {
        let mut child = command.spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (lines, told) = mpsc::channel();
        let (stderr, written) = (child.stderr.take().unwrap(), log.clone());
        let reading = thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                written.lock().unwrap().push_str(&format!("{line}\n"));
                let _ = lines.send(line);
            }
        });
        let mut serving = Self { child, log, reading: Some(reading) };
        loop {
            match told.recv_timeout(PATIENCE) {
                Ok(line) if line.contains("listening on") => return Ok(serving),
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(serving.end()),
                Err(RecvTimeoutError::Timeout) => panic!("it is stuck: {}", serving.log()),
            }
        }
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Kills it as a power cut would, and returns its log.
    pub(crate) fn kill(mut self) -> String {
        let _ = self.child.kill();
        self.end().1
    }

    /// Asks it to stop, if it has not ended; its exit code, which one that was killed does not have, and its log.
    pub(crate) fn stop(mut self) -> (Option<i32>, String) {
        if self.has_ended() {
            return self.end();
        }
        let kill = Command::new("sh")
            .args(["-c", &format!("kill -TERM {}", self.child.id())])
            .status()
            .unwrap();
        assert!(kill.success());
        self.end()
    }

    fn end(&mut self) -> (Option<i32>, String) {
        let code = wait(&mut self.child);
        self.reading.take().unwrap().join().unwrap();
        let log = self.log();
        tells_nothing(&log);
        (code, log)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // Gone already, if it was stopped.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A verb for a party whose home lies in `dir`.
pub(super) fn command(dir: &Path, party: &str, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sumac"));
    command
        .args(words)
        .current_dir(dir)
        .env_remove("RUST_LOG")
        .env("SUMAC_HOME", dir.join(party))
        .env("SUMAC_PASSPHRASE_FILE", dir.join("passphrase"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs it to its end.
pub(super) fn done(mut command: Command) -> Said {
    let mut child = command.spawn().unwrap();
    let read = |mut from: Box<dyn Read + Send>| {
        thread::spawn(move || {
            let mut text = String::new();
            from.read_to_string(&mut text).unwrap();
            text
        })
    };
    let out = read(Box::new(child.stdout.take().unwrap()));
    let err = read(Box::new(child.stderr.take().unwrap()));
    let code = wait(&mut child);
    Said { code, out: out.join().unwrap(), err: err.join().unwrap() }
}

/// Waits for a child to end, and kills one that does not.
fn wait(child: &mut Child) -> Option<i32> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        if begun.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("a child did not end");
        }
        thread::sleep(Duration::from_millis(2));
    }
}
