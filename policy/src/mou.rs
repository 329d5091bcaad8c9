//! The agreement as read: parties, calendar, privacy, KPIs, restrictions.

mod data;
mod lifecycle;
mod restriction;
mod target;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use jiff::civil::Date;

use crate::calendar::Calendar;
use crate::definition::Definition;
use crate::digest::Sha256;
use crate::dimension::{Breakdown, Dimension};
use crate::margin::Margin;
use crate::names::{DimensionId, KpiId, PartyId, Purpose, StandardId};
use crate::period::PeriodKind;
use crate::schema::Schema;

pub use data::DataRules;
pub use lifecycle::{After, Amendment, Audit, BreachNotice, Pilot};
pub use restriction::{Limit, Restriction};
pub use target::Target;

/// One version of a coalition's agreement, read and found sound. Its identity is the SHA-256 of the exact
/// bytes it was read from.
#[derive(Debug, Clone)]
pub struct Mou {
    pub(crate) hash: Sha256,
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) version: u32,
    pub(crate) replaces: Option<Sha256>,
    pub(crate) effective: Date,
    pub(crate) expires: Date,
    pub(crate) agreement: Terms,
    pub(crate) calendar: Calendar,
    pub(crate) parties: Vec<Party>,
    pub(crate) roles: Vec<Role>,
    pub(crate) privacy: Privacy,
    pub(crate) kpis: Vec<Arc<Kpi>>,
    pub(crate) dimensions: Vec<Arc<Dimension>>,
    pub(crate) restrictions: Vec<Restriction>,
    pub(crate) data: Vec<DataRules>,
    pub(crate) pilot: Option<Pilot>,
    pub(crate) after: After,
    pub(crate) amendment: Option<Amendment>,
    pub(crate) audit: Option<Audit>,
    pub(crate) schema: Schema,
}

/// What the agreement says in words; carried, shown and, for purposes, enforced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// Every question names one of these.
    pub purposes: Vec<Purpose>,
    /// Legal authority, as the parties state it.
    pub legal: Vec<String>,
    /// What nobody may do with the numbers.
    pub prohibited: Vec<String>,
    /// SHA-256 of the signed document that the file restates, if it names one.
    pub document: Option<Sha256>,
}

/// A signatory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// Its id.
    pub id: PartyId,
    /// Its name.
    pub name: String,
    /// What it is to the coalition.
    pub kind: PartyKind,
    /// Fingerprint of its root certificate (SHA-256 of the DER).
    pub root: Sha256,
    /// `host:port` of its node; none for a party that only asks.
    pub address: Option<String>,
    /// Two people at least.
    pub contacts: Vec<String>,
}

/// What a party is to the coalition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PartyKind {
    /// A college.
    College,
    /// An employer.
    Employer,
    /// A service provider.
    Provider,
    /// The organisation that asks and reports.
    Backbone,
}

/// A role of the MOU: who holds it and what it may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its name, such as `guiding_team`.
    pub name: String,
    /// The party that holds it; none for every party.
    pub party: Option<PartyId>,
    /// What it may do.
    pub may: Vec<Capability>,
}

/// What a role may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Capability {
    /// Ask nodes for tables.
    Ask,
    /// See what was released.
    Read,
    /// Publish what was released.
    Publish,
    /// Propose an amendment.
    Propose,
    /// Approve questions that wait for a person, at the own node.
    Approve,
    /// Set targets.
    SetTarget,
}

/// What protects one learner at one node, and what may be shown of the coalition's sums.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Privacy {
    /// Yearly budget of each node, in nano-ρ (10⁻⁹ ρ of zero-concentrated differential privacy).
    pub budget_nano_rho: u64,
    /// Smaller groups are withheld, in learners: the greatest of its own and of what restrictions demand.
    pub floor: u32,
    /// Who judges the floor.
    pub floor_at: FloorAt,
    /// Fewest parties of a kind behind one published number.
    pub min_parties: Vec<(PartyKind, u32)>,
}

/// Where the floor is judged, always on noisy numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FloorAt {
    /// The backbone judges the coalition's sum.
    Coalition,
    /// Each node withholds its own small groups.
    Node,
}

/// A KPI the MOU lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kpi {
    /// As the MOU names it.
    pub id: KpiId,
    /// For people.
    pub title: String,
    /// The KPI of the standard catalogue that it uses; none where the MOU defines its own.
    pub uses: Option<StandardId>,
    /// Its meaning, resolved.
    pub definition: Definition,
    /// Kinds of party whose nodes answer.
    pub answered_by: Vec<PartyKind>,
    /// The tables that may be asked: one breakdown each, the total only if it is listed.
    pub by: Vec<Breakdown>,
    /// What it is reported by.
    pub period: PeriodKind,
    /// How precisely: the widest of its own margin and of what restrictions demand.
    pub margin: Margin,
    /// Who approves each question before anything is charged; none: nobody has to.
    pub needs: Option<Approval>,
    /// What it is meant to reach.
    pub target: Option<Target>,
    /// Line of the MOU on which it stands, from 1.
    pub line: usize,
}

