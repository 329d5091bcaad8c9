//! The bodies beside the log: there before their record, and as it binds them.

use super::*;

/// A store with three releases in two months, and nobody in it.
async fn three_released(dir: &Path) {
    let store = open(dir);
    let mut charges = Vec::new();
    for n in [1, 2, 3] {
        charges.push(charged(store.charge(request(n)).await));
    }
    for (charge, (n, at)) in charges.into_iter().zip([(1, NOW), (2, february()), (3, NOW)]) {
        store.settle(charge, vec![n; 40], at).await.unwrap();
    }
}

fn february() -> Timestamp {
    "1970-02-03T00:00:00Z".parse().unwrap()
}

fn lost(error: &StoreError, n: u8) -> bool {
    matches!(error, StoreError::ReleaseDamaged { table: found, .. } if *found == table(n))
}

#[tokio::test]
async fn each_month_has_its_file_and_every_release_comes_back() {
    let dir = TempDir::new().unwrap();
    three_released(dir.path()).await;
    let names = fs::read_dir(dir.path().join("bodies")).unwrap();
    let mut names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["1970-01.bodies", "1970-02.bodies"]);
    assert_eq!(check(dir.path(), None).unwrap().bodies, Some(3));
    let store = open(dir.path());
    for n in [1, 2, 3] {
        assert_eq!(store.released(&table(n)).await.unwrap(), Some(vec![n; 40]));
    }
    let log = fs::read(log_path(dir.path())).unwrap();
    for part in [[3; 40].to_vec(), hex::encode([3; 40]).into_bytes()] {
        assert!(!log.windows(part.len()).any(|bytes| bytes == part), "a body is in the log");
    }
}

#[tokio::test]
async fn no_flipped_bit_of_a_body_is_accepted_and_nothing_is_touched() {
    let dir = TempDir::new().unwrap();
    three_released(dir.path()).await;
    let path = bodies_path(dir.path());
    let good = fs::read(&path).unwrap();
    for bit in (0..good.len() * 8).step_by(11) {
        let mut flipped = good.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, &flipped).unwrap();
        for refused in [refused(dir.path()), check(dir.path(), None).unwrap_err()] {
            let newer = matches!(refused, StoreError::NewerFormat { .. });
            assert!(newer || lost(&refused, 1) || lost(&refused, 3), "bit {bit}: {refused:?}");
        }
        assert_eq!(fs::read(&path).unwrap(), flipped);
    }
    fs::write(&path, good).unwrap();
    drop(open(dir.path()));
}

#[tokio::test]
async fn a_body_that_was_changed_with_its_checksum_is_not_what_its_record_binds() {
    let (dir, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    for (dir, body) in [(&dir, b"true"), (&other, b"fake")] {
        let store = open(dir.path());
        let charge = charged(store.charge(request(1)).await);
        store.settle(charge, body.to_vec(), NOW).await.unwrap();
    }
    fs::copy(bodies_path(other.path()), bodies_path(dir.path())).unwrap();
    assert!(lost(&check(dir.path(), None).unwrap_err(), 1));
    let store = open(dir.path());
    assert!(lost(&store.released(&table(1)).await.unwrap_err(), 1));
    assert!(lost(&store.charge(request(1)).await.unwrap_err(), 1));
}

#[tokio::test]
async fn bodies_without_a_log_or_a_log_without_its_bodies_stop_the_node() {
    let dir = TempDir::new().unwrap();
    three_released(dir.path()).await;
    let (bodies, aside) = (dir.path().join("bodies"), dir.path().join("aside"));
    fs::rename(&bodies, &aside).unwrap();
    assert!(lost(&refused(dir.path()), 1));
    assert!(!bodies.exists(), "nothing was touched");
    fs::rename(&aside, &bodies).unwrap();
    let log = fs::read(log_path(dir.path())).unwrap();
    fs::remove_file(log_path(dir.path())).unwrap();
    fs::remove_dir_all(dir.path().join("index")).unwrap();
    assert!(matches!(refused(dir.path()), StoreError::Gone { .. }));
    fs::write(log_path(dir.path()), log).unwrap();
    drop(open(dir.path()));
}

#[tokio::test]
async fn what_a_crash_left_of_an_unacknowledged_release_is_removed_at_open() {
    let dir = TempDir::new().unwrap();
    three_released(dir.path()).await;
    let good = fs::read(bodies_path(dir.path())).unwrap();
    // A whole body whose record was never written, part of one, and room that was never filled.
    let whole = {
        let aside = TempDir::new().unwrap();
        let store = open(aside.path());
        for n in 0..8 {
            charged(store.charge(request(n)).await);
        }
        let Charging::Resumed(charge) = store.charge(request(0)).await.unwrap() else { panic!() };
        store.settle(charge, b"orphan".to_vec(), NOW).await.unwrap();
        fs::read(bodies_path(aside.path())).unwrap()[16..].to_vec()
    };
    for left in [whole.clone(), whole[..20].to_vec(), vec![0; 100]] {
        fs::write(bodies_path(dir.path()), [&good[..], &left].concat()).unwrap();
        fs::write(dir.path().join("bodies/1970-03.new"), "half").unwrap();
        assert_eq!(check(dir.path(), None).unwrap().bodies, Some(3));
        drop(open(dir.path()));
        assert_eq!(fs::read(bodies_path(dir.path())).unwrap(), good);
        assert!(!dir.path().join("bodies/1970-03.new").exists());
    }
    // In a month of its own.
    fs::write(dir.path().join("bodies/1970-03.bodies"), [&good[..16], &whole].concat()).unwrap();
    drop(open(dir.path()));
    assert!(!dir.path().join("bodies/1970-03.bodies").exists());
}

#[tokio::test]
async fn without_its_body_on_disk_no_record_is_written() {
    let body = b"a body that does not fit";
    let failing: [fn(File) -> Box<dyn Media>; 2] =
        [|file| Box::new(FailingSync(Disk(file))), |file| Box::new(Full { file, room: 30 })];
    for disk in failing {
        let dir = TempDir::new().unwrap();
        let store = open_on(dir.path(), file_on(1, disk));
        let charge = charged(store.charge(request(1)).await);
        let before = fs::read(log_path(dir.path())).unwrap();
        unwritten(store.settle(charge, body.to_vec(), NOW).await);
        assert_eq!(fs::read(log_path(dir.path())).unwrap(), before);
        unwritten(store.released(&table(1)).await);
        drop(store);
        let store = open(dir.path());
        let Charging::Resumed(charge) = store.charge(request(1)).await.unwrap() else { panic!() };
        assert_eq!(store.settle(charge, body.to_vec(), NOW).await.unwrap(), body);
    }
}

#[tokio::test]
async fn a_release_longer_than_any_is_refused_and_the_charge_stands() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path());
    let charge = charged(store.charge(request(1)).await);
    let long = store.settle(charge, vec![0; (1 << 19) + 1], NOW).await;
    assert!(matches!(long, Err(StoreError::TooLong { .. })), "{long:?}");
    let Charging::Resumed(charge) = store.charge(request(1)).await.unwrap() else { panic!() };
    let longest = vec![7; 1 << 19];
    assert_eq!(store.settle(charge, longest.clone(), NOW).await.unwrap(), longest);
}
