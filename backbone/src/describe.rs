//! What every node says about itself.

use sumac_policy::PartyId;
use sumac_protocol::{Description, wire};

use crate::absence::Absence;
use crate::asker::Asker;
use crate::connect::{Client, answer_of, unreadable};
use crate::verify::Unsound;

impl Asker {
    /// Asks every node that has an address to describe itself, all at once; in the MOU's order.
    pub async fn describe(&self) -> Vec<(PartyId, Result<Description, Absence>)> {
        let deadline = self.call_deadline();
        let nodes: Vec<_> = self.reachable().cloned().collect();
        let mut said = self
            .of_each(nodes.clone(), move |party, mut client: Client| async move {
                let response =
                    answer_of(client.describe(wire::DescribeRequest {}), deadline).await?;
                let description = Description::try_from(response).map_err(unreadable)?;
                if description.party != party {
                    return Err(Absence::Unsound(Unsound::differs(
                        "party",
                        description.party,
                        party,
                    )));
                }
                Ok(description)
            })
            .await;
        nodes.into_iter().filter_map(|party| said.remove_entry(&party)).collect()
    }
}
