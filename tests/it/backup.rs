//! Backing a home up and restoring it, through the shipped command.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sumac_node::store::{Standing, check};
use sumac_policy::PeerRole;

use crate::command::{CHAMBER, COLLEGE, PRICE_NANO_RHO, Said, Site};

/// The file's passphrase is that of the roots here, which no one should do.
const PASSPHRASE: [&str; 2] = ["--passphrase-file", "passphrase"];

fn ask(site: &Site, period: &str) -> Said {
    let words = ["ask", "enrolment", "--period", period, "--by", "sex", "--format", "csv"];
    site.run(CHAMBER, &words)
}

fn back_up(site: &Site, file: &str, words: &[&str]) -> Said {
    site.run(COLLEGE, &[&["backup", file], &PASSPHRASE[..], words].concat())
}

fn restore(site: &Site, file: &str, home: &str) -> Said {
    site.run(home, &[&["restore", file], &PASSPHRASE[..]].concat())
}

/// Moves the college's home away, as if its disk were lost. The records about learners are imported again.
fn lose(site: &Site) -> PathBuf {
    let lost = site.dir().join("lost");
    let _ = fs::remove_dir_all(&lost);
    fs::rename(site.home(COLLEGE), &lost).unwrap();
    lost
}

fn import_again(site: &Site, lost: &Path) {
    fs::rename(lost.join("snapshots"), site.home(COLLEGE).join("snapshots")).unwrap();
}

fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.is_file() {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

fn spent(site: &Site) -> u64 {
    let summary = site.summary();
    check(&site.ledger(), Some(&site.trust())).unwrap();
    summary.lifetime_nano_rho
}

#[test]
fn a_home_that_is_backed_up_under_askers_comes_back_and_so_does_what_was_lost_since() {
    let site = Site::new();
    let serving = site.serve();
    let first = ask(&site, "2025").well().out;
    let said = std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            for year in ["2010", "2011", "2012", "2013", "2014", "2015"] {
                ask(&site, year).well();
            }
        });
        let said = back_up(&site, "backup.age", &[]).well();
        asking.join().unwrap();
        said
    });
    assert!(said.err.contains("not in it: the snapshots"), "{said:?}");
    let backup = site.dir().join("backup.age");
    assert_eq!(fs::metadata(&backup).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(fs::read(&backup).unwrap().starts_with(b"age-encryption.org/v1\n-> scrypt "));
    let lost_since = ask(&site, "2023").well().out;
    serving.kill();
    let before = spent(&site);
    assert_eq!(before, 8 * PRICE_NANO_RHO);

    let lost = lose(&site);
    let said = restore(&site, "backup.age", COLLEGE).well();
    assert!(said.err.contains("sumac import") && said.err.contains(CHAMBER), "{said:?}");
    assert!(!site.home(COLLEGE).join("root/root.p12").exists(), "the root belongs offline");
    assert!(!site.home(COLLEGE).join("snapshots").exists(), "records are in no backup");
    let mode = |name: &str| {
        fs::metadata(site.home(COLLEGE).join(name)).unwrap().permissions().mode() & 0o777
    };
    assert_eq!((mode("node.secret"), mode("certificates/node.key")), (0o600, 0o600));
    import_again(&site, &lost);

    let status = site.run(COLLEGE, &["status", "--format", "json"]).well().out;
    let status: Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["standing"]["state"], "restored");
    assert_eq!(status["standing"]["awaited"][0], CHAMBER);
    let serving = site.serve();
    assert!(serving.log().contains("restored from a backup"), "{}", serving.log());
    let said = ask(&site, "2023").well();
    assert_eq!(said.out, lost_since);
    for words in ["WAS RESTORED FROM A BACKUP", "HAS A NEW HISTORY"] {
        assert!(said.err.contains(words), "{said:?}");
    }
    let said = ask(&site, "2025").well();
    assert_eq!(said.out, first);
    assert!(!said.err.contains("RESTORED"), "once is enough: {said:?}");
    serving.stop();
    assert_eq!(spent(&site), before);
    let shown = site.run(COLLEGE, &["ledger", "show"]).well().out;
    assert!(shown.contains("given back after a restore"), "{shown}");
    site.run(COLLEGE, &["ledger", "check"]).well();
}

