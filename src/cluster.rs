//! `sumac cluster`: the scheduler and the executors of a DataFusion cluster, for partners who outgrow one machine.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};
use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::SchedulerConfig;
use ballista_scheduler::scheduler_process::start_server;

use crate::outcome::{Outcome, hinted};
use crate::terminal::tell;

/// Count tables on a cluster: `[engine]` in sumac.toml names its scheduler
///
/// What runs between these processes is neither encrypted nor authenticated:
/// they belong on one machine, or on a network of machines that may all see the
/// records. The node's own connections are not touched by this.
#[derive(Debug, clap::Subcommand)]
#[command(verbatim_doc_comment)]
pub(crate) enum Verb {
    Scheduler(SchedulerArgs),
    Executor(ExecutorArgs),
}

/// Plan the work and hand it to executors
///
/// Example: sumac cluster scheduler --listen 127.0.0.1:50050
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct SchedulerArgs {
    /// Where nodes and executors find it
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:50050")]
    listen: SocketAddr,

    #[command(flatten)]
    private: Private,
}

/// Read the snapshot's files and count
///
/// Start one on each machine. All of them, and the node, must find the node's
/// snapshots under the same path.
///
/// Example: sumac cluster executor --scheduler 127.0.0.1:50050 --listen 127.0.0.1:50051
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct ExecutorArgs {
    /// The scheduler
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:50050")]
    scheduler: SocketAddr,

    /// Where other executors and nodes find it; the port after it is used too
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:50051")]
    listen: SocketAddr,

    /// Where it keeps what it is working on, counts of groups of learners among it
    #[arg(long, value_name = "DIRECTORY")]
    work_dir: PathBuf,

    #[command(flatten)]
    private: Private,
}

#[derive(Debug, clap::Args)]
struct Private {
    /// Listen beyond this machine, on a network that only machines share which may see the records
    #[arg(long)]
    private_network: bool,
}

pub(crate) fn run(verb: Verb) -> anyhow::Result<Outcome> {
    // Plans are deep.
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.enable_all().thread_stack_size(32 << 20).build();
    let runtime = runtime.context("start the runtime")?;
    match verb {
        Verb::Scheduler(args) => runtime.block_on(scheduler(args)),
        Verb::Executor(args) => runtime.block_on(executor(args)),
    }
}

async fn scheduler(args: SchedulerArgs) -> anyhow::Result<Outcome> {
    let SchedulerArgs { listen, private } = args;
    private.allows(listen)?;
    let config = SchedulerConfig {
        external_host: listen.ip().to_string(),
        bind_host: listen.ip().to_string(),
        bind_port: listen.port(),
        ..SchedulerConfig::default()
    };
    let cluster = BallistaCluster::new_from_config(&config).await.context("make a cluster")?;
    tell!("scheduling on {listen}");
    start_server(cluster, listen, Arc::new(config)).await.context("schedule")?;
    Ok(Outcome::Done)
}

async fn executor(args: ExecutorArgs) -> anyhow::Result<Outcome> {
    let ExecutorArgs { scheduler, listen, work_dir, private } = args;
    private.allows(listen)?;
    std::fs::create_dir_all(&work_dir).with_context(|| format!("make `{}`", work_dir.display()))?;
    let config = ExecutorProcessConfig {
        bind_host: listen.ip().to_string(),
        external_host: Some(listen.ip().to_string()),
        port: listen.port(),
        grpc_port: listen.port().checked_add(1).context("the port after the last")?,
        scheduler_host: scheduler.ip().to_string(),
        scheduler_port: scheduler.port(),
        scheduler_connect_timeout_seconds: 60,
        work_dir: Some(work_dir.display().to_string()),
        ..ExecutorProcessConfig::default()
    };
    tell!("counting on {listen} for the scheduler on {scheduler}");
    start_executor_process(Arc::new(config)).await.context("execute")?;
    Ok(Outcome::Done)
}

impl Private {
    fn allows(&self, listen: SocketAddr) -> anyhow::Result<()> {
        if listen.ip().is_loopback() || self.private_network {
            return Ok(());
        }
        Err(hinted(
            format_args!(
                "{listen} is open to other machines, and nothing between these processes is encrypted"
            ),
            "listen on 127.0.0.1, or say --private-network where every machine of the network may see the records",
        ))
    }
}
