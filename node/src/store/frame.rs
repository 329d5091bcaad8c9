//! How a record lies in the log.
//!
//! ```text
//! file    "SUMACLOG" | format version, u32 | 0, u32            16 bytes, then frames to the end
//! frame   length of payload, u32 | crc32c, u32 | synced, u64 | payload
//! ```
//!
//! Integers are little-endian. The checksum covers length, `synced` and payload. `synced` is the length of
//! the log when this frame's batch began: the batch before was on disk by then, so a valid frame vouches
//! for every byte below its `synced`. That is how an unfinished write is told from damage.

use std::io::{self, Read};

/// Bytes before the first frame.
pub(super) const HEADER_BYTES: u64 = 16;

/// The version of the format that this software writes, and the newest that it reads.
pub(super) const FORMAT_VERSION: u32 = 1;

/// Bytes before a payload.
pub(super) const FRAME_BYTES: u64 = 16;

/// Any record fits, and a longer one is a mistake. Also what makes a frame recognisable: a length below it has a zero byte, which canonical JSON never holds.
pub(super) const MAX_RECORD: usize = 1 << 20;

const MAGIC: [u8; 8] = *b"SUMACLOG";

/// Why a file's first bytes are not a log's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HeaderError {
    NotALog,
    NewerFormat(u32),
}

/// A frame that verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) offset: u64,
    pub(super) next: u64,
    pub(super) crc: u32,
    pub(super) synced: u64,
    pub(super) payload: Vec<u8>,
}

/// What comes next in a log.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    Frame(Frame),
    End,
    /// What is here is no whole, valid frame.
    Bad {
        offset: u64,
    },
}

/// Reads frames one after the other, and stops at the first that does not verify.
#[derive(Debug)]
pub(super) struct Frames<R> {
    input: R,
    offset: u64,
    end: u64,
}

/// The first bytes of a log.
pub(super) fn header() -> [u8; 16] {
    let [a, b, c, d] = FORMAT_VERSION.to_le_bytes();
    let [s, u, m, ac, l, o, g, end] = MAGIC;
    [s, u, m, ac, l, o, g, end, a, b, c, d, 0, 0, 0, 0]
}

/// Checks the first bytes of a log.
pub(super) fn check_header(bytes: &[u8]) -> Result<(), HeaderError> {
    let rest = bytes.strip_prefix(&MAGIC).ok_or(HeaderError::NotALog)?;
    let (version, rest) = rest.split_first_chunk().ok_or(HeaderError::NotALog)?;
    match u32::from_le_bytes(*version) {
        FORMAT_VERSION if rest == [0; 4] => Ok(()),
        newer if newer > FORMAT_VERSION => Err(HeaderError::NewerFormat(newer)),
        _ => Err(HeaderError::NotALog),
    }
}

/// Appends a frame to `batch`, and returns its checksum. The payload is at most [`MAX_RECORD`] bytes.
pub(super) fn encode(payload: &[u8], synced: u64, batch: &mut Vec<u8>) -> u32 {
    debug_assert!(!payload.is_empty() && payload.len() <= MAX_RECORD);
    let length = u32::try_from(payload.len()).expect("the writer checks the length");
    let crc = checksum(length, synced, payload);
    batch.extend_from_slice(&length.to_le_bytes());
    batch.extend_from_slice(&crc.to_le_bytes());
    batch.extend_from_slice(&synced.to_le_bytes());
    batch.extend_from_slice(payload);
    crc
}

impl<R: Read> Frames<R> {
    /// Reads from `input`, which stands at `offset` of a log that is `end` bytes long.
    pub(super) fn new(input: R, offset: u64, end: u64) -> Self {
        Self { input, offset, end }
    }

    /// The next frame.
    pub(super) fn step(&mut self) -> io::Result<Step> {
        let offset = self.offset;
        if offset == self.end {
            return Ok(Step::End);
        }
        let room = self.end.saturating_sub(offset);
        if room < FRAME_BYTES {
            return Ok(Step::Bad { offset });
        }
        let mut head = [0; 16];
        self.input.read_exact(&mut head)?;
        let head = Head::read(&head);
        if !head.plausible(offset) || FRAME_BYTES + u64::from(head.length) > room {
            return Ok(Step::Bad { offset });
        }
        let length = usize::try_from(head.length).expect("a length under MAX_RECORD");
        let mut payload = vec![0; length];
        self.input.read_exact(&mut payload)?;
        if checksum(head.length, head.synced, &payload) != head.crc {
            return Ok(Step::Bad { offset });
        }
        let next = offset + FRAME_BYTES + u64::from(head.length);
        self.offset = next;
        let Head { crc, synced, .. } = head;
        Ok(Step::Frame(Frame { offset, next, crc, synced, payload }))
    }
}

