//! The shipped command as child processes: two parties with real homes, an MOU that both signed, one node on
//! a loopback port. What a child says is searched for what no text may hold.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, LazyLock, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use sumac_backbone::Asker;
use sumac_keys::{Passphrase, Root, TlsIdentity, Trust, mou_signature};
use sumac_node::store::{Summary, read_only};
use sumac_policy::{Mou, PeerRole};
use zeroize::Zeroizing;

/// The one college.
pub(crate) const COLLEGE: &str = "lakeshore-cc";
/// The party that asks.
pub(crate) const CHAMBER: &str = "chamber";
/// An identifier in the college's export.
pub(crate) const LEARNER: &str = "MARKER-8841";
/// How many learners that export has.
pub(crate) const LEARNERS: usize = 8_841;
/// The one year that the college's data does not cover.
pub(crate) const NOT_HELD: &str = "2024";
/// What every table of this MOU costs.
pub(crate) const PRICE_NANO_RHO: u64 = 192_080;

const PASSPHRASE: &str = "four random words here";
/// A child that takes longer is stuck.
const PATIENCE: Duration = Duration::from_secs(60);

/// In force whenever this test runs; each calendar year since 2000 may be asked once it has ended.
const MOU: &str = r#"format    = "sumac-mou/1"
id        = "command"
title     = "A coalition of two"
version   = 1
CATALOGUE
effective = 2001-01-01
expires   = 2099-12-31

[agreement]
purposes   = ["annual-report"]
prohibited = ["re-identification"]

[calendar]
year_starts  = "01-01"
first_period = "2000"
wait_days    = 0

[[party]]
id       = "lakeshore-cc"
name     = "Lakeshore Community College"
kind     = "college"
root     = "ROOT lakeshore-cc"
address  = "127.0.0.1:1"
contacts = ["registrar@lakeshore.example", "it@lakeshore.example"]

[[party]]
id       = "chamber"
name     = "Chamber of Commerce"
kind     = "backbone"
root     = "ROOT chamber"
contacts = ["data@chamber.example", "director@chamber.example"]

[roles]
backbone = { party = "chamber", may = ["ask", "read"] }

[privacy]
budget      = { rho = 0.5 }
floor       = 10
floor_at    = "coalition"
min_parties = { college = 1 }

[[kpi]]
id          = "enrolment"
title       = "Enrolled learners"
answered_by = ["college"]
define      = { measure = "count", of = "enrolment", during = "term_start" }
by          = [[], ["sex"], ["race_ethnicity"]]
period      = "year"
margin      = 100
"#;

/// How the college's export is read.
pub(crate) const MAPPING: &str = r#"format = "sumac-mapping/1"
title  = "Export"

[[table]]
table  = "learner"
person = "ID"

[table.columns]
sex            = "SEX"
race_ethnicity = "RACE"

[[table]]
table  = "enrolment"
person = "ID"

[table.columns]
term_start = "START"
"#;

/// What a process finds in its environment beside the usual.
pub(crate) type Environment = BTreeMap<&'static str, OsString>;

/// What a verb said, and its exit code.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Two homes of its own, under an MOU of its own that both have signed.
pub(crate) struct Site {
    dir: tempfile::TempDir,
    mou: String,
}

/// A node that serves as a process of its own; killed when dropped.
pub(crate) struct Serving {
    child: Child,
    log: Arc<Mutex<String>>,
    reading: Option<JoinHandle<()>>,
}

/// What takes seconds to make, so it is made once: homes, roots, an import.
struct Template {
    files: BTreeMap<PathBuf, (u32, Vec<u8>)>,
    roots: Vec<Root>,
    mou: String,
}

static TEMPLATE: LazyLock<Template> = LazyLock::new(Template::make);

