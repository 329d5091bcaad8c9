//! What a node goes by: one value, taken once for each call.

use std::sync::Arc;

use jiff::civil::Date;
use sumac_keys::{Chain, Trust};
use sumac_policy::{Mou, Narrow, PartyId};

/// The agreement in force at a node, its party's own addendum, and whom it makes trustworthy.
///
/// A call takes it once, when it comes in, and goes by it to its end: a new version or addendum is taken up between
/// questions, never within one.
#[derive(Debug, Clone)]
pub struct Agreement {
    chain: Chain,
    trust: Arc<Trust>,
    narrow: Arc<Narrow>,
}

impl Agreement {
    /// The version in force and those before it, signed by everyone who had to, as they stand on a day: who has left
    /// by then is no peer. Without an addendum: the node reads its own.
    pub fn new(chain: Chain, today: Date) -> Self {
        let left: Vec<PartyId> = chain.left(today).map(|exit| exit.party().clone()).collect();
        let trust = match left.is_empty() {
            true => chain.trust().clone(),
            false => Arc::new(Trust::clone(chain.trust()).without(left)),
        };
        Self { chain, trust, narrow: Arc::new(Narrow::none()) }
    }

    /// The same with an addendum that was read beside this MOU.
    #[must_use]
    pub fn narrowed(&self, narrow: Narrow) -> Self {
        Self { narrow: Arc::new(narrow), ..self.clone() }
    }

    /// What was agreed.
    pub fn mou(&self) -> &Mou {
        self.chain.mou()
    }

    /// The party's addendum.
    pub fn narrow(&self) -> &Narrow {
        &self.narrow
    }

    /// What was agreed, as it holds here: with the addendum's margins, floor, budget and restrictions.
    pub fn terms(&self) -> &Mou {
        self.narrow.over(self.chain.mou())
    }

    /// The roots of its parties, less those that have left.
    pub fn trust(&self) -> &Arc<Trust> {
        &self.trust
    }

    /// The version in force and those before it.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }
}
