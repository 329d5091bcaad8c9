//! What it means when the end of a log does not verify: an unfinished write, or damage.
//!
//! Only an unfinished write may be cut off, for nothing in it was ever acknowledged. So damage is the
//! verdict wherever the bytes leave a doubt.

use super::frame;

/// The most that one batch can hold, and so the most that an unfinished write can leave behind: a record for
/// each request, the signer's certificates, and the head.
pub(super) const MAX_BATCH_BYTES: u64 =
    (MAX_BATCH as u64 + 2) * (frame::FRAME_BYTES + frame::MAX_RECORD as u64);

/// Requests written with one sync: as many as wait when the disk is busy, within what memory may hold.
pub(super) const MAX_BATCH: usize = 64;

/// What an end that does not verify is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tail {
    Unfinished,
    Damaged,
}

/// Judges `rest`, all that the log holds from `offset` on, whose first frame does not verify. `batch` is where
/// its batch begins, if something says that all acknowledged batches lie below.
pub(super) fn judge(rest: &[u8], offset: u64, batch: Option<u64>) -> Tail {
    let unfinished = if let Some(batch) = batch {
        // Parts of one batch may reach the disk in any order. A later batch exists only if this one was synced.
        !frame::later_frame(rest, offset, batch)
    } else {
        // Nothing says what was acknowledged: only what no damage to a finished write looks like.
        let cut_short = frame::incomplete(rest, offset)
            && !frame::whole_but_for_its_length(rest)
            && !frame::later_frame(rest, offset, 0);
        cut_short || rest.iter().all(|byte| *byte == 0)
    };
    if unfinished { Tail::Unfinished } else { Tail::Damaged }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::indexing_slicing, reason = "a test may panic")]
    use super::*;
    use crate::store::frame::{HEADER_BYTES, encode};

    /// What lies before a payload.
    const HEAD: usize = 16;

    fn check(rest: &[u8], with_index: Tail, without: Tail) {
        assert_eq!(judge(rest, HEADER_BYTES, Some(HEADER_BYTES)), with_index, "with an index");
        assert_eq!(judge(rest, HEADER_BYTES, None), without, "without an index");
    }

    fn batch(payloads: [&[u8]; 2]) -> Vec<u8> {
        let mut bytes = Vec::new();
        payloads.iter().for_each(|payload| {
            encode(payload, HEADER_BYTES, &mut bytes);
        });
        bytes
    }

    #[test]
    fn a_write_cut_short_is_unfinished() {
        let bytes = batch([b"first", b"second"]);
        for length in 1..HEAD + 5 {
            check(&bytes[..length], Tail::Unfinished, Tail::Unfinished);
        }
    }

    #[test]
    fn room_that_was_never_filled_is_unfinished() {
        check(&[0; 100], Tail::Unfinished, Tail::Unfinished);
    }

    #[test]
    fn half_a_batch_that_reached_the_disk_out_of_order_is_unfinished_only_to_an_index() {
        let mut bytes = batch([b"first", b"second"]);
        bytes[..HEAD + 5].fill(0);
        check(&bytes, Tail::Unfinished, Tail::Damaged);
    }

    #[test]
    fn a_bad_frame_before_a_later_batch_is_damage() {
        let mut bytes = Vec::new();
        encode(b"first", HEADER_BYTES, &mut bytes);
        encode(b"second", HEADER_BYTES + bytes.len() as u64, &mut bytes);
        for bit in 0..(HEAD + 5) * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            check(&flipped, Tail::Damaged, Tail::Damaged);
        }
    }

    #[test]
    fn a_flipped_bit_in_the_last_frame_is_damage_without_an_index() {
        let mut bytes = Vec::new();
        encode(b"the last record", HEADER_BYTES, &mut bytes);
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(judge(&flipped, HEADER_BYTES, None), Tail::Damaged, "bit {bit}");
        }
    }
}
