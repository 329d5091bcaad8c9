//! Who may approve a question that waits for a person.

use crate::clause::Clause;
use crate::mou::{Capability, Mou};
use crate::names::PartyId;
use crate::peer::{Peer, PeerRole};
use crate::refusal::{Reason, Refusal};

/// Proof that this peer is a steward of the node's own party, which may approve under the MOU in force. Made only
/// by [`approver()`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approver {
    peer: Peer,
}

impl Approver {
    /// Who it is.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }
}

/// Whether a peer may see and decide what waits at the node of `node`. Neither an analyst nor a node may, and no
/// party at another's node.
///
/// # Errors
/// `MAY_NOT_APPROVE`.
pub fn approver(mou: &Mou, node: &PartyId, peer: &Peer) -> Result<Approver, Refusal> {
    let refusal = |message: String, hint: &str| Refusal {
        reason: Reason::MayNotApprove,
        clause: Clause::at("roles"),
        message,
        hint: hint.to_owned(),
    };
    if peer.role() != PeerRole::Steward {
        return Err(refusal(
            format!("a certificate of the role `{}` approves nothing", peer.role()),
            "use a steward's certificate: `sumac certificate issue steward --name NAME`",
        ));
    }
    if peer.party() != node {
        return Err(refusal(
            format!("what waits at the node of `{node}` is decided by its own stewards"),
            "each party decides at its own node",
        ));
    }
    if mou.party(node).is_none() || !mou.may(node, Capability::Approve) {
        return Err(refusal(
            format!("`{node}` holds no role that may approve"),
            "see the MOU's [roles]",
        ));
    }
    Ok(Approver { peer: peer.clone() })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    #![expect(clippy::disallowed_methods, reason = "no chain is verified here: the peer is given")]
    use super::*;

    const LAKESHORE: &str = include_str!("../../examples/mou/lakeshore/mou.toml");

    #[test]
    fn only_a_steward_of_the_nodes_own_party_approves_and_only_if_it_may() {
        let may = "guiding_team = { party = \"every-party\", may = [\"read\", \"propose\", \"approve\"] }";
        let without = "guiding_team = { party = \"every-party\", may = [\"read\", \"propose\"] }";
        let mou = |text: &str| Mou::read(text.as_bytes()).unwrap();
        let (plain, mou) = (mou(LAKESHORE), mou(&LAKESHORE.replacen(without, may, 1)));
        let node: PartyId = "lakeshore-cc".parse().unwrap();
        let peer = |party: &str, role| {
            Peer::verified_by_keys(party.parse().unwrap(), role, "ana".to_owned())
        };
        let steward = peer("lakeshore-cc", PeerRole::Steward);
        assert_eq!(approver(&mou, &node, &steward).unwrap().peer(), &steward);
        for (mou, peer, expected) in [
            (&plain, steward.clone(), "holds no role"),
            (&mou, peer("lakeshore-cc", PeerRole::Analyst), "role `analyst`"),
            (&mou, peer("lakeshore-cc", PeerRole::Node), "role `node`"),
            (&mou, peer("harbor-tech", PeerRole::Steward), "its own stewards"),
            (&mou, peer("lakeshore-chamber", PeerRole::Steward), "its own stewards"),
        ] {
            let refusal = approver(mou, &node, &peer).unwrap_err();
            assert_eq!(refusal.reason, Reason::MayNotApprove);
            assert!(refusal.message.contains(expected), "{}", refusal.message);
        }
    }
}
