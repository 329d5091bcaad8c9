//! How an MOU changes: when it takes effect, that nobody goes back, and that what was spent and released stays so.
//! `parties` is about who has to sign, `command` about the verbs, `killed` and `hung_up` about what is cut off.

mod command;
mod hung_up;
mod killed;
mod parties;

use std::fs;
use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use jiff::civil::Date;
use sumac_backbone::{Absence, Answers, Asker, Receipt};
use sumac_keys::{
    Accepted, Chain, ExitNotice, NotAccepted, Papers, Root, SignedExit, Standing, Trust, Version,
    mou_signature,
};
use sumac_node::amend::{AmendError, activate};
use sumac_node::store::{Store, read_only};
use sumac_node::{Node, NodeError, day_of, signer};
use sumac_policy::{Mou, PeerRole, Reason};
use tokio::sync::watch;

use crate::coalition::{Coalition, Parties, Serving, chance, freeze, next_version, wanted};
use crate::command::{CHAMBER, COLLEGE, Site};
use crate::promises::{LAKESHORE, NOW, enrolled};

const PARTY: &str = "lakeshore-cc";
const BACKBONE: &str = "lakeshore-chamber";
/// Seed of a node's chance.
const SEED: u64 = 31;

pub(crate) static PARTIES: LazyLock<Arc<Parties>> = LazyLock::new(|| Parties::of(LAKESHORE, NOW));

/// The Lakeshore coalition, whose parties' folders are signed, and one college's node over its data.
pub(crate) struct Changing {
    pub(crate) coalition: Coalition,
    node: Arc<Node>,
    pub(crate) serving: Serving,
}

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn today() -> Date {
    day_of(now())
}

/// A version's papers: the roots of these parties, signed by these.
pub(crate) fn papers<'a>(
    text: &str,
    roots: impl IntoIterator<Item = &'a Root>,
    signers: impl IntoIterator<Item = &'a Root>,
) -> Papers {
    let bytes = text.as_bytes().to_vec();
    let sign = |root: &Root| (root.party().clone(), mou_signature::sign(root, &bytes).unwrap());
    let pem = |root: &Root| (root.party().clone(), root.certificate_pem().into_bytes());
    Papers {
        roots: roots.into_iter().map(pem).collect(),
        signatures: signers.into_iter().map(sign).collect(),
        mou: bytes,
        ..Papers::default()
    }
}

/// Signed by everyone.
pub(crate) fn by_all(text: &str) -> Papers {
    papers(text, PARTIES.all(), PARTIES.all())
}

pub(crate) async fn changing() -> Changing {
    let coalition = Coalition::under(LAKESHORE, PARTIES.clone(), &[PARTY]).await;
    by_all(coalition.text()).write_new(coalition.shelf(PARTY).mou()).unwrap();
    let snapshots = coalition.home(PARTY).join("snapshots");
    freeze(&coalition, &snapshots, &enrolled(0..100, 1), &["2025-26"]);
    let node = coalition.node(PARTY, SEED, &snapshots).await;
    let serving = coalition.serve(PARTY, node.clone()).await;
    Changing { coalition, node, serving }
}

impl Changing {
    /// The version after this one, with a looser margin for enrolment.
    pub(crate) fn next(&self) -> String {
        let text = self.coalition.text().replace("margin      = 15 ", "margin      = 20 ");
        assert_ne!(text, self.coalition.text());
        next_version(&text, &self.coalition.mou)
    }

    pub(crate) fn chain(&self) -> Chain {
        self.coalition.chain()
    }

    pub(crate) async fn activate(&self, papers: Papers) -> Result<Version, AmendError> {
        self.node.activate(papers, false, self.coalition.clock()()).await
    }

    /// An analyst of the backbone who goes by this text, with everything before it.
    pub(crate) fn asker(&self, text: &str) -> Asker {
        let papers = by_all(text);
        let chain = self.chain().followed_by(Version::read(&papers).unwrap());
        self.asker_by(&chain)
    }

    pub(crate) fn asker_by(&self, chain: &Chain) -> Asker {
        let identity = self.coalition.identity(BACKBONE, PeerRole::Analyst);
        let clock = self.coalition.clock();
        Asker::by_chain(chain, day_of(clock()), &identity, &clock).unwrap()
    }

    pub(crate) async fn ask(&self, asker: &Asker) -> Answers {
        let tables = wanted(asker.mou(), "enrolment", "2025-26", &[&["sex"]]);
        asker.ask(&"maria.1".parse().unwrap(), &tables).await.remove(0)
    }