/// Whether `bytes`, which lie at `offset`, hold a valid frame anywhere after their first byte whose `synced`
/// is above `above`.
pub(super) fn later_frame(bytes: &[u8], offset: u64, above: u64) -> bool {
    (1..bytes.len()).zip(offset + 1..).any(|(start, at)| {
        let Some((head, rest)) = bytes.get(start..).and_then(<[u8]>::split_first_chunk) else {
            return false;
        };
        let head = Head::read(head);
        let payload = usize::try_from(head.length).ok().and_then(|length| rest.get(..length));
        head.plausible(at)
            && head.synced > above
            && payload
                .is_some_and(|payload| checksum(head.length, head.synced, payload) == head.crc)
    })
}

/// Whether `bytes`, a frame that runs past the end of the log, verify once their length is put right: then
/// it was the length that was damaged.
pub(super) fn whole_but_for_its_length(bytes: &[u8]) -> bool {
    let Some((head, payload)) = bytes.split_first_chunk() else { return false };
    let head = Head::read(head);
    u32::try_from(payload.len())
        .is_ok_and(|length| checksum(length, head.synced, payload) == head.crc)
}

/// Whether the frame that `bytes` begin with says that it runs past their end.
pub(super) fn incomplete(bytes: &[u8], offset: u64) -> bool {
    let Some((head, payload)) = bytes.split_first_chunk() else { return true };
    let head = Head::read(head);
    head.plausible(offset)
        && usize::try_from(head.length).is_ok_and(|length| length > payload.len())
}

struct Head {
    length: u32,
    crc: u32,
    synced: u64,
}

impl Head {
    fn read(bytes: &[u8; 16]) -> Self {
        let [a, b, c, d, e, f, g, h, synced @ ..] = *bytes;
        Self {
            length: u32::from_le_bytes([a, b, c, d]),
            crc: u32::from_le_bytes([e, f, g, h]),
            synced: u64::from_le_bytes(synced),
        }
    }

    fn plausible(&self, offset: u64) -> bool {
        let fits = usize::try_from(self.length).is_ok_and(|length| length <= MAX_RECORD);
        self.length > 0 && fits && (HEADER_BYTES..=offset).contains(&self.synced)
    }
}

fn checksum(length: u32, synced: u64, payload: &[u8]) -> u32 {
    let crc = crc32c::crc32c(&length.to_le_bytes());
    let crc = crc32c::crc32c_append(crc, &synced.to_le_bytes());
    crc32c::crc32c_append(crc, payload)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
    use super::*;

    /// The length of the first frame of `two()`.
    const FIRST: usize = 16 + 5;

    fn read(bytes: &[u8]) -> (Vec<Vec<u8>>, Step) {
        let end = HEADER_BYTES + bytes.len() as u64;
        let mut frames = Frames::new(bytes, HEADER_BYTES, end);
        let mut payloads = Vec::new();
        loop {
            match frames.step().unwrap() {
                Step::Frame(frame) => payloads.push(frame.payload),
                stop => return (payloads, stop),
            }
        }
    }

    fn two() -> Vec<u8> {
        let mut bytes = Vec::new();
        encode(b"first", HEADER_BYTES, &mut bytes);
        encode(b"second", HEADER_BYTES + bytes.len() as u64, &mut bytes);
        bytes
    }

    #[test]
    fn reads_back_what_was_written() {
        assert_eq!(read(&two()), (vec![b"first".to_vec(), b"second".to_vec()], Step::End));
    }

    #[test]
    fn no_flipped_bit_verifies() {
        let bytes = two();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(read(&flipped), (_, Step::Bad { .. })), "bit {bit}");
        }
    }

    #[test]
    fn no_part_of_a_frame_verifies() {
        let bytes = two();
        for length in 1..bytes.len() {
            let (payloads, stop) = read(&bytes[..length]);
            let whole = length == FIRST;
            assert_eq!(stop == Step::End, whole, "{length} bytes");
            assert_eq!(payloads.len(), usize::from(length >= FIRST));
        }
    }

    #[test]
    fn tells_a_newer_format_from_another_file() {
        assert_eq!(check_header(&header()), Ok(()));
        let mut newer = header();
        newer[8] = 2;
        assert_eq!(check_header(&newer), Err(HeaderError::NewerFormat(2)));
        for (position, byte) in [(0, b'X'), (8, 0), (12, 1)] {
            let mut other = header();
            other[position] = byte;
            assert_eq!(check_header(&other), Err(HeaderError::NotALog), "byte {position}");
        }
        assert_eq!(check_header(b""), Err(HeaderError::NotALog));
    }
}
