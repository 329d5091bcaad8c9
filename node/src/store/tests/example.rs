//! The worked example of `docs/ledger.md`, made anew.

use std::fmt::Write;

use super::super::tree::{Tree, leaf};
use super::*;

const PAGE: &str = include_str!("../../../../docs/ledger.md");

#[tokio::test]
async fn the_example_in_the_documentation_is_what_is_written() {
    let dir = TempDir::new().unwrap();
    let stands_for_one: Signer = Box::new(|_| {
        Ok(Signed {
            signature: vec![0x5a; 8],
            chain: vec![vec![0xce; 8]],
            since: Timestamp::UNIX_EPOCH,
        })
    });
    let (store, _) = Store::open(dir.path(), salts(), stands_for_one).unwrap();
    let at = "2026-08-01T09:30:00Z".parse().unwrap();
    store.note(Note::Started(Started { software: "0.1.0".into() }), at).await.unwrap();
    let mut tree = Tree::default();
    let mut lines = String::new();
    for seq in [0, 1] {
        let hash = leaf(&store.inclusion(seq).await.unwrap().record);
        writeln!(lines, "leaf {seq}  {}", hex::encode(hash)).unwrap();
        tree.push(hash);
    }
    writeln!(lines, "root    {}", hex::encode(tree.root(2).as_bytes())).unwrap();
    let signed = store.head().await.unwrap().unwrap().head.canonical_bytes();
    let signed = String::from_utf8(signed).unwrap();
    let log = fs::read(log_path(dir.path())).unwrap();
    let mut dump = String::new();
    for (number, row) in log.chunks(16).enumerate() {
        let bytes: Vec<_> = row.iter().map(|byte| format!("{byte:02x}")).collect();
        let plain = |byte: &u8| if byte.is_ascii_graphic() { char::from(*byte) } else { '.' };
        let text: String = row.iter().map(plain).collect();
        writeln!(dump, "{:04x}  {:<47}  {text}", number * 16, bytes.join(" ")).unwrap();
    }
    let missing: Vec<_> =
        [&lines, &signed, &dump].into_iter().filter(|part| !PAGE.contains(part.as_str())).collect();
    for part in &missing {
        eprintln!("docs/ledger.md should have:\n{part}");
    }
    assert!(missing.is_empty());
}
