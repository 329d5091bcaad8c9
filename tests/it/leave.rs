//! A party leaves: what it stops, deletes and signs, and what of that is there after a kill.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use sumac_node::store::check;

use crate::command::{CHAMBER, COLLEGE, Environment, Said, Site};
use crate::crash::kills;
use crate::crash::shim::{self, Kill, Phase, Watch};

pub(crate) const ASK: [&str; 4] = ["ask", "enrolment", "--period", "2025"];

/// Kills of an ordinary run; every one with `SUMAC_CRASH_KILLS`, as in `crash.rs`.
const SHARE: usize = 14;
const IMPORT: [&str; 8] = [
    "import",
    "export.csv",
    "--mapping",
    "mapping.toml",
    "--as-of",
    "2026-01-15",
    "--covers",
    "2025",
];
const REMEASURE: [&str; 7] =
    ["remeasure", "enrolment", "--period", "2025", "--because", "a file was missing", "--yes"];
const GONE: &str = "`lakeshore-cc` left the agreement on ";

/// A college that answered one question, under an MOU that has a leaver delete; and its root on a stick.
pub(crate) struct Leaver {
    pub(crate) site: Site,
    root: String,
    phrase: String,
}

impl Leaver {
    pub(crate) fn new() -> Self {
        let leaver = Self::unasked();
        let serving = leaver.site.serve();
        leaver.site.run(CHAMBER, &ASK).well();
        serving.stop();
        leaver
    }

    pub(crate) fn unasked() -> Self {
        let rule = "[after]\non_exit = \"delete within 45 days\"\n\n[privacy]";
        let site = Site::under(|text| text.replace("[privacy]", rule));
        let (root, phrase) = site.stick(COLLEGE);
        Self { site, root, phrase }
    }

    /// `sumac leave`.
    pub(crate) fn leave(&self, because: &str) -> Said {
        self.leave_in(&Environment::new(), because)
    }

    pub(crate) fn leave_in(&self, more: &Environment, because: &str) -> Said {
        let words = ["leave", "--because", because, "--yes"];
        let with = ["--root", &self.root, "--passphrase-file", &self.phrase];
        self.site.run_in(more, COLLEGE, &[&words[..], &with[..]].concat())
    }

    /// `sumac leave verify`, by the backbone, which is offline.
    pub(crate) fn verify(&self, certificate: &str) -> Said {
        let mou = self.site.home(CHAMBER).join("mou");
        let words = ["leave", "verify", certificate, "--mou", mou.to_str().unwrap()];
        self.site.run(CHAMBER, &words)
    }

    /// Files of releases that lie beside the log.
    pub(crate) fn bodies(&self) -> usize {
        let bodies = fs::read_dir(self.site.ledger().join("bodies")).unwrap();
        let of_releases =
            |path: &Path| path.extension().is_some_and(|extension| extension == "bodies");
        bodies.filter(|file| of_releases(&file.as_ref().unwrap().path())).count()
    }

    /// Puts the notice of exit into the backbone's folder, as by mail.
    pub(crate) fn send_notice(&self) {
        let folder = |party| self.site.home(party).join("mou/exits");
        fs::create_dir_all(folder(CHAMBER)).unwrap();
        for end in ["toml", "p7s"] {
            let name = format!("{COLLEGE}.{end}");
            fs::copy(folder(COLLEGE).join(&name), folder(CHAMBER).join(&name)).unwrap();
        }
    }
}

