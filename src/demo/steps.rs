//! The demo's steps, each told as it happens.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, bail, ensure};
use serde_json::Value;
use sumac_node::day_of;

use super::agreement::{BACKBONE, Dates, NODES};
use super::children::{Nodes, Sumac, Words, typed, wait_for_the_end, words};
use super::files::{self, Exports};
use super::people::People;
use crate::home::write_private;
use crate::terminal::answer;
use crate::world;

const PASSPHRASE: &str = "synthetic demo passphrase\n";
/// One passphrase for all, because nobody is here to type six.
const PASSPHRASE_FILE: &str = "passphrase.txt";
/// The person at the backbone who asks.
const ANALYST: &str = "maria";
/// Where the KPI of the refused and of the repeated question comes from: the example MOU.
const KPI: &str = "credential_attainment";
/// Exit code of a question that the MOU refuses.
const REFUSED: i32 = 3;

/// The parties' names, in the order of [`NODES`] and then the backbone.
const NAMES: [&str; 6] = [
    "Lakeshore Community College",
    "Harbor Technical College",
    "Northside Health",
    "County Transit",
    "Bay Fabrication",
    "Lakeshore Chamber of Commerce",
];

/// Walks through the whole life of a coalition.
pub(super) fn walk(dir: &Path, keep_serving: bool) -> anyhow::Result<()> {
    let began = Instant::now();
    let demo = Demo::prepare(dir)?;
    say("Sumac demo: two colleges, three employers and a backbone, on this machine.")?;
    say("Every learner in it is synthetic. Each step is a verb that you can type yourself.")?;

    let roots = demo.make_homes()?;
    demo.agree(&roots)?;
    let exports = demo.make_up_records()?;
    demo.import(&exports)?;
    let mut nodes = demo.serve()?;
    demo.ask_what_is_due()?;
    demo.ask_what_is_refused()?;
    demo.ask_again()?;
    demo.show_what_is_left()?;

    say(&format!("\nThe whole demo took {:.1} s.", began.elapsed().as_secs_f64()))?;
    if keep_serving {
        demo.tell_what_to_try(true)?;
        wait_for_the_end()?;
        return nodes.stop();
    }
    nodes.stop()?;
    demo.tell_what_to_try(false)
}

/// Where everything is.
struct Demo {
    dir: PathBuf,
    sumac: Sumac,
    dates: Dates,
    ports: Vec<u16>,
}

impl Demo {
    fn prepare(dir: &Path) -> anyhow::Result<Self> {
        let passphrase_file = dir.join(PASSPHRASE_FILE);
        write_private(&passphrase_file, PASSPHRASE.as_bytes(), false)
            .context("write the demo's passphrase file")?;
        let sumac = Sumac::this_program(passphrase_file)?;
        let dates = Dates::around(day_of(world::now()))?;
        Ok(Self { dir: dir.to_owned(), sumac, dates, ports: free_ports(NODES.len())? })
    }

    fn home(&self, party: &str) -> PathBuf {
        self.dir.join(party)
    }

    fn mou(&self) -> PathBuf {
        self.dir.join("mou")
    }

    /// Every party's fingerprint, as `init` prints it.
    fn make_homes(&self) -> anyhow::Result<Vec<(&'static str, String)>> {
        let step =
            Step::begin(1, "Each party makes its root, its node's certificate and its settings")?;
        let parties = || NODES.into_iter().chain([BACKBONE]);
        // The backbone runs no node; its port is never used.
        let ports = self.ports.iter().chain([&7443]);
        let verbs: Vec<_> = parties()
            .zip(NAMES)
            .zip(ports)
            .map(|((party, name), port)| {
                let listen = format!("127.0.0.1:{port}");
                words![
                    "init",
                    party,
                    "--name",
                    name,
                    "--home",
                    self.home(party),
                    "--listen",
                    listen
                ]
            })
            .collect();
        step.typed(&verbs)?;
        let answers = self.sumac.answers(&verbs)?;
        let roots = parties().zip(answers.iter().map(|answer| answer.trim().to_owned()));
        let issue = words![
            "certificate",
            "issue",
            "analyst",
            "--name",
            ANALYST,
            "--home",
            self.home(BACKBONE)
        ];
        step.typed(std::slice::from_ref(&issue))?;
        self.sumac.answer(&issue)?;
        step.end()?;
        Ok(roots.collect())
    }

