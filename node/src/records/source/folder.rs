//! Directories of files: an export of many parts is read like one of a single part.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What is read of a directory where nothing is said.
pub const EXTENSIONS: [&str; 4] = ["csv", "tsv", "txt", "parquet"];

/// More files than any export has: a wrong directory was named.
const MAX_FILES: usize = 10_000;

/// The files of a directory, by whether they are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// Those with one of the extensions, sorted by path.
    pub files: Vec<PathBuf>,
    /// The others, and directories that were not gone into.
    pub passed_over: Vec<PathBuf>,
}

impl Folder {
    /// Looks through a directory, and those in it if `recursive`. Names that begin with `.` or `_` are how
    /// programs mark what is not data; links to directories are not followed.
    ///
    /// # Errors
    /// Where it cannot be read, or holds more than 10,000 files.
    pub fn open(path: &Path, extensions: &[&str], recursive: bool) -> io::Result<Self> {
        let mut folder = Self { files: Vec::new(), passed_over: Vec::new() };
        folder.look_through(path, extensions, recursive)?;
        folder.files.sort();
        folder.passed_over.sort();
        Ok(folder)
    }

    fn look_through(
        &mut self,
        path: &Path,
        extensions: &[&str],
        recursive: bool,
    ) -> io::Result<()> {
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let path = entry.path();
            let aside = entry.file_name().as_encoded_bytes().starts_with(b".")
                || entry.file_name().as_encoded_bytes().starts_with(b"_");
            if aside {
                continue;
            }
            if entry.file_type()?.is_dir() && recursive {
                self.look_through(&path, extensions, recursive)?;
                continue;
            }
            let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default();
            let wanted = extensions.iter().any(|known| known.eq_ignore_ascii_case(extension));
            if wanted && fs::metadata(&path)?.is_file() {
                self.files.push(path);
            } else {
                self.passed_over.push(path);
            }
            if self.files.len() + self.passed_over.len() > MAX_FILES {
                return Err(io::Error::other(format!("it holds more than {MAX_FILES} files")));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn reads_files_of_an_extension_in_order_and_goes_deeper_only_if_told() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::create_dir_all(at("2025/fall")).unwrap();
        for name in
            ["b.CSV", "a.csv", "notes.docx", "_SUCCESS.csv", ".a.csv.swp", "2025/fall/c.csv"]
        {
            fs::write(at(name), "").unwrap();
        }
        let flat = Folder::open(directory.path(), &EXTENSIONS, false).unwrap();
        assert_eq!(flat.files, [at("a.csv"), at("b.CSV")]);
        assert_eq!(flat.passed_over, [at("2025"), at("notes.docx")]);
        let deep = Folder::open(directory.path(), &["csv"], true).unwrap();
        assert_eq!(deep.files, [at("2025/fall/c.csv"), at("a.csv"), at("b.CSV")]);
        assert!(Folder::open(&at("a.csv"), &EXTENSIONS, false).is_err());
    }
}
