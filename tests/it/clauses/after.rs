//! Clauses that hold after an answer: how long it is kept, who may look back, how the agreement changes and ends.

use std::fs;

use sumac_keys::NotAccepted;
use sumac_node::amend::AmendError;
use sumac_policy::Reason;

use super::{COLLEGE, Place};
use crate::amendment::{PARTIES, by_all, bytes, changing, papers, refused};
use crate::command::{CHAMBER, COLLEGE as SITE_COLLEGE, Site};
use crate::leave::{ASK, Leaver};

#[tokio::test]
async fn retention_of_answers() {
    let keep = "[after]\nkeep_releases_days = 3\n\n[[restrict]]";
    let place = Place::under(&[("[[restrict]]", keep)]).await;
    assert_eq!(place.answers().await, "RELEASED");
    place.step_to("2026-08-04");
    assert_eq!(place.answers().await, "RELEASED");
    place.step_to("2026-08-05");
    // A node that serves deletes once a day; one that starts, at once.
    let Place { coalition, serving } = place;
    serving.stop().await;
    let snapshots = coalition.home(COLLEGE).join("snapshots");
    let node = coalition.node(COLLEGE, 1, &snapshots).await;
    let serving = coalition.serve(COLLEGE, node).await;
    let place = Place { coalition, serving };
    assert_eq!(place.answers().await, "RELEASE_PURGED after.keep_releases_days");
    assert_eq!(place.charged(), 1, "its table stays paid for");
    place.stop().await;
}

#[test]
fn destruction_on_exit() {
    let leaver = Leaver::new();
    assert_eq!(leaver.bodies(), 1);
    let certificate = leaver.leave("the college merges").well().out.trim().to_owned();
    assert!(!leaver.site.home(SITE_COLLEGE).join("snapshots").exists());
    assert_eq!(leaver.bodies(), 0);
    let said = leaver.verify(&certificate).well().out;
    for words in ["the college merges", "1 snapshot", "1 release"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let text = fs::read_to_string(&certificate).unwrap();
    fs::write(&certificate, text.replace("the college merges", "nothing")).unwrap();
    leaver.verify(&certificate).badly(1, &["does not stand"]);
}

#[test]
fn audit_right() {
    let audit = "[audit]\nby = [\"chamber\"]\nwithin_days = 30\n\n[privacy]";
    let site = Site::under(|text| text.replace("[privacy]", audit));
    let out = site.dir().join("for-the-chamber");
    let export =
        |to: &str, out: &str| site.run(SITE_COLLEGE, &["ledger", "export", out, "--for", to]);
    export("chamber", "early").badly(1, &["no ledger"]);
    let serving = site.serve();
    site.run(CHAMBER, &ASK).well();
    // Nobody but who is named gets one, and nothing is written for anybody else, not even in the log.
    let before = site.summary().records;
    export(SITE_COLLEGE, "other").badly(3, &["does not let `lakeshore-cc`", "names `chamber`"]);
    assert!(!site.dir().join("other").exists());
    assert_eq!(site.summary().records, before);
    // While the node serves, and after.
    export("chamber", out.to_str().unwrap()).well();
    site.run(CHAMBER, &[&ASK[..], &["--by", "sex"]].concat()).well();
    serving.stop();
    export("chamber", "again").well();
    export("chamber", "again").badly(1, &["already there"]);

    // What the auditor gets is the log alone, in whole.
    let names = |folder: &std::path::Path| -> Vec<_> {
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        names.map(|name| name.into_string().unwrap()).collect()
    };
    assert_eq!(names(&out), ["ledger.log"]);
    let (first, second) = (out.join("ledger.log"), site.dir().join("again/ledger.log"));
    let (first, second) = (fs::read(first).unwrap(), fs::read(second).unwrap());
    let log = fs::read(site.ledger().join("ledger.log")).unwrap();
    assert!(log.starts_with(&second) && second.starts_with(&first) && first.len() < second.len());
    let exported = b"\"exported\":{\"party\":\"chamber\"";
    let times = |log: &[u8]| log.windows(exported.len()).filter(|part| part == exported).count();
    assert_eq!((times(&first), times(&second), times(&log)), (1, 2, 2));

    // It is checked offline, by the auditor's own papers; one that was touched is not believed.
    let mou = site.home(CHAMBER).join("mou");
    let check = ["ledger", "check", "--ledger", "again", "--mou", mou.to_str().unwrap()];
    let said = site.run(CHAMBER, &check).well().out;
    for words in [
        "every head, by sumac://lakeshore-cc/node/node",
        "copied      for `chamber`",
        "charges     2",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let mut touched = second.clone();
    touched[second.len() / 2] ^= 1;
    fs::write(site.dir().join("again/ledger.log"), touched).unwrap();
    site.run(CHAMBER, &check).badly(1, &["is damaged"]);
    let shown = site.run(SITE_COLLEGE, &["ledger", "show"]).well().out;
    assert_eq!(shown.matches("A copy of this log was made for `chamber`").count(), 2, "{shown}");

    // Where the MOU names nobody, nobody gets one.
    let site = Site::new();
    site.serve().stop();
    let said = site.run(SITE_COLLEGE, &["ledger", "export", "out", "--for", "chamber"]);
    said.badly(3, &["has no `[audit]`", "every party signs"]);
}

#[test]
fn term_and_exit() {
    let leaver = Leaver::unasked();
    let site = &leaver.site;
    let node = site.serve();
    site.run(CHAMBER, &ASK).well();
    leaver.leave("the college merges").well();
    // At once, with what is released already, and while the node serves.
    let refused = site.run(CHAMBER, &ASK);
    refused.badly(3, &["PARTY_LEFT"]);
    let (code, log) = node.stop();
    assert_eq!(code, Some(0), "{log}");
    assert_eq!(site.summary().charged_tables, 1, "what was spent stays spent");
    // The others drop it: with its notice they do not ask it, and say since when it is gone.
    leaver.send_notice();
    let said = site.run(CHAMBER, &ASK);
    assert!(said.out.contains("left the agreement on"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn amendment() {
    let changing = changing().await;
    let text = changing.next();
    let (old, new) = (changing.asker_by(&changing.chain()), changing.asker(&text));
    let first = bytes(&changing.ask(&old).await);
    let all_but_one = PARTIES.all().filter(|root| root.party().as_str() != "county-transit");
    let early = changing.activate(papers(&text, PARTIES.all(), all_but_one)).await;
    let not_signed = matches!(
        &early,
        Err(AmendError::NotAccepted(NotAccepted::NotSigned { lacking, .. })) if lacking.len() == 1
    );
    assert!(not_signed, "{early:?}");
    assert_eq!(refused(&changing.ask(&new).await).reason, Reason::MouDiffers);
    assert_eq!(bytes(&changing.ask(&old).await), first, "the old version stands");
    changing.activate(by_all(&text)).await.unwrap();
    assert_eq!(bytes(&changing.ask(&new).await), first);
    assert_eq!(refused(&changing.ask(&old).await).reason, Reason::MouDiffers);
    changing.serving.stop().await;
}