    pub(crate) fn spent(&self) -> u64 {
        read_only(&self.coalition.ledger(PARTY, SEED)).unwrap().lifetime_nano_rho
    }

    /// Starts the node's process anew, as if on this folder.
    async fn restart(self) -> Result<Coalition, NodeError> {
        let Self { coalition, node, serving } = self;
        serving.stop().await;
        drop(node);
        let snapshots = coalition.home(PARTY).join("snapshots");
        let identity = Arc::new(coalition.identity(PARTY, PeerRole::Node));
        let identity = tokio::sync::watch::channel(identity).1;
        let ledger = coalition.ledger(PARTY, SEED);
        coalition.assemble(PARTY, identity, chance(SEED), &ledger, &snapshots).await?;
        Ok(coalition)
    }
}

fn of_party(answers: &Answers) -> &Result<sumac_backbone::Verified, Absence> {
    &answers.from.iter().find(|(party, _)| party.as_str() == PARTY).unwrap().1
}

pub(crate) fn bytes(answers: &Answers) -> Vec<u8> {
    of_party(answers).as_ref().unwrap().signed().to_bytes()
}

pub(crate) fn refused(answers: &Answers) -> sumac_policy::Refusal {
    match of_party(answers) {
        Err(Absence::Refused(refusal)) => refusal.clone(),
        other => panic!("{other:?}"),
    }
}

