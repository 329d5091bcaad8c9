//! A small coalition with real roots, certificates and seals, for this crate's tests.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::{Arc, LazyLock};

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use jiff::Timestamp;
use sumac_keys::{Clock, Root, TlsIdentity, Trust, seal};
use sumac_policy::{
    Breakdown, Mou, PartyId, PeerRole, Resolved, Sha256, Table, TableKey, standard,
};
use sumac_protocol::{
    Consistency, Inclusion, LogHead, Mechanism, RecordedRelease, Release, ReleaseFacts, SignedHead,
    SignedRelease, Withheld, release_commitment,
};

use crate::absence::Absence;
use crate::ask::Answers;
use crate::combine::{Combined, combine};
use crate::verify::{Verified, verify};

/// The day of every test.
pub(crate) static NOON: LazyLock<Timestamp> =
    LazyLock::new(|| "2026-11-24T12:00:00Z".parse().unwrap());

const PARTIES: [(&str, &str); 6] = [
    ("lakeshore-cc", "college"),
    ("harbor-tech", "college"),
    ("northside-health", "employer"),
    ("county-transit", "employer"),
    ("bay-fabrication", "employer"),
    ("chamber", "backbone"),
];

/// Making roots takes a moment; every test may share them.
static MEMBERS: LazyLock<Vec<(Root, TlsIdentity)>> = LazyLock::new(|| {
    PARTIES
        .iter()
        .map(|(party, kind)| {
            let root = Root::create(&party.parse().unwrap(), party, *NOON).unwrap();
            let role = if *kind == "backbone" { PeerRole::Analyst } else { PeerRole::Node };
            let issued = root.issue(role, "main", *NOON).unwrap();
            let identity =
                TlsIdentity::read(issued.certificate_pem.as_bytes(), issued.key_pem.as_bytes());
            (root, identity.unwrap())
        })
        .collect()
});

/// Two colleges, three employers and a backbone, under one MOU with a floor of 10 and a margin of ±10.
pub(crate) struct Coalition {
    pub(crate) mou: Arc<Mou>,
    pub(crate) trust: Arc<Trust>,
}

impl Coalition {
    /// A coalition whose floor is judged at `floor_at`.
    pub(crate) fn new(floor_at: &str) -> Self {
        Self::at(floor_at, |party| format!("{party}.example:7443"))
    }

    /// The same, with these addresses in the MOU.
    pub(crate) fn at(floor_at: &str, address: impl Fn(&str) -> String) -> Self {
        let text = mou_text(floor_at, address);
        let mou = Mou::read(text.as_bytes()).unwrap_or_else(|problems| unreachable!("{problems}"));
        let entry =
            |root: &Root| (root.party().clone(), root.fingerprint(), root.certificate_pem());
        let trust = Trust::new(MEMBERS.iter().map(|(root, _)| entry(root))).unwrap();
        Self { mou: Arc::new(mou), trust: Arc::new(trust) }
    }

    /// A table of 2025-26.
    pub(crate) fn table(&self, kpi: &str, by: &[&str]) -> Table {
        let by = Breakdown::by(by.iter().map(|dimension| dimension.parse().unwrap()));
        let (kpi, period) = (kpi.parse().unwrap(), "2025-26".parse().unwrap());
        Resolved::of(&self.mou, &kpi, period, &by).unwrap().table().clone()
    }

    /// What a party's node would state.
    pub(crate) fn facts(&self, table: &Table, party: &str, cells: Vec<i64>) -> ReleaseFacts {
        let kpi = table.kpi();
        ReleaseFacts {
            party: party.parse().unwrap(),
            mou: self.mou.hash(),
            table: table.key(),
            definition: table.definition_hash(),
            revision: 0,
            kpi: kpi.id.clone(),
            period: table.period(),
            breakdown: table.breakdown().clone(),
            outcomes: kpi.definition.outcomes.iter().map(|outcome| outcome.id.clone()).collect(),
            cells,
            margin: kpi.margin,
            mechanism: Mechanism::DiscreteGaussian,
            price_nano_rho: 19_208_000,
            snapshot_commitment: [4; 32],
            measured_at: *NOON,
            accounting_year: "2026-27".parse().unwrap(),
            withheld: None,
            left_nano_rho: Some(4_980_792_000),
            derived_from: None,
        }
    }

    /// A sound release of a party's node.
    pub(crate) fn verified(&self, table: &Table, party: &str, cells: Vec<i64>) -> Verified {
        self.check(table, party, sealed(party, self.facts(table, party, cells))).unwrap()
    }

    /// A sound release of a node that withheld these groups by its own floor of 10.
    pub(crate) fn withholding(
        &self,
        table: &Table,
        party: &str,
        cells: Vec<i64>,
        groups: &[u32],
    ) -> Verified {
        let withheld = Some(Withheld { below: 10, groups: groups.to_vec() });
        let facts = ReleaseFacts { withheld, ..self.facts(table, party, cells) };
        self.check(table, party, sealed(party, facts)).unwrap()
    }

    pub(crate) fn check(
        &self,
        table: &Table,
        party: &str,
        signed: SignedRelease,
    ) -> Result<Verified, crate::Unsound> {
        let known = [self.mou.hash(), Sha256::of(b"older")];
        let names = |mou| known.contains(&mou).then_some((&*self.mou, &*self.trust));
        verify(&self.mou, names, table, &party.parse().unwrap(), signed)
    }