#[test]
fn a_backup_of_a_node_that_does_not_serve_is_replaced_only_when_asked() {
    let site = Site::new();
    let serving = site.serve();
    ask(&site, "2025").well();
    serving.stop();
    back_up(&site, "backup.age", &[]).well();
    let first = fs::read(site.dir().join("backup.age")).unwrap();
    back_up(&site, "backup.age", &[]).badly(1, &["already there", "--force"]);
    assert_eq!(fs::read(site.dir().join("backup.age")).unwrap(), first);
    back_up(&site, "backup.age", &["--force"]).well();
    assert_ne!(fs::read(site.dir().join("backup.age")).unwrap(), first);
    back_up(&site, "nowhere/backup.age", &[]).badly(1, &["nowhere/backup.age", "hint:"]);
    // The one that only asks has no ledger, and is backed up all the same.
    site.run(CHAMBER, &[&["backup", "chamber.age"], &PASSPHRASE[..]].concat()).well();
    restore(&site, "chamber.age", "chamber-again").well();
    let receipts = |home: &str| files(&site.home(home).join("receipts")).into_values().collect();
    let (kept, again): (Vec<_>, Vec<_>) = (receipts(CHAMBER), receipts("chamber-again"));
    assert!(kept.len() == 1 && kept == again);
}

#[test]
fn a_backup_that_is_not_whole_or_not_opened_leaves_nothing() {
    let site = Site::new();
    let serving = site.serve();
    ask(&site, "2025").well();
    serving.stop();
    back_up(&site, "backup.age", &[]).well();
    restore(&site, "backup.age", COLLEGE).badly(1, &["already there", "never overwritten"]);
    let good = fs::read(site.dir().join("backup.age")).unwrap();
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 4;
        bytes
    };
    let middle = good.len() / 2;
    fs::write(site.dir().join("wrong"), "quite another passphrase").unwrap();
    fs::write(site.dir().join("backup.age"), &good).unwrap();
    let before = files(site.dir());
    let names = |site: &Site| {
        let entries = fs::read_dir(site.dir()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let names_before = names(&site);
    let said = site.run("new", &["restore", "backup.age", "--passphrase-file", "wrong"]);
    said.badly(1, &["decrypt `backup.age`", "passphrase", "hint:"]);
    for (what, bytes) in [
        ("another file", b"nothing of the kind".to_vec()),
        ("nothing", Vec::new()),
        ("a head that was changed", flipped(60)),
        ("a body that was changed", flipped(middle)),
        ("an end that was changed", flipped(good.len() - 1)),
        ("a half", good[..middle].to_vec()),
        ("all but its last byte", good[..good.len() - 1].to_vec()),
    ] {
        fs::write(site.dir().join("backup.age"), bytes).unwrap();
        let said = restore(&site, "backup.age", "new");
        assert_eq!(said.code, Some(1), "{what}: {said:?}");
        assert!(said.err.matches("error:").count() == 1 && said.err.contains("hint:"), "{said:?}");
        assert_eq!(names(&site), names_before, "{what}");
    }
    fs::write(site.dir().join("backup.age"), &good).unwrap();
    assert!(files(site.dir()) == before);
    // An empty folder is as good as none.
    fs::create_dir(site.dir().join("new")).unwrap();
    restore(&site, "backup.age", "new").well();
}

#[test]
fn a_backup_whose_certificate_is_not_valid_today_waits_for_its_renewal() {
    let site = Site::new();
    let serving = site.serve();
    ask(&site, "2025").well();
    serving.stop();
    let certificates = site.home(COLLEGE).join("certificates");
    let another_day = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * 100);
    let invalid = Site::root(COLLEGE).issue(PeerRole::Node, "node", another_day).unwrap();
    fs::write(certificates.join("node.pem"), invalid.certificate_pem).unwrap();
    fs::write(certificates.join("node.key"), invalid.key_pem.as_bytes()).unwrap();
    back_up(&site, "backup.age", &[]).well();
    let lost = lose(&site);
    let said = restore(&site, "backup.age", COLLEGE).well();
    assert!(said.err.contains("sumac certificate renew node"), "{said:?}");
    import_again(&site, &lost);
    let root = lost.join("root/root.p12");
    let words = ["certificate", "renew", "node", "--root", root.to_str().unwrap()];
    site.run(COLLEGE, &words).well();
    let serving = site.serve();
    assert!(serving.log().contains("restored from a backup"), "{}", serving.log());
    ask(&site, "2025").well();
    serving.stop();
    spent(&site);
}

