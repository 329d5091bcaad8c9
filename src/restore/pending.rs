//! A ledger that comes from a backup and does not say so yet, because the node's certificate had run out.

use std::io;

use anyhow::Context;
use sumac_node::restored;
use sumac_node::store::Store;
use sumac_policy::Mou;

use crate::home::{Home, write_private};
use crate::world;

const WORDS: &[u8] =
    b"This ledger comes from a backup. The next start writes that down. Do not delete this file.\n";

/// Whether a home's ledger has still to say that it comes from a backup.
pub(crate) fn is_pending(home: &Home) -> bool {
    home.restore_pending_file().exists()
}

/// From here on nobody opens the ledger without saying where it comes from.
pub(super) fn begin(home: &Home) -> io::Result<()> {
    write_private(&home.restore_pending_file(), WORDS, true)
}

/// Says so, and returns whom the node waits for.
pub(crate) async fn finish(home: &Home, store: &Store, mou: &Mou) -> anyhow::Result<Vec<String>> {
    let noted = restored(store, mou, world::now()).await.context("note the restore")?;
    std::fs::remove_file(home.restore_pending_file()).context("finish the restore")?;
    Ok(noted.map_or_else(Vec::new, |restored| restored.awaited))
}