/// Who approves a question, at each node that it is asked of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Approval {
    /// One of the node's stewards.
    One,
    /// Two different ones.
    Two,
}

impl Approval {
    /// How many different stewards approve.
    pub fn stewards(self) -> u32 {
        match self {
            Self::One => 1,
            Self::Two => 2,
        }
    }
}

impl Mou {
    /// SHA-256 of the exact bytes: the identity of this version.
    pub fn hash(&self) -> Sha256 {
        self.hash
    }

    /// The agreement's id, the same in every version.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// For people.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Version number, from 1.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Hash of the version that this one replaces; none for version 1.
    pub fn replaces(&self) -> Option<Sha256> {
        self.replaces
    }

    /// First day in force.
    pub fn effective(&self) -> Date {
        self.effective
    }

    /// Last day in force.
    pub fn expires(&self) -> Date {
        self.expires
    }

    /// What it says in words.
    pub fn terms(&self) -> &Terms {
        &self.agreement
    }

    /// Its calendar.
    pub fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    /// Every party.
    pub fn parties(&self) -> &[Party] {
        &self.parties
    }

    /// A party by id.
    pub fn party(&self, id: &PartyId) -> Option<&Party> {
        self.parties.iter().find(|party| party.id == *id)
    }

    /// Every role.
    pub fn roles(&self) -> &[Role] {
        &self.roles
    }

    /// What protects learners.
    pub fn privacy(&self) -> &Privacy {
        &self.privacy
    }

    /// Every KPI.
    pub fn kpis(&self) -> &[Arc<Kpi>] {
        &self.kpis
    }

    /// A KPI by id.
    pub fn kpi(&self, id: &KpiId) -> Option<&Arc<Kpi>> {
        self.kpis.iter().find(|kpi| kpi.id == *id)
    }

    /// Every dimension: the standard ones, then the MOU's own.
    pub fn dimensions(&self) -> &[Arc<Dimension>] {
        &self.dimensions
    }

    /// A dimension by id: standard ones and the MOU's own.
    pub fn dimension(&self, id: &DimensionId) -> Option<&Arc<Dimension>> {
        self.dimensions.iter().find(|dimension| dimension.id == *id)
    }

    /// Every restriction.
    pub fn restrictions(&self) -> &[Restriction] {
        &self.restrictions
    }

    /// What it says of the data that parties of a kind hold.
    pub fn data(&self, kind: PartyKind) -> Option<&DataRules> {
        self.data.iter().find(|rules| rules.kind == kind)
    }

    /// The pilot, if it begins with one.
    pub fn pilot(&self) -> Option<&Pilot> {
        self.pilot.as_ref()
    }

    /// What happens to answers, and after it ends.
    pub fn after(&self) -> &After {
        &self.after
    }

    /// How it is amended and left, where it says.
    pub fn amendment(&self) -> Option<Amendment> {
        self.amendment
    }

    /// Who may have a copy of a node's log, where it says.
    pub fn audit(&self) -> Option<&Audit> {
        self.audit.as_ref()
    }

    /// Whether this party may have a copy of every node's log.
    pub fn may_audit(&self, party: &PartyId) -> bool {
        self.audit.as_ref().is_some_and(|audit| audit.by.contains(party))
    }

    /// The canonical tables, with the columns the MOU declares.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Whether a party holds a role that may do this.
    pub fn may(&self, party: &PartyId, capability: Capability) -> bool {
        self.roles.iter().any(|role| {
            role.party.as_ref().is_none_or(|holder| holder == party)
                && role.may.contains(&capability)
        })
    }

    /// Parties whose nodes answer this KPI, in the MOU's order.
    pub fn answering<'a>(&'a self, kpi: &'a Kpi) -> impl Iterator<Item = &'a Party> {
        self.parties.iter().filter(|party| kpi.answered_by.contains(&party.kind))
    }
}

/// A word of a closed vocabulary.
macro_rules! words {
    ($name:ident, $what:literal, $($variant:ident = $word:literal),+) => {
        impl $name {
            /// Every word, in the order of the plan.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word in the MOU.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = WordError;
            fn from_str(text: &str) -> Result<Self, WordError> {
                Self::ALL.iter().copied().find(|word| word.as_str() == text).ok_or_else(|| WordError {
                    word: text.to_owned(),
                    what: $what,
                    known: &[$($word),+],
                })
            }
        }
    };
}

words!(
    PartyKind,
    "kind of party",
    College = "college",
    Employer = "employer",
    Provider = "provider",
    Backbone = "backbone"
);
words!(
    Capability,
    "capability",
    Ask = "ask",
    Read = "read",
    Publish = "publish",
    Propose = "propose",
    Approve = "approve",
    SetTarget = "set-target"
);
words!(Approval, "kind of approval", One = "approval", Two = "two approvals");
words!(FloorAt, "place to judge the floor", Coalition = "coalition", Node = "node");

/// A word outside a closed vocabulary.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is not a {what}: use {}", known.join(", "))]
pub struct WordError {
    /// The word found.
    pub word: String,
    what: &'static str,
    /// The words there are.
    pub known: &'static [&'static str],
}
