//! What is said without measuring anything: who the node is, and what asking would bring.

use std::sync::Arc;

use jiff::Timestamp;
use sumac_policy::{Peer, Permitted, Question};
use sumac_protocol::{Description, Preview, PreviewAsk, SnapshotFacts};

use super::Service;
use crate::agreement::Agreement;
use crate::node::NodeError;
use crate::records::snapshot::Data;
use crate::release::{NotReleased, price_of};
use crate::world::day_of;

impl Service {
    pub(super) async fn previews(
        &self,
        agreement: &Arc<Agreement>,
        peer: &Peer,
        ask: PreviewAsk,
        now: Timestamp,
    ) -> Result<Vec<Preview>, NodeError> {
        let snapshot = self.node.snapshot(agreement, now).await?;
        let mut previews = Vec::with_capacity(ask.questions.len());
        for question in ask.questions {
            let preview = match question {
                Ok(question) => {
                    self.preview(agreement, peer, &ask.roster, &question, snapshot.as_ref(), now)
                        .await
                }
                Err(refusal) => Err(refusal.into()),
            };
            previews.push(match preview {
                Ok(preview) => preview,
                Err(NotReleased::Refused(refusal)) => Preview::Refused(refusal),
                Err(NotReleased::Failed(error)) => return Err(error),
            });
        }
        Ok(previews)
    }

    async fn preview(
        &self,
        agreement: &Agreement,
        peer: &Peer,
        roster: &[sumac_policy::PartyId],
        question: &Question,
        snapshot: Option<&Arc<Data>>,
        now: Timestamp,
    ) -> Result<Preview, NotReleased> {
        self.node.has_not_left()?;
        let permitted = self.node.permit(agreement, peer, roster, question, now)?;
        self.node.is_not_paused(now).await?;
        let permit = match permitted {
            Permitted::Measure(permit) => permit,
            Permitted::Derive(permit) => {
                let derivable = self.node.derivable(permit.roll_up()).await?;
                return Ok(Preview::WouldAnswer {
                    price_nano_rho: 0,
                    already_released: derivable.is_kept(),
                    derived: true,
                    margin: derivable.margin(),
                    clause: permit.clause().clone(),
                });
            }
        };
        let (table, clause) = (permit.table(), permit.clause().clone());
        Ok(match self.node.released(table).await? {
            Some((_, margin)) => Preview::WouldAnswer {
                price_nano_rho: 0,
                already_released: true,
                derived: false,
                margin,
                clause,
            },
            None => {
                permit.needs()?;
                let snapshot = self.node.held(agreement, snapshot, table, now)?;
                self.node.would_be_approved(&permit, snapshot, peer, now).await?;
                Preview::WouldAnswer {
                    price_nano_rho: price_of(table).get(),
                    already_released: false,
                    derived: false,
                    margin: table.kpi().margin,
                    clause,
                }
            }
        })
    }

    pub(super) async fn description(
        &self,
        agreement: &Arc<Agreement>,
        now: Timestamp,
    ) -> Result<Description, NodeError> {
        let snapshot = self.node.snapshot(agreement, now).await?;
        let mou = agreement.mou();
        let year = mou.calendar().year_starts.year_of(day_of(now));
        let span = year.span(mou.calendar().year_starts);
        let balance = self.node.store.balance(span).await?;
        Ok(Description {
            party: self.node.party.clone(),
            software_version: env!("CARGO_PKG_VERSION").to_owned(),
            mou: mou.hash(),
            mou_version: mou.version(),
            snapshot: snapshot.map(|snapshot| SnapshotFacts {
                as_of: snapshot.holdings().as_of,
                covers: snapshot.holdings().covers.iter().map(|it| it.period).collect(),
            }),
            accounting_year: year,
            budget_nano_rho: agreement.terms().privacy().budget_nano_rho,
            spent_nano_rho: balance.spent_nano_rho,
            targets: mou
                .kpis()
                .iter()
                .filter_map(|kpi| Some((kpi.id.clone(), kpi.target?)))
                .collect(),
        })
    }
}
