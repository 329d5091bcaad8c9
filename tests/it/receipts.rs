//! What an asker can show later, and how a node that shows two histories is found out. Over real TLS, and through
//! the shipped command.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use sumac_backbone::{Absence, Answers, Asker, HistoryDiffers, Keep, Receipt};
use sumac_node::store::read_only;
use sumac_policy::PeerRole;
use sumac_protocol::SignedRelease;

use crate::coalition::{Coalition, Parties, Serving, freeze, wanted};
use crate::command::{CHAMBER, COLLEGE, Site};
use crate::promises::{LAKESHORE, NOW, enrolled};

static PARTIES: LazyLock<Arc<Parties>> = LazyLock::new(|| Parties::of(LAKESHORE, NOW));

/// The college's data, frozen; its node is not started yet.
async fn lakeshore() -> (Coalition, PathBuf) {
    let coalition = Coalition::under(LAKESHORE, PARTIES.clone(), &[COLLEGE]).await;
    let snapshots = coalition.home(COLLEGE).join("snapshots");
    freeze(&coalition, &snapshots, &enrolled(0..40, 1), &["2025-26"]);
    (coalition, snapshots)
}

/// Starts the college's node on the ledger of this seed.
async fn start(coalition: &Coalition, seed: u64, snapshots: &Path) -> Serving {
    let node = coalition.node(COLLEGE, seed, snapshots).await;
    coalition.serve(COLLEGE, node).await
}

/// An analyst who keeps what comes back in this folder.
fn keeper(coalition: &Coalition, dir: &Path) -> Asker {
    let keep = Keep::new(dir.to_owned(), "sumac://lakeshore-chamber/analyst/maria".into());
    forgetful(coalition).with_keep(keep)
}

/// An analyst who keeps nothing.
fn forgetful(coalition: &Coalition) -> Asker {
    coalition.asker("lakeshore-chamber", PeerRole::Analyst)
}

/// The college's release of enrolment by these dimensions, or why there is none.
async fn ask(coalition: &Coalition, asker: &Asker, by: &[&str]) -> Result<SignedRelease, Absence> {
    let tables = wanted(&coalition.mou, "enrolment", "2025-26", &[by]);
    let Answers { from, .. } = asker.ask(&"maria.1".parse().unwrap(), &tables).await.remove(0);
    let (_, outcome) = from.into_iter().find(|(party, _)| party.as_str() == COLLEGE).unwrap();
    outcome.map(|verified| verified.signed().clone())
}

fn differs(outcome: Result<SignedRelease, Absence>) -> HistoryDiffers {
    match outcome {
        Err(Absence::HistoryDiffers(differs)) => differs,
        other => panic!("the history does not differ: {other:?}"),
    }
}

fn head(dir: &Path) -> String {
    fs::read_to_string(dir.join("heads").join(format!("{COLLEGE}.json"))).unwrap()
}

fn receipts(dir: &Path) -> Vec<Receipt> {
    let kept = Keep::receipts(dir).unwrap();
    kept.into_iter().map(|kept| kept.receipt.unwrap()).collect()
}

/// A folder with all that is in it, in place of whatever is there.
pub(crate) fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[tokio::test]
async fn every_release_leaves_a_receipt_that_is_proved_offline() {
    let (coalition, snapshots) = lakeshore().await;
    let dir = tempfile::tempdir().unwrap();
    let asker = keeper(&coalition, dir.path());
    let serving = start(&coalition, 1, &snapshots).await;
    let total = ask(&coalition, &asker, &[]).await.unwrap();
    let by_sex = ask(&coalition, &asker, &["sex"]).await.unwrap();
    serving.stop().await;

    let kept = receipts(dir.path());
    assert_eq!(kept.len(), 2);
    for receipt in &kept {
        let proved = receipt.verify(&coalition.mou, &coalition.trust).unwrap();
        assert_eq!(proved.sealed_by().to_string(), "sumac://lakeshore-cc/node/node");
        assert_eq!(receipt.note.as_ref().unwrap().request_id, "maria.1");
        assert!([&total, &by_sex].contains(&&receipt.release));
    }
    // What one receipt shows cannot be lent to another's release.
    let lent = Receipt { recorded: kept[1].recorded.clone(), ..kept[0].clone() };
    assert!(lent.verify(&coalition.mou, &coalition.trust).is_err());
}

