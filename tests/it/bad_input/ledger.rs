//! A ledger that cannot be kept: every node refuses to start, says why, and touches nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{CHAMBER, COLLEGE, Site};

/// A site whose ledger holds one released table.
fn site_with_a_release() -> Site {
    let site = Site::new();
    let serving = site.serve();
    site.run(CHAMBER, &["ask", "enrolment", "--period", "2025"]).well();
    serving.stop();
    let summary = site.summary();
    assert_eq!((summary.charged_tables, summary.released_tables), (1, 1));
    site
}

fn log_of(site: &Site) -> Vec<u8> {
    fs::read(site.ledger().join("ledger.log")).unwrap()
}

#[test]
fn a_ledger_that_is_newer_damaged_cut_or_gone_is_refused_untouched() {
    let site = site_with_a_release();
    let log = site.ledger().join("ledger.log");
    let good = log_of(&site);
    let damaged = |at: usize, with: &[u8]| {
        let mut bytes = good.clone();
        bytes[at..at + with.len()].copy_from_slice(with);
        bytes
    };
    for (bytes, words) in [
        (damaged(8, &[99, 0, 0, 0]), "written by a newer version of sumac (format 99"),
        (damaged(0, b"?"), "is not a ledger"),
        (damaged(good.len() / 2, b"????"), "is damaged"),
        (damaged(good.len() - 3, b"?"), "is damaged"),
        (good[..good.len() - 200].to_vec(), "restore the ledger from a backup"),
        (good[..5].to_vec(), "is not a ledger"),
    ] {
        fs::write(&log, &bytes).unwrap();
        let said = site.run(COLLEGE, &["serve"]);
        said.badly(1, &["ledger/ledger.log`", words, "nothing was changed: "]);
        assert!(log_of(&site) == bytes, "{words}: the ledger changed");
    }
    fs::remove_file(&log).unwrap();
    let said = site.run(COLLEGE, &["serve"]);
    said.badly(1, &["ledger/ledger.log` is gone", "put the ledger back"]);
    assert!(!log.exists());
    // Put back, it serves on, and what was released is free.
    fs::write(&log, &good).unwrap();
    let serving = site.serve();
    site.run(CHAMBER, &["ask", "enrolment", "--period", "2025"]).well();
    serving.stop();
    assert_eq!(site.summary().charged_tables, 1);
}

#[test]
fn a_ledger_that_cannot_be_written_stops_the_start() {
    // A file where the folder should be.
    let site = Site::new();
    fs::write(site.ledger(), b"not a folder").unwrap();
    let said = site.run(COLLEGE, &["serve"]);
    said.badly(1, &["open the ledger `", "/ledger", "must be able to write there"]);
    assert_eq!(fs::read(site.ledger()).unwrap(), b"not a folder");

    // A folder that is read-only: for root, only a whole file system is.
    let site = site_with_a_release();
    let before = log_of(&site);
    let Some(_read_only) = ReadOnly::make(&site.ledger()) else {
        eprintln!("skipped: as root, and without leave to mount, no folder is read-only");
        return;
    };
    let said = site.run(COLLEGE, &["serve"]);
    said.badly(1, &["open the ledger `", "/ledger", "must be able to write there"]);
    // What it says can still be read.
    assert!(log_of(&site) == before);
    site.run(COLLEGE, &["status"]).well();
}

#[test]
fn a_full_disk_is_named_and_costs_no_answer() {
    let site = Site::new();
    fs::create_dir(site.ledger()).unwrap();
    // One page: there is room for an empty ledger, and none for its index.
    let Some(mount) = Mount::make(&site.ledger(), "size=4k") else {
        eprintln!(
            "skipped: without leave to mount, no disk is small; see node/src/store/faults.rs"
        );
        return;
    };
    let said = site.run(COLLEGE, &["serve"]);
    said.badly(1, &["/ledger", "the disk must have room"]);
    drop(mount);
    site.serve().stop();
}

#[test]
fn a_disk_that_fills_up_while_serving_releases_nothing_unwritten() {
    let site = Site::new();
    fs::create_dir(site.ledger()).unwrap();
    let Some(_mount) = Mount::make(&site.ledger(), "size=4m") else {
        eprintln!(
            "skipped: without leave to mount, no disk is small; see node/src/store/faults.rs"
        );
        return;
    };
    let serving = site.serve();
    site.run(CHAMBER, &["ask", "enrolment", "--period", "2025"]).well();
    let before = site.summary();
    let filler = site.ledger().join("filler");
    // As much as fits: the write that fails is the last.
    let _ = fs::write(&filler, vec![0; 8 << 20]);
    // What is left of the last page may hold some records yet.
    let mut released = before.released_tables;
    let refused = (2010..=2023).map(|year| year.to_string()).find(|year| {
        let said = site.run(CHAMBER, &["ask", "enrolment", "--period", year, "--by", "sex"]);
        if said.code == Some(0) {
            released += 1;
            return false;
        }
        said.badly(1, &[COLLEGE]);
        true
    });
    let refused = refused.unwrap();
    let (_, log) = serving.stop();
    assert!(log.contains("ledger/ledger.log` could not be written"), "{log}");
    assert!(log.contains("free space or repair the disk, then restart the node"), "{log}");
    // Released or not, it did not leave, for want of the record of the answer.
    assert!((released..=released + 1).contains(&site.summary().released_tables));
    // With room again the same question is answered, and charged once.
    fs::remove_file(filler).unwrap();
    let serving = site.serve();
    site.run(CHAMBER, &["ask", "enrolment", "--period", &refused, "--by", "sex"]).well();
    serving.stop();
    let after = site.summary();
    assert_eq!((after.charged_tables, after.released_tables), (released + 1, released + 1));
}

/// A file system of its own on a folder, gone when dropped.
struct Mount(PathBuf);

impl Mount {
    fn make(folder: &Path, options: &str) -> Option<Self> {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(folder)
            .output();
        mounted.is_ok_and(|said| said.status.success()).then(|| Self(folder.to_owned()))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

/// A folder that cannot be written to until this is dropped.
enum ReadOnly {
    Mode(PathBuf),
    Mount { _mount: Mount },
}

impl ReadOnly {
    fn make(folder: &Path) -> Option<Self> {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o555)).unwrap();
        if fs::write(folder.join("probe"), b"").is_err() {
            return Some(Self::Mode(folder.to_owned()));
        }
        fs::remove_file(folder.join("probe")).unwrap();
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
        let mount = |words: &[&str]| {
            let said = Command::new("mount").args(words).arg(folder).output();
            said.is_ok_and(|said| said.status.success())
        };
        let bound = mount(&["--bind", folder.to_str()?]);
        let mounted = bound.then(|| Mount(folder.to_owned()))?;
        mount(&["-o", "remount,bind,ro"]).then_some(Self::Mount { _mount: mounted })
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        if let Self::Mode(folder) = self {
            let _ = fs::set_permissions(folder, fs::Permissions::from_mode(0o755));
        }
    }
}
