//! The month that a file is named after.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::world::day_of;

/// How the files are named.
const EXTENSION: &str = "bodies";

/// A month in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::store) struct Month {
    year: i16,
    month: i8,
}

impl Month {
    /// The month of an instant.
    pub(super) fn of(at: Timestamp) -> Self {
        let day = day_of(at);
        Self { year: day.year(), month: day.month() }
    }

    /// Its file in a folder.
    pub(super) fn path(self, dir: &Path) -> PathBuf {
        let Self { year, month } = self;
        dir.join(format!("{year:04}-{month:02}.{EXTENSION}"))
    }

    /// The month of a file; none if it is named otherwise.
    pub(super) fn of_file(path: &Path) -> Option<Self> {
        let (year, month) = path.file_stem()?.to_str()?.rsplit_once('-')?;
        let month = Self { year: year.parse().ok()?, month: month.parse().ok()? };
        (month.path(path.parent()?) == path).then_some(month)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn a_file_is_named_after_its_month_and_read_back() {
        let check = |at: &str, name: &str| {
            let month = Month::of(at.parse().unwrap());
            let path = month.path(Path::new("bodies"));
            assert_eq!(path, Path::new("bodies").join(name));
            assert_eq!(Month::of_file(&path), Some(month));
        };
        check("2026-08-31T23:59:59.9Z", "2026-08.bodies");
        check("2026-09-01T00:00:00Z", "2026-09.bodies");
        check("-000001-12-01T00:00:00Z", "-001-12.bodies");
        for other in ["2026-8.bodies", "2026-08.new", "2026-08", "x-08.bodies", "notes.txt"] {
            assert_eq!(Month::of_file(&Path::new("bodies").join(other)), None, "{other}");
        }
    }
}
