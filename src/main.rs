//! The `sumac` command: one file per verb. The only room that talks to people.
//!
//! A verb's answer goes to stdout, everything else to stderr; its [`Outcome`] is the exit code.

mod agreement;
mod ask;
mod backup;
mod certificate;
#[cfg(feature = "cluster")]
mod cluster;
mod counterpart;
mod demo;
mod envoy;
mod held;
mod home;
mod import;
mod init;
mod leave;
mod ledger;
mod mapping;
mod mou;
mod narrow;
mod outcome;
mod passphrase;
mod pause;
mod receipt;
mod remeasure;
mod restore;
mod resume;
mod serve;
mod status;
mod terminal;
mod warehouse;
mod world;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::outcome::report;

/// Sums, never records: a coalition's KPIs, counted where the records are.
///
/// Each partner runs a node over its own data. A signed MOU says which tables may be asked for, by whom, how
/// precisely and how often. Nodes answer with noisy counts; no record about a learner ever leaves.
///
/// New here? `sumac demo` runs a whole coalition on this machine.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
#[command(after_help = "\
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused by the MOU, 4 budget spent.")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,

    /// Log more, to stderr; RUST_LOG chooses exactly what
    #[arg(long, short, global = true)]
    verbose: bool,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Init(init::Args),
    #[command(subcommand)]
    Certificate(certificate::Verb),
    #[command(subcommand)]
    Mou(mou::Verb),
    #[command(subcommand)]
    Narrow(narrow::Verb),
    #[command(subcommand)]
    Mapping(mapping::Verb),
    Import(import::Args),
    Serve(serve::Args),
    Ask(ask::Args),
    #[command(subcommand)]
    Receipt(receipt::Verb),
    Remeasure(remeasure::Args),
    Pause(pause::Args),
    Held(held::Args),
    Approve(held::ApproveArgs),
    Reject(held::RejectArgs),
    Status(status::Args),
    Leave(leave::Args),
    #[command(subcommand)]
    Ledger(ledger::Verb),
    Backup(backup::Args),
    Restore(restore::Args),
    Resume(resume::Args),
    Demo(demo::Args),
    #[cfg(feature = "cluster")]
    #[command(subcommand)]
    Cluster(cluster::Verb),
}

fn main() -> ExitCode {
    let Cli { verb, verbose } = Cli::parse();
    log_to_stderr(&verb, verbose);
    let outcome = match verb {
        Verb::Init(args) => init::run(args),
        Verb::Certificate(verb) => certificate::run(verb),
        Verb::Mou(verb) => mou::run(verb),
        Verb::Narrow(verb) => narrow::run(verb),
        Verb::Mapping(verb) => mapping::run(verb),
        Verb::Import(args) => import::run(args),
        Verb::Serve(args) => serve::run(args),
        Verb::Ask(args) => ask::run(args),
        Verb::Receipt(verb) => receipt::run(verb),
        Verb::Remeasure(args) => remeasure::run(args),
        Verb::Pause(args) => pause::run(args),
        Verb::Held(args) => held::run(&args),
        Verb::Approve(args) => held::approve(&args),
        Verb::Reject(args) => held::reject(args),
        Verb::Status(args) => status::run(args),
        Verb::Leave(args) => leave::run(args),
        Verb::Ledger(verb) => ledger::run(verb),
        Verb::Backup(args) => backup::run(args),
        Verb::Restore(args) => restore::run(args),
        Verb::Resume(args) => resume::run(args),
        Verb::Demo(args) => demo::run(args),
        #[cfg(feature = "cluster")]
        Verb::Cluster(verb) => cluster::run(verb),
    };
    match outcome {
        Ok(outcome) => outcome.into(),
        Err(error) => report(&error),
    }
}

/// Engines and drivers whose own words may quote a value of a record or a key, whatever RUST_LOG says: a node's log
/// holds neither.
const QUIET: [&str; 3] = ["datafusion=off", "ballista=off", "tokio_postgres=info"];

/// A node's operator reads its log; at the other verbs only what went wrong is worth a line.
fn log_to_stderr(verb: &Verb, verbose: bool) {
    let level = match (verb, verbose) {
        (_, true) => "debug,h2=info,hyper=info,tower=info,rustls=info,sled=info",
        (Verb::Serve(_), false) => "info",
        (_, false) => "warn",
    };
    let mut filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    for quiet in QUIET {
        filter = filter.add_directive(quiet.parse().expect("a target and a level"));
    }
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn what_may_quote_a_record_can_be_silenced() {
        for quiet in super::QUIET {
            assert!(quiet.parse::<tracing_subscriber::filter::Directive>().is_ok(), "{quiet}");
        }
    }

    #[test]
    fn the_command_line_is_sound() {
        super::Cli::command().debug_assert();
    }
}
