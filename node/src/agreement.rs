//! What a node goes by: one value, taken once for each call.

use std::sync::Arc;

use sumac_keys::Trust;
use sumac_policy::{Mou, Narrow};

/// The agreement in force at a node, its party's own addendum, and whom it makes trustworthy.
///
/// A call takes it once, when it comes in, and goes by it to its end: a new version or addendum is taken up between
/// questions, never within one.
#[derive(Debug, Clone)]
pub struct Agreement {
    mou: Arc<Mou>,
    trust: Arc<Trust>,
    narrow: Arc<Narrow>,
}

impl Agreement {
    /// An agreement signed by everyone who has to, and the roots that it pins. Without an addendum: the node reads
    /// its own.
    pub fn new(mou: Arc<Mou>, trust: Arc<Trust>) -> Self {
        Self { mou, trust, narrow: Arc::new(Narrow::none()) }
    }

    /// The same with an addendum that was read beside this MOU.
    #[must_use]
    pub fn narrowed(&self, narrow: Narrow) -> Self {
        Self { narrow: Arc::new(narrow), ..self.clone() }
    }

    /// What was agreed.
    pub fn mou(&self) -> &Mou {
        &self.mou
    }

    /// The party's addendum.
    pub fn narrow(&self) -> &Narrow {
        &self.narrow
    }

    /// What was agreed, as it holds here: with the addendum's margins, floor, budget and restrictions.
    pub fn terms(&self) -> &Mou {
        self.narrow.over(&self.mou)
    }

    /// The roots of its parties.
    pub fn trust(&self) -> &Arc<Trust> {
        &self.trust
    }
}