    /// One outcome of each party that answers, in the MOU's order.
    pub(crate) fn combined(
        &self,
        table: &Table,
        outcomes: impl IntoIterator<Item = Result<Verified, Absence>>,
    ) -> Combined {
        let parties = self.mou.answering(table.kpi()).map(|party| party.id.clone());
        let from: Vec<(PartyId, _)> = parties.zip(outcomes).collect();
        combine(&self.mou, Answers { table: table.clone(), from })
    }
}

/// Facts, encoded and sealed by a party's node.
pub(crate) fn sealed(by: &str, facts: ReleaseFacts) -> SignedRelease {
    let body = Release::new(facts).unwrap().encode();
    let seal = seal::seal(identity(by), &body).unwrap();
    SignedRelease { body, signature: seal.signature, chain: seal.chain }
}

/// A log of these releases, each of a listed table's `(key, revision)`: its head as `by` seals it, and each release's
/// record. `salt` tells two histories apart.
pub(crate) fn logged(
    by: &str,
    releases: &[(TableKey, u32, SignedRelease)],
    salt: u8,
) -> (SignedHead, Vec<RecordedRelease>) {
    let mut tree = MemoryBackedTree::<sha2::Sha256, Vec<u8>>::new();
    let mut records = Vec::new();
    for (seq, (table, revision, release)) in releases.iter().enumerate() {
        let commitment = release_commitment(&[salt; 32], &release.to_bytes());
        let salt = hex::encode([salt; 32]);
        let record = format!(
            r#"{{"seq":{seq},"at":"{}","salt":"{salt}","event":{{"released":{{"table":"{table}","revision":{revision},"commitment":"{commitment}"}}}}}}"#,
            *NOON
        );
        tree.push(record.clone().into_bytes());
        records.push(record.into_bytes());
    }
    let root = <[u8; 32]>::from(*tree.root().as_bytes());
    let head = LogHead { size: tree.len(), root: root.into(), at: *NOON, spent_nano_rho: 0 };
    let seal = seal::seal_head(identity(by), &head.canonical_bytes()).unwrap();
    let recorded = records.into_iter().enumerate().map(|(place, record)| {
        let path = hashes(tree.prove_inclusion(place).as_bytes());
        RecordedRelease { record, inclusion: Inclusion { seq: place.try_into().unwrap(), path } }
    });
    let recorded = recorded.collect();
    (SignedHead { head, signature: seal.signature, chain: seal.chain }, recorded)
}

/// The proof that a log of these releases continues the one of the first `from` of them.
pub(crate) fn continuing(
    releases: &[(TableKey, u32, SignedRelease)],
    salt: u8,
    from: usize,
) -> Consistency {
    let mut tree = MemoryBackedTree::<sha2::Sha256, Vec<u8>>::new();
    for recorded in logged("lakeshore-cc", releases, salt).1 {
        tree.push(recorded.record);
    }
    let path = hashes(tree.prove_consistency(releases.len() - from).as_bytes());
    Consistency { from_size: from.try_into().unwrap(), path }
}

fn hashes(bytes: &[u8]) -> Vec<[u8; 32]> {
    bytes.chunks(32).map(|hash| hash.try_into().unwrap()).collect()
}

/// A party's certificate and key: a node's, or the backbone's analyst's.
pub(crate) fn identity(party: &str) -> &'static TlsIdentity {
    let member = MEMBERS.iter().find(|(root, _)| root.party().as_str() == party);
    &member.unwrap().1
}

/// It is always noon.
pub(crate) fn clock() -> Clock {
    Arc::new(|| *NOON)
}

fn mou_text(floor_at: &str, address: impl Fn(&str) -> String) -> String {
    let mut text = format!(
        r#"
format    = "sumac-mou/1"
id        = "lakeshore"
title     = "Lakeshore"
version   = 1
catalogue = "{}"
effective = 2026-07-15
expires   = 2028-06-30

[agreement]
purposes   = ["annual-report"]
legal      = []
prohibited = []

[calendar]
year_starts  = "07-01"
first_period = "2025-26"
wait_days    = 21

[roles]
backbone = {{ party = "chamber", may = ["ask", "read"] }}

[privacy]
budget      = {{ rho = 5.0 }}
floor       = 10
floor_at    = "{floor_at}"
min_parties = {{ employer = 3 }}

[[kpi]]
id          = "completers"
uses        = "ipeds/completers"
answered_by = ["college"]
by          = [[], ["sex"]]
period      = "year"
margin      = 10

[[kpi]]
id          = "attainment"
uses        = "wioa/credential_attainment"
answered_by = ["college"]
by          = [[], ["sex"], ["sex", "age_band"]]
period      = "year"
margin      = 10

[[kpi]]
id          = "hires"
uses        = "coalition/hires_of_completers"
answered_by = ["employer"]
by          = [[]]
period      = "year"
margin      = 10
"#,
        standard().hash
    );
    for (root, (party, kind)) in MEMBERS.iter().map(|(root, _)| root).zip(PARTIES) {
        let fingerprint = root.fingerprint();
        let address = match kind {
            "backbone" => String::new(),
            _ => format!("address = \"{}\"", address(party)),
        };
        text.push_str(&format!(
            "\n[[party]]\nid = \"{party}\"\nname = \"{party}\"\nkind = \"{kind}\"\nroot = \"{fingerprint}\"\n\
             contacts = [\"a@b.example\", \"c@d.example\"]\n{address}\n"
        ));
    }
    text
}