impl Template {
    /// All of it through the shipped verbs, as the parties' people would.
    fn make() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("passphrase"), PASSPHRASE).unwrap();
        fs::write(dir.path().join("mapping.toml"), MAPPING).unwrap();
        let run = |party: &str, words: &[&str]| done(command(dir.path(), party, words));
        let mut mou = MOU.replace("CATALOGUE", &catalogue());
        for (party, name) in [(COLLEGE, "Lakeshore Community College"), (CHAMBER, "Chamber")] {
            let said = run(party, &["init", party, "--name", name, "--listen", "127.0.0.1:1"]);
            mou = mou.replace(&format!("ROOT {party}"), said.well().out.trim());
        }
        let folder = dir.path().join("mou");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("mou.toml"), &mou).unwrap();
        for party in [COLLEGE, CHAMBER] {
            run(party, &["mou", "sign", "--yes", folder.to_str().unwrap()]).well();
        }
        run(CHAMBER, &["mou", "verify", folder.to_str().unwrap()]).well();
        run(CHAMBER, &["certificate", "issue", "analyst", "--name", "maria"]).well();
        fs::write(dir.path().join(COLLEGE).join("mou/mou.toml"), &mou).unwrap();
        fs::write(dir.path().join("export.csv"), export()).unwrap();
        let covers: Vec<_> =
            (2000..=2025).map(|year| year.to_string()).filter(|year| year != NOT_HELD).collect();
        let mut words = vec!["import", "export.csv", "--mapping", "mapping.toml"];
        words.extend(["--as-of", "2026-01-15"]);
        words.extend(covers.iter().flat_map(|year| ["--covers", year]));
        // Its summary is the one text that may count; not even that may identify.
        let summary = run(COLLEGE, &words);
        assert_eq!(summary.code, Some(0), "{summary:?}");
        assert!(!format!("{summary:?}").contains(LEARNER), "{summary:?}");
        let passphrase = || Passphrase::new(Zeroizing::new(PASSPHRASE.to_owned())).unwrap();
        let open = |party: &str| {
            let file = fs::read(dir.path().join(party).join("root/root.p12")).unwrap();
            Root::open(&file, &passphrase()).unwrap()
        };
        let roots = vec![open(COLLEGE), open(CHAMBER)];
        fs::remove_file(dir.path().join("export.csv")).unwrap();
        let mut files = BTreeMap::new();
        gather(dir.path(), dir.path(), &mut files);
        Self { files, roots, mou }
    }
}

/// The line that pins this version's catalogue, as the shipped example has it.
fn catalogue() -> String {
    let example = include_str!("../../examples/mou/lakeshore/mou.toml");
    example.lines().find(|line| line.starts_with("catalogue")).unwrap().to_owned()
}

/// A college's export: everyone enrolled in 2025, a third of them in 2023 as well.
fn export() -> String {
    let mut text = "ID,SEX,RACE,START\n".to_owned();
    for n in 0..LEARNERS {
        let id = if n == 0 { LEARNER.to_owned() } else { format!("L{n:05}") };
        let (sex, race) = (["F", "M"][n % 2], 1 + n % 8);
        text += &format!("{id},{sex},{race},2025-09-01\n");
        if n % 3 == 0 {
            text += &format!("{id},{sex},{race},2023-09-01\n");
        }
    }
    text
}

fn gather(root: &Path, folder: &Path, files: &mut BTreeMap<PathBuf, (u32, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(root, &path, files);
        } else {
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            let bytes = fs::read(&path).unwrap();
            files.insert(path.strip_prefix(root).unwrap().to_owned(), (mode, bytes));
        }
    }
}

impl Site {
    pub(crate) fn new() -> Self {
        Self::under(str::to_owned)
    }

    /// Under the MOU that `edit` makes of the usual one. Both parties sign whatever comes of it.
    pub(crate) fn under(edit: impl FnOnce(&str) -> String) -> Self {
        let site = Self::unsigned(edit);
        site.sign(&[COLLEGE, CHAMBER]);
        site
    }