impl Leaver {
    /// The snapshots that there are, by name.
    fn snapshots(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.site.home(COLLEGE).join("snapshots")) else {
            return Vec::new();
        };
        let folders = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
        folders.map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
    }

    /// Whether its notice lies beside the MOU, whole.
    fn has_given_notice(&self) -> bool {
        self.site.home(COLLEGE).join("mou/exits").join(format!("{COLLEGE}.toml")).exists()
    }

    /// Nothing that only a party does is done here any more.
    fn is_gone(&self) {
        for words in [&["serve"][..], &IMPORT, &REMEASURE] {
            let said = self.site.run(COLLEGE, words);
            said.badly(1, &[GONE, "answers nobody", "sumac mou activate"]);
        }
    }

    /// The certificate says what was there and is not, and the log as it stands.
    fn has_certified(&self, certificate: &str, snapshots: &[String]) {
        self.verify(certificate).well();
        let text = fs::read_to_string(certificate).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        let named: Vec<String> =
            serde_json::from_value(value["deleted"]["snapshots"].clone()).unwrap();
        assert_eq!(named, snapshots, "{text}");
        assert_eq!(value["deleted"]["releases"], 2, "{text}");
        assert!(self.snapshots().is_empty());
        assert_eq!(self.bodies(), 0);
        let checked = check(&self.site.ledger(), Some(&self.site.trust())).unwrap();
        let head = checked.head.unwrap().head;
        assert_eq!((checked.purged, checked.undeleted), (2, 0));
        assert_eq!(value["log"]["records"], head.size, "{text}");
        assert_eq!(value["log"]["root"], head.root.to_string(), "{text}");
    }

    fn is_killed_at(&self, kill: &Kill) {
        let snapshots = self.snapshots();
        let watch = Watch::new(Some(kill.clone()));
        let said = self.leave_in(&watch.environment(&self.site.home(COLLEGE)), "a merger");
        if said.code.is_some() {
            // Not every run comes to each step; this one went through.
            said.well();
        }
        if self.has_given_notice() {
            self.is_gone();
        } else {
            let serving = self.site.serve();
            self.site.run(CHAMBER, &ASK).well();
            serving.stop();
        }
        let certificate = self.leave("a merger").well().out.trim().to_owned();
        self.has_certified(&certificate, &snapshots);
        self.is_gone();
    }
}

#[test]
fn no_kill_while_leaving_lets_a_node_answer_again_or_a_certificate_lie() {
    if !shim::works_here() {
        return;
    }
    let answered = || {
        let leaver = Leaver::new();
        let serving = leaver.site.serve();
        leaver.site.run(CHAMBER, &[&ASK[..], &["--by", "sex"]].concat()).well();
        serving.stop();
        leaver
    };
    let leaver = answered();
    let watch = Watch::new(None);
    leaver.leave_in(&watch.environment(&leaver.site.home(COLLEGE)), "a merger").well();
    let steps = watch.steps();
    let mut kinds = BTreeSet::new();
    let mut all: Vec<_> = kills(&steps).into_iter().map(|(_, kill)| kill).collect();
    println!("leaving takes {} steps, with {} places to be killed at", steps.len(), all.len());
    if std::env::var("SUMAC_CRASH_KILLS").is_err() {
        // One behind each kind of step, evenly over them.
        all.retain(|kill| kill.phase == Phase::After && kinds.insert(kill.kind.clone()));
        let each = all.len().div_ceil(SHARE);
        all = all.into_iter().step_by(each).collect();
    }
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(kill) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
            println!("{kill:?}");
            answered().is_killed_at(kill);
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        work();
    });
}

#[test]
fn who_left_is_not_restored_served_imported_for_or_measured_anew() {
    let leaver = Leaver::new();
    let site = &leaver.site;
    let phrase = &leaver.phrase;
    leaver.leave("a merger").well();
    site.run(COLLEGE, &["backup", "late.age", "--passphrase-file", phrase]).well();
    let words = ["restore", "late.age", "--home", "anew", "--passphrase-file", phrase];
    site.run(COLLEGE, &words).badly(1, &[GONE, "none is restored", "age --decrypt"]);
    assert!(!site.dir().join("anew").exists());
    let shown = site.run(COLLEGE, &["ledger", "show"]).well().out;
    assert!(shown.contains("This party left the agreement on"), "{shown}");
    let status = site.run(COLLEGE, &["status"]).out;
    assert!(status.contains("left the agreement on"), "{status}");
    leaver.is_gone();
}
