//! What is spent, for any list of questions: the sum of what was charged, whoever asks with whom, and in which order.

use std::collections::BTreeSet;

use super::*;
use crate::store::{What, history};

/// What a table of this number costs.
fn price(n: u8) -> u64 {
    1 + u64::from(n) * u64::from(n)
}

fn priced(n: u8) -> ChargeRequest {
    ChargeRequest { price_nano_rho: price(n), budget_nano_rho: u64::MAX, ..request(n) }
}

/// Charges some tables, all at once, and releases every second one. Returns what the ledger has spent.
async fn spend(dir: &Path, tables: impl IntoIterator<Item = u8>) -> u64 {
    let store = Arc::new(open(dir));
    let mut asking = tokio::task::JoinSet::new();
    for n in tables {
        let store = Arc::clone(&store);
        asking.spawn(async move {
            if let Charging::New(charge) = store.charge(priced(n)).await.unwrap()
                && n % 2 == 0
            {
                store.settle(charge, vec![n], NOW).await.unwrap();
            }
        });
    }
    asking.join_all().await;
    store.balance(SPAN).await.unwrap().spent_nano_rho
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn asking_together_is_never_cheaper_and_the_ledger_is_the_sum_of_its_charges(
        one in proptest::collection::btree_set(0..100_u8, 0..12),
        other in proptest::collection::btree_set(100..200_u8, 0..12),
        again in proptest::collection::vec(0..200_u8, 0..6),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let [apart, beside, together] = [(); 3].map(|()| TempDir::new().unwrap());
            let of_one = spend(apart.path(), one.clone()).await;
            let of_other = spend(beside.path(), other.clone()).await;
            let of_both = spend(together.path(), one.iter().chain(&other).copied()).await;
            prop_assert!(of_both >= of_one + of_other);

            // Some of them once more, by whatever name they come: only what is new is charged.
            let asked: BTreeSet<_> = one.iter().chain(&other).chain(&again).copied().collect();
            let after = spend(together.path(), again).await;
            prop_assert_eq!(after, asked.iter().copied().map(price).sum::<u64>());
            let (mut charged, mut paid, mut released) = (0, BTreeSet::new(), BTreeSet::new());
            for entry in history(together.path()).unwrap() {
                match entry.what {
                    What::Charged(payment) => {
                        charged += payment.price_nano_rho;
                        prop_assert!(paid.insert((payment.table, payment.revision)), "twice");
                    }
                    What::Released { table, revision } => {
                        prop_assert!(paid.contains(&(table, revision)), "unpaid");
                        prop_assert!(released.insert((table, revision)), "twice");
                    }
                    _ => {}
                }
            }
            prop_assert_eq!(charged, after);
            prop_assert_eq!(paid.len(), asked.len());
            prop_assert_eq!(read_only(together.path()).unwrap().lifetime_nano_rho, after);
            Ok(())
        })?;
    }
}