    /// The same, before anyone signs.
    pub(crate) fn unsigned(edit: impl FnOnce(&str) -> String) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (path, (mode, bytes)) in &TEMPLATE.files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, bytes).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(*mode)).unwrap();
        }
        let address = format!("127.0.0.1:{}", free_port());
        let mou = edit(&TEMPLATE.mou.replace("127.0.0.1:1\"", &format!("{address}\"")));
        let site = Self { dir, mou };
        site.settings(&format!("listen = \"{address}\"\nreply_tick_ms = 1\n"));
        for party in [COLLEGE, CHAMBER] {
            let folder = site.home(party).join("mou");
            let _ = fs::remove_dir_all(&folder);
            fs::create_dir_all(folder.join("parties")).unwrap();
            fs::create_dir_all(folder.join("signatures")).unwrap();
            fs::write(folder.join("mou.toml"), &site.mou).unwrap();
            for root in &TEMPLATE.roots {
                let file = folder.join("parties").join(format!("{}.pem", root.party()));
                fs::write(file, root.certificate_pem()).unwrap();
            }
        }
        site
    }

    /// Puts these parties' signatures over the MOU into both homes.
    pub(crate) fn sign(&self, parties: &[&str]) {
        for root in &TEMPLATE.roots {
            if parties.contains(&root.party().as_str()) {
                let signature = mou_signature::sign(root, self.mou.as_bytes()).unwrap();
                for home in [COLLEGE, CHAMBER] {
                    let name = format!("mou/signatures/{}.p7s", root.party());
                    fs::write(self.home(home).join(name), &signature).unwrap();
                }
            }
        }
    }

    /// A party's root.
    pub(crate) fn root(party: &str) -> &'static Root {
        TEMPLATE.roots.iter().find(|root| root.party().as_str() == party).unwrap()
    }

    /// Where everything of this site lies.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn home(&self, party: &str) -> PathBuf {
        self.dir.path().join(party)
    }

    /// The text of the MOU.
    pub(crate) fn mou_text(&self) -> &str {
        &self.mou
    }

    pub(crate) fn mou(&self) -> Mou {
        Mou::read(self.mou.as_bytes()).unwrap()
    }

    /// Where the college's node listens.
    pub(crate) fn address(&self) -> String {
        self.mou().party(&COLLEGE.parse().unwrap()).unwrap().address.clone().unwrap()
    }

    /// The college's settings, beside its name and its MOU.
    pub(crate) fn settings(&self, text: &str) {
        let text = format!("party = \"{COLLEGE}\"\nmou = \"mou\"\n{text}");
        fs::write(self.home(COLLEGE).join("sumac.toml"), text).unwrap();
    }

    /// The college's settings with replies that leave on steps of so many milliseconds.
    pub(crate) fn tick(&self, milliseconds: u64) {
        self.settings(&format!(
            "listen = \"{}\"\nreply_tick_ms = {milliseconds}\n",
            self.address()
        ));
    }

    pub(crate) fn ledger(&self) -> PathBuf {
        self.home(COLLEGE).join("ledger")
    }

    /// What the college's ledger says.
    pub(crate) fn summary(&self) -> Summary {
        read_only(&self.ledger()).unwrap()
    }

    /// Runs a verb for a party to its end. Nothing it says may be about a learner.
    pub(crate) fn run(&self, party: &str, words: &[&str]) -> Said {
        self.run_in(&Environment::new(), party, words)
    }

    /// The same, in a process that finds more in its environment.
    pub(crate) fn run_in(&self, more: &Environment, party: &str, words: &[&str]) -> Said {
        let mut command = command(self.dir(), party, words);
        command.envs(more);
        let said = done(command);
        tells_nothing(&said.err);
        match words.first() {
            // Noise may be nothing: a released number may be the true one by chance.
            Some(&"ask") => assert!(!said.out.contains(LEARNER), "a learner is named: {said:?}"),
            _ => tells_nothing(&said.out),
        }
        said
    }

    /// Starts the college's node and waits until it listens.
    pub(crate) fn serve(&self) -> Serving {
        let started = self.serve_in(&Environment::new());
        started.unwrap_or_else(|(_, log)| panic!("it does not listen: {log}"))
    }

    /// The same, with more in its environment. A node that ends before it listens leaves its exit code and its
    /// log.
    pub(crate) fn serve_in(&self, more: &Environment) -> Result<Serving, (Option<i32>, String)> {
        let mut command = command(self.dir(), COLLEGE, &["serve"]);
        let mut child = command.envs(more).spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (lines, told) = mpsc::channel();
        let (stderr, written) = (child.stderr.take().unwrap(), log.clone());
        let reading = thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                written.lock().unwrap().push_str(&format!("{line}\n"));
                let _ = lines.send(line);
            }
        });
        let mut serving = Serving { child, log, reading: Some(reading) };
        loop {
            match told.recv_timeout(PATIENCE) {
                Ok(line) if line.contains("listening on") => return Ok(serving),
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(serving.end()),
                Err(RecvTimeoutError::Timeout) => panic!("it is stuck: {}", serving.log()),
            }
        }
    }

    /// The chamber's analyst, without a process of her own.
    pub(crate) fn asker(&self) -> Asker {
        let file =
            |name: &str| fs::read(self.home(CHAMBER).join("certificates").join(name)).unwrap();
        self.asker_with(
            &TlsIdentity::read(&file("analyst-maria.pem"), &file("analyst-maria.key")).unwrap(),
        )
    }

    /// Another analyst of the chamber.
    pub(crate) fn other_asker(&self, name: &str) -> Asker {
        let now = jiff::Timestamp::now();
        let issued = Self::root(CHAMBER).issue(PeerRole::Analyst, name, now).unwrap();
        self.asker_with(
            &TlsIdentity::read(issued.certificate_pem.as_bytes(), issued.key_pem.as_bytes())
                .unwrap(),
        )
    }

    fn asker_with(&self, identity: &TlsIdentity) -> Asker {
        let mou = Arc::new(self.mou());
        let trust = Arc::new(self.trust());
        let clock: sumac_keys::Clock = Arc::new(jiff::Timestamp::now);
        Asker::new(mou, trust, identity, &clock).unwrap()
    }

    pub(crate) fn trust(&self) -> Trust {
        let roots = TEMPLATE.roots.iter();
        let roots =
            roots.map(|root| (root.party().clone(), root.fingerprint(), root.certificate_pem()));
        Trust::new(roots).unwrap()
    }
}

