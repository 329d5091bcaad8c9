//! `narrow.toml` in a node's home: read again before each call, so that a party's own limits hold at once.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use sumac_policy::{Mou, Narrow, Sha256};

use crate::agreement::Agreement;
use crate::node::{Node, NodeError};
use crate::store::{NarrowInForce, Note};

/// Longest addendum, in bytes; what it says has to fit one record of the ledger.
const MAX_FILE: u64 = 64 << 10;

/// An addendum as it was found.
#[derive(Debug)]
pub struct Reading {
    /// What holds: nothing where there is no file, and a refusal of everything where it cannot be used.
    pub narrow: Narrow,
    /// Why it cannot be used, if it cannot.
    pub unusable: Option<String>,
}

/// The bytes of an addendum, or why there are none; nothing where there is no file.
fn bytes_at(path: &Path) -> Option<Result<Vec<u8>, String>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        file => file,
    };
    let read = file.and_then(|file| {
        let mut bytes = Vec::new();
        file.take(MAX_FILE + 1).read_to_end(&mut bytes).map(|_| bytes)
    });
    Some(match read {
        Ok(bytes) if bytes.len() as u64 > MAX_FILE => Err(format!("longer than {MAX_FILE} bytes")),
        read => read.map_err(|error| error.to_string()),
    })
}

/// The addendum at `path`, read beside this version of the MOU.
pub fn read(path: &Path, mou: &Mou) -> Reading {
    read_from(bytes_at(path), mou)
}

fn read_from(found: Option<Result<Vec<u8>, String>>, mou: &Mou) -> Reading {
    let unusable =
        |bytes: &[u8], why| Reading { narrow: Narrow::unusable(bytes), unusable: Some(why) };
    match found {
        None => Reading { narrow: Narrow::none(), unusable: None },
        Some(Err(why)) => unusable(&why.clone().into_bytes(), why),
        Some(Ok(bytes)) => match Narrow::read(&bytes, mou) {
            Ok(narrow) => Reading { narrow, unusable: None },
            Err(problems) => unusable(&bytes, problems.to_string()),
        },
    }
}

/// The hash that an addendum of these bytes has.
fn hash_of(found: &Option<Result<Vec<u8>, String>>) -> Option<Sha256> {
    found.as_ref().map(|found| match found {
        Ok(bytes) => Sha256::of(bytes),
        Err(why) => Sha256::of(why.as_bytes()),
    })
}

impl Node {
    /// What the node goes by in a call that comes in now: the version of the MOU whose day has come. An addendum that was written, changed or taken away since
    /// the last call is taken up here and written down.
    pub(crate) async fn goes_by(
        self: &Arc<Self>,
        now: Timestamp,
    ) -> Result<Arc<Agreement>, NodeError> {
        self.follow(now).await?;
        // One at a time, so that nobody puts back what another has just replaced.
        let mut taken_up = self.narrowing.lock().await;
        let path = self.narrow.clone();
        let found = tokio::task::spawn_blocking(move || bytes_at(&path));
        let found = found.await.map_err(|_| NodeError::Stopped)?;
        let agreement = self.agreement();
        let this = (agreement.mou().hash(), hash_of(&found));
        if *taken_up == Some(this) && agreement.narrow().hash() == this.1 {
            return Ok(agreement);
        }
        let Reading { narrow, unusable } = read_from(found, agreement.mou());
        if let Some(why) = unusable {
            tracing::error!(
                why,
                "narrow.toml cannot be used: every question is refused until it is corrected"
            );
        }
        for warning in narrow.warnings() {
            tracing::warn!(%warning, "narrow.toml");
        }
        let narrowed = Arc::new(agreement.narrowed(narrow));
        self.write_down(&narrowed, now).await?;
        // Another version of the MOU may have come into force meanwhile: the next call reads the file beside it.
        self.agreement.send_if_modified(|current| {
            let same = Arc::ptr_eq(current, &agreement);
            if same {
                *current = narrowed.clone();
            }
            same
        });
        *taken_up = Some(this);
        Ok(narrowed)
    }

    /// Writes down which addendum holds, if that is news.
    async fn write_down(&self, agreement: &Agreement, now: Timestamp) -> Result<(), NodeError> {
        let narrow = agreement.narrow();
        let words = narrow.in_words(agreement.mou());
        let in_force = NarrowInForce { narrow: narrow.hash(), words };
        let known = self.store.narrow().await?;
        if known.unwrap_or_default() != in_force {
            tracing::info!(words = in_force.words.join("; "), "another narrow.toml holds");
            self.store.note(Note::Narrow(in_force), now).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    const LAKESHORE: &str = include_str!("../../examples/mou/lakeshore/mou.toml");

    #[test]
    fn a_file_that_cannot_be_used_suspends_and_one_that_is_not_there_does_nothing() {
        let mou = Mou::read(LAKESHORE.as_bytes()).unwrap();
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("narrow.toml");
        let none = read(&path, &mou).narrow;
        assert_eq!((none.hash(), none.suspension()), (None, None));
        std::fs::write(&path, "format = \"sumac-narrow/1\"\n[privacy]\nfloor = 20\n").unwrap();
        assert_eq!(read(&path, &mou).narrow.own_floor(&mou), Some(20));
        let long = format!("format = \"sumac-narrow/1\"\n#{}", "x".repeat(70_000));
        for unusable in ["flor = 20", &long] {
            std::fs::write(&path, unusable).unwrap();
            let Reading { narrow, unusable } = read(&path, &mou);
            assert!(narrow.suspension().is_some() && unusable.is_some());
        }
        // A folder of that name, too.
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert!(read(&path, &mou).narrow.suspension().is_some());
    }
}