#[tokio::test]
async fn a_node_that_restarts_continues_its_log_and_a_repeat_changes_no_receipt() {
    let (coalition, snapshots) = lakeshore().await;
    let dir = tempfile::tempdir().unwrap();
    let asker = keeper(&coalition, dir.path());
    let mut heads = Vec::new();
    let mut first = None;
    for _ in 0..3 {
        let serving = start(&coalition, 1, &snapshots).await;
        let release = ask(&coalition, &asker, &["sex"]).await.unwrap();
        assert_eq!(*first.get_or_insert(release.clone()), release);
        heads.push(head(dir.path()));
        serving.stop().await;
    }
    heads.dedup();
    assert_eq!(heads.len(), 3, "every ask brings a later head");
    assert_eq!(receipts(dir.path()).len(), 1);
}

#[tokio::test]
async fn a_node_with_an_old_ledger_finds_out_and_answers_nobody() {
    let (coalition, snapshots) = lakeshore().await;
    let dir = tempfile::tempdir().unwrap();
    let asker = keeper(&coalition, dir.path());
    let (ledger, old) = (coalition.ledger(COLLEGE, 1), coalition.home(COLLEGE).join("old"));
    let serving = start(&coalition, 1, &snapshots).await;
    ask(&coalition, &asker, &[]).await.unwrap();
    serving.stop().await;
    copy(&ledger, &old);
    let serving = start(&coalition, 1, &snapshots).await;
    ask(&coalition, &asker, &["sex"]).await.unwrap();
    serving.stop().await;

    copy(&old, &ledger);
    let serving = start(&coalition, 1, &snapshots).await;
    let seen = head(dir.path());
    let found = differs(ask(&coalition, &asker, &["race_ethnicity"]).await);
    assert_eq!(found, HistoryDiffers::SaidByNode);
    assert_eq!(head(dir.path()), seen, "what was seen stays");
    // Whoever has no head to show, too, gets nothing from now on; and nothing was charged.
    let found = differs(ask(&coalition, &forgetful(&coalition), &["race_ethnicity"]).await);
    assert_eq!(found, HistoryDiffers::SaidByNode);
    serving.stop().await;
    assert_eq!(read_only(&ledger).unwrap().charged_tables, 1);
}

#[tokio::test]
async fn an_old_ledger_that_has_grown_again_is_found_out() {
    let (coalition, snapshots) = lakeshore().await;
    let dir = tempfile::tempdir().unwrap();
    let asker = keeper(&coalition, dir.path());
    let serving = start(&coalition, 1, &snapshots).await;
    ask(&coalition, &asker, &[]).await.unwrap();
    serving.stop().await;
    copy(&coalition.ledger(COLLEGE, 1), &coalition.ledger(COLLEGE, 2));
    let serving = start(&coalition, 1, &snapshots).await;
    ask(&coalition, &asker, &["sex"]).await.unwrap();
    serving.stop().await;

    // The copy goes on with other chance, and is the longer one when the keeper comes back.
    let serving = start(&coalition, 2, &snapshots).await;
    for by in [&["sex"][..], &[], &["sex"], &[], &["sex"]] {
        ask(&coalition, &forgetful(&coalition), by).await.unwrap();
    }
    let found = differs(ask(&coalition, &asker, &["sex"]).await);
    assert_eq!(found, HistoryDiffers::SaidByNode);
    serving.stop().await;
}

#[tokio::test]
async fn another_release_of_the_same_table_is_found_out_by_the_asker_alone() {
    let (coalition, snapshots) = lakeshore().await;
    let dir = tempfile::tempdir().unwrap();
    let asker = keeper(&coalition, dir.path());
    let serving = start(&coalition, 1, &snapshots).await;
    ask(&coalition, &asker, &["sex"]).await.unwrap();
    serving.stop().await;
    // A ledger of its own from the start, and an asker who lost the head but not the receipt.
    fs::remove_dir_all(dir.path().join("heads")).unwrap();
    let before = receipts(dir.path());
    let serving = start(&coalition, 2, &snapshots).await;
    let found = differs(ask(&coalition, &asker, &["sex"]).await);
    serving.stop().await;
    assert!(matches!(found, HistoryDiffers::OtherRelease { revision: 0, .. }), "{found}");
    let after = receipts(dir.path());
    assert_eq!(after.len(), 2);
    assert!(after.contains(&before[0]), "what was kept stays");
    let evidence = Keep::read_receipt(found.evidence().unwrap()).unwrap();
    evidence.verify(&coalition.mou, &coalition.trust).unwrap();
    assert_ne!(evidence.release, before[0].release);
}

