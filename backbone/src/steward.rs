//! A steward's side: what waits at the own node, and deciding it.

use std::sync::Arc;
use std::time::Duration;

use sumac_keys::{Clock, TlsIdentity, Trust, client_config};
use sumac_policy::{Mou, PartyId, Sha256};
use sumac_protocol::{
    Decision, HeldFacts, decide_held_request, list_held_request, read_decide_held_response,
    read_list_held_response,
};
use tokio_rustls::rustls::{self, ClientConfig};

use crate::absence::Absence;
use crate::asker::CONNECT_DEADLINE;
use crate::connect::{Client, Unreachable, answer_of, connect, unreadable};

/// A steward's calls count nothing, so they are answered at once.
const CALL_DEADLINE: Duration = Duration::from_secs(60);

/// Decides, at one party's node, the questions that wait there.
#[derive(Clone)]
pub struct Steward {
    mou: Sha256,
    address: Option<String>,
    config: Arc<ClientConfig>,
}

impl Steward {
    /// Decides at the node of `party`, at the address that the MOU gives, with this certificate.
    ///
    /// # Errors
    /// Where the certificate and key are of no use for TLS.
    pub fn new(
        mou: &Mou,
        trust: Arc<Trust>,
        party: &PartyId,
        identity: &TlsIdentity,
        clock: &Clock,
    ) -> Result<Self, rustls::Error> {
        let address = mou.party(party).and_then(|listed| listed.address.clone());
        let config = client_config(identity, trust, party.clone(), clock.clone())?;
        Ok(Self { mou: mou.hash(), address, config })
    }

    /// What waits, or was decided and not measured yet, in the order in which it was asked.
    ///
    /// # Errors
    /// A node that cannot be reached, or that refuses.
    pub async fn list(&self) -> Result<Vec<HeldFacts>, Absence> {
        let mut client = self.connect().await?;
        let call = client.list_held(list_held_request(self.mou));
        let response = answer_of(call, CALL_DEADLINE).await?;
        read_list_held_response(response).map_err(unreadable)
    }

    /// Approves or rejects a question, and brings where it then stands.
    ///
    /// # Errors
    /// A node that cannot be reached, or that refuses.
    pub async fn decide(&self, number: u64, decision: Decision) -> Result<HeldFacts, Absence> {
        let mut client = self.connect().await?;
        let call = client.decide_held(decide_held_request(self.mou, number, decision));
        let response = answer_of(call, CALL_DEADLINE).await?;
        read_decide_held_response(response).map_err(unreadable)
    }

    async fn connect(&self) -> Result<Client, Absence> {
        let address = self.address.as_deref();
        let address = address.ok_or(Absence::Unreachable(Unreachable::NoAddress))?;
        connect(address, self.config.clone(), CONNECT_DEADLINE).await.map_err(Absence::Unreachable)
    }
}
