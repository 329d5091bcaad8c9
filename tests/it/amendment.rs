//! How an MOU changes: who has to sign, when it takes effect, that nobody goes back, and that what was spent and
//! released stays so.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use jiff::civil::Date;
use sumac_backbone::{Absence, Answers, Asker, Receipt};
use sumac_keys::{
    Accepted, Chain, ExitNotice, NotAccepted, Papers, Root, SignedExit, Standing, Trust, Version,
    mou_signature,
};
use sumac_node::amend::AmendError;
use sumac_node::store::read_only;
use sumac_node::{Node, NodeError, day_of};
use sumac_policy::{Mou, PeerRole, Reason};

use crate::coalition::{Coalition, Parties, Serving, chance, freeze, next_version, wanted};
use crate::command::{CHAMBER, COLLEGE, Site};
use crate::promises::{LAKESHORE, NOW, enrolled};

const PARTY: &str = "lakeshore-cc";
const BACKBONE: &str = "lakeshore-chamber";
/// Seed of a node's chance.
const SEED: u64 = 31;

static PARTIES: LazyLock<Arc<Parties>> = LazyLock::new(|| Parties::of(LAKESHORE, NOW));

/// The Lakeshore coalition, whose parties' folders are signed, and one college's node over its data.
struct Changing {
    coalition: Coalition,
    node: Arc<Node>,
    serving: Serving,
}

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn today() -> Date {
    day_of(now())
}

/// A version's papers: the roots of these parties, signed by these.
fn papers<'a>(
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
fn by_all(text: &str) -> Papers {
    papers(text, PARTIES.all(), PARTIES.all())
}

/// The text without a party, and without a rule that would then be of too few.
fn without(text: &str, party: &str) -> String {
    let parts: Vec<_> = text.split("[[party]]").collect();
    let kept = parts.iter().filter(|part| !part.contains(&format!("id       = \"{party}\"")));
    kept.copied()
        .collect::<Vec<_>>()
        .join("[[party]]")
        .replace("min_parties = { employer = 3 }", "min_parties = { employer = 2 }")
}