#[test]
fn the_operator_goes_on_without_the_one_that_is_gone_while_the_node_serves_and_while_it_does_not() {
    for serves in [true, false] {
        let site = Site::new();
        let serving = site.serve();
        ask(&site, "2025").well();
        serving.stop();
        back_up(&site, "backup.age", &[]).well();
        let serving = site.serve();
        ask(&site, "2023").well();
        serving.stop();
        let (before, lost) = (spent(&site), lose(&site));
        restore(&site, "backup.age", COLLEGE).well();
        import_again(&site, &lost);
        let serving = serves.then(|| site.serve());
        let resume = |words: &[&str]| {
            let resume = ["resume", "--without", CHAMBER, "--because", "it is gone"];
            site.run(COLLEGE, &[&resume, words].concat())
        };
        resume(&[]).badly(2, &["--mou-version"]);
        resume(&["--mou-version", "2"]).badly(1, &["goes by version 1", "sumac mou activate"]);
        let resume = |words: &[&str]| resume(&[&["--mou-version", "1"], words].concat());
        resume(&[]).badly(1, &["counts as spent: ρ", "enrolment, 2000, everybody", "--yes"]);
        assert!(matches!(site.summary().standing, Standing::Restored(_)));
        resume(&["--yes"]).well();
        resume(&["--yes"]).badly(1, &["does not wait for anybody"]);
        serving.map(|serving| serving.stop());
        // All that was due and is not in the backup, two of three breakdowns of each year among it.
        assert!(spent(&site) > before && site.summary().standing == Standing::Itself);
        let shown = site.run(COLLEGE, &["ledger", "show"]).well().out;
        assert!(shown.contains("Lost before a restore") && shown.contains("enrolment 2023 by sex"));
        let serving = site.serve();
        ask(&site, "2022").badly(3, &["RELEASE_LOST"]);
        serving.stop();
        let remeasure =
            ["remeasure", "enrolment", "--period", "2022", "--by", "sex", "--because", "lost"];
        site.run(COLLEGE, &[&remeasure[..], &["--yes"]].concat()).well();
        let serving = site.serve();
        ask(&site, "2022").well();
        serving.stop();
        spent(&site);
    }
}

/// A file as `sumac backup` writes it, with these members.
fn made_up(site: &Site, members: &[(&str, &[u8])]) {
    let passphrase = fs::read_to_string(site.dir().join("passphrase")).unwrap();
    let encryptor = age::Encryptor::with_user_passphrase(passphrase.into());
    let file = fs::File::create(site.dir().join("made-up.age")).unwrap();
    let mut archive = tar::Builder::new(encryptor.wrap_output(file).unwrap());
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len().try_into().unwrap());
        header.set_mode(0o600);
        // As no honest archive has it: by hand.
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        archive.append(&header, *bytes).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap();
}

#[test]
fn a_file_of_another_version_or_with_a_place_outside_is_refused() {
    let site = Site::new();
    let about = |format: &str| {
        let about = r#"{"format":"FORMAT","party":"lakeshore-cc","made_at":"","software":"","ledger":null}"#;
        about.replace("FORMAT", format).into_bytes()
    };
    let (newer, known) = (about("sumac-backup/2"), about("sumac-backup/1"));
    made_up(&site, &[("about.json", &newer)]);
    let said = restore(&site, "made-up.age", "new");
    said.badly(1, &["its format is `sumac-backup/2`", "reads `sumac-backup/1`", "a newer one"]);
    for outside in ["../evil", "home/../../evil", "/evil", "elsewhere/evil"] {
        made_up(&site, &[("about.json", &known), (outside, b"x")]);
        restore(&site, "made-up.age", "new").badly(1, &["has no place in a home"]);
    }
    made_up(&site, &[("home/sumac.toml", b"x")]);
    restore(&site, "made-up.age", "new").badly(1, &["does not say what it is a backup of"]);
    made_up(&site, &[("about.json", &known)]);
    restore(&site, "made-up.age", "new").badly(1, &["check what was restored", "sumac.toml"]);
    assert!(!site.dir().join("new").exists() && !site.dir().join("evil").exists());
}
