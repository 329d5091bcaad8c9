//! The node's signature on its log.

use std::sync::Arc;

use sumac_keys::seal::seal_head;
use sumac_keys::{Seal, TlsIdentity};
use tokio::sync::watch;

use crate::store::{Signed, Signer};

/// Signs the log's heads with the certificate that the node holds at that moment.
pub fn signer(identity: watch::Receiver<Arc<TlsIdentity>>) -> Signer {
    Box::new(move |head| {
        let identity = identity.borrow().clone();
        let Seal { signature, chain } = seal_head(&identity, head)?;
        Ok(Signed { signature, chain, since: identity.facts().not_before })
    })
}