async fn changing() -> Changing {
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
    fn next(&self) -> String {
        let text = self.coalition.text().replace("margin      = 15 ", "margin      = 20 ");
        assert_ne!(text, self.coalition.text());
        next_version(&text, &self.coalition.mou)
    }

    fn chain(&self) -> Chain {
        self.coalition.chain()
    }

    async fn activate(&self, papers: Papers) -> Result<Version, AmendError> {
        self.node.activate(papers, false, self.coalition.clock()()).await
    }

    /// An analyst of the backbone who goes by this text, with everything before it.
    fn asker(&self, text: &str) -> Asker {
        let papers = by_all(text);
        let chain = self.chain().followed_by(Version::read(&papers).unwrap());
        self.asker_by(&chain)
    }

    fn asker_by(&self, chain: &Chain) -> Asker {
        let identity = self.coalition.identity(BACKBONE, PeerRole::Analyst);
        let clock = self.coalition.clock();
        Asker::by_chain(chain, day_of(clock()), &identity, &clock).unwrap()
    }

    async fn ask(&self, asker: &Asker) -> Answers {
        let tables = wanted(asker.mou(), "enrolment", "2025-26", &[&["sex"]]);
        asker.ask(&"maria.1".parse().unwrap(), &tables).await.remove(0)
    }

    fn spent(&self) -> u64 {
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

fn bytes(answers: &Answers) -> Vec<u8> {
    of_party(answers).as_ref().unwrap().signed().to_bytes()
}

fn refused(answers: &Answers) -> sumac_policy::Refusal {
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

#[test]
fn a_leaver_signs_unless_its_notice_is_attached() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let coalition = runtime.block_on(Coalition::under(LAKESHORE, PARTIES.clone(), &[]));
    let chain = coalition.chain();
    let leaver = PARTIES.root("bay-fabrication");
    let text = without(&next_version(coalition.text(), &coalition.mou), "bay-fabrication");
    let rest: Vec<_> = PARTIES.all().filter(|root| root.party() != leaver.party()).collect();
    let judge = |papers: Papers| Accepted::judge(papers, &chain, false, today());
    let unsigned = papers(&text, rest.clone(), rest.clone());
    match judge(unsigned.clone()) {
        Err(NotAccepted::NotSigned { lacking, .. }) => {
            assert_eq!(lacking[0].party, *leaver.party());
        }
        other => panic!("{other:?}"),
    }
    judge(papers(&text, rest.clone(), PARTIES.all())).unwrap();

    let notice = |root: &Root, id: &str| ExitNotice::sign(root, id, today(), "a merger").unwrap();
    let with = |exit: SignedExit| {
        let mut papers = unsigned.clone();
        papers.exits.insert(leaver.party().clone(), exit);
        papers
    };
    judge(with(notice(leaver, "lakeshore"))).unwrap();
    assert!(judge(with(notice(leaver, "seashore"))).is_err());
    assert!(judge(with(notice(rest[0], "lakeshore"))).is_err());
    let impostor = Root::create(leaver.party(), "Bay", now()).unwrap();
    assert!(judge(with(notice(&impostor, "lakeshore"))).is_err());
}

#[test]
fn a_joiner_signs_the_version_that_adds_it_and_a_new_root_is_vouched_for_by_the_old() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let coalition = runtime.block_on(Coalition::under(LAKESHORE, PARTIES.clone(), &[]));
    let before = without(coalition.text(), "bay-fabrication");
    let members: Vec<_> =
        PARTIES.all().filter(|root| root.party().as_str() != "bay-fabrication").collect();
    let first = Version::read(&papers(&before, members.clone(), members.clone())).unwrap();
    let chain = Chain::new(first.clone(), Vec::new());
    let joined = next_version(coalition.text(), first.mou());
    let judge = |papers: Papers| Accepted::judge(papers, &chain, false, today());
    assert!(judge(papers(&joined, PARTIES.all(), members.clone())).is_err());
    judge(by_all(&joined)).unwrap();

    // County Transit makes a new root.
    let old = PARTIES.root("county-transit");
    let new = Root::create(old.party(), "County Transit", now()).unwrap();
    let moved = joined.replace(&old.fingerprint().to_string(), &new.fingerprint().to_string());
    let roots: Vec<_> =
        PARTIES.all().map(|root| if root.party() == old.party() { &new } else { root }).collect();
    let consented = papers(&moved, roots.clone(), PARTIES.all());
    let version = Version::read(&consented).unwrap();
    let lacking: Vec<_> = Standing::of(&consented, &version, Some(&first))
        .lacking()
        .map(|needed| needed.file())
        .collect();
    assert_eq!(lacking, ["signatures/county-transit.new.p7s"]);
    let possession = mou_signature::sign(&new, moved.as_bytes()).unwrap();
    let mut whole = consented.clone();
    whole.new_root_signatures.insert(old.party().clone(), possession.clone());
    judge(whole.clone()).unwrap();
    // A thief of the name, without the old root, changes nothing.
    whole.signatures.insert(old.party().clone(), possession);
    assert!(judge(whole).is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_agreement_leaves_behind_who_signs_no_more_and_carries_what_was_spent() {
    let changing = changing().await;
    changing.ask(&changing.asker_by(&changing.chain())).await;
    let spent = changing.spent();
    assert!(spent > 0);
    let lost = "bay-fabrication";
    let text = without(changing.coalition.text(), lost)
        .replace("id        = \"lakeshore\"", "id        = \"lakeshore-two\"")
        .replace("rho = 0.5 ", "rho = 0.05 ");
    let rest: Vec<_> = PARTIES.all().filter(|root| root.party().as_str() != lost).collect();
    let new = papers(&text, rest.clone(), rest);
    let by_itself = changing.activate(new.clone()).await.unwrap_err();
    assert!(by_itself.hint().contains("--new-agreement"), "{by_itself}");
    changing.node.activate(new.clone(), true, now()).await.unwrap();
    let chain = changing.chain().followed_by(Version::read(&new).unwrap());
    let asker = changing.asker_by(&chain);
    bytes(&changing.ask(&asker).await);
    assert_eq!(changing.spent(), spent, "a repeat is free under the new agreement, too");
    let described = asker.describe().await;
    let of_node = described.into_iter().find(|(party, _)| party.as_str() == PARTY).unwrap().1;
    assert_eq!(of_node.unwrap().spent_nano_rho, spent, "no budget begins anew");

    let back = changing.node.activate(by_all(changing.coalition.text()), true, now()).await;
    assert!(back.unwrap_err().to_string().contains("was in force before"));
    changing.serving.stop().await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leavers_certificates_are_refused_from_its_notice_on() {
    let changing = changing().await;
    let clock = changing.coalition.clock();
    let leaver = "harbor-tech";
    let identity = changing.coalition.identity(leaver, PeerRole::Node);
    let chain = changing.chain();
    let envoy = Asker::by_chain(&chain, today(), &identity, &clock).unwrap();
    let of_us = |told: Vec<(sumac_policy::PartyId, Result<(), Absence>)>| {
        told.into_iter().find(|(party, _)| party.as_str() == PARTY).unwrap().1
    };
    let root = PARTIES.root(leaver);
    let forged =
        ExitNotice::sign(PARTIES.root("county-transit"), "lakeshore", today(), "no").unwrap();
    let text = String::from_utf8(forged.notice.clone()).unwrap();
    let forged = SignedExit { notice: text.replace("county-transit", leaver).into(), ..forged };
    of_us(envoy.tell_exit(&forged).await).unwrap_err();
    let described =
        |said: Vec<(sumac_policy::PartyId, Result<sumac_protocol::Description, Absence>)>| {
            said.into_iter().find(|(party, _)| party.as_str() == PARTY).unwrap().1
        };
    described(envoy.describe().await).unwrap();

    let exit = ExitNotice::sign(root, "lakeshore", today(), "the board decided").unwrap();
    of_us(envoy.tell_exit(&exit).await).unwrap();
    described(envoy.describe().await).unwrap_err();
    // It is kept beside the MOU, so that a restart forgets nothing, and others get it from there.
    let kept = changing.coalition.shelf(PARTY).chain().unwrap();
    assert_eq!(kept.left(today()).count(), 1);

    // Askers do not ask it, and say so.
    let asker = changing.asker_by(&kept);
    let answers = changing.ask(&asker).await;
    let of_leaver = answers.from.iter().find(|(party, _)| party.as_str() == leaver).unwrap();
    assert_eq!(of_leaver.1.as_ref().unwrap_err().word(), "left");
    bytes(&answers);
    changing.serving.stop().await;
}

/// A next version of a site's MOU, and its folder.
fn proposed(site: &Site, edit: impl FnOnce(&str) -> String) -> (PathBuf, String) {
    let text = next_version(&edit(site.mou_text()), &site.mou());
    let folder = site.dir().join("next");
    let roots = [Site::root(COLLEGE), Site::root(CHAMBER)];
    papers(&text, roots, []).write_new(&folder).unwrap();
    (folder, text)
}

fn may_propose(text: &str) -> String {
    text.replace("may = [\"ask\", \"read\"]", "may = [\"ask\", \"read\", \"propose\"]")
}

/// Signs with OpenSSL alone, as with a key in an HSM.
fn sign_with_openssl(site: &Site, party: &str, folder: &Path) {
    let root = site.dir().join(format!("{party}.p12"));
    let phrase = "nine purple otters sing";
    let passphrase = sumac_keys::Passphrase::new(zeroize::Zeroizing::new(phrase.into())).unwrap();
    fs::write(&root, Site::root(party).to_pkcs12(&passphrase).unwrap()).unwrap();
    let key = site.dir().join(format!("{party}.key"));
    let run = |command: &mut Command| {
        let done = command.output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    run(Command::new("openssl")
        .args(["pkcs12", "-nocerts", "-noenc", "-passin", &format!("pass:{phrase}"), "-in"])
        .arg(&root)
        .arg("-out")
        .arg(&key));
    fs::create_dir_all(folder.join("signatures")).unwrap();
    run(Command::new("openssl")
        .current_dir(folder)
        .args(["cms", "-sign", "-binary", "-md", "sha256", "-nosmimecap", "-outform", "DER"])
        .args(["-signer", &format!("parties/{party}.pem"), "-in", "mou.toml"])
        .args(["-out", &format!("signatures/{party}.p7s"), "-inkey"])
        .arg(&key));
}

#[test]
fn the_command_takes_a_version_from_proposal_to_force_while_the_node_serves() {
    let site = Site::under(may_propose);
    let node = site.serve();
    let ask = ["ask", "enrolment", "--period", "2025", "--by", "sex", "--format", "json"];
    let first = site.run(CHAMBER, &ask).well();
    let (folder, _) =
        proposed(&site, |text| text.replace("margin      = 100", "margin      = 120"));
    let folder = folder.to_str().unwrap();

    let early = site.run(COLLEGE, &["mou", "activate", folder]);
    assert_eq!(early.code, Some(1));
    assert!(early.err.contains("the version before stands"), "{early:?}");
    assert_eq!(site.run(CHAMBER, &["mou", "verify", folder]).code, Some(1));

    let kept = site.run(CHAMBER, &["mou", "propose", folder]).well();
    let kept = kept.out.trim().to_owned();
    sign_with_openssl(&site, CHAMBER, Path::new(&kept));
    let status = site.run(CHAMBER, &["mou", "sign-status", "--ask", "--format", "json"]);
    assert_eq!(status.code, Some(1));
    let value: serde_json::Value = serde_json::from_str(&status.out).unwrap();
    assert_eq!(value[0]["state"], "proposed");

    // The college's copy came over the network, with the chamber's signature.
    let name = Path::new(&kept).file_name().unwrap();
    let here = site.home(COLLEGE).join("proposals").join(name);
    sign_with_openssl(&site, COLLEGE, &here);
    site.run(COLLEGE, &["mou", "verify", here.to_str().unwrap()]).well();
    let accepted =
        site.run(COLLEGE, &["mou", "activate", here.to_str().unwrap(), "--format", "json"]).well();
    let accepted: serde_json::Value = serde_json::from_str(&accepted.out).unwrap();
    assert_eq!((&accepted["version"], &accepted["in_force"]), (&2.into(), &true.into()));
    let behind = site.run(CHAMBER, &ask);
    assert_eq!(behind.code, Some(3), "{behind:?}");

    // The chamber's own folder is the medium, too.
    fs::copy(
        here.join("signatures").join(format!("{COLLEGE}.p7s")),
        Path::new(&kept).join("signatures").join(format!("{COLLEGE}.p7s")),
    )
    .unwrap();
    let status = site.run(CHAMBER, &["mou", "sign-status"]).well();
    assert!(status.out.contains("signed by all 2"), "{status:?}");
    site.run(CHAMBER, &["mou", "activate", &kept]).well();
    let again = site.run(CHAMBER, &ask).well();
    assert_eq!(first.out, again.out, "the same table, as it was");
    assert_eq!(
        site.run(CHAMBER, &["mou", "sign-status"]).well().out.matches("in force").count(),
        1
    );

    // Receipts of before hold by the folder of now.
    let receipts = site.run(CHAMBER, &["receipt", "list", "--format", "json"]);
    let folder = site.home(CHAMBER).join("receipts").join(COLLEGE);
    let receipt = fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    let mou = site.home(CHAMBER).join("mou");
    let words = ["receipt", "verify", receipt.to_str().unwrap(), "--mou", mou.to_str().unwrap()];
    site.run(CHAMBER, &words).well();
    drop(receipts);
    let (code, log) = node.stop();
    assert_eq!(code, Some(0), "{log}");

    // Put back, the old folder is refused at start.
    let earlier = fs::read_dir(site.home(COLLEGE).join("mou/earlier")).unwrap();
    let earlier = earlier.map(|entry| entry.unwrap().path()).next().unwrap();
    let old = Papers::read(&earlier).unwrap();
    fs::remove_dir_all(site.home(COLLEGE).join("mou")).unwrap();
    old.write_new(&site.home(COLLEGE).join("mou")).unwrap();
    let refused = site.run(COLLEGE, &["serve"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains("the ledger went by version 2"), "{refused:?}");
    assert!(refused.err.contains("nobody goes back"), "{refused:?}");
}

#[test]
fn what_is_proposed_names_what_it_replaces_and_leaves_days_for_comment() {
    let rule = "[amendment]\nrule = \"consensus\"\ncomment_days = 20\n\n[privacy]";
    let site = Site::under(|text| may_propose(text).replace("[privacy]", rule));
    let (folder, _) = proposed(&site, |text| text.to_owned());
    let said = site.run(CHAMBER, &["mou", "propose", folder.to_str().unwrap(), "--by-file"]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("20 days for comment"), "{said:?}");
    let again = site.home(CHAMBER).join("mou");
    let said = site.run(CHAMBER, &["mou", "propose", again.to_str().unwrap(), "--by-file"]);
    assert!(said.err.contains("is the one in force"), "{said:?}");
}

#[test]
fn a_receipt_under_an_old_root_holds_by_the_version_that_pins_it() {
    // The head may be sealed by the root of today, the release by that of its time.
    let site = Site::new();
    let node = site.serve();
    site.run(CHAMBER, &["ask", "enrolment", "--period", "2025"]).well();
    node.kill();
    let folder = site.home(CHAMBER).join("receipts").join(COLLEGE);
    let receipt = fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    let receipt = Receipt::read(&fs::read(receipt).unwrap()).unwrap();
    let old = Version::new(Arc::new(site.mou()), Arc::new(site.trust()));
    let college = Root::create(&COLLEGE.parse().unwrap(), "Lakeshore", Timestamp::now()).unwrap();
    let text = next_version(site.mou_text(), &site.mou()).replace(
        &Site::root(COLLEGE).fingerprint().to_string(),
        &college.fingerprint().to_string(),
    );
    let mou = Mou::read(text.as_bytes()).unwrap();
    let roots = [&college, Site::root(CHAMBER)];
    let trust = Trust::new(
        roots.map(|root| (root.party().clone(), root.fingerprint(), root.certificate_pem())),
    );
    let new = Version::new(Arc::new(mou), Arc::new(trust.unwrap()));
    receipt.verify_in(&Chain::new(new.clone(), vec![old])).unwrap();
    receipt.verify_in(&Chain::new(new, Vec::new())).unwrap_err();
}

/// Clause `after.on_exit`, and `amendment.exit_notice_days`: who leaves stops at once, deletes, and signs that it did.
#[test]
fn term_and_exit_and_destruction_on_exit() {
    let rule = "[after]\non_exit = \"delete within 45 days\"\n\n[privacy]";
    let site = Site::under(|text| text.replace("[privacy]", rule));
    let ask = ["ask", "enrolment", "--period", "2025"];
    let node = site.serve();
    site.run(CHAMBER, &ask).well();
    let root = site.dir().join("root.p12");
    let phrase = site.dir().join("phrase");
    let words = "nine purple otters sing";
    let passphrase = sumac_keys::Passphrase::new(zeroize::Zeroizing::new(words.into())).unwrap();
    fs::write(&root, Site::root(COLLEGE).to_pkcs12(&passphrase).unwrap()).unwrap();
    fs::write(&phrase, words).unwrap();
    let (root, phrase) = (root.to_str().unwrap(), phrase.to_str().unwrap());
    let leave = |because| {
        let words = ["leave", "--because", because, "--yes"];
        let with = ["--root", root, "--passphrase-file", phrase];
        site.run(COLLEGE, &[&words[..], &with[..]].concat())
    };
    let said = leave("the college merges").well();
    let certificate = said.out.trim().to_owned();
    assert!(!site.home(COLLEGE).join("snapshots").exists());
    let bodies = fs::read_dir(site.ledger().join("bodies")).unwrap();
    assert_eq!(
        bodies
            .filter(|file| file
                .as_ref()
                .unwrap()
                .path()
                .extension()
                .is_some_and(|end| end == "bodies"))
            .count(),
        0
    );

    let refused = site.run(CHAMBER, &ask);
    assert_eq!(refused.code, Some(3), "{refused:?}");
    assert!(refused.out.contains("PARTY_LEFT"), "{refused:?}");
    let (code, log) = node.stop();
    assert_eq!(code, Some(0), "{log}");

    let mou = site.home(CHAMBER).join("mou");
    let verify = ["leave", "verify", &certificate, "--mou", mou.to_str().unwrap()];
    let said = site.run(CHAMBER, &verify).well();
    assert!(
        said.out.contains("the college merges") && said.out.contains("1 snapshots"),
        "{said:?}"
    );
    let text = fs::read_to_string(&certificate).unwrap();
    fs::write(&certificate, text.replace("the college merges", "nothing")).unwrap();
    assert_eq!(site.run(CHAMBER, &verify).code, Some(1));

    // Run again, as after an interruption, it is finished from where it was; and a restart forgets nothing.
    leave("again").well();
    let said = site.run(CHAMBER, &verify).well();
    assert!(
        said.out.contains("the college merges") && said.out.contains("1 snapshots"),
        "{said:?}"
    );
    let node = site.serve();
    assert!(site.run(CHAMBER, &ask).out.contains("PARTY_LEFT"));
    node.kill();
    assert_eq!(site.summary().charged_tables, 1, "what was spent stays spent");

    // By file: with the notice in the chamber's folder, it is not asked, and stated as left.
    for end in ["toml", "p7s"] {
        let name = format!("mou/exits/{COLLEGE}.{end}");
        fs::create_dir_all(site.home(CHAMBER).join("mou/exits")).unwrap();
        fs::copy(site.home(COLLEGE).join(&name), site.home(CHAMBER).join(&name)).unwrap();
    }
    assert!(site.run(CHAMBER, &ask).out.contains("left the agreement on"));
}
