//! The folders of an agreement when a node is killed over them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sumac_keys::{Papers, folder_name};
use sumac_policy::Mou;

use super::super::operation::Folders;
use super::disk::copy_folder;
use super::{Partner, shelf_in};
use crate::coalition::Coalition;

/// Copies what lies still: whoever writes there meanwhile is waited for.
pub(super) fn copy(from: &Path, into: &Path) -> io::Result<()> {
    loop {
        match fs::remove_dir_all(into) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => copy_folder(from, into)?,
        }
        if listed(from)? == listed(into)? {
            return Ok(());
        }
    }
}

/// Every file below a folder, and what is in it.
fn listed(folder: &Path) -> io::Result<Vec<(std::ffi::OsString, Vec<u8>)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => files.extend(listed(&entry.path())?),
            false => match fs::read(entry.path()) {
                // It goes while we look, which the copy shows.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                read => files.push((entry.file_name(), read?)),
            },
        }
    }
    files.sort();
    Ok(files)
}

impl Partner {
    /// The first version, before the node has ever started.
    pub(in crate::simulation) fn agree(&self, coalition: &Coalition, papers: &Papers) {
        papers.write_into(self.shelf(coalition).mou()).unwrap();
    }

    /// Where the node keeps a version that it was told of.
    pub(in crate::simulation) fn proposal(&self, coalition: &Coalition, mou: &Mou) -> PathBuf {
        self.agreement(coalition, self.lives).join("proposals").join(folder_name(mou))
    }

    /// Makes of a killed node's folders what is left when the change was cut off: while the version `next` was put
    /// where it waits, or once it was in the log, while it was put in the place of `before`. Whether it waits there.
    pub(in crate::simulation) fn cut_off(
        &self,
        coalition: &Coalition,
        before: &Papers,
        next: &Papers,
        is_in_log: bool,
        Folders(how): Folders,
    ) -> io::Result<bool> {
        let home = self.agreement(coalition, self.lives);
        let (mou, waits) = (shelf_in(&home).mou().to_owned(), home.join("mou-next"));
        for folder in [home.join("mou-next"), home.join("mou-next.partial")] {
            if folder.exists() {
                fs::remove_dir_all(folder)?;
            }
        }
        if !is_in_log {
            return Ok(match how % 3 {
                0 => false,
                1 => {
                    half(next, &home.join("mou-next.partial"));
                    false
                }
                _ => {
                    whole(next, &waits);
                    true
                }
            });
        }
        whole(next, &waits);
        let steps = how % 9;
        let earlier = mou.join("earlier");
        let name = folder_name(&Mou::read(&before.mou).unwrap());
        if steps == 1 {
            half(before, &earlier.join(format!("{name}.partial")));
        }
        if steps >= 2 {
            whole(before, &earlier.join(&name));
        }
        if (3..7).contains(&steps) {
            fs::write(waits.join("taking-up"), "")?;
        }
        if steps >= 4 {
            fs::remove_dir_all(mou.join("parties"))?;
            fs::remove_dir_all(mou.join("signatures"))?;
        }
        if steps == 5 {
            half(next, &mou);
        }
        if steps >= 6 {
            whole(next, &mou);
        }
        if steps == 8 {
            fs::rename(&waits, home.join("mou-next.partial"))?;
            fs::remove_dir_all(home.join("mou-next.partial/parties"))?;
        }
        Ok(true)
    }
}

fn whole(papers: &Papers, folder: &Path) {
    papers.write_into(folder).unwrap();
}

/// The agreement itself and some of its papers.
fn half(papers: &Papers, folder: &Path) {
    let mut some = papers.clone();
    some.signatures.clear();
    some.roots.pop_last();
    whole(&some, folder);
}
