//! A party leaves: what it stops, deletes and signs, and what of that is there after a kill.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::command::{CHAMBER, COLLEGE, Environment, Said, Serving, Site};

const PHRASE: &str = "nine purple otters sing";
pub(crate) const ASK: [&str; 4] = ["ask", "enrolment", "--period", "2025"];

/// A college that answered one question, under an MOU that has a leaver delete; and its root on a stick.
pub(crate) struct Leaver {
    pub(crate) site: Site,
    root: PathBuf,
    phrase: PathBuf,
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
        let (root, phrase) = (site.dir().join("root.p12"), site.dir().join("phrase"));
        let passphrase = sumac_keys::Passphrase::new(zeroize::Zeroizing::new(PHRASE.into()));
        fs::write(&root, Site::root(COLLEGE).to_pkcs12(&passphrase.unwrap()).unwrap()).unwrap();
        fs::write(&phrase, PHRASE).unwrap();
        Self { site, root, phrase }
    }

    /// `sumac leave`.
    pub(crate) fn leave(&self, because: &str) -> Said {
        self.leave_in(&Environment::new(), because)
    }

    pub(crate) fn leave_in(&self, more: &Environment, because: &str) -> Said {
        let (root, phrase) = (self.root.to_str().unwrap(), self.phrase.to_str().unwrap());
        let words = ["leave", "--because", because, "--yes"];
        let with = ["--root", root, "--passphrase-file", phrase];
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
