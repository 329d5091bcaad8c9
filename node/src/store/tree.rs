//! The Merkle tree over the log's records, as RFC 6962 defines it.
//!
//! Kept in memory as hashes alone: each leaf's, and those of the full subtrees above them; 64 bytes for a
//! record. Which hashes make a proof is `ct-merkle`'s to say, as is whether a proof holds
//! (`sumac_protocol::Inclusion`).

use ct_merkle::{indices_for_consistency_proof, indices_for_inclusion_proof};
use sha2::Digest;
use sumac_policy::Sha256;
use sumac_protocol::{Consistency, Inclusion};

/// A node of the tree.
type Hash = [u8; 32];

/// The tree over a log's records.
///
/// Invariant: `levels[k]` has the root of every full subtree of 2^k leaves, from the left.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Tree {
    levels: Vec<Vec<Hash>>,
}

/// A record's leaf.
pub(super) fn leaf(payload: &[u8]) -> Hash {
    sha2::Sha256::new().chain_update([0]).chain_update(payload).finalize().into()
}

fn parent(left: &Hash, right: &Hash) -> Hash {
    sha2::Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

impl Tree {
    /// Leaves.
    pub(super) fn size(&self) -> u64 {
        self.levels.first().map_or(0, |leaves| leaves.len() as u64)
    }

    /// Adds a record's leaf.
    pub(super) fn push(&mut self, leaf: Hash) {
        let mut next = leaf;
        for level in 0.. {
            if self.levels.len() == level {
                self.levels.push(Vec::new());
            }
            let Some(nodes) = self.levels.get_mut(level) else { return };
            nodes.push(next);
            let (pairs, []) = nodes.as_chunks::<2>() else { return };
            let Some([left, right]) = pairs.last() else { return };
            next = parent(left, right);
        }
    }

    /// Takes the leaves from `size` on away.
    pub(super) fn truncate(&mut self, size: u64) {
        let mut whole = usize::try_from(size).unwrap_or(usize::MAX);
        for nodes in &mut self.levels {
            nodes.truncate(whole);
            whole /= 2;
        }
        self.levels.retain(|nodes| !nodes.is_empty());
    }

    /// The root over the first `size` leaves; the tree has that many.
    pub(super) fn root(&self, size: u64) -> Sha256 {
        if size == 0 {
            return Hash::from(sha2::Sha256::digest(b"")).into();
        }
        self.over(0, size).into()
    }

    /// Shows that the tree of all leaves has the one at `seq`; none if it has no such leaf.
    pub(super) fn inclusion(&self, seq: u64) -> Option<Inclusion> {
        let size = self.size();
        let needed = (seq < size).then(|| indices_for_inclusion_proof(size, seq))?;
        Some(Inclusion { seq, path: needed.into_iter().map(|node| self.node(node)).collect() })
    }

    /// Shows that the tree of all leaves begins with its first `from_size`; none if it has not so many.
    pub(super) fn consistency(&self, from_size: u64) -> Option<Consistency> {
        let added = self.size().checked_sub(from_size)?;
        let needed = match from_size {
            0 => Vec::new(),
            _ => indices_for_consistency_proof(from_size, added),
        };
        let path = needed.into_iter().map(|node| self.node(node)).collect();
        Some(Consistency { from_size, path })
    }

    /// A node by its number in an in-order walk of the tree, as `ct-merkle` counts: leaves are even, and a
    /// node's height is the number of ones that its number ends with.
    fn node(&self, number: u64) -> Hash {
        let height = number.trailing_ones();
        let first = (number >> height >> 1) << height;
        self.over(first, self.size().min(first + (1 << height)))
    }

    /// RFC 6962's tree hash over the leaves from `first` to below `end`, where `first` is a multiple of the
    /// full subtree that begins there. At least one leaf.
    fn over(&self, first: u64, end: u64) -> Hash {
        let size = end - first;
        let height = size.ilog2();
        let full = self.full(height, first);
        match size - (1 << height) {
            0 => full,
            _ => parent(&full, &self.over(first + (1 << height), end)),
        }
    }

    fn full(&self, height: u32, first: u64) -> Hash {
        let level = usize::try_from(height).ok().and_then(|level| self.levels.get(level));
        let node = usize::try_from(first >> height).ok();
        let node = level.zip(node).and_then(|(nodes, node)| nodes.get(node));
        *node.expect("the tree has the full subtrees of all its leaves")
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use ct_merkle::mem_backed_tree::MemoryBackedTree;
    use jiff::Timestamp;
    use sumac_protocol::LogHead;

    use super::*;

    fn record(n: u64) -> String {
        format!("record {n}")
    }

    fn tree(size: u64) -> Tree {
        let mut tree = Tree::default();
        (0..size).for_each(|n| tree.push(leaf(record(n).as_bytes())));
        tree
    }

    fn head(tree: &Tree) -> LogHead {
        let root = tree.root(tree.size());
        LogHead { size: tree.size(), root, at: Timestamp::UNIX_EPOCH, spent_nano_rho: 0 }
    }

    #[test]
    fn has_the_roots_of_the_kept_library() {
        let mut theirs = MemoryBackedTree::<sha2::Sha256, String>::new();
        for size in 0..70 {
            let root = Hash::from(*theirs.root().as_bytes());
            assert_eq!(tree(size).root(size), root.into(), "{size} leaves");
            assert_eq!(tree(69).root(size), root.into(), "the first {size} of 69");
            theirs.push(record(size));
        }
    }

    #[test]
    fn every_proof_holds_for_its_record_and_heads() {
        for size in 1..40 {
            let late = tree(size);
            for n in 0..size {
                let proof = late.inclusion(n).unwrap();
                proof.verify(record(n).as_bytes(), &head(&late)).unwrap();
                assert!(proof.verify(record(n + 1).as_bytes(), &head(&late)).is_err());
            }
            for from_size in 0..=size {
                let proof = late.consistency(from_size).unwrap();
                proof.verify(&head(&tree(from_size)), &head(&late)).unwrap();
            }
            assert_eq!((late.inclusion(size), late.consistency(size + 1)), (None, None));
        }
    }

    #[test]
    fn a_shortened_tree_is_the_tree_of_its_leaves() {
        for size in 0..20 {
            for kept in 0..=size {
                let mut shortened = tree(size);
                shortened.truncate(kept);
                assert_eq!(shortened, tree(kept), "{kept} of {size}");
            }
        }
    }
}
