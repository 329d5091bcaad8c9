//! An amendment through the shipped command, from proposal to force.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;
use crate::leave::ASK;

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
    let (root, phrase) = site.stick(party);
    let key = site.dir().join(format!("{party}.key"));
    let run = |command: &mut Command| {
        let done = command.output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    run(Command::new("openssl")
        .args(["pkcs12", "-nocerts", "-noenc", "-passin", &format!("file:{phrase}"), "-in"])
        .arg(root)
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
fn a_command_goes_by_a_version_whose_day_came_while_the_node_was_down() {
    let site = Site::new();
    let node = site.serve();
    site.run(CHAMBER, &ASK).well();
    node.stop();
    let text = next_version(site.mou_text(), &site.mou());
    let roots = [Site::root(COLLEGE), Site::root(CHAMBER)];
    let text = text.replace("margin      = 100", "margin      = 50");
    papers(&text, roots, roots).write_new(&site.home(COLLEGE).join("mou-next")).unwrap();
    let words = ["remeasure", "enrolment", "--period", "2025", "--because", "a file was missing"];
    let said = site.run(COLLEGE, &[&words[..], &["--yes"]].concat()).well();
    assert!(said.err.contains("within 50 learners (now 100)"), "{said:?}");
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

#[test]
fn a_folder_that_landed_inside_the_homes_own_is_found() {
    let site = Site::new();
    let (mou, aside) = (site.home(CHAMBER).join("mou"), site.dir().join("aside"));
    fs::rename(&mou, &aside).unwrap();
    fs::create_dir(&mou).unwrap();
    fs::rename(&aside, mou.join("mou")).unwrap();
    site.run(CHAMBER, &ASK).badly(1, &["one folder deeper", "chamber/mou/mou` up"]);
}
