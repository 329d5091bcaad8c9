//! DataFusion for tests: a scheduler and two executors, each a process of its own, where `SUMAC_TEST_CLUSTER` is a
//! `sumac` built with the feature `cluster`; else in this process.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::{env, thread};

use sumac_policy::Table;
use tempfile::TempDir;

use crate::records::snapshot::Snapshot;
use crate::tabulate::cluster::{Scheduler, count, count_here};

/// What counts on many machines, or would.
pub(super) enum Spread {
    Here,
    Cluster(Cluster),
}

pub(super) struct Cluster {
    scheduler: Scheduler,
    _processes: [Process; 3],
    _work: TempDir,
}

/// Killed at the end.
struct Process(Child);

impl Spread {
    pub(super) fn start() -> Self {
        let Some(program) = env::var_os("SUMAC_TEST_CLUSTER") else {
            eprintln!("counting with DataFusion in this process: SUMAC_TEST_CLUSTER is not set");
            return Self::Here;
        };
        let work = tempfile::tempdir().unwrap();
        let process = |words: &[&str], port: u16| {
            let mut command = Command::new(&program);
            command.arg("cluster").args(words).stdout(Stdio::null()).stderr(Stdio::null());
            Process(command.spawn().unwrap()).listening(port)
        };
        let port = free_ports();
        let scheduler = format!("127.0.0.1:{port}");
        let scheduling = process(&["scheduler", "--listen", &scheduler], port);
        let executor = |name: &str| {
            let port = free_ports();
            let (listen, work) = (format!("127.0.0.1:{port}"), work.path().join(name));
            let work = work.to_str().unwrap();
            let words = ["executor", "--scheduler", &scheduler, "--listen", &listen];
            process(&[&words[..], &["--work-dir", work]].concat(), port)
        };
        let processes = [scheduling, executor("one"), executor("other")];
        let scheduler = scheduler.parse().unwrap();
        Self::Cluster(Cluster { scheduler, _processes: processes, _work: work })
    }

    pub(super) fn count(&self, snapshot: &Snapshot, table: &Table) -> Vec<i64> {
        match self {
            Self::Here => count_here(snapshot, table).unwrap(),
            Self::Cluster(cluster) => {
                // Several threads, as a node has.
                let mut runtime = tokio::runtime::Builder::new_multi_thread();
                let runtime = runtime.worker_threads(2).enable_all().build().unwrap();
                runtime.block_on(count(&cluster.scheduler, snapshot, table)).unwrap()
            }
        }
    }
}

impl Process {
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

/// A port that nobody listens on, nor on the one after it: an executor takes both.
fn free_ports() -> u16 {
    loop {
        let one = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = one.local_addr().unwrap().port();
        if port < u16::MAX && TcpListener::bind(("127.0.0.1", port + 1)).is_ok() {
            return port;
        }
    }
}
