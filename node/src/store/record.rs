//! What the log says: one record for each thing that happened.
//!
//! A record is JSON with a fixed order of fields. It is canonical: decoding and encoding again gives the
//! same bytes, or the record is refused. No record holds a row count, a value or an unkeyed hash of data; what was
//! released lies beside the log, and its record binds it.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sumac_policy::{Margin, Sha256, TableKey};

use super::exported::Exported;
use super::held::{Approved, HeldQuestion, Rejected};
use super::pause::{PauseEnded, Paused};
use super::restoration::{Heard, Recovered, RecoveredDerived, Restored, Resumed, Stopped};
use super::text;

/// One thing that happened, in its place in the one order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    /// Its place: 0 for the first record, then one more each time.
    pub(super) seq: u64,
    /// When the node's clock said that it happened. The clock may be wrong; `seq` is the order.
    #[serde(with = "text::printed")]
    pub(super) at: Timestamp,
    /// 32 random bytes, so that a hash of the record gives nothing away about its text.
    #[serde(with = "text::hexadecimal")]
    pub(super) salt: [u8; 32],
    /// What happened.
    pub(super) event: Event,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Event {
    /// The node started.
    Started(Started),
    /// An MOU came into force.
    Mou(MouInForce),
    /// Data was imported and frozen.
    Import(Import),
    /// A question was asked, and this is what came of it.
    Asked(Asked),
    /// A table was paid for. On disk before a record is read.
    Charged(Charged),
    /// A table was released: from now on every ask of it gets these bytes.
    Released(Released),
    /// The operator ordered a new measurement of a table.
    Remeasure(Remeasure),
    /// A table that the MOU does not list was added up from a released one. Nothing was spent.
    Derived(Derived),
    /// Who signs the heads from here on.
    Signer(Signer),
    /// An asker showed a head that this log does not continue. From here on nothing is answered.
    Stopped(Stopped),
    /// The log up to here comes from a backup.
    Restored(Restored),
    /// A release that this log had lost came back from an asker's receipt.
    Recovered(Recovered),
    /// The same of a table that had been added up.
    RecoveredDerived(RecoveredDerived),
    /// A party that asks has shown what it holds of the history that was lost.
    Heard(Heard),
    /// What was lost is accounted for, and the node answers again.
    Resumed(Resumed),
    /// Releases older than the MOU keeps them are to be deleted. On disk before they are.
    Purged(Purged),
    /// Another addendum to the MOU holds at this node, or none any more.
    Narrow(NarrowInForce),
    /// Another party has left the agreement: it is no peer from its day on.
    Exit(Exit),
    /// This party has left: every question is refused from here on.
    Left(Left),
    /// The operator stopped the node for a while.
    Paused(Paused),
    /// The operator let it go on.
    PauseEnded(PauseEnded),
    /// A question was put before the node's stewards.
    Held(HeldQuestion),
    /// A steward approved it.
    Approved(Approved),
    /// A steward rejected it.
    Rejected(Rejected),
    /// A copy of the log up to here was made for a party that may audit. On disk before the copy is.
    Exported(Exported),
}

/// What may be noted without spending anything. Charges and releases have their own ways in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// The node started.
    Started(Started),
    /// An MOU came into force.
    Mou(MouInForce),
    /// Data was imported and frozen.
    Import(Import),
    /// A question was asked, and this is what came of it.
    Asked(Asked),
    /// An asker showed a head that this log does not continue.
    Stopped(Stopped),
    /// The log up to here comes from a backup.
    Restored(Restored),
    /// A party that asks has shown what it holds of the history that was lost.
    Heard(Heard),
    /// What was lost is accounted for, and the node answers again.
    Resumed(Resumed),
    /// Another addendum to the MOU holds at this node, or none any more.
    Narrow(NarrowInForce),
    /// Another party has left the agreement.
    Exit(Exit),
    /// This party has left the agreement.
    Left(Left),
    /// The operator stopped the node for a while.
    Paused(Paused),
    /// The operator let it go on.
    PauseEnded(PauseEnded),
    /// A copy of the log was made for a party that may audit.
    Exported(Exported),
}

/// The node started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Started {
    /// Name and version of the software.
    pub software: String,
}

/// The MOU that the node follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MouInForce {
    /// Its identity.
    #[serde(with = "text::printed")]
    pub mou: Sha256,
    /// The agreement's id, the same in every version.
    pub agreement: String,
    /// Its version, from 1.
    pub version: u32,
}

/// The party's own addendum to the MOU.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NarrowInForce {
    /// SHA-256 of the file; none if there is none.
    #[serde(with = "text::printed_or_none")]
    pub narrow: Option<Sha256>,
    /// What it takes away, in words.
    pub words: Vec<String>,
}

