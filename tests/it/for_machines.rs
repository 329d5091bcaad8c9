//! Each verb about the agreement prints for people, and takes `--format json`: one JSON value on stdout, with the
//! name of its form.

use std::fs;

use serde_json::Value;

use crate::coalition::next_version;
use crate::command::{CHAMBER, COLLEGE, Said, Site, sumac};

const JSON: [&str; 2] = ["--format", "json"];

/// What a verb said to a machine.
fn value(said: &Said, code: i32, format: &str) -> Value {
    assert_eq!(said.code, Some(code), "{said:?}");
    let value: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"));
    assert_eq!(value["format"], format, "{value}");
    value
}

/// The two parties, under an MOU that needs a steward's approval, and lets the chamber propose and audit.
fn site() -> Site {
    Site::unsigned(|text| {
        let audit = "[audit]\nby = [\"chamber\"]\nwithin_days = 30\n\n[privacy]";
        text.replace("[privacy]", audit)
            .replace("margin      = 100", "needs = \"approval\"\nmargin      = 100")
            .replace(
                "may = [\"ask\", \"read\"] }",
                "may = [\"ask\", \"read\", \"propose\"] }\nstewards = { party = \"every-party\", may = [\"approve\"] }",
            )
    })
}

struct Machine<'a>(&'a Site);

impl Machine<'_> {
    fn run(&self, party: &str, words: &[&str], code: i32, format: &str) -> Value {
        value(&self.0.run(party, &[words, &JSON].concat()), code, format)
    }
}

#[test]
fn a_new_agreement_names_its_file_and_what_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("mou");
    let words = [
        "mou",
        "new",
        folder.to_str().unwrap(),
        "--title",
        "Pilot",
        "--yes",
        "--party",
        "cc:college:A College:node.cc.example:7443:a@cc.example,b@cc.example",
        "--party",
        "chamber:backbone:A Chamber::c@ch.example,d@ch.example",
        "--kpi",
        "ipeds/completers",
        "--group-size",
        "150",
    ];
    let new = value(&sumac(&[&words[..], &JSON].concat()), 0, "sumac-new/1");
    assert_eq!(new["file"], folder.join("mou.toml").to_str().unwrap());
    assert_eq!(new["without_root"], serde_json::json!(["cc", "chamber"]));
}

#[test]
fn signing_and_amending() {
    let site = site();
    let machine = Machine(&site);
    let mou = site.home(COLLEGE).join("mou");
    let folder = mou.to_str().unwrap();
    let verify = ["mou", "verify", folder];
    let standing = machine.run(COLLEGE, &verify, 1, "sumac-signatures/1");
    assert_eq!(standing["complete"], false);
    for party in [COLLEGE, CHAMBER] {
        let root = site.stick(party);
        let words =
            ["mou", "sign", folder, "--yes", "--root", &root.0, "--passphrase-file", &root.1];
        let signed = machine.run(party, &words, 0, "sumac-signed/1");
        assert_eq!((&signed["party"], &signed["by"]), (&party.into(), &"root".into()));
        assert!(fs::exists(signed["file"].as_str().unwrap()).unwrap());
        assert!(signed["check"].as_str().unwrap().starts_with("openssl cms -verify"));
    }
    let standing = machine.run(COLLEGE, &verify, 0, "sumac-signatures/1");
    assert_eq!(standing["complete"], true);
    let pem = mou.join("parties/chamber.pem");
    let kept = fs::read(&pem).unwrap();
    fs::remove_file(&pem).unwrap();
    let roots = machine.run(COLLEGE, &verify, 1, "sumac-roots/1");
    assert_eq!(roots["roots"][0]["root"], "ok");
    assert_eq!(roots["roots"][1]["root"], "missing");
    assert!(roots["roots"][1]["why"].as_str().unwrap().contains("read the root certificate"));
    fs::write(&pem, kept).unwrap();
    site.sign(&[COLLEGE, CHAMBER]);

    let next = site.dir().join("next");
    fs::create_dir_all(next.join("parties")).unwrap();
    fs::write(next.join("mou.toml"), next_version(site.mou_text(), &site.mou())).unwrap();
    for party in [COLLEGE, CHAMBER] {
        let name = format!("parties/{party}.pem");
        fs::copy(mou.join(&name), next.join(&name)).unwrap();
    }
    let words = ["mou", "propose", next.to_str().unwrap(), "--by-file"];
    let proposed = machine.run(CHAMBER, &words, 0, "sumac-signatures/1");
    let proposal = proposed["folder"].as_str().unwrap();
    for party in [COLLEGE, CHAMBER] {
        let root = site.stick(party);
        let words =
            ["mou", "sign", proposal, "--yes", "--root", &root.0, "--passphrase-file", &root.1];
        machine.run(CHAMBER, &words, 0, "sumac-signed/1");
    }
    let said = site.run(CHAMBER, &["mou", "sign-status", "--format", "json"]).well();
    let status: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(status[0]["state"], "signed");
    let active = machine.run(CHAMBER, &["mou", "activate", proposal], 0, "sumac-activated/1");
    assert_eq!(active["version"], 2);
}

