//! What was made of a column's texts so far. Codes, dates and terms repeat: a text is read once and looked up
//! from then on.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::super::source::digest;

/// Texts remembered for each column; one with more values is not made of codes.
const MAX_REMEMBERED: usize = 1 << 16;

/// Places for short texts met lately: enough for a code list and a few terms, and small enough to stay near
/// the processor for every column at once.
const PLACES: usize = 256;

/// The longest text with a place of its own.
const SHORT: usize = 16;

/// What texts were found to be.
pub(super) struct Memo<T> {
    lately: Vec<Option<(Short, T)>>,
    all: HashMap<Box<[u8]>, T, BuildHasherDefault<Digest>>,
}

/// A short text with its length.
type Short = (u128, usize);

impl<T: Copy> Memo<T> {
    pub(super) fn new() -> Self {
        Self { lately: vec![None; PLACES], all: HashMap::default() }
    }

    /// What a text was found to be, if it was met before.
    pub(super) fn known(&mut self, text: &[u8]) -> Option<T> {
        let Some((short, place)) = short(text) else { return self.all.get(text).copied() };
        if let Some(Some((known, found))) = self.lately.get(place)
            && *known == short
        {
            return Some(*found);
        }
        let found = self.all.get(text).copied()?;
        if let Some(lately) = self.lately.get_mut(place) {
            *lately = Some((short, found));
        }
        Some(found)
    }

    pub(super) fn remember(&mut self, text: &[u8], found: T) {
        if self.all.len() < MAX_REMEMBERED {
            self.all.insert(text.into(), found);
        }
    }
}

/// A short text as a number, and its place.
fn short(text: &[u8]) -> Option<(Short, usize)> {
    let mut bytes = [0; SHORT];
    bytes.get_mut(..text.len())?.copy_from_slice(text);
    let number = u128::from_le_bytes(bytes);
    let [low, high] = [number & u128::from(u64::MAX), number >> 64];
    let folded = u64::try_from(low ^ high).unwrap_or(0) ^ text.len() as u64;
    let place = folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56;
    Some(((number, text.len()), usize::try_from(place).unwrap_or(0)))
}

/// The hasher of [`digest`]: these maps hold one party's own words.
#[derive(Default)]
struct Digest(u64);

impl Hasher for Digest {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = digest(self.0, bytes);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_every_text_again_however_many_share_a_place() {
        let mut memo = Memo::new();
        let texts: Vec<_> =
            (0..5_000).map(|n: u32| format!("{n:0width$}", width = 1 + n as usize % 20)).collect();
        let distinct: std::collections::BTreeMap<_, _> = texts.iter().zip(0..).collect();
        for (text, n) in &distinct {
            memo.remember(text.as_bytes(), *n);
        }
        for _ in 0..2 {
            for (text, n) in &distinct {
                assert_eq!(memo.known(text.as_bytes()), Some(*n), "{text}");
            }
        }
        assert_eq!(memo.known(b"another"), None);
        assert_eq!(memo.known(b"\0"), None, "a text is not another one cut short");
    }
}
