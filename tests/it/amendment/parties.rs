//! Who has to sign a version, and who need not any more.

use super::*;

/// The text without a party, and without a rule that would then be of too few.
fn without(text: &str, party: &str) -> String {
    let parts: Vec<_> = text.split("[[party]]").collect();
    let kept = parts.iter().filter(|part| !part.contains(&format!("id       = \"{party}\"")));
    kept.copied()
        .collect::<Vec<_>>()
        .join("[[party]]")
        .replace("min_parties = { employer = 3 }", "min_parties = { employer = 2 }")
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
