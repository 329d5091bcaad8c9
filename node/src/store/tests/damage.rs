//! Logs that are not what was written, and folders that cannot be used.

use std::io::{Seek, SeekFrom, Write};

use super::*;

#[tokio::test]
async fn no_flipped_bit_is_ever_accepted() {
    let dir = TempDir::new().unwrap();
    drop(history(dir.path()).await);
    let log = fs::read(log_path(dir.path())).unwrap();
    let acknowledged = acknowledged(dir.path());
    let path = dir.path().join("flipped.log");
    fs::write(&path, &log).unwrap();
    let mut file = OpenOptions::new().write(true).open(&path).unwrap();
    for bit in 0..log.len() * 8 {
        let flipped = log[bit / 8] ^ (1 << (bit % 8));
        write_at(&mut file, bit / 8, flipped);
        for known in [Some(&acknowledged), None] {
            assert!(scan::scan(&path, known).is_err(), "bit {bit}, index {}", known.is_some());
        }
        write_at(&mut file, bit / 8, log[bit / 8]);
    }
}

#[tokio::test]
async fn a_damaged_or_shortened_log_is_refused_untouched() {
    let dir = TempDir::new().unwrap();
    drop(history(dir.path()).await);
    let path = log_path(dir.path());
    let log = fs::read(&path).unwrap();
    let mut flipped = log.clone();
    flipped[log.len() - 3] ^= 4;
    let mut middle = log.clone();
    middle[100] ^= 1;
    let mut emptied = log.clone();
    emptied[usize::try_from(walk(dir.path(), 6).length).unwrap()..].fill(0);
    for damaged in [flipped, middle, emptied, log[..log.len() - 1].to_vec(), log[..16].to_vec()] {
        fs::write(&path, &damaged).unwrap();
        let error = refused(dir.path());
        assert!(
            matches!(
                error,
                StoreError::Damaged { source: Damage::Bytes, .. } | StoreError::Shorter { .. }
            ),
            "{error:?}"
        );
        assert_eq!(fs::read(&path).unwrap(), damaged);
    }
    fs::remove_file(&path).unwrap();
    assert!(matches!(refused(dir.path()), StoreError::Gone { .. }));
    assert!(!path.exists());
    fs::write(&path, log).unwrap();
    drop(open(dir.path()));
}

#[tokio::test]
async fn a_record_left_out_or_written_twice_is_refused() {
    let dir = TempDir::new().unwrap();
    drop(history(dir.path()).await);
    let path = log_path(dir.path());
    let log = fs::read(&path).unwrap();
    let second = usize::try_from(walk(dir.path(), 2).length).unwrap();
    let third = usize::try_from(walk(dir.path(), 3).length).unwrap();
    let without = [&log[..second], &log[third..]].concat();
    let twice = [&log[..third], &log[second..]].concat();
    fs::remove_dir_all(dir.path().join("index")).unwrap();
    for (damaged, record) in [(without, 2), (twice, 3)] {
        fs::write(&path, &damaged).unwrap();
        match refused(dir.path()) {
            // Left out, the frames behind vouch for bytes that are not there.
            StoreError::Damaged { record: at, .. } => assert_eq!(at, record),
            other => panic!("{other:?}"),
        }
        assert_eq!(fs::read(&path).unwrap(), damaged);
    }
}

#[tokio::test]
async fn a_newer_store_is_refused_untouched() {
    let dir = TempDir::new().unwrap();
    drop(history(dir.path()).await);
    let path = log_path(dir.path());
    let mut log = fs::read(&path).unwrap();
    log[8] = 2;
    fs::write(&path, &log).unwrap();
    let before = files(dir.path());
    let error = refused(dir.path());
    assert!(matches!(error, StoreError::NewerFormat { found: 2, known: 1, .. }), "{error:?}");
    assert!(matches!(read_only(dir.path()), Err(StoreError::NewerFormat { .. })));
    assert_eq!(files(dir.path()), before);
}

#[test]
fn two_processes_cannot_open_one_store() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path());
    assert!(matches!(refused(dir.path()), StoreError::Locked { .. }));
    drop(store);
    drop(open(dir.path()));
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let error = refused(&file.join("store"));
    assert!(
        matches!(&error, StoreError::Open { path, .. } if path.starts_with(&file)),
        "{error:?}"
    );
}

fn write_at(file: &mut File, position: usize, byte: u8) {
    file.seek(SeekFrom::Start(position as u64)).unwrap();
    file.write_all(&[byte]).unwrap();
}