fn not_next(outcome: Result<Accepted, NotAccepted>) -> String {
    match outcome {
        Err(error @ NotAccepted::NotNext(_)) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn until_everyone_has_signed_the_old_version_stands() {
    let changing = changing().await;
    let text = changing.next();
    let first = changing.ask(&changing.asker_by(&changing.chain())).await;
    let signers = PARTIES.all().filter(|root| root.party().as_str() != "bay-fabrication");
    let partly = papers(&text, PARTIES.all(), signers);
    let mut wrong = partly.clone();
    let impostor = Root::create(&"bay-fabrication".parse().unwrap(), "Bay", now()).unwrap();
    let forged = mou_signature::sign(&impostor, text.as_bytes()).unwrap();
    wrong.signatures.insert(impostor.party().clone(), forged);
    let mut other_bytes = by_all(&text);
    other_bytes.mou.push(b'\n');
    for (what, papers, missing) in
        [("one missing", partly, 1), ("a wrong root", wrong, 1), ("changed bytes", other_bytes, 6)]
    {
        match changing.activate(papers).await {
            Err(AmendError::NotAccepted(NotAccepted::NotSigned { lacking, .. })) => {
                assert_eq!(lacking.len(), missing, "{what}");
            }
            other => panic!("{what}: {other:?}"),
        }
    }
    let asked_by_the_new = refused(&changing.ask(&changing.asker(&text)).await);
    assert_eq!(asked_by_the_new.reason, Reason::MouDiffers);
    let again = changing.ask(&changing.asker_by(&changing.chain())).await;
    assert_eq!(bytes(&first), bytes(&again));
    changing.serving.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_with_the_same_meaning_comes_back_as_it_was_for_nothing() {
    let changing = changing().await;
    let text = changing.next();
    let (old, new) = (changing.asker_by(&changing.chain()), changing.asker(&text));
    let first = changing.ask(&old).await;
    let spent = changing.spent();
    changing.activate(by_all(&text)).await.unwrap();
    let again = changing.ask(&new).await;
    assert_eq!(bytes(&first), bytes(&again));
    assert_eq!(changing.spent(), spent);
    let facts = of_party(&again).as_ref().unwrap().release().facts().clone();
    assert_eq!(
        facts.mou,
        changing.coalition.mou.hash(),
        "it names the version it was released under"
    );

    // Who does not hold that version has nothing to judge it by.
    let alone = Chain::new(Version::read(&by_all(&text)).unwrap(), Vec::new());
    let answers = changing.ask(&changing.asker_by(&alone)).await;
    match of_party(&answers) {
        Err(Absence::Unsound(unsound)) => {
            assert!(unsound.to_string().contains("none of the versions here"), "{unsound}");
        }
        other => panic!("{other:?}"),
    }

    let behind = refused(&changing.ask(&old).await);
    assert_eq!(behind.reason, Reason::MouDiffers);
    assert!(
        behind.hint.contains("you ask by version 1, which version 2 has replaced"),
        "{behind:?}"
    );
    changing.serving.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn takes_effect_by_itself_on_its_first_day_also_after_a_restart() {
    let changing = changing().await;
    let text = changing.next().replace("effective = 2026-07-15", "effective = 2026-08-10");
    let (old, new) = (changing.asker_by(&changing.chain()), changing.asker(&text));
    changing.activate(by_all(&text)).await.unwrap();
    let early = refused(&changing.ask(&new).await);
    assert_eq!(early.reason, Reason::MouDiffers);
    assert!(early.hint.contains("takes up on 2026-08-10"), "{early:?}");
    bytes(&changing.ask(&old).await);

    // Stopped and started again, it still waits.
    let Changing { coalition, node, serving } = changing;
    serving.stop().await;
    drop(node);
    let snapshots = coalition.home(PARTY).join("snapshots");
    let node = coalition.node(PARTY, SEED, &snapshots).await;
    let serving = coalition.serve(PARTY, node.clone()).await;
    let changing = Changing { coalition, node, serving };
    bytes(&changing.ask(&old).await);

    changing.coalition.step_to("2026-08-10T00:00:00Z".parse().unwrap());
    bytes(&changing.ask(&new).await);
    assert_eq!(refused(&changing.ask(&old).await).reason, Reason::MouDiffers);
    let shelf = changing.coalition.shelf(PARTY);
    let chain = shelf.chain().unwrap();
    assert_eq!((chain.mou().version(), chain.versions().count()), (2, 2));
    assert!(!shelf.mou().with_file_name("mou-next").exists());
    let log = read_only(&changing.coalition.ledger(PARTY, SEED)).unwrap();
    assert_eq!(log.mou.unwrap().mou, chain.mou().hash());
    changing.serving.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_whose_day_came_while_the_node_was_down_is_taken_up_before_the_next() {
    let changing = changing().await;
    let second = changing.next().replace("effective = 2026-07-15", "effective = 2026-08-10");
    changing.activate(by_all(&second)).await.unwrap();
    let Changing { coalition, node, serving } = changing;
    serving.stop().await;
    drop(node);
    coalition.step_to("2026-08-12T00:00:00Z".parse().unwrap());

    let third = second.replace("margin      = 20 ", "margin      = 25 ");
    let third = next_version(&third, &Mou::read(second.as_bytes()).unwrap());
    let identity = watch::channel(Arc::new(coalition.identity_of_node(PARTY))).1;
    let ledger = coalition.ledger(PARTY, SEED);
    let (store, _) = Store::open(&ledger, Box::new(|| [8; 32]), signer(identity)).unwrap();
    let (shelf, party) = (coalition.shelf(PARTY), PARTY.parse().unwrap());
    let now = coalition.clock()();
    activate(&store, &shelf, &party, by_all(&third), false, now).await.unwrap();
    // Each is in the log, in turn.
    assert_eq!(store.mou().await.unwrap().unwrap().version, 3);
    let chain = shelf.chain().unwrap();
    assert_eq!((chain.mou().version(), chain.versions().count()), (3, 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_version_is_swapped_between_questions_while_askers_ask() {
    let changing = Arc::new(changing().await);
    let text = changing.next();
    let asking = |asker: Asker| {
        let changing = changing.clone();
        tokio::spawn(async move {
            let mut heard = Vec::new();
            for _ in 0..20 {
                heard.push(changing.ask(&asker).await);
            }
            heard
        })
    };
    let old = asking(changing.asker_by(&changing.chain()));
    let new = asking(changing.asker(&text));
    changing.activate(by_all(&text)).await.unwrap();
    let heard: Vec<_> = [old.await.unwrap(), new.await.unwrap()].into_iter().flatten().collect();
    // Each was answered whole, or refused whole because the other version was in force; never anything else.
    let mut released = Vec::new();
    for answers in &heard {
        match of_party(answers) {
            Ok(verified) => released.push(verified.signed().to_bytes()),
            Err(Absence::Refused(refusal)) => assert_eq!(refusal.reason, Reason::MouDiffers),
            Err(other) => panic!("{other:?}"),
        }
    }
    released.push(bytes(&changing.ask(&changing.asker(&text)).await));
    released.dedup();
    assert_eq!(released.len(), 1, "one table, one release, whatever the version");
    Arc::into_inner(changing).unwrap().serving.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_goes_back() {
    let changing = changing().await;
    let text = changing.next();
    changing.activate(by_all(&text)).await.unwrap();
    let first = changing.chain();
    let amended = first.followed_by(Version::read(&by_all(&text)).unwrap());
    let judge = |text: &str| Accepted::judge(by_all(text), &amended, false, today());

    let another_second = text.replace("margin      = 20 ", "margin      = 30 ");
    let mut texts = vec![
        (changing.coalition.text().to_owned(), "nobody goes back"),
        (another_second, "nobody goes back"),
        (text.clone(), "is the one in force"),
    ];
    let third = next_version(&text, amended.mou());
    texts.push((third.replace("version = 3", "version = 4"), "activate those between first"));
    let named = amended.mou().hash().to_string();
    let astray = third.replace(&named, &first.mou().hash().to_string());
    texts.push((astray, "it replaces"));
    texts.push((third.replace("\"lakeshore\"", "\"seashore\""), "is of the agreement `seashore`"));
    for (text, expected) in texts {
        let said = not_next(judge(&text));
        assert!(said.contains(expected), "{expected}: {said}");
    }
    judge(&third).unwrap();

    // A home whose folder is older than its ledger does not start: the harness still holds version 1.
    match changing.restart().await.map(|_| ()) {
        Err(NodeError::Amend(error)) => {
            assert!(error.to_string().contains("the ledger went by version 2"), "{error}");
            assert!(error.hint().contains("nobody goes back"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_change_of_the_folders_that_is_cut_off_is_finished() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let coalition = runtime.block_on(Coalition::under(LAKESHORE, PARTIES.clone(), &[]));
    let shelf = coalition.shelf(PARTY);
    by_all(coalition.text()).write_new(shelf.mou()).unwrap();
    fs::write(shelf.mou().join("tests.toml"), "ours").unwrap();
    let text = next_version(coalition.text(), &coalition.mou);
    let accepted = Accepted::judge(by_all(&text), &shelf.chain().unwrap(), false, today()).unwrap();
    shelf.accept(&accepted).unwrap();
    // What `take_up` does first, and then half of the second step.
    let next = shelf.mou().with_file_name("mou-next");
    let earlier = shelf.mou().join("earlier").join(sumac_keys::folder_name(&coalition.mou));
    by_all(coalition.text()).write_into(&earlier).unwrap();
    fs::write(next.join("taking-up"), "").unwrap();
    fs::remove_dir_all(shelf.mou().join("signatures")).unwrap();
    let chain = shelf.chain().unwrap();
    assert_eq!((chain.mou().version(), chain.versions().count()), (2, 2));
    assert!(!next.exists());
    assert_eq!(
        fs::read(shelf.mou().join("tests.toml")).unwrap(),
        b"ours",
        "what is not ours stays"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proposal_gathers_signatures_from_node_to_node_and_activates_nothing() {
    let changing = changing().await;
    let text = changing.next();
    let asker = changing.asker_by(&changing.chain());
    let of_us = |told: Vec<(sumac_policy::PartyId, Result<Papers, Absence>)>| {
        told.into_iter().find(|(party, _)| party.as_str() == PARTY).unwrap().1.unwrap()
    };
    let all = by_all(&text);
    let half = |wanted: bool| {
        let mut papers = all.clone();
        let mut number = 0;
        papers.signatures.retain(|_, _| {
            number += 1;
            (number % 2 == 0) == wanted
        });
        papers
    };
    let mut first = half(true);
    // What does not stand is not passed on.
    first.signatures.insert("bay-fabrication".parse().unwrap(), b"no signature".to_vec());
    let kept = of_us(asker.propose(&first).await);
    assert_eq!(kept.signatures.len(), half(true).signatures.len());
    let kept = of_us(asker.propose(&half(false)).await);
    assert_eq!(kept, all);
    let known = asker.proposals().await;
    let known = known.into_iter().find(|(party, _)| party.as_str() == PARTY).unwrap().1.unwrap();
    assert_eq!(known.proposals, [all]);
    // Complete, effective, known: and still the old version is in force, until the operator says so.
    bytes(&changing.ask(&asker).await);

    let astray = text.replace(
        &changing.coalition.mou.hash().to_string(),
        &format!("sha256:{}", "ab".repeat(32)),
    );
    let told = asker.propose(&by_all(&astray)).await;
    let refused = told.into_iter().find(|(party, _)| party.as_str() == PARTY).unwrap().1;
    assert!(refused.unwrap_err().to_string().contains("it replaces"));
    changing.serving.stop().await;
}
