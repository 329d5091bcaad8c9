//! Giving a node that was restored from a backup what it lost: the last head, and the receipts that are kept here.

use sumac_policy::PartyId;
use sumac_protocol::{
    KeptRelease, Recovering, RecoveryOutcome, SignedHead, read_recover_response, recover_greeting,
    recover_requests,
};

use crate::absence::Absence;
use crate::asker::Asker;
use crate::connect::{Client, answer_of, unreadable};
use crate::history::not_kept;
use crate::keep::Keep;
use crate::notice::Notice;
use crate::receipt::Receipt;

impl Asker {
    /// Shows a restored node all that is kept here of what it lost. Whoever keeps nothing has nothing to show.
    pub(crate) async fn give_back(
        &self,
        party: &PartyId,
        last: Option<&SignedHead>,
        client: &mut Client,
    ) -> Result<(), Absence> {
        let Some(keep) = self.keep() else { return Ok(()) };
        let mou = self.mou().hash();
        // The node says first from which record on.
        let greeting = client.recover(recover_greeting(mou, last));
        let greeting = answer_of(greeting, self.call_deadline()).await?;
        let Recovering { lost_from, .. } =
            read_recover_response(greeting, 0).map_err(unreadable)?;
        let receipts = kept_from(keep, party, lost_from)?;
        let (mut outcomes, mut awaiting) = (Vec::new(), Vec::new());
        for request in recover_requests(mou, last, receipts) {
            let sent = request.receipts.len();
            let response = answer_of(client.recover(request), self.call_deadline()).await?;
            let recovering = read_recover_response(response, sent).map_err(unreadable)?;
            outcomes.extend(recovering.outcomes);
            awaiting = recovering.awaiting;
        }
        let count = |what| outcomes.iter().filter(|outcome| **outcome == what).count();
        self.notice(Notice::GaveBack {
            party: party.clone(),
            recovered: count(RecoveryOutcome::Recovered),
            differ: count(RecoveryOutcome::Differs),
            not_proved: count(RecoveryOutcome::NotProved),
            awaiting,
        });
        Ok(())
    }
}

/// The receipts that are kept of a party's releases, from this record of its log on. One that cannot be read is for a
/// person to mend first: what is not given back now stays lost.
fn kept_from(keep: &Keep, party: &PartyId, from: u64) -> Result<Vec<KeptRelease>, Absence> {
    let mut receipts = Vec::new();
    for kept in keep.receipts_of(party).map_err(not_kept)? {
        if kept.differs {
            continue;
        }
        let Receipt { release, recorded, head, note: _ } = kept.receipt.map_err(not_kept)?;
        if recorded.inclusion.seq >= from {
            receipts.push(KeptRelease { release, recorded, head });
        }
    }
    // In the order in which they were released.
    receipts.sort_by_key(|receipt| receipt.recorded.inclusion.seq);
    Ok(receipts)
}