#[tokio::test]
async fn a_head_that_somebody_made_up_stops_no_node() {
    let (coalition, snapshots) = lakeshore().await;
    let dir = tempfile::tempdir().unwrap();
    let asker = keeper(&coalition, dir.path());
    let serving = start(&coalition, 1, &snapshots).await;
    ask(&coalition, &asker, &[]).await.unwrap();
    let file = dir.path().join("heads").join(format!("{COLLEGE}.json"));
    let text = head(dir.path());
    let at = text.find("\"size\": ").unwrap() + 8;
    fs::write(&file, format!("{}9{}", &text[..at], &text[at..])).unwrap();
    assert_eq!(differs(ask(&coalition, &asker, &[]).await), HistoryDiffers::SaidByNode);
    ask(&coalition, &forgetful(&coalition), &["sex"]).await.unwrap();
    serving.stop().await;
}

fn ask_by_hand(site: &Site, period: &str) -> crate::command::Said {
    let words = ["ask", "enrolment", "--period", period, "--purpose", "annual-report"];
    site.run(CHAMBER, &words)
}

#[test]
fn a_receipt_is_listed_verified_and_doubted_through_the_command() {
    let site = Site::new();
    let serving = site.serve();
    ask_by_hand(&site, "2025").well();
    serving.stop();
    let listed = site.run(CHAMBER, &["receipt", "list"]).well().out;
    let file = listed.lines().nth(1).unwrap().split_whitespace().last().unwrap();
    assert!(file.starts_with("receipts/lakeshore-cc/") && file.ends_with("-r0.json"), "{listed}");
    let file = site.home(CHAMBER).join(file);
    let mou = site.home(CHAMBER).join("mou");
    let verify = |file: &Path| {
        let words = ["receipt", "verify", file.to_str().unwrap(), "--mou", mou.to_str().unwrap()];
        // A home is not needed.
        site.run("nobody", &words)
    };
    let said = verify(&file).well().out;
    for words in [
        "The receipt holds",
        "sumac://lakeshore-cc/node/node sealed these numbers",
        "σ = 2500/49 learners",
        "ρ 0.00019208 of the node's budget",
        "ρ 0.49980792 were left then",
        "holds them at position",
        "Not proved",
        "\"sumac://chamber/analyst/maria\", \"annual-report\"",
    ] {
        assert!(said.contains(words), "`{words}` is not said:\n{said}");
    }
    let text = fs::read_to_string(&file).unwrap();
    let doubted = site.dir().join("doubted.json");
    fs::write(&doubted, text.replace("\"at\": \"20", "\"at\": \"21")).unwrap();
    verify(&doubted).badly(1, &["does not hold", "the head of the log is not sealed", "hint:"]);
    fs::write(&doubted, "{}").unwrap();
    verify(&doubted).badly(1, &["doubted.json` cannot be used"]);
    verify(&site.dir().join("none.json")).badly(1, &["none.json", "receipt list"]);
}

#[test]
fn an_old_ledger_put_back_is_said_loudly_on_both_sides() {
    let site = Site::new();
    let old = site.dir().join("old-ledger");
    let serving = site.serve();
    ask_by_hand(&site, "2025").well();
    serving.stop();
    copy(&site.ledger(), &old);
    let serving = site.serve();
    ask_by_hand(&site, "2023").well();
    serving.stop();
    copy(&old, &site.ledger());
    let serving = site.serve();
    let said = ask_by_hand(&site, "2022");
    said.badly(1, &["THE HISTORY OF `lakeshore-cc` DIFFERS", "hint:", "old backup"]);
    let (_, log) = serving.stop();
    assert!(log.contains("ERROR") && log.contains("restore the newest backup"), "{log}");
    // And again when it starts again, to whoever looks.
    let (_, log) = site.serve().stop();
    assert!(log.contains("ERROR") && log.contains("restore the newest backup"), "{log}");
    let status = site.run(COLLEGE, &["status"]).well().out;
    assert!(status.contains("STOPPED: sumac://chamber/analyst/maria"), "{status}");
    assert_eq!(site.summary().charged_tables, 1, "nothing was charged");
}
