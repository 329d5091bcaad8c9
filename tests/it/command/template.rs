//! The two homes that every site begins with, made once by the shipped verbs, as the parties' people would.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use sumac_keys::{Passphrase, Root};
use zeroize::Zeroizing;

use super::child::{command, done};
use super::{CHAMBER, COLLEGE, LEARNER, LEARNERS, NOT_HELD};

const PASSPHRASE: &str = "four random words here";

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
const MAPPING: &str = r#"format = "sumac-mapping/1"
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

/// What takes seconds to make, so it is made once: homes, roots, an import.
pub(super) struct Template {
    pub(super) files: BTreeMap<PathBuf, (u32, Vec<u8>)>,
    pub(super) roots: Vec<Root>,
    pub(super) mou: String,
}

pub(super) static TEMPLATE: LazyLock<Template> = LazyLock::new(Template::make);

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
    let example = include_str!("../../../examples/mou/lakeshore/mou.toml");
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
