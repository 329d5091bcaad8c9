//! The world as an argument: what time it is, and where chance comes from.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use sumac_keys::Clock;
use zeroize::Zeroizing;

/// Where 32 random bytes come from: the operating system in production, a fixed sequence in tests.
pub type Chance = Arc<dyn Fn() -> Zeroizing<[u8; 32]> + Send + Sync>;

/// Time and chance, handed in by whoever starts a node.
#[derive(Clone)]
pub struct World {
    clock: Clock,
    chance: Chance,
}

impl World {
    /// A world with this clock and this chance.
    pub fn new(clock: Clock, chance: Chance) -> Self {
        Self { clock, chance }
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// The clock itself, for TLS.
    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// 32 fresh random bytes.
    pub(crate) fn random(&self) -> Zeroizing<[u8; 32]> {
        (self.chance)()
    }

    /// The chance itself.
    pub fn chance(&self) -> Chance {
        self.chance.clone()
    }
}

/// The day in UTC on which an instant falls. Every date of an agreement is judged in UTC.
pub fn day_of(now: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(now).date()
}
