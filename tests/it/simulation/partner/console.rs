//! What an operator tells a node, while it serves or while it does not.

use std::sync::Arc;

use sumac_node::console::{Command, Reply, carry_out};
use sumac_node::store::Store;
use sumac_node::{day_of, signer};
use sumac_policy::Narrow;
use tokio::sync::watch;

use super::super::model::in_words;
use super::{Partner, certificate, chance};
use crate::coalition::{Coalition, say};

impl Partner {
    /// Through the console of the node that serves; if none does, by opening the ledger as the command does.
    pub(in crate::simulation) async fn command(
        &mut self,
        coalition: &Coalition,
        command: Command,
    ) -> Result<Reply, String> {
        let party = self.place.party();
        if let Some(node) = self.running.as_ref().and_then(|running| running.node.upgrade()) {
            return Ok(say(coalition, party, &node, &command).await);
        }
        let now = coalition.clock()();
        let identity = watch::channel(Arc::new(certificate(party, now))).1;
        self.starts += 1;
        let salts = chance(self.place, self.starts, self.offline.clone());
        let opened =
            Store::open(&self.ledger(coalition), Box::new(move || *salts()), signer(identity));
        let (store, _) = opened.map_err(|error| in_words(&error))?;
        let (narrow, id) = (Narrow::none(), party.parse().unwrap());
        let shelf = self.shelf(coalition);
        let chain = shelf.chain_on(day_of(now), true).map_err(|error| in_words(&error))?;
        Ok(carry_out(&store, &shelf, &chain, &narrow, &id, command, now).await)
    }
}