#[test]
fn pausing_approving_auditing_and_leaving() {
    let site = site();
    site.sign(&[COLLEGE, CHAMBER]);
    let machine = Machine(&site);
    let root = site.stick(COLLEGE);
    let with = ["--root", &root.0, "--passphrase-file", &root.1];
    let issue = ["certificate", "issue", "steward", "--name", "ana"];
    site.run(COLLEGE, &[&issue[..], &with[..]].concat()).well();
    let serving = site.serve();

    let pause = ["pause", "--because", "moving", "--until", "2099-01-01"];
    let paused = machine.run(COLLEGE, &pause, 0, "sumac-pause/1");
    assert_eq!((&paused["paused"], &paused["until"]), (&true.into(), &"2099-01-01".into()));
    let resumed = machine.run(COLLEGE, &["resume"], 0, "sumac-pause/1");
    assert_eq!(resumed["paused"], false);

    let ask =
        |by: &[&str]| site.run(CHAMBER, &[&["ask", "enrolment", "--period", "2025"], by].concat());
    ask(&[]).badly(3, &["HELD"]);
    ask(&["--by", "sex"]).badly(3, &["HELD"]);
    let held = machine.run(COLLEGE, &["held"], 0, "sumac-held/1");
    assert_eq!(held["questions"].as_array().unwrap().len(), 2);
    let approved = machine.run(COLLEGE, &["approve", "1"], 0, "sumac-held/1");
    let by = &approved["questions"][0]["approved_by"][0];
    assert_eq!(by, "sumac://lakeshore-cc/steward/ana");
    let reject = ["reject", "2", "--because", "under investigation"];
    let rejected = machine.run(COLLEGE, &reject, 0, "sumac-held/1");
    assert_eq!(rejected["questions"][0]["rejected"]["because"], "under investigation");
    ask(&[]).well();
    ask(&["--by", "sex"]).badly(3, &["under investigation"]);

    let export = ["ledger", "export", "copy", "--for", CHAMBER];
    let exported = machine.run(COLLEGE, &export, 0, "sumac-export/1");
    assert_eq!((&exported["for"], &exported["folder"]), (&CHAMBER.into(), &"copy".into()));

    let leave = [&["leave", "--because", "a merger", "--yes"][..], &with].concat();
    let left = machine.run(COLLEGE, &leave, 0, "sumac-left/1");
    assert_eq!((&left["party"], &left["because"]), (&COLLEGE.into(), &"a merger".into()));
    let mou = site.home(CHAMBER).join("mou");
    let certificate = left["certificate"].as_str().unwrap();
    let verify = ["leave", "verify", certificate, "--mou", mou.to_str().unwrap()];
    let verified = machine.run(CHAMBER, &verify, 0, "sumac-destruction/1");
    assert_eq!(verified["because"], "a merger");
    serving.stop();
}
