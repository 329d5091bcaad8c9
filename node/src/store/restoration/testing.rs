//! Small records of a restore, for tests.

use jiff::Timestamp;
use sumac_policy::{Margin, Sha256, TableKey};

use super::{
    Heard, LostCharge, LostTable, LostYear, Recovered, RecoveredDerived, Restored, Resumed, Stopped,
};

fn table(number: u8) -> TableKey {
    TableKey::from([number; 32])
}

fn margin() -> Margin {
    Margin::new(10).expect("ten learners are a margin")
}

fn day(text: &str) -> jiff::civil::Date {
    text.parse().expect("a day")
}

pub(in crate::store) fn stopped() -> Stopped {
    let root = Sha256::from([9; 32]);
    Stopped { peer: "sumac://chamber/analyst/mira".into(), size: 9, root }
}

/// A backup of so many records that charge this.
pub(in crate::store) fn restored(size: u64, spent_nano_rho: u64, awaited: &[&str]) -> Restored {
    let (root, backed_up) = (Sha256::from([3; 32]), Timestamp::UNIX_EPOCH);
    let awaited = awaited.iter().map(|party| (*party).to_owned()).collect();
    Restored { size, root, backed_up, spent_nano_rho, forked: false, awaited }
}

pub(in crate::store) fn charge(price_nano_rho: u64) -> LostCharge {
    LostCharge {
        year: "2026".into(),
        year_first: day("2026-01-01"),
        year_last: day("2026-12-31"),
        margin: margin(),
        price_nano_rho,
        left_nano_rho: 0,
        mou: Sha256::from([0; 32]),
        kpi: "k".into(),
        period: "p".into(),
        breakdown: Vec::new(),
    }
}

/// A release of a calendar year's table, at ten learners.
pub(in crate::store) fn recovered(number: u8, revision: u32, price_nano_rho: u64) -> Recovered {
    Recovered {
        table: table(number),
        revision,
        commitment: Sha256::from([3; 32]),
        position: 8,
        peer: "sumac://chamber/analyst/mira".into(),
        made: jiff::Timestamp::UNIX_EPOCH,
        charge: charge(price_nano_rho),
    }
}

pub(in crate::store) fn recovered_derived(number: u8, revision: u32, from: u8) -> RecoveredDerived {
    RecoveredDerived {
        table: table(number),
        revision,
        from: table(from),
        from_revision: 0,
        commitment: Sha256::from([4; 32]),
        position: 9,
        peer: "sumac://chamber/analyst/mira".into(),
        made: jiff::Timestamp::UNIX_EPOCH,
    }
}

pub(in crate::store) fn heard(party: &str, size: u64, spent_nano_rho: u64) -> Heard {
    let peer = format!("sumac://{party}/analyst/mira");
    Heard { party: party.into(), peer, size, spent_nano_rho }
}

/// A resumption that counts this in 2026 and gives these tables up.
pub(in crate::store) fn resumed(lost_nano_rho: u64, tables: &[(u8, u32)]) -> Resumed {
    let lost = |(number, revision): &(u8, u32)| LostTable {
        table: table(*number),
        revision: *revision,
        margin: margin(),
        kpi: "k".into(),
        period: "p".into(),
        breakdown: Vec::new(),
    };
    let year = LostYear {
        year: "2026".into(),
        year_first: day("2026-01-01"),
        year_last: day("2026-12-31"),
    };
    Resumed {
        without: Vec::new(),
        because: String::new(),
        lost_nano_rho,
        years: vec![year],
        tables: tables.iter().map(lost).collect(),
    }
}
