//! Asks every node for its tables, at once, and checks what comes back.

use std::collections::BTreeMap;
use std::sync::Arc;

use sumac_policy::{PartyId, Purpose, Question, Table};
use sumac_protocol::{Answer, RequestId, WireError, ask_request, read_ask_response};

use crate::absence::Absence;
use crate::asker::Asker;
use crate::batch::Batch;
use crate::connect::{Client, Unreachable, answer_of, unreadable};
use crate::verify::{Verified, verify};

/// A table to ask for, resolved by our own copy of the MOU.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The table.
    pub table: Table,
    /// What for.
    pub purpose: Purpose,
}

/// What came of one table: an outcome of every party that answers its KPI, in the MOU's order.
#[derive(Debug)]
pub struct Answers {
    /// The table.
    pub table: Table,
    /// A release that proved sound, or why there is none.
    pub from: Vec<(PartyId, Result<Verified, Absence>)>,
}

impl Wanted {
    /// The question that asks for it.
    pub fn question(&self) -> Question {
        Question {
            kpi: self.table.kpi().id.clone(),
            period: self.table.period(),
            breakdown: self.table.breakdown().clone(),
            purpose: self.purpose.clone(),
        }
    }
}

impl Asker {
    /// Asks for tables: one outcome for each, in the same order. Every node that answers one of them is asked
    /// at the same time as the others; what one cannot answer does not hold up the rest.
    ///
    /// Spends what was never released before. `request_id` stays the same when the same is asked again.
    pub async fn ask(&self, request_id: &RequestId, wanted: &[Wanted]) -> Vec<Answers> {
        let mou = self.mou().hash();
        let deadline = self.call_deadline();
        let id = request_id.clone();
        let answers = self.of_batches(wanted, move |batch, part, mut client: Client| {
            let request = ask_request(&id.part(part), mou, &batch.roster, &batch.questions);
            async move {
                let response = answer_of(client.ask(request), deadline).await?;
                read_ask_response(response, batch.questions.len()).map_err(unreadable)
            }
        });
        let mut answers = answers.await;
        wanted
            .iter()
            .enumerate()
            .map(|(place, wanted)| {
                let table = wanted.table.clone();
                let from = self.mou().answering(table.kpi()).map(|party| {
                    let answer = answers.remove(&(place, party.id.clone()));
                    let answer =
                        answer.unwrap_or(Err(Absence::Unreachable(Unreachable::NoAddress)));
                    let sound = answer.and_then(|answer| self.sound(&table, &party.id, answer));
                    (party.id.clone(), sound)
                });
                let from = from.collect();
                Answers { table, from }
            })
            .collect()
    }

    fn sound(
        &self,
        table: &Table,
        party: &PartyId,
        answer: Result<Answer, WireError>,
    ) -> Result<Verified, Absence> {
        match answer.map_err(unreadable)? {
            Answer::Released(signed) => {
                verify(self.mou(), self.trust(), table, party, signed).map_err(Absence::Unsound)
            }
            Answer::Refused(refusal) => Err(Absence::Refused(refusal)),
            Answer::Fault(id) => Err(Absence::Fault(id)),
        }
    }

    /// Makes the calls that these tables need, the calls to one node one after another, and returns each
    /// party's answer to each table by the table's place in `wanted`.
    pub(crate) async fn of_batches<T, Call, Done>(
        &self,
        wanted: &[Wanted],
        call: Call,
    ) -> BTreeMap<(usize, PartyId), Result<T, Absence>>
    where
        T: Send + 'static,
        Call: Fn(Arc<Batch>, usize, Client) -> Done + Clone + Send + 'static,
        Done: Future<Output = Result<Vec<T>, Absence>> + Send,
    {
        let batches: Arc<[_]> = self.batches(wanted).into_iter().map(Arc::new).collect();
        let mut parties: Vec<_> =
            batches.iter().flat_map(|batch| batch.roster.iter().cloned()).collect();
        parties.sort();
        parties.dedup();
        let flown = batches.clone();
        let outcomes = self.of_each(parties, move |party, client| {
            let (batches, call) = (flown.clone(), call.clone());
            async move {
                let mut answers = Vec::new();
                for (part, batch) in batches.iter().enumerate() {
                    if batch.roster.contains(&party) {
                        answers.push(call(batch.clone(), part, client.clone()).await);
                    }
                }
                Ok(answers)
            }
        });
        let mut by_place = BTreeMap::new();
        for (party, outcome) in outcomes.await {
            let its_batches = batches.iter().filter(|batch| batch.roster.contains(&party));
            match outcome {
                Ok(answers) => {
                    for (batch, answer) in its_batches.zip(answers) {
                        place(&mut by_place, batch, &party, answer);
                    }
                }
                Err(absence) => its_batches
                    .for_each(|batch| place(&mut by_place, batch, &party, Err(absence.clone()))),
            }
        }
        by_place
    }
}

fn place<T>(
    by_place: &mut BTreeMap<(usize, PartyId), Result<T, Absence>>,
    batch: &Batch,
    party: &PartyId,
    answer: Result<Vec<T>, Absence>,
) {
    let places = batch.places.iter().map(|place| (*place, party.clone()));
    match answer {
        Ok(answers) => by_place.extend(places.zip(answers.into_iter().map(Ok))),
        Err(absence) => by_place.extend(places.map(|place| (place, Err(absence.clone())))),
    }
}
