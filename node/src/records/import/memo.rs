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
    /// What has to be known again, even of a column that is not made of codes.
    matters: fn(&T) -> bool,
    /// Whether there were too many.
    full: bool,
    lately: Vec<Option<(Short, T)>>,
    short: HashMap<Short, T, BuildHasherDefault<Digest>>,
    long: HashMap<Box<[u8]>, T, BuildHasherDefault<Digest>>,
}

/// A short text: two words that cover it, and its length.
type Short = ([u64; 2], usize);

impl<T: Copy> Memo<T> {
    pub(super) fn new(matters: fn(&T) -> bool) -> Self {
        let (short, long) = (HashMap::default(), HashMap::default());
        Self { matters, full: false, lately: vec![None; PLACES], short, long }
    }

    /// What a text was found to be, if it was met before.
    pub(super) fn known(&mut self, text: &[u8]) -> Option<T> {
        let Some(short) = short(text) else { return self.long.get(text).copied() };
        let lately = self.lately.get_mut(place(short))?;
        if let Some((known, found)) = lately
            && *known == short
        {
            return Some(*found);
        }
        let found = self.short.get(&short).copied()?;
        *lately = Some((short, found));
        Some(found)
    }

    pub(super) fn remember(&mut self, text: &[u8], found: T) {
        let remembered = self.short.len() + self.long.len();
        if remembered >= MAX_REMEMBERED && !self.full {
            // Looking them up would take longer than reading them.
            let matters = self.matters;
            self.short.retain(|_, found| matters(found));
            self.long.retain(|_, found| matters(found));
            self.full = true;
        }
        if self.full && (remembered >= MAX_REMEMBERED || !(self.matters)(&found)) {
            return;
        }
        match short(text) {
            Some(short) => self.short.insert(short, found),
            None => self.long.insert(text.into(), found),
        };
    }
}

/// A text of at most two words, which overlap where it is shorter. With the length they say what it is.
fn short(text: &[u8]) -> Option<Short> {
    if text.len() > SHORT {
        return None;
    }
    let words = if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        [u64::from_le_bytes(*first), u64::from_le_bytes(*last)]
    } else if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        [u32::from_le_bytes(*first).into(), u32::from_le_bytes(*last).into()]
    } else {
        let bytes = text.iter().fold(0, |bytes, byte| bytes << 8 | u64::from(*byte));
        [bytes, 0]
    };
    Some((words, text.len()))
}

fn place(([low, high], length): Short) -> usize {
    let folded = low ^ high.rotate_left(32) ^ length as u64;
    let place = folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56;
    usize::try_from(place).unwrap_or(0)
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
    fn of_too_many_texts_knows_those_that_matter() {
        let mut memo = Memo::new(|n: &usize| n.is_multiple_of(1_000));
        let texts: Vec<_> = (0..2 * MAX_REMEMBERED).map(|n| format!("{n}")).collect();
        for (n, text) in texts.iter().enumerate() {
            memo.remember(text.as_bytes(), n);
        }
        let known = texts.iter().filter(|text| memo.known(text.as_bytes()).is_some());
        assert_eq!(known.count(), (2 * MAX_REMEMBERED).div_ceil(1_000));
        assert_eq!(memo.known(b"131000"), Some(131_000));
        assert_eq!(memo.known(b"131001"), None);
    }

    #[test]
    fn knows_every_text_again_however_many_share_a_place() {
        let mut memo = Memo::new(|_| true);
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
        let lengths = (0..40).map(|length| "ab".repeat(20).split_at(length).0.to_owned());
        for text in lengths {
            assert_eq!(memo.known(text.as_bytes()), None, "{text}");
            memo.remember(text.as_bytes(), text.len());
            assert_eq!(memo.known(text.as_bytes()), Some(text.len()), "{text}");
        }
        assert_eq!(memo.known(b"another"), None);
        assert_eq!(memo.known(b"\0"), None, "a text is not another one cut short");
    }
}
