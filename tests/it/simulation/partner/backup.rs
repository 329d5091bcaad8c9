//! A backup of a node's ledger, and what a restore makes of it.

use std::path::PathBuf;
use std::sync::Arc;

use sumac_node::console::{Command, Reply};
use sumac_node::restored;
use sumac_node::signer;
use sumac_node::store::{Closed, Store};
use tokio::sync::watch;

use super::super::model::in_words;
use super::{Partner, certificate, chance, copy_folder, folders};
use crate::coalition::Coalition;

impl Partner {
    /// Copies what `sumac backup` puts aside: the agreement, and of the ledger what the node that serves says is on disk;
    /// if none does, all of it, which nobody opens meanwhile.
    pub(in crate::simulation) async fn back_up(
        &mut self,
        coalition: &Coalition,
    ) -> Result<(), String> {
        let from = self.ledger(coalition);
        let (cut, closed) = match self.running.is_some() {
            true => match self.command(coalition, Command::Cut).await? {
                Reply::Cut(cut) => (cut, None),
                other => return Err(format!("{other:?}")),
            },
            false => {
                let closed = Closed::keep(&from).map_err(|error| in_words(&error))?;
                (closed.cut(), Some(closed))
            }
        };
        self.backups += 1;
        let Some(into) = self.backup(coalition) else { return Ok(()) };
        let agreement = self.agreement(coalition, self.lives);
        folders::copy(&agreement, &into.join("agreement")).map_err(|error| error.to_string())?;
        let into = into.join("ledger");
        cut.copy(&from, &into).map_err(|error| in_words(&error))?;
        copy_folder(&from.join("bodies"), &into.join("bodies"))
            .map_err(|error| error.to_string())?;
        drop(closed);
        Ok(())
    }

    /// The ledger in the last backup, if there is one.
    pub(in crate::simulation) fn backed_up(&self, coalition: &Coalition) -> Option<PathBuf> {
        self.backup(coalition).map(|backup| backup.join("ledger"))
    }

    /// The last backup, if there is one.
    fn backup(&self, coalition: &Coalition) -> Option<PathBuf> {
        let home = coalition.home(self.place.party());
        (self.backups > 0).then(|| home.join(format!("backup-{}", self.backups)))
    }

    /// Puts the last backup in the place of a disk that is lost, says so often in its ledger where it comes from, and
    /// starts the node on it.
    pub(in crate::simulation) async fn restore(
        &mut self,
        coalition: &Coalition,
        said: usize,
    ) -> Result<(), String> {
        let Some(backup) = self.backup(coalition) else { return Ok(()) };
        self.lives += 1;
        let into = [self.agreement(coalition, self.lives), self.ledger(coalition)];
        for (from, into) in ["agreement", "ledger"].iter().zip(into) {
            copy_folder(&backup.join(from), &into).map_err(|error| error.to_string())?;
        }
        let now = coalition.clock()();
        for _ in 0..said {
            let identity = watch::channel(Arc::new(certificate(self.place.party(), now))).1;
            self.starts += 1;
            let salts = chance(self.place, self.starts, Arc::default());
            let ledger = self.ledger(coalition);
            let opened = Store::open(&ledger, Box::new(move || *salts()), signer(identity));
            let (store, _) = opened.map_err(|error| in_words(&error))?;
            let chain = self.shelf(coalition).chain().map_err(|error| in_words(&error))?;
            let noted = restored(&store, chain.mou(), now).await;
            noted.map_err(|error| in_words(&error))?.ok_or("the backup is empty")?;
        }
        self.start(coalition).await
    }
}
