//! What a node goes by: one value, taken once for each call.

use std::sync::Arc;

use sumac_keys::Trust;
use sumac_policy::Mou;

/// The agreement in force at a node, and whom it makes trustworthy.
///
/// A call takes it once, when it comes in, and goes by it to its end: a new version is taken up between questions,
/// never within one.
#[derive(Debug, Clone)]
pub struct Agreement {
    mou: Arc<Mou>,
    trust: Arc<Trust>,
}

impl Agreement {
    /// An agreement signed by everyone who has to, and the roots that it pins.
    pub fn new(mou: Arc<Mou>, trust: Arc<Trust>) -> Self {
        Self { mou, trust }
    }

    /// What was agreed.
    pub fn mou(&self) -> &Mou {
        &self.mou
    }

    /// The roots of its parties.
    pub fn trust(&self) -> &Arc<Trust> {
        &self.trust
    }
}
