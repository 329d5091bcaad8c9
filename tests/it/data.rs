//! Real data that may not lie in this repository.

use std::path::PathBuf;

/// Names the directory that holds it.
const VARIABLE: &str = "SUMAC_TEST_DATA";
/// Set where its absence is a failure and not a skip.
const REQUIRED: &str = "SUMAC_TEST_DATA_REQUIRED";

/// A folder of the test data, or none with a clear line where it is absent.
pub(crate) fn folder(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os(VARIABLE).map(|dir| PathBuf::from(dir).join(name));
    let found = folder.filter(|folder| folder.is_dir());
    if found.is_none() {
        let why = format!("skipped: {VARIABLE} does not name a directory that holds `{name}`");
        assert!(std::env::var_os(REQUIRED).is_none(), "{why}, and {REQUIRED} is set");
        eprintln!("{why}");
    }
    found
}
