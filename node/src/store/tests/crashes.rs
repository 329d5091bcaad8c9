//! Crashes and failing disks, at every durable step.

use super::*;

#[tokio::test]
async fn cut_anywhere_in_the_last_batch_there_is_no_record_or_the_whole_record() {
    let dir = TempDir::new().unwrap();
    drop(history(dir.path()).await);
    let log = fs::read(log_path(dir.path())).unwrap();
    let acknowledged = acknowledged(dir.path());
    // What an index knows that was last saved before the final record.
    let before_last = walk(dir.path(), acknowledged.records - 1);
    let whole = replayed(dir.path());
    for length in 0..=log.len() as u64 {
        let path = dir.path().join("cut.log");
        fs::write(&path, &log[..usize::try_from(length).unwrap()]).unwrap();
        let result = scan::scan(&path, Some(&before_last));
        match length {
            short if short < HEADER_BYTES => {
                assert!(matches!(result, Err(StoreError::NotALog { .. })));
            }
            short if short < before_last.length => {
                assert!(matches!(result, Err(StoreError::Shorter { .. })), "{length} bytes");
            }
            _ => {
                let scan = result.unwrap();
                let expected =
                    if length == acknowledged.length { acknowledged } else { before_last };
                assert_eq!(scan.whole, expected, "{length} bytes");
                assert_eq!(scan.unfinished_bytes, length - expected.length);
                let mut book = Book::default();
                scan::replay(&path, &Acknowledged::NOTHING, scan.whole.length, &mut book).unwrap();
                assert_eq!(book == whole, length == acknowledged.length);
            }
        }
    }
}

#[tokio::test]
async fn an_unfinished_write_is_cut_reported_and_written_over() {
    let dir = TempDir::new().unwrap();
    drop(history(dir.path()).await);
    let before = fs::read(log_path(dir.path())).unwrap();
    for junk in [&b"half a frame"[..], &[0; 40], &[0xff; 40]] {
        append(dir.path(), junk);
        let (store, opening) = Store::open(dir.path(), salts(), signer()).unwrap();
        assert_eq!(opening.cut_bytes, junk.len() as u64);
        assert_eq!(fs::read(log_path(dir.path())).unwrap(), before);
        drop(store);
    }
    charged(open(dir.path()).charge(request(9)).await);
    let (_, opening) = Store::open(dir.path(), salts(), signer()).unwrap();
    assert_eq!((opening.records, opening.cut_bytes), (8, 0));
}

#[tokio::test]
async fn a_power_cut_at_any_sync_loses_nothing_that_was_acknowledged() {
    for power_lasts in 0..9 {
        let dir = TempDir::new().unwrap();
        let store = open_on(dir.path(), forgetful(power_lasts));
        let mut known = Vec::new();
        for n in 0..3 {
            let Ok(Charging::New(charge)) = store.charge(request(n)).await else { break };
            known.push((n, None));
            let Ok(body) = store.settle(charge, vec![n], NOW).await else { break };
            known[usize::from(n)].1 = Some(body);
        }
        drop(store);
        let store = open(dir.path());
        for (n, body) in &known {
            assert_eq!(store.released(&table(*n)).await.unwrap(), *body, "power for {power_lasts}");
        }
        let spent = store.balance(SPAN).await.unwrap().spent_nano_rho;
        assert_eq!(spent, known.len() as u64 * PRICE);
    }
}

#[tokio::test]
async fn after_a_failed_sync_nothing_is_answered_until_the_store_is_opened_again() {
    let dir = TempDir::new().unwrap();
    drop(history(dir.path()).await);
    let store = open_on(dir.path(), log_on(|file| Box::new(FailingSync(Disk(file)))));
    assert_eq!(store.balance(SPAN).await.unwrap().spent_nano_rho, 200);
    unwritten(store.charge(request(3)).await);
    unwritten(store.charge(request(1)).await);
    unwritten(store.released(&table(1)).await);
    unwritten(store.balance(SPAN).await);
    unwritten(store.note(Note::Import(import("s")), NOW).await);
    drop(store);
    // The kernel had the bytes: the charge stands, and the next ask completes it.
    let store = open(dir.path());
    assert!(matches!(store.charge(request(3)).await.unwrap(), Charging::Resumed(_)));
    assert_eq!(store.released(&table(1)).await.unwrap(), Some(b"answer".to_vec()));
}

#[tokio::test]
async fn a_full_disk_answers_nothing_and_loses_nothing() {
    // Within the record, after it, and within the head.
    for room in [0, 1, 7, 15, 16, 17, 40, 400, 500, 600, 700, 800] {
        let dir = TempDir::new().unwrap();
        let store = open_on(dir.path(), log_on(move |file| Box::new(Full { file, room })));
        unwritten(store.charge(request(1)).await);
        drop(store);
        let (store, opening) = Store::open(dir.path(), salts(), signer()).unwrap();
        assert_eq!(opening.cut_bytes, room as u64);
        charged(store.charge(request(1)).await);
    }
}

#[tokio::test]
async fn waiting_charges_share_one_sync() {
    let dir = TempDir::new().unwrap();
    let (leave, gate) = mpsc::channel();
    let (begun, mut syncs) = tokio::sync::mpsc::unbounded_channel();
    let media = move |file| -> Box<dyn Media> { Box::new(Gated { disk: Disk(file), gate, begun }) };
    let store = Arc::new(open_on(dir.path(), log_on(media)));
    let budget_nano_rho = u64::MAX;
    let mut first = spawn_charge(&store, ChargeRequest { budget_nano_rho, ..request(0) });
    tokio::select! {
        begun = syncs.recv() => begun.unwrap(),
        early = &mut first => panic!("answered before a sync: {early:?}"),
    }
    let rest: Vec<_> = (1..32)
        .map(|n| spawn_charge(&store, ChargeRequest { budget_nano_rho, ..request(n) }))
        .collect();
    // On one thread, so few askers have all put their requests in the queue before this one's next turn.
    tokio::task::yield_now().await;
    leave.send(()).unwrap();
    leave.send(()).unwrap();
    drop(leave);
    for asker in rest.into_iter().chain([first]) {
        charged(asker.await.unwrap());
    }
    syncs.recv().await.unwrap();
    assert!(syncs.try_recv().is_err(), "a third sync");
}
