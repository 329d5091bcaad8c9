//! What asking would bring and cost at every node. Spends nothing.

use sumac_policy::{PartyId, Table};
use sumac_protocol::{Preview, preview_request, read_preview_response};

use crate::absence::Absence;
use crate::ask::Wanted;
use crate::asker::Asker;
use crate::connect::{Client, Unreachable, answer_of, unreadable};

/// What asking for one table would bring, from every party that answers its KPI, in the MOU's order.
#[derive(Debug, Clone)]
pub struct Previews {
    /// The table.
    pub table: Table,
    /// What each node says.
    pub from: Vec<(PartyId, Result<Preview, Absence>)>,
}

impl Asker {
    /// Looks at tables without asking for them: one outcome for each, in the same order. A node that was restored is
    /// given back what is kept of it, which spends nothing either.
    pub async fn preview(&self, wanted: &[Wanted]) -> Vec<Previews> {
        let mou = self.mou().hash();
        let deadline = self.call_deadline();
        let asker = self.clone();
        let previews = self.of_batches(wanted, move |party, batch, _, mut client: Client| {
            let request = preview_request(mou, &batch.roster, &batch.questions);
            let asker = asker.clone();
            async move {
                let mut response = answer_of(client.preview(request.clone()), deadline).await;
                if response.as_ref().is_err_and(Absence::is_restored) {
                    let last = asker.last_head(&party)?;
                    asker.give_back(&party, last.as_ref(), &mut client).await?;
                    response = answer_of(client.preview(request), deadline).await;
                }
                let response = response?;
                read_preview_response(response, batch.questions.len()).map_err(unreadable)
            }
        });
        let mut previews = previews.await;
        wanted
            .iter()
            .enumerate()
            .map(|(place, wanted)| {
                let table = wanted.table.clone();
                let from = self.mou().answering(table.kpi()).map(|party| {
                    let preview = previews.remove(&(place, party.id.clone()));
                    let nobody = Err(Absence::Unreachable(Unreachable::NoAddress));
                    (party.id.clone(), preview.unwrap_or(nobody))
                });
                let from = from.collect();
                Previews { table, from }
            })
            .collect()
    }
}