/// Another party's exit, as its own root signed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exit {
    /// Who has left.
    pub party: String,
    /// From which day on, such as `2026-11-24`.
    pub on: String,
    /// The MOU in force that day.
    #[serde(with = "text::printed")]
    pub mou: Sha256,
}

/// This party's exit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Left {
    /// The day, such as `2026-11-24`.
    pub on: String,
    /// Why, in the operator's words.
    pub because: String,
    /// The MOU that was left.
    #[serde(with = "text::printed")]
    pub mou: Sha256,
}

/// A snapshot: data frozen by an import, as the operator stated it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Import {
    /// The snapshot's name.
    pub snapshot: String,
    /// Keyed hash of the data; without the node's secret it says nothing about the data.
    #[serde(with = "text::hexadecimal")]
    pub commitment: [u8; 32],
    /// The day the data was taken from its source, such as `2026-08-01`.
    pub as_of: String,
    /// The periods it covers, as they are written in an MOU.
    pub covers: Vec<String>,
}

/// A question and its outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// The asker's own name for the call.
    pub request_id: String,
    /// Who asked, as the certificate says.
    pub peer: String,
    /// The table, or none where the question did not name one.
    #[serde(with = "text::table_or_none")]
    pub table: Option<TableKey>,
    /// The KPI asked for.
    pub kpi: String,
    /// The period asked for.
    pub period: String,
    /// The dimensions asked for; none is the total.
    pub breakdown: Vec<String>,
    /// The purpose given.
    pub purpose: String,
    /// `RELEASED`, `DERIVED`, `REPEATED`, or the code of the refusal.
    pub outcome: String,
}

/// A table paid for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Charged {
    /// The table.
    #[serde(with = "text::table")]
    pub(super) table: TableKey,
    /// The table's revision; 0 is the first measurement.
    pub(super) revision: u32,
    /// The accounting year whose budget pays, as the MOU writes it.
    pub(super) year: String,
    /// That year's first day.
    #[serde(with = "text::printed")]
    pub(super) year_first: Date,
    /// That year's last day.
    #[serde(with = "text::printed")]
    pub(super) year_last: Date,
    /// The margin paid for: the table is measured at it, whenever that is.
    #[serde(with = "text::margin")]
    pub(super) margin: Margin,
    /// The price in nano-ρ; never zero.
    pub(super) price_nano_rho: u64,
    /// What the year may spend, as the MOU says, in nano-ρ.
    pub(super) budget_nano_rho: u64,
    /// The snapshot it is measured on.
    pub(super) snapshot: String,
    /// The MOU that allows it.
    #[serde(with = "text::printed")]
    pub(super) mou: Sha256,
    /// The KPI.
    pub(super) kpi: String,
    /// The period.
    pub(super) period: String,
    /// The dimensions; none is the total.
    pub(super) breakdown: Vec<String>,
    /// The held question whose approval it has; not written where the KPI needs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) approved: Option<u64>,
}

/// A table released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Released {
    /// The table.
    #[serde(with = "text::table")]
    pub(super) table: TableKey,
    /// The revision that this is the answer of.
    pub(super) revision: u32,
    /// Binds the signed release, which lies beside the log: SHA-256 over the record's salt and the release.
    #[serde(with = "text::printed")]
    pub(super) commitment: Sha256,
}

/// A new measurement ordered. The next ask of the table pays for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Remeasure {
    /// The table.
    #[serde(with = "text::table")]
    pub(super) table: TableKey,
    /// The revision ordered: one more than the last that was paid for.
    pub(super) revision: u32,
    /// Why, in the operator's words.
    pub(super) because: String,
    /// The KPI.
    pub(super) kpi: String,
    /// The period.
    pub(super) period: String,
    /// The dimensions; none is the total.
    pub(super) breakdown: Vec<String>,
}

/// A table added up from a released one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Derived {
    /// The table.
    #[serde(with = "text::table")]
    pub(super) table: TableKey,
    /// How often it was added up anew before.
    pub(super) revision: u32,
    /// The table whose cells were added.
    #[serde(with = "text::table")]
    pub(super) from: TableKey,
    /// That table's revision.
    pub(super) from_revision: u32,
    /// Binds the signed release, as in [`Released`].
    #[serde(with = "text::printed")]
    pub(super) commitment: Sha256,
}

/// The certificates of the key that signs the heads, from the head after this record on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Signer {
    /// In DER, the signer's own first.
    #[serde(with = "text::hexadecimals")]
    pub(super) chain: Vec<Vec<u8>>,
}

/// Releases to be deleted: their tables stay paid for, and nobody is answered with them any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Purged {
    /// What was made before this was due.
    #[serde(with = "text::printed")]
    pub(super) before: Timestamp,
    /// The releases.
    pub(super) releases: Vec<ReleaseName>,
}

