//! The real world: this machine's clock and the operating system's randomness. Nothing else reads them.

use std::sync::Arc;

use jiff::Timestamp;
use rand::TryRng;
use rand::rngs::SysRng;
use sumac_keys::Clock;
use sumac_node::{Chance, World};
use zeroize::Zeroizing;

/// This machine's clock.
#[expect(clippy::disallowed_methods, reason = "here the clock is read, for every verb")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// This machine's clock, for whoever keeps asking.
pub(crate) fn clock() -> Clock {
    Arc::new(now)
}

/// 32 bytes of the operating system's randomness.
pub(crate) fn random() -> Zeroizing<[u8; 32]> {
    let mut bytes = Zeroizing::new([0; 32]);
    // Without randomness there is no noise, and a node must not answer: a panic here stops the task.
    SysRng.try_fill_bytes(bytes.as_mut()).expect("the operating system gives random bytes");
    bytes
}

fn chance() -> Chance {
    Arc::new(random)
}

/// Clock and randomness of this machine.
pub(crate) fn world() -> World {
    World::new(clock(), chance())
}

/// A secret in this process's environment, where there is one. Wiped when dropped; the environment itself keeps it.
pub(crate) fn secret_variable(name: &str) -> Option<Zeroizing<Vec<u8>>> {
    use std::os::unix::ffi::OsStringExt;
    let found = std::env::var_os(name).map(|value| Zeroizing::new(value.into_vec()));
    found.filter(|value| !value.is_empty())
}
