//! Folders and archives: what is looked at, what never is, and what counts once.

use std::fs;
use std::io::{Cursor, Write};

use tempfile::TempDir;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::super::folder::{FolderFault, MAX_FILE, PassedOver, walk};

type Files = Vec<(String, Result<usize, &'static str>)>;

fn walked(path: &std::path::Path) -> Result<(Files, PassedOver), FolderFault> {
    let mut files = Files::new();
    let passed = walk(path, &mut |found| {
        files.push((
            found.name,
            found.bytes.map(|bytes| bytes.len()).map_err(|fault| fault.reason()),
        ));
    })?;
    Ok((files, passed))
}

fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn walks_folders_in_the_order_of_names_and_follows_no_link() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir_all(at("A002/more")).unwrap();
    for name in ["b.JSON", "a.jwt", "A002/c.png", "A002/more/d.svg", "e.1ob"] {
        fs::write(at(name), "x").unwrap();
    }
    for other in ["notes.txt", ".hidden.json", "noending"] {
        fs::write(at(other), "x").unwrap();
    }
    let outside = TempDir::new().unwrap();
    fs::write(outside.path().join("secret.json"), "x").unwrap();
    std::os::unix::fs::symlink(outside.path(), at("z")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("secret.json"), at("z.json")).unwrap();
    std::os::unix::fs::symlink(folder.path(), at("A002/loop")).unwrap();
    let (files, passed) = walked(folder.path()).unwrap();
    let names: Vec<_> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["A002/c.png", "A002/more/d.svg", "a.jwt", "b.JSON", "e.1ob"]);
    assert_eq!(passed, PassedOver { others: 3, links: 3 });
}

#[test]
fn a_file_larger_than_any_badge_is_rejected_by_name() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("a.json"), vec![b'x'; MAX_FILE + 1]).unwrap();
    fs::write(folder.path().join("b.json"), "x").unwrap();
    let (files, _) = walked(folder.path()).unwrap();
    assert_eq!(files, [("a.json".to_owned(), Err("too large")), ("b.json".to_owned(), Ok(1))]);
}

#[test]
fn reads_an_archive_without_unpacking_it() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("badges.zip");
    fs::write(&path, archive(&[("2026/b.json", b"{}"), ("a.json", b"{ }"), ("readme.md", b"x")]))
        .unwrap();
    let (files, passed) = walked(&path).unwrap();
    assert_eq!(files, [("2026/b.json".to_owned(), Ok(2)), ("a.json".to_owned(), Ok(3))]);
    assert_eq!(passed, PassedOver { others: 1, links: 0 });
}

#[test]
fn archives_made_to_harm_are_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("badges.zip");
    let walk = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        walked(&path)
    };
    for escape in ["../x.json", "/etc/x.json", "a/../../x.json"] {
        assert!(
            matches!(walk(&archive(&[(escape, b"{}")])), Err(FolderFault::Escapes)),
            "{escape}"
        );
    }
    let zeros = vec![b' '; 8 << 20];
    let (files, _) = walk(&archive(&[("bomb.json", &zeros)])).unwrap();
    assert_eq!(files, [("bomb.json".to_owned(), Err("too large"))]);
    // Declares one byte, and unpacks to eight million.
    let mut liar = archive(&[("bomb.json", &zeros)]);
    let size = u32::try_from(zeros.len()).unwrap().to_le_bytes();
    let places: Vec<_> = (0..liar.len() - 4).filter(|at| liar[*at..*at + 4] == size).collect();
    assert!(!places.is_empty());
    for at in places {
        liar[at..at + 4].copy_from_slice(&1_u32.to_le_bytes());
    }
    if let Ok((files, _)) = walk(&liar) {
        assert!(
            files.iter().all(|(_, bytes)| !matches!(bytes, Ok(length) if *length > 1)),
            "{files:?}"
        );
    }
    let good = archive(&[("a.json", b"{}")]);
    for end in 4..good.len() {
        assert!(matches!(walk(&good[..end]), Err(FolderFault::Archive)), "{end}");
    }
    let mut links = ZipWriter::new(Cursor::new(Vec::new()));
    links.add_symlink("a.json", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    let (files, passed) = walk(&links.finish().unwrap().into_inner()).unwrap();
    assert_eq!((files.len(), passed.links), (0, 1));
}

#[test]
fn folders_deeper_than_anybody_sorts_are_refused() {
    let folder = TempDir::new().unwrap();
    fs::create_dir_all(folder.path().join("a/".repeat(18))).unwrap();
    assert!(matches!(walked(folder.path()), Err(FolderFault::Depth)));
    assert!(matches!(walked(&folder.path().join("none")), Err(FolderFault::Read(_))));
}