/// Names one release in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseName {
    /// The table, whatever its revision.
    #[serde(with = "text::table")]
    pub table: TableKey,
    /// How often it was measured or added up anew before.
    pub revision: u32,
    /// Whether it was added up from another table.
    pub derived: bool,
}

/// Bytes that are no record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Not a record that this version knows.
    #[error("the record is not one that this version of sumac knows: {0}")]
    Malformed(String),
    /// It says what it says in another spelling than ours.
    #[error("the record is not in canonical form")]
    NotCanonical,
}

impl Record {
    /// The canonical bytes.
    pub(super) fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self)
            .expect("a record holds only texts, whole numbers and lists of them")
    }

    /// When the release that the record names was made; of another record, when it happened.
    pub(super) fn made(&self) -> Timestamp {
        match &self.event {
            Event::Recovered(recovered) => recovered.made,
            Event::RecoveredDerived(recovered) => recovered.made,
            _ => self.at,
        }
    }

    /// Reads canonical bytes.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let record: Self = serde_json::from_slice(bytes)
            .map_err(|error| RecordError::Malformed(error.to_string()))?;
        if record.encode() != bytes {
            return Err(RecordError::NotCanonical);
        }
        Ok(record)
    }
}

impl From<Note> for Event {
    fn from(note: Note) -> Self {
        match note {
            Note::Started(started) => Self::Started(started),
            Note::Mou(mou) => Self::Mou(mou),
            Note::Import(import) => Self::Import(import),
            Note::Asked(asked) => Self::Asked(asked),
            Note::Stopped(stopped) => Self::Stopped(stopped),
            Note::Restored(restored) => Self::Restored(restored),
            Note::Heard(heard) => Self::Heard(heard),
            Note::Resumed(resumed) => Self::Resumed(resumed),
            Note::Narrow(narrow) => Self::Narrow(narrow),
            Note::Exit(exit) => Self::Exit(exit),
            Note::Left(left) => Self::Left(left),
            Note::Paused(paused) => Self::Paused(paused),
            Note::PauseEnded(ended) => Self::PauseEnded(ended),
            Note::Exported(exported) => Self::Exported(exported),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use proptest::prelude::*;

    use super::*;
    use crate::store::restoration::testing;

    const TABLE: [u8; 32] = [7; 32];

    fn record(event: Event) -> Record {
        let at = "2026-08-01T09:30:00.25Z".parse().unwrap();
        Record { seq: 3, at, salt: [0xab; 32], event }
    }

    fn asked(purpose: &str, table: Option<TableKey>) -> Event {
        Event::Asked(Asked {
            request_id: "r1".into(),
            peer: "sumac://chamber/analyst/mira".into(),
            table,
            kpi: "completers".into(),
            period: "2025-26".into(),
            breakdown: vec!["sex".into()],
            purpose: purpose.into(),
            outcome: "RELEASED".into(),
        })
    }

    #[test]
    fn format_1_spells_a_charge_like_this() {
        let mou = Sha256::from([1; 32]);
        let charged = Event::Charged(Charged {
            table: TableKey::from(TABLE),
            revision: 0,
            year: "2026-27".into(),
            year_first: "2026-07-01".parse().unwrap(),
            year_last: "2027-06-30".parse().unwrap(),
            margin: Margin::new(21).unwrap(),
            price_nano_rho: 4_500_000,
            budget_nano_rho: 9_000_000,
            snapshot: "2026-08-01".into(),
            mou,
            kpi: "completers".into(),
            period: "2025-26".into(),
            breakdown: vec!["sex".into()],
            approved: None,
        });
        let expected = format!(
            r#"{{"seq":3,"at":"2026-08-01T09:30:00.25Z","salt":"{}","event":{{"charged":{{"table":"{}","revision":0,"year":"2026-27","year_first":"2026-07-01","year_last":"2027-06-30","margin":21,"price_nano_rho":4500000,"budget_nano_rho":9000000,"snapshot":"2026-08-01","mou":"sha256:{}","kpi":"completers","period":"2025-26","breakdown":["sex"]}}}}}}"#,
            "ab".repeat(32),
            "07".repeat(32),
            "01".repeat(32),
        );
        assert_eq!(String::from_utf8(record(charged).encode()).unwrap(), expected);
    }

    #[test]
    fn reads_back_every_event_as_it_was_written() {
        let table = TableKey::from(TABLE);
        let events = [
            Event::Started(Started { software: "sumac 0.1.0".into() }),
            Event::Mou(MouInForce {
                mou: Sha256::from([1; 32]),
                agreement: "lakeshore".into(),
                version: 1,
            }),
            Event::Exit(Exit {
                party: "harbor-tc".into(),
                on: "2026-11-24".into(),
                mou: Sha256::from([1; 32]),
            }),
            Event::Left(Left {
                on: "2026-11-24".into(),
                because: "a merger".into(),
                mou: Sha256::from([1; 32]),
            }),
            Event::Import(Import {
                snapshot: "s".into(),
                commitment: [2; 32],
                as_of: "2026-08-01".into(),
                covers: vec!["2025-26".into()],
            }),
            asked("annual-report", Some(table)),
            asked("annual-report", None),
            Event::Released(Released { table, revision: 0, commitment: Sha256::from([4; 32]) }),
            Event::Remeasure(Remeasure {
                table,
                revision: 1,
                because: "a file was missing".into(),
                kpi: "completers".into(),
                period: "2025-26".into(),
                breakdown: vec!["sex".into()],
            }),
            Event::Derived(Derived {
                table,
                revision: 0,
                from: TableKey::from([8; 32]),
                from_revision: 1,
                commitment: Sha256::from([4; 32]),
            }),
            Event::Signer(Signer { chain: vec![vec![0x30, 1], vec![]] }),
            Event::Stopped(testing::stopped()),
            Event::Restored(testing::restored(3, 100, &["chamber"])),
            Event::Recovered(testing::recovered(7, 0, 100)),
            Event::RecoveredDerived(testing::recovered_derived(8, 0, 7)),
            Event::Heard(testing::heard("chamber", 5, 100)),
            Event::Resumed(testing::resumed(100, &[(7, 0)])),
            Event::Purged(Purged {
                before: "2025-08-01T00:00:00Z".parse().unwrap(),
                releases: vec![ReleaseName { table, revision: 2, derived: true }],
            }),
            Event::Narrow(NarrowInForce {
                narrow: Some(Sha256::from([3; 32])),
                words: vec!["nothing is answered".into()],
            }),
            Event::Narrow(NarrowInForce::default()),
            Event::Paused(Paused {
                because: "an audit".into(),
                until: Some("2026-09-30".parse().unwrap()),
            }),
            Event::Paused(Paused { because: "an audit".into(), until: None }),
            Event::PauseEnded(PauseEnded {}),
            Event::Held(HeldQuestion {
                number: 1,
                table,
                revision: 0,
                commitment: [2; 32],
                mou: Sha256::from([1; 32]),
                margin: Margin::new(10).unwrap(),
                price_nano_rho: 5,
                approvals: 2,
                peer: "sumac://chamber/analyst/mira".into(),
                purpose: "annual-report".into(),
                kpi: "completers".into(),
                period: "2025-26".into(),
                breakdown: vec!["sex".into()],
            }),
            Event::Approved(Approved { number: 1, peer: "sumac://cc/steward/ana".into() }),
            Event::Rejected(Rejected {
                number: 1,
                peer: "sumac://cc/steward/ana".into(),
                because: "no".into(),
            }),
            Event::Exported(Exported { party: "chamber".into(), mou: Sha256::from([1; 32]) }),
        ];
        for event in events {
            let record = record(event);
            assert_eq!(Record::decode(&record.encode()).unwrap(), record);
        }
    }

    #[test]
    fn refuses_another_spelling_of_the_same_record() {
        let text =
            String::from_utf8(record(asked("a", Some(TableKey::from(TABLE)))).encode()).unwrap();
        let respelled = [
            text.replace("\"seq\":3", "\"seq\": 3"),
            text.replace("abab", "ABAB"),
            text.replace("30:00.25Z", "30:00.250Z"),
            text.replace("chamber", "ch\\u0061mber"),
            format!("{text} "),
        ];
        for other in respelled {
            assert_ne!(other, text);
            assert_eq!(Record::decode(other.as_bytes()), Err(RecordError::NotCanonical), "{other}");
        }
    }

    #[test]
    fn refuses_what_this_version_does_not_know() {
        let text = String::from_utf8(record(asked("a", None)).encode()).unwrap();
        for other in [
            text.replace("\"asked\"", "\"paused\""),
            text.replace("\"seq\":3", "\"seq\":3,\"head\":1"),
            text.replace("\"kpi\"", "\"measure\""),
            text.replace("abab", "ab"),
            String::new(),
        ] {
            let refused = Record::decode(other.as_bytes());
            assert!(matches!(refused, Err(RecordError::Malformed(_))), "{other}");
        }
    }

    proptest! {
        #[test]
        fn any_text_survives_the_round_trip(purpose in ".*", seq: u64, salt: [u8; 32]) {
            let record = Record { seq, salt, ..record(asked(&purpose, None)) };
            prop_assert_eq!(Record::decode(&record.encode()).unwrap(), record);
        }
    }
}
