//! A disk that keeps of an unsynced write what it likes, for many seeds. Every run ends in a check.

use std::collections::BTreeMap;

use super::super::check::IndexState;
use super::*;
use crate::store::faults::{Dice, reordering};

/// Histories tried, each with some power cuts.
const SEEDS: u64 = 40;
const CUTS: usize = 4;

/// What askers were told: for a table, the body if there was an answer.
type Told = BTreeMap<u8, Option<Vec<u8>>>;

#[tokio::test]
async fn whatever_a_disk_keeps_of_the_last_write_nothing_acknowledged_is_lost() {
    for seed in 0..SEEDS {
        let dir = TempDir::new().unwrap();
        let mut dice = Dice::new(seed);
        let mut told = Told::new();
        for cut in 0..CUTS {
            let saved = save_index(dir.path());
            let last_for = dice.below(11);
            run_until_the_power_is_cut(dir.path(), &mut dice, last_for, &mut told).await;
            match dice.below(8) {
                // The index lags behind by all of this run.
                0 | 1 if !saved.is_empty() => restore_index(dir.path(), saved),
                // It is gone; then a doubt stops the node, and nothing is touched.
                0..=2 => {
                    remove_index(dir.path());
                    let log = fs::read(log_path(dir.path())).unwrap();
                    if let Err(error) = Store::open(dir.path(), salts(), signer()) {
                        assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
                        assert_eq!(fs::read(log_path(dir.path())).unwrap(), log);
                        break;
                    }
                }
                _ => {}
            }
            let place = format!("seed {seed}, cut {cut}");
            holds(dir.path(), &told, &place).await;
        }
    }
}

/// Asks and settles, several at once, until nothing is answered any more.
async fn run_until_the_power_is_cut(
    dir: &Path,
    dice: &mut Dice,
    syncs_left: usize,
    told: &mut Told,
) {
    let seed = dice.next();
    let store = open_on(dir, reordering(syncs_left, seed));
    // More rounds than the power lasts for.
    for _ in 0..syncs_left + 1 {
        let [one, other, third] = [0; 3].map(|_| u8::try_from(dice.below(24)).unwrap());
        let asked = tokio::join!(
            store.charge(cheap(one)),
            store.charge(cheap(other)),
            store.charge(cheap(third))
        );
        for (n, asked) in [(one, asked.0), (other, asked.1), (third, asked.2)] {
            let charge = match asked {
                Ok(Charging::New(charge)) => {
                    assert!(told.insert(n, None).is_none(), "table {n} is charged again");
                    charge
                }
                Ok(Charging::Resumed(charge)) => {
                    told.entry(n).or_insert(None);
                    charge
                }
                Ok(Charging::Released(body)) => {
                    let known = told.insert(n, Some(body.clone()));
                    // What nobody was told may be there or not; what was told is the same for ever.
                    let before = known.flatten().unwrap_or_else(|| body.clone());
                    assert_eq!(before, body, "table {n} has another answer");
                    continue;
                }
                Ok(other) => panic!("{other:?}"),
                Err(StoreError::Unwritten { .. }) => continue,
                Err(error) => panic!("{error:?}"),
            };
            let body = vec![n; 1 + dice.below(900)];
            if let Ok(body) = store.settle(charge, body, NOW).await {
                told.insert(n, Some(body));
            }
        }
        let started = Note::Started(Started { software: "x".repeat(dice.below(700)) });
        // The power may be gone.
        let _ = store.note(started, NOW).await;
    }
}

async fn holds(dir: &Path, told: &Told, place: &str) {
    let store = match Store::open(dir, salts(), signer()) {
        Ok((store, _)) => store,
        Err(error) => panic!("{place}: {error:?}"),
    };
    for (n, body) in told {
        if let Some(body) = body {
            let released = store.released(&table(*n)).await.unwrap();
            assert_eq!(released.as_ref(), Some(body), "{place}: table {n}");
        }
        let again = store.charge(cheap(*n)).await.unwrap();
        let free = matches!(again, Charging::Resumed(_) | Charging::Released(_));
        assert!(free, "{place}: table {n} is charged again");
    }
    drop(store);
    let checked = check(dir, None).unwrap_or_else(|error| panic!("{place}: {error:?}"));
    assert_eq!((checked.index, checked.unfinished_bytes), (IndexState::Agrees, 0), "{place}");
    assert_eq!(checked.lifetime_nano_rho, checked.charges * PRICE, "{place}");
    assert!(checked.charges >= told.len() as u64, "{place}");
    assert_eq!(checked.bodies, Some(checked.releases), "{place}");
}

fn cheap(n: u8) -> ChargeRequest {
    ChargeRequest { budget_nano_rho: u64::MAX, ..request(n) }
}

fn save_index(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let index = dir.join("index");
    if index.exists() { files(&index) } else { Vec::new() }
}

fn restore_index(dir: &Path, saved: Vec<(PathBuf, Vec<u8>)>) {
    remove_index(dir);
    for (path, bytes) in saved {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

fn remove_index(dir: &Path) {
    fs::remove_dir_all(dir.join("index")).unwrap();
}