impl Serving {
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

impl Said {
    /// It did what it was asked to.
    #[track_caller]
    pub(crate) fn well(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    /// It failed so, and said each of these.
    #[track_caller]
    pub(crate) fn badly(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        let text = format!("{}{}", self.out, self.err);
        for word in words {
            assert!(text.contains(word), "`{word}` is not said:\n{text}");
        }
        assert!(!text.contains("panicked"), "{text}");
    }
}

/// Runs a verb that needs no home, in the project's folder.
pub(crate) fn sumac(words: &[&str]) -> Said {
    done(command(Path::new(env!("CARGO_MANIFEST_DIR")), "nobody", words))
}

/// A verb for a party whose home lies in `dir`.
fn command(dir: &Path, party: &str, words: &[&str]) -> Command {
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
fn done(mut command: Command) -> Said {
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

/// A port on which nothing listens. Below the range from which systems give ports away, so that nobody takes
/// it between here and a node's start.
pub(crate) fn free_port() -> u16 {
    static TRIED: AtomicU32 = AtomicU32::new(0);
    loop {
        let tried = TRIED.fetch_add(1, Ordering::Relaxed);
        let port = 10_000 + (std::process::id().wrapping_mul(37) + tried) % 20_000;
        let port = u16::try_from(port).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// No text holds a learner's identifier, nor how many learners there are.
#[track_caller]
pub(crate) fn tells_nothing(text: &str) {
    assert!(!text.contains(LEARNER), "a learner is named:\n{text}");
    for count in [LEARNERS.to_string(), "8,841".to_owned()] {
        for (at, _) in text.match_indices(&count) {
            let part = |c: char| c.is_ascii_alphanumeric() || c == '.';
            let before = text[..at].chars().next_back().is_some_and(part);
            let after = text[at + count.len()..].chars().next();
            let after = after.is_some_and(|c| c.is_ascii_alphanumeric());
            assert!(before || after, "learners are counted:\n{text}");
        }
    }
}

#[test]
fn what_no_text_may_hold_is_found() {
    for text in ["8841", "of 8841 learners", "8,841.", "x MARKER-8841"] {
        assert!(std::panic::catch_unwind(|| tells_nothing(text)).is_err(), "{text}");
    }
    for text in ["", "a8841f", "127.0.0.1:18841", "ρ 0.8841", "88412"] {
        tells_nothing(text);
    }
}