    fn agree(&self, roots: &[(&'static str, String)]) -> anyhow::Result<()> {
        let step = Step::begin(2, "The parties agree on an MOU, check it, and all six sign it")?;
        let (mou, parties) = (self.mou(), self.mou().join("parties"));
        fs::create_dir_all(&parties).context("make the MOU's folder")?;
        fs::write(mou.join("mou.toml"), self.dates.mou(roots, &self.ports)?)
            .context("write the MOU")?;
        for (party, _) in roots {
            let root = self.home(party).join("root").join("root.pem");
            fs::copy(root, parties.join(format!("{party}.pem"))).context("collect a root")?;
        }
        let check = words!["mou", "check", &mou];
        step.typed(std::slice::from_ref(&check))?;
        step.show(&self.sumac.answer(&check)?)?;
        let signing = roots
            .iter()
            .map(|(party, _)| words!["mou", "sign", &mou, "--home", self.home(party), "--yes"]);
        let signing: Vec<_> = signing.collect();
        step.typed(&signing)?;
        self.sumac.answers(&signing)?;
        let verify = words!["mou", "verify", &mou];
        step.typed(std::slice::from_ref(&verify))?;
        step.show(&self.sumac.answer(&verify)?)?;
        for (party, _) in roots {
            copy_folder(&mou, &self.home(party).join("mou")).context("hand out the signed MOU")?;
        }
        step.end()
    }

    fn make_up_records(&self) -> anyhow::Result<Vec<Exports>> {
        let step =
            Step::begin(3, "Synthetic records, as each partner's own system would export them")?;
        let people = People::made_up(self.dates.year.first(), self.dates.as_of);
        let exports = files::write(&people, &NODES, &self.dir.join("exports"))
            .context("write the synthetic exports")?;
        let [lakeshore, harbor] = people.colleges.each_ref().map(Vec::len);
        let workers: usize = people.employers.iter().map(Vec::len).sum();
        step.say(&format!(
            "{lakeshore} learners at Lakeshore and {harbor} at Harbor, {} of them at both; {workers} workers",
            people.known_to_both
        ))?;
        step.end()?;
        Ok(exports)
    }

    fn import(&self, exports: &[Exports]) -> anyhow::Result<()> {
        let step = Step::begin(4, "Each partner freezes its records; they never leave its home")?;
        let verbs: Vec<Words> = NODES
            .iter()
            .zip(exports)
            .map(|(party, Exports { files, mappings })| {
                let mut verb = words!["import", "--home", self.home(party)];
                verb.extend(files.iter().map(Into::into));
                verb.extend(mappings.iter().flat_map(|mapping| words!["--mapping", mapping]));
                verb.extend(words!["--as-of", self.dates.as_of.to_string()]);
                let covers = self.dates.covers.iter();
                verb.extend(covers.flat_map(|period| words!["--covers", period.to_string()]));
                verb
            })
            .collect();
        step.typed(&verbs)?;
        self.sumac.answers(&verbs)?;
        step.end()
    }

    fn serve(&self) -> anyhow::Result<Nodes> {
        let step =
            Step::begin(5, "Five nodes start: TLS 1.3, both sides proved by the MOU's roots")?;
        let logs = self.dir.join("logs");
        fs::create_dir_all(&logs).context("make the folder of logs")?;
        let homes = NODES.map(|party| (self.home(party), logs.join(party).with_extension("log")));
        step.typed(&homes.each_ref().map(|(home, _)| words!["serve", "--home", home]))?;
        let nodes = Nodes::start(&self.sumac, &homes)?;
        for (party, port) in NODES.iter().zip(&self.ports) {
            step.say(&format!("{party:<18}listening on 127.0.0.1:{port}"))?;
        }
        step.end()?;
        Ok(nodes)
    }

    fn ask_what_is_due(&self) -> anyhow::Result<()> {
        let step =
            Step::begin(6, "The backbone asks every table of the calendar that is due today")?;
        let ask = words!["ask", "--due", "--home", self.home(BACKBONE)];
        step.typed(std::slice::from_ref(&ask))?;
        step.show(&self.sumac.answer(&ask)?)?;
        let tables = self.nobody_is_missing()?;
        step.say(&format!("{tables} tables, each answered by every party that was asked"))?;
        step.end()
    }

    /// Asks for the same tables again, which is free, and counts them.
    fn nobody_is_missing(&self) -> anyhow::Result<usize> {
        let ask = words!["ask", "--due", "--format", "json", "--home", self.home(BACKBONE)];
        let report: Value =
            serde_json::from_str(&self.sumac.answer(&ask)?).context("read the report")?;
        let tables = report.get("tables").and_then(Value::as_array);
        let tables = tables.context("find the tables in the report")?;
        for table in tables {
            let missing = table.pointer("/coverage/missing").and_then(Value::as_array);
            ensure!(missing.is_some_and(Vec::is_empty), "a party is missing from a table: {table}");
        }
        Ok(tables.len())
    }

    fn ask_what_is_refused(&self) -> anyhow::Result<()> {
        let step =
            Step::begin(7, "A question that the MOU does not allow is refused, and costs nothing")?;
        let ask = self.question(&["--by", "pell"]);
        step.typed(std::slice::from_ref(&ask))?;
        let output = self.sumac.outcome(&ask)?;
        step.show(&String::from_utf8_lossy(&output.stderr))?;
        let code = output.status.code();
        ensure!(
            code == Some(REFUSED),
            "the question should have been refused, with exit code {REFUSED}"
        );
        step.say(&format!("exit code {REFUSED}: refused by the MOU"))?;
        step.end()
    }

    fn ask_again(&self) -> anyhow::Result<()> {
        let step =
            Step::begin(8, "A repeated question gets the same answer, byte for byte, and is free")?;
        let ask = self.question(&["--by", "race_ethnicity", "--format", "json"]);
        step.typed(&[ask.clone(), ask.clone()])?;
        let before = self.spent()?;
        let (first, second) = (self.sumac.answer(&ask)?, self.sumac.answer(&ask)?);
        let after = self.spent()?;
        ensure!(first == second, "the second answer differs from the first");
        ensure!(before == after, "the repeated question cost something");
        step.say(&format!("{} bytes, identical both times", first.len()))?;
        step.say(&format!(
            "spent at {}: {} nano-ρ before, {} nano-ρ after",
            NODES[0], before, after
        ))?;
        step.end()
    }

    fn show_what_is_left(&self) -> anyhow::Result<()> {
        let step = Step::begin(9, "What each node has left of its year")?;
        for party in [NODES[0], BACKBONE] {
            let status = words!["status", "--home", self.home(party)];
            step.typed(std::slice::from_ref(&status))?;
            step.show(&self.sumac.answer(&status)?)?;
        }
        step.end()
    }

    fn question(&self, rest: &[&str]) -> Words {
        let year = self.dates.year.to_string();
        let mut ask = words!["ask", KPI, "--period", year, "--home", self.home(BACKBONE)];
        ask.extend(rest.iter().map(Into::into));
        ask
    }

    /// What the first college's node has spent of its year, in nano-ρ.
    fn spent(&self) -> anyhow::Result<u64> {
        let status = words!["status", "--format", "json", "--home", self.home(NODES[0])];
        let status: Value =
            serde_json::from_str(&self.sumac.answer(&status)?).context("read a node's status")?;
        let spent = status.pointer("/budget/spent_nano_rho").and_then(Value::as_u64);
        spent.context("find what a node has spent in its status")
    }

    fn tell_what_to_try(&self, serving: bool) -> anyhow::Result<()> {
        let dir = self.dir.display();
        say(&format!("\nEverything is in {dir}, and nowhere else:"))?;
        say("  mou/mou.toml       the agreement; read it, it is the program of the coalition")?;
        say(
            "  mou/signatures/    one by each party; `sumac mou sign` prints the OpenSSL command that checks it",
        )?;
        say("  exports/           the synthetic files and their mappings")?;
        say("  logs/              what each node said; no count and no record is in there")?;
        say("  <party>/           each party's home, with its ledger in ledger/")?;
        let [college, backbone] = [NODES[0], BACKBONE].map(|party| self.home(party));
        let serve = words!["serve", "--home", &college];
        let ask = self.question(&["--by", "sex"]);
        let others = [
            words!["ask", "--due", "--preview", "--home", &backbone],
            words!["status", "--home", &college],
            words!["mou", "verify", self.mou()],
        ];
        if serving {
            say("\nThe nodes serve until you press Ctrl-C. Meanwhile, in another terminal:\n")?;
        } else {
            say(
                "\nThe nodes have stopped. To ask by hand, start one again; the others count as missing:\n",
            )?;
            say(&format!("  {} &", self.sumac.typed_here(&serve)))?;
        }
        for verb in [ask].iter().chain(&others) {
            say(&format!("  {}", self.sumac.typed_here(verb)))?;
        }
        say("")?;
        say(
            "Then write your own: `sumac init --help`, and examples/mou/lakeshore/mou.toml to start from.",
        )
    }
}

/// One step of the demo.
struct Step {
    began: Instant,
}

impl Step {
    fn begin(number: usize, title: &str) -> anyhow::Result<Self> {
        say(&format!("\n{number}. {title}"))?;
        Ok(Self { began: Instant::now() })
    }

    /// Says what is typed; of several alike, the first.
    fn typed(&self, verbs: &[Words]) -> anyhow::Result<()> {
        let Some(first) = verbs.first() else { return Ok(()) };
        let more = match verbs.len() {
            1 => String::new(),
            count => format!("   (and {} more)", count - 1),
        };
        say(&format!("   $ {}{more}", typed(first)))
    }

    fn say(&self, words: &str) -> anyhow::Result<()> {
        say(&format!("   {words}"))
    }

    /// Shows what a verb answered.
    fn show(&self, text: &str) -> anyhow::Result<()> {
        let lines = text.trim_end().lines().map(|line| match line {
            "" => String::new(),
            line => format!("     {line}"),
        });
        say(&lines.collect::<Vec<_>>().join("\n"))
    }

    fn end(self) -> anyhow::Result<()> {
        say(&format!("   done in {:.1} s", self.began.elapsed().as_secs_f64()))
    }
}

fn say(words: &str) -> anyhow::Result<()> {
    answer(&format!("{words}\n"))
}

/// Ports that nobody uses now. Another program could take one before its node does; then the node says so.
fn free_ports(count: usize) -> anyhow::Result<Vec<u16>> {
    // All are held until the last is found, so that they differ.
    let held = (0..count).map(|_| TcpListener::bind(("127.0.0.1", 0)));
    let held = held.collect::<Result<Vec<_>, _>>().context("find free ports on 127.0.0.1")?;
    let ports = held.iter().map(|listener| Ok(listener.local_addr()?.port()));
    ports.collect()
}

/// Copies a folder's files and the folders in it.
fn copy_folder(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else if fs::copy(entry.path(), &target)? == 0 {
            bail!("`{}` is empty", entry.path().display());
        }
    }
    Ok(())
}
