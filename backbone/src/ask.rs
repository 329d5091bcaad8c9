//! Asks every node for its tables, at once, and checks what comes back.

use std::collections::BTreeMap;
use std::sync::Arc;

use sumac_policy::{PartyId, Purpose, Question, Table};
use sumac_protocol::{RequestId, SignedHead, WireError, ask_request, read_ask_response};

use crate::absence::Absence;
use crate::asker::Asker;
use crate::batch::Batch;
use crate::connect::{Client, Unreachable, answer_of, unreadable};
use crate::history::not_shown;
use crate::in_log::judge_record;
use crate::keep::Keep;
use crate::receipt::Note;
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

/// One answer, and the head of the log that came with it.
struct Answer {
    answer: Result<sumac_protocol::Answer, WireError>,
    head: Option<Arc<SignedHead>>,
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
        let (asker, id) = (self.clone(), request_id.clone());
        let answers = self.of_batches(wanted, move |party, batch, part, client: Client| {
            let (asker, id) = (asker.clone(), id.part(part));
            async move { asker.ask_of(&party, &id, &batch, client).await }
        });
        let mut answers = answers.await;
        let mut all = Vec::with_capacity(wanted.len());
        for (place, wanted) in wanted.iter().enumerate() {
            let mut from = Vec::new();
            for party in self.mou().answering(wanted.table.kpi()) {
                let answer = answers.remove(&(place, party.id.clone()));
                let answer = answer.unwrap_or(Err(Absence::Unreachable(Unreachable::NoAddress)));
                let sound =
                    answer.and_then(|answer| self.sound(request_id, wanted, &party.id, answer));
                from.push((party.id.clone(), sound));
            }
            all.push(Answers { table: wanted.table.clone(), from });
        }
        all
    }

    /// One call to one node. What comes back counts only if its log continues what was seen of it.
    async fn ask_of(
        &self,
        party: &PartyId,
        id: &RequestId,
        batch: &Batch,
        mut client: Client,
    ) -> Result<Vec<Answer>, Absence> {
        let last = self.last_head(party)?;
        let mou = self.mou().hash();
        let request = ask_request(id, mou, &batch.roster, &batch.questions, last.clone());
        let first = answer_of(client.ask(request.clone()), self.call_deadline()).await;
        let restored = first.as_ref().is_err_and(Absence::is_restored);
        let response = if restored {
            self.give_back(party, last.as_ref(), &mut client).await?;
            answer_of(client.ask(request), self.call_deadline()).await?
        } else {
            first?
        };
        let answered = read_ask_response(response, batch.questions.len()).map_err(unreadable)?;
        // It went on without us, and may still lack what we hold.
        if answered.restored.is_some() && !restored {
            self.give_back(party, last.as_ref(), &mut client).await?;
        }
        let head = self.continued(party, last.as_ref(), &answered)?;
        let with_head = |answer| Answer { answer, head: head.clone() };
        Ok(answered.answers.into_iter().map(with_head).collect())
    }

    fn sound(
        &self,
        request_id: &RequestId,
        wanted: &Wanted,
        party: &PartyId,
        Answer { answer, head }: Answer,
    ) -> Result<Verified, Absence> {
        let (release, recorded) = match answer.map_err(unreadable)? {
            sumac_protocol::Answer::Released { release, recorded } => (release, recorded),
            sumac_protocol::Answer::Refused(refusal) => return Err(Absence::Refused(refusal)),
            sumac_protocol::Answer::Fault(id) => return Err(Absence::Fault(id)),
        };
        let head = head.ok_or_else(|| unreadable(WireError::Missing("head")))?;
        let (table, key) = (&wanted.table, wanted.table.key());
        let verified = verify(self.mou(), |mou| self.version(mou), table, party, release)
            .map_err(Absence::Unsound)?;
        let revision = verified.release().facts().revision;
        judge_record(&key, revision, verified.signed(), &recorded, &head.head)
            .map_err(not_shown)?;
        let note = |keep: &Keep| Note {
            asker: keep.asker().to_owned(),
            purpose: wanted.purpose.to_string(),
            request_id: request_id.to_string(),
        };
        self.kept(key, &verified, recorded, &head, note)?;
        Ok(verified)
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
        Call: Fn(PartyId, Arc<Batch>, usize, Client) -> Done + Clone + Send + 'static,
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
                        answers
                            .push(call(party.clone(), batch.clone(), part, client.clone()).await);
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
