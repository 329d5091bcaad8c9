//! Homes, keys and ports that are not as they should be.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use sumac_keys::Root;
use sumac_policy::PeerRole;

use crate::command::{CHAMBER, COLLEGE, Site};

#[test]
fn a_port_that_is_taken_is_named() {
    let site = Site::new();
    let taken = TcpListener::bind(site.address()).unwrap();
    let said = site.run(COLLEGE, &["serve"]);
    said.badly(1, &[&format!("listen on {}", site.address()), "change `listen` in sumac.toml"]);
    drop(taken);
    site.serve().stop();
}

#[test]
fn a_second_node_on_one_home_is_refused_and_the_first_serves_on() {
    let site = Site::new();
    let serving = site.serve();
    let said = site.run(COLLEGE, &["serve"]);
    said.badly(1, &["/ledger` is open in another process", "stop that one"]);
    site.run(CHAMBER, &["ask", "enrolment", "--period", "2025"]).well();
    assert_eq!(serving.stop().0, Some(0));
}

#[test]
fn a_passphrase_that_is_wrong_or_short_opens_and_makes_nothing() {
    let site = Site::new();
    let issue = ["certificate", "issue", "analyst", "--name", "ines"];
    let with = |file: &str, text: &str, words: &[&str]| {
        let file = site.dir().join(file);
        fs::write(&file, text).unwrap();
        let option = ["--passphrase-file", file.to_str().unwrap()];
        site.run(CHAMBER, &[words, &option].concat())
    };
    let said = with("wrong", "four other words here", &issue);
    said.badly(1, &["root/root.p12", "wrong passphrase", "hint: "]);
    with("short", "short", &issue).badly(1, &["/short`", "use at least 12 characters"]);
    with("empty", "", &issue).badly(1, &["/empty`", "use at least 12 characters"]);
    assert!(!site.home(CHAMBER).join("certificates/analyst-ines.pem").exists());

    let new = site.dir().join("new");
    let init = ["init", "new-party", "--name", "New", "--home", new.to_str().unwrap()];
    with("short", "short", &init).badly(1, &["12 characters", "/short`"]);
    assert!(!new.exists());
    // Nothing half made is left beside it.
    let left = fs::read_dir(site.dir()).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(!left.into_iter().any(|name| name.to_string_lossy().contains("partial")));
    // A secret is never an argument.
    site.run(CHAMBER, &[&issue[..], &["--passphrase", "x"]].concat()).badly(2, &["--passphrase"]);
    site.run(CHAMBER, &["init", "chamber", "--name", "Again"])
        .badly(1, &["is already there", "never overwritten", "hint: "]);
}

#[test]
fn a_certificate_that_is_missing_expired_or_not_its_keys_stops_the_start() {
    let site = Site::new();
    let folder = site.home(COLLEGE).join("certificates");
    let (pem, key) = (folder.join("node.pem"), folder.join("node.key"));
    let good = (fs::read(&pem).unwrap(), fs::read(&key).unwrap());
    let refused = |words: &[&str]| {
        site.run(COLLEGE, &["serve"]).badly(1, words);
        assert!(!site.ledger().exists(), "nothing was opened");
    };
    fs::remove_file(&pem).unwrap();
    refused(&["certificates/node.pem", "`sumac certificate issue node` makes one"]);
    fs::write(&pem, b"-----BEGIN NONSENSE-----").unwrap();
    refused(&["certificates/node.pem", "not a certificate", "hint: "]);
    let other = Site::root(COLLEGE).issue(PeerRole::Node, "node", jiff::Timestamp::now()).unwrap();
    fs::write(&pem, other.certificate_pem).unwrap();
    refused(&["certificates/node.pem", "the key does not belong to the certificate", "hint: "]);
    // A root of two years ago, and a certificate that it issued then.
    let then = jiff::Timestamp::now().as_second() - 730 * 86_400;
    let then = jiff::Timestamp::from_second(then).unwrap();
    let old = Root::create(&COLLEGE.parse().unwrap(), "Old", then).unwrap();
    let expired = old.issue(PeerRole::Node, "node", then).unwrap();
    fs::write(&pem, expired.certificate_pem).unwrap();
    fs::write(&key, expired.key_pem.as_bytes()).unwrap();
    refused(&["the node's certificate expired on", "sumac certificate renew node"]);
    fs::write(&pem, &good.0).unwrap();
    fs::write(&key, &good.1).unwrap();
    fs::write(site.home(COLLEGE).join("node.secret"), b"short").unwrap();
    site.run(COLLEGE, &["serve"]).badly(1, &["node.secret` is not 32 bytes long", "from a backup"]);
}

#[test]
fn a_stranger_at_the_port_is_in_the_operators_log_with_the_reason() {
    let site = Site::new();
    let serving = site.serve();
    let mut stranger = TcpStream::connect(site.address()).unwrap();
    stranger.write_all(b"GET / HTTP/1.1\r\nHost: node\r\n\r\n").unwrap();
    // The node hangs up; what it sends before is an alert, and no answer.
    let mut heard = Vec::new();
    let _ = stranger.read_to_end(&mut heard);
    assert!(heard.len() < 64, "{heard:?}");
    let from = stranger.local_addr().unwrap().to_string();
    let (code, log) = serving.stop();
    assert_eq!(code, Some(0));
    let line = log.lines().find(|line| line.contains("refused a connection")).unwrap();
    assert!(line.contains("WARN") && line.contains(&from), "{line}");
    assert!(line.contains("it does not speak TLS"), "{line}");
}

#[test]
fn an_asker_without_a_certificate_or_with_two_is_told_what_to_do() {
    let site = Site::new();
    site.run(CHAMBER, &["ask", "enrolment", "--as", "nobody"])
        .badly(1, &["analyst-nobody.pem", "sumac certificate issue analyst --name nobody"]);
    let folder = site.home(CHAMBER).join("certificates");
    for end in ["pem", "key"] {
        fs::copy(
            folder.join(format!("analyst-maria.{end}")),
            folder.join(format!("analyst-two.{end}")),
        )
        .unwrap();
    }
    // The same person's twice: one more name to choose from, all the same.
    site.run(CHAMBER, &["ask", "enrolment"]).badly(1, &["choose one with --as"]);
    for name in ["maria", "two"] {
        fs::remove_file(folder.join(format!("analyst-{name}.pem"))).unwrap();
    }
    site.run(CHAMBER, &["ask", "enrolment"])
        .badly(1, &["no analyst's certificate", "sumac certificate issue analyst"]);
}
