//! A new home is made aside and renamed, so that whatever goes wrong leaves no half of one.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::Home;
use crate::outcome::hinted;

/// Makes a home at `dir`: `fill` fills one that lies aside. On any error nothing is left behind.
pub(crate) fn make_home<T>(
    dir: &Path,
    fill: impl FnOnce(&Home) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let aside = Home::at(beside(dir));
    // What a process that was killed left there: in a container the next one may well have its number.
    if aside.dir().try_exists().context("look beside the new home")? {
        fs::remove_dir_all(aside.dir()).context("remove what a killed process left")?;
    }
    let made = fill(&aside).and_then(|filled| {
        fs::rename(aside.dir(), dir)
            .with_context(|| format!("name the new home `{}`", dir.display()))?;
        let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
        let parent = File::open(parent.unwrap_or(Path::new(".")));
        parent.and_then(|parent| parent.sync_all()).context("name the new home")?;
        Ok(filled)
    });
    if made.is_err() {
        // What went wrong is told; this only tidies up.
        let _ = fs::remove_dir_all(aside.dir());
    }
    made
}

/// A home is made where nothing is, or in an empty folder. `instead` is what to do otherwise.
pub(crate) fn refuse_what_is_there(dir: &Path, instead: &str) -> anyhow::Result<()> {
    let there = dir.try_exists().with_context(|| format!("look at `{}`", dir.display()))?;
    let empty = || fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_none());
    if !there || empty() {
        return Ok(());
    }
    Err(hinted(
        format_args!("`{}` is already there, and a home is never overwritten", dir.display()),
        instead,
    ))
}

/// A name next to the home's own, so that renaming it stays on one disk.
fn beside(dir: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(dir.file_name().unwrap_or_default());
    name.push(format!(".{}.partial", std::process::id()));
    dir.with_file_name(name)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn a_home_is_made_where_nothing_is_and_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        assert!(refuse_what_is_there(&home, "").is_ok());
        fs::create_dir(&home).unwrap();
        assert!(refuse_what_is_there(&home, "").is_ok(), "an empty folder");
        fs::write(home.join("anything"), "").unwrap();
        assert!(refuse_what_is_there(&home, "").is_err(), "a folder with something in it");
        assert!(refuse_what_is_there(&home.join("anything"), "").is_err(), "a file");
    }

    #[test]
    fn what_a_killed_process_of_the_same_number_left_is_in_nobodys_way() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        fs::create_dir(beside(&home)).unwrap();
        fs::write(beside(&home).join("node.secret"), "half").unwrap();
        make_home(&home, |aside| Ok(fs::create_dir(aside.dir())?)).unwrap();
        assert_eq!(fs::read_dir(&home).unwrap().count(), 0);
        assert!(!beside(&home).exists());
    }

    #[test]
    fn a_new_home_is_made_beside_its_place() {
        assert_eq!(beside(Path::new("/srv/sumac")).parent(), Some(Path::new("/srv")));
        assert_eq!(beside(Path::new("sumac")).parent(), Some(Path::new("")));
    }
}
