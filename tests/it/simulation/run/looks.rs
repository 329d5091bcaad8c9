//! What nodes say of themselves and of what asking would bring. Costs nothing.

use std::collections::BTreeMap;

use sumac_backbone::Absence;
use sumac_policy::Reason;
use sumac_protocol::Preview;

use super::super::model::{Broken, Expected, broken};
use super::super::operation::{List, Place, Q, Who, year_label};
use super::Run;

impl Run {
    pub(super) async fn preview(&mut self, who: Who, of: &List<Q>) -> Result<(), Broken> {
        let mut foreseen = self.foresee(&[(who, of.0.clone())]);
        // It shows no head of its own accord.
        foreseen.retain(|place, _| self.model.node(*place).is_some_and(|node| node.ledger.waits()));
        let previews = self.asker(who).preview(&self.wanted(of)).await;
        let mut before = Vec::new();
        for (place, foreseen) in &foreseen {
            let ledger = &mut self.model.node_mut(*place).ledger;
            before.push((*place, std::mem::replace(ledger, foreseen[0].ledger.clone())));
        }
        for (question, previews) in of.0.iter().zip(previews) {
            for place in Place::ALL.into_iter().filter(|place| self.model.is_up(*place)) {
                let from = previews.from.iter().find(|(from, _)| from.as_str() == place.party());
                let said = || format!("{place:?}, {question:?}: {from:?}");
                let refusal = foreseen.get(&place).and_then(|foreseen| foreseen[0].refusal);
                if let Some(reason) = refusal {
                    refuses(from.map(|(_, preview)| preview), reason, said)?;
                    continue;
                }
                let expected = self.model.refusal(place, who, *question);
                let Some(node) = self.model.node(place) else { continue };
                let terms = self.model.terms();
                let table = terms.table(*question);
                let is_loose = node.loose.contains_key(&table);
                let is_right = match (from.map(|(_, preview)| preview), expected) {
                    (
                        Some(Ok(Preview::Refused(refusal))),
                        Some(Expected::Refusal(reason) | Expected::Either(reason)),
                    ) => refusal.reason == reason,
                    (
                        Some(Err(Absence::Refused(refusal))),
                        Some(Expected::Refusal(Reason::MouDiffers)),
                    ) => refusal.reason == Reason::MouDiffers,
                    (Some(Ok(_)), Some(Expected::Open)) => true,
                    (
                        Some(Ok(Preview::WouldAnswer { price_nano_rho, already_released, .. })),
                        _,
                    ) => {
                        let is_free = *price_nano_rho == 0;
                        let is_whole = *price_nano_rho == terms.price_nano_rho(table);
                        let is_released = node.released(table).is_some();
                        let price = is_free == *already_released || node.is_charged(table);
                        let known = is_loose || is_released == *already_released;
                        let permitted = is_loose || expected.is_none();
                        permitted && known && price && (is_free || is_whole)
                    }
                    _ => false,
                };
                if !is_right {
                    return broken("a preview says what asking would bring", said());
                }
            }
        }
        for (place, ledger) in before {
            self.model.node_mut(place).ledger = ledger;
        }
        self.count("previewed");
        self.audit_all(&BTreeMap::new())?;
        self.came_true(&foreseen, None)
    }

    pub(super) async fn describe(&mut self, who: Who) -> Result<(), Broken> {
        let described = self.asker(who).describe().await;
        for place in Place::ALL.into_iter().filter(|place| self.model.is_up(*place)) {
            let from = described.iter().find(|(from, _)| from.as_str() == place.party());
            let Some(node) = self.model.node(place) else { continue };
            if node.ledger.waits() {
                refuses(from.map(|(_, said)| said), Reason::Restored, || {
                    format!("{place:?}: {from:?}")
                })?;
                continue;
            }
            let year = self.model.year();
            let least = node.ledger.spent(&year);
            let most = least + self.model.loose_nano_rho(place);
            let (version, by) = (self.model.in_force(place), self.model.terms_at(place));
            let is_right = match from {
                Some((_, Ok(said))) => {
                    let data = said.snapshot.as_ref();
                    let periods: Vec<_> =
                        node.covers.years().map(|year| year_label(year).parse().unwrap()).collect();
                    let mou = self.signed[version].version.mou();
                    said.accounting_year.to_string() == year
                        && (said.mou, said.mou_version) == (mou.hash(), mou.version())
                        && said.budget_nano_rho == by.budget_nano_rho()
                        && (least..=most).contains(&said.spent_nano_rho)
                        && data.is_some_and(|data| data.as_of == node.as_of)
                        && data.is_some_and(|data| data.covers == periods)
                }
                _ => false,
            };
            if !is_right {
                return broken("a node says what it holds and has spent", format!("{from:?}"));
            }
        }
        self.count("described");
        self.audit_all(&BTreeMap::new())
    }
}

/// A restored node that waits says nothing else, not even who it is.
fn refuses<T>(
    from: Option<&Result<T, Absence>>,
    reason: Reason,
    said: impl FnOnce() -> String,
) -> Result<(), Broken> {
    match from {
        Some(Err(Absence::Refused(refusal))) if refusal.reason == reason => Ok(()),
        _ => broken("a restored node answers nothing before all was shown", said()),
    }
}
