//! A node whose tables are counted by a cluster: a scheduler and two executors, each a process of its own.

use std::io::Read;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::{fs, thread};

use crate::command::{CHAMBER, COLLEGE, LEARNERS, Site, free_port, tells_nothing};

/// A process of the cluster, killed at the end.
struct Process(Child);

impl Process {
    fn start(words: &[String]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sumac"));
        command.arg("cluster").args(words).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().unwrap())
    }

    /// Waits until it listens on a port.
    fn listening(mut self, port: u16) -> Self {
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(self.0.try_wait().unwrap().is_none(), "it stopped");
            thread::yield_now();
        }
        self
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn scheduler(port: u16) -> Process {
    let words = ["scheduler", "--listen", &format!("127.0.0.1:{port}")].map(str::to_owned);
    Process::start(&words).listening(port)
}

fn executor(scheduler: u16, work: &Path) -> Process {
    let port = free_port();
    let (scheduler, listen) = (format!("127.0.0.1:{scheduler}"), format!("127.0.0.1:{port}"));
    let work = work.display().to_string();
    let words = ["executor", "--scheduler", &scheduler, "--listen", &listen, "--work-dir", &work];
    Process::start(&words.map(str::to_owned)).listening(port)
}

/// Whether anything was ever written there.
fn has_worked(work: &Path) -> bool {
    fs::read_dir(work).is_ok_and(|mut entries| entries.next().is_some())
}

#[test]
fn a_cluster_counts_what_the_node_would_and_its_loss_costs_no_second_charge() {
    let site = Site::new();
    let port = free_port();
    let home = site.home(COLLEGE);
    let settings = fs::read_to_string(home.join("sumac.toml")).unwrap();
    let engine = format!("\n[engine]\nkind = \"cluster\"\nscheduler = \"127.0.0.1:{port}\"\n");
    fs::write(home.join("sumac.toml"), settings + &engine).unwrap();

    let work = tempfile::tempdir().unwrap();
    let [one, other] = ["one", "other"].map(|name| work.path().join(name));
    let serving = site.serve();
    let ask = || site.run(CHAMBER, &["ask", "enrolment", "--period", "2025", "--format", "json"]);

    // Nobody there yet: a fault, which says nothing of why, and a charge that stays.
    let failed = ask();
    assert_ne!(failed.code, Some(0), "{failed:?}");
    assert!(!failed.out.contains("cluster") && !failed.out.contains("engine"), "{failed:?}");
    let charged = site.summary();
    assert_eq!((charged.charged_tables, charged.released_tables), (1, 0));

    let scheduler = scheduler(port);
    let executors = [executor(port, &one), executor(port, &other)];
    let said = ask().well();
    let after = site.summary();
    assert_eq!((after.charged_tables, after.released_tables), (1, 1));
    assert_eq!(after.lifetime_nano_rho, charged.lifetime_nano_rho);
    assert!(has_worked(&one) || has_worked(&other), "no executor did anything");

    // Every learner is in the total, but for the noise.
    let report: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let total = report["tables"][0]["groups"][0]["size"]["value"].as_i64().unwrap();
    let truth = i64::try_from(LEARNERS).unwrap();
    // Six times the deviation of a margin of 100.
    assert!((total - truth).abs() < 306, "{total} of {truth}: {}", said.out);
    tells_nothing(&said.out);

    // A table that was released needs no cluster.
    drop((executors, scheduler));
    let again: serde_json::Value = serde_json::from_str(&ask().well().out).unwrap();
    assert_eq!(again["tables"][0]["groups"], report["tables"][0]["groups"]);
    drop(serving);
    site.run(COLLEGE, &["ledger", "check"]).well();
}

#[test]
fn a_cluster_does_not_listen_to_other_machines_unless_it_is_told_to() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sumac"));
    command.args(["cluster", "scheduler", "--listen", "0.0.0.0:0"]);
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let code = child.wait().unwrap().code();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("--private-network"), "{said}");
}
