//! The shipped command as child processes: two parties with real homes, an MOU that both signed, one node on
//! a loopback port. What a child says is searched for what no text may hold.

mod child;
mod template;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use sumac_backbone::Asker;
use sumac_keys::{Passphrase, Root, TlsIdentity, Trust, mou_signature};
use sumac_node::store::{Summary, read_only};
use sumac_policy::{Mou, PeerRole};

pub(crate) use child::Serving;

use child::{command, done};
use template::TEMPLATE;

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

    /// A party's root as on a stick, and the file of its passphrase.
    pub(crate) fn stick(&self, party: &str) -> (String, String) {
        let (root, file) = (format!("{party}.p12"), format!("{party}.phrase"));
        let (root, file) = (self.dir().join(root), self.dir().join(file));
        let phrase = "nine purple otters sing";
        let passphrase = Passphrase::new(zeroize::Zeroizing::new(phrase.into())).unwrap();
        fs::write(&root, Self::root(party).to_pkcs12(&passphrase).unwrap()).unwrap();
        fs::write(&file, phrase).unwrap();
        let shown = |path: PathBuf| path.to_str().unwrap().to_owned();
        (shown(root), shown(file))
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

    /// Runs an import for the college, whose summary is the one text that may count.
    pub(crate) fn summary_of(&self, more: &Environment, words: &[&str]) -> Said {
        let mut command = command(self.dir(), COLLEGE, words);
        command.envs(more);
        done(command)
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
        command.envs(more);
        Serving::start(command)
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
