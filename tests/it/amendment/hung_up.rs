//! An asker hangs up while its call has the node take up a version.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use sumac_protocol::wire::DescribeRequest;
use tokio::sync::Notify;

use super::*;
use crate::raw;

#[tokio::test]
async fn a_version_is_taken_up_once_even_if_the_asker_hangs_up_meanwhile() {
    let coalition = Coalition::under(LAKESHORE, PARTIES.clone(), &[PARTY]).await;
    by_all(coalition.text()).write_new(coalition.shelf(PARTY).mou()).unwrap();
    let snapshots = coalition.home(PARTY).join("snapshots");
    freeze(&coalition, &snapshots, &enrolled(0..100, 1), &["2025-26"]);
    // A ledger that does not get on: each record waits for its salt.
    let (stuck, held) = (Arc::new(AtomicBool::new(false)), Arc::new(Notify::new()));
    let (go_on, waits) = std::sync::mpsc::channel::<()>();
    let (stuck_too, held_too, waits) = (stuck.clone(), held.clone(), Mutex::new(waits));
    let chance = chance(SEED);
    let salts = Arc::new(move || {
        if stuck_too.swap(false, Ordering::Relaxed) {
            held_too.notify_one();
            waits.lock().unwrap().recv().unwrap();
        }
        chance()
    });
    let identity = watch::channel(Arc::new(coalition.identity_of_node(PARTY))).1;
    let ledger = coalition.ledger(PARTY, SEED);
    let node = coalition.assemble(PARTY, identity, salts, &ledger, &snapshots).await.unwrap();
    let serving = coalition.serve(PARTY, node.clone()).await;
    let changing = Changing { coalition, node, serving };

    let text = changing.next().replace("effective = 2026-07-15", "effective = 2026-08-10");
    changing.activate(by_all(&text)).await.unwrap();
    // A call on a connection that was open before.
    let mut client = raw::client(&changing.coalition, PARTY, BACKBONE, PeerRole::Analyst).await;
    client.describe(DescribeRequest {}).await.unwrap();
    changing.coalition.step_to("2026-08-10T00:00:00Z".parse().unwrap());
    stuck.store(true, Ordering::Relaxed);
    let asks = tokio::spawn(async move { client.describe(DescribeRequest {}).await });
    held.notified().await;
    asks.abort();
    assert!(asks.await.unwrap_err().is_cancelled());
    // The node hears of it while the record is still on its way.
    for _ in 0..10_000 {
        tokio::task::yield_now().await;
    }
    go_on.send(()).unwrap();
    bytes(&changing.ask(&changing.asker(&text)).await);
    let log = String::from_utf8_lossy(&fs::read(ledger.join("ledger.log")).unwrap()).into_owned();
    assert_eq!(log.matches(r#""event":{"mou":"#).count(), 2, "each version is in the log once");
    changing.serving.stop().await;
}
