//! A tree that grows beside the reading of a long log: one thread reads and sums, the other hashes.

use std::sync::mpsc::{self, SyncSender};
use std::thread::{self, JoinHandle};

use super::tree::{Tree, leaf};

/// Records handed over at once, so that handing over costs nothing.
const TOGETHER: usize = 512;
/// Hand-overs that may wait; the memory of a reader that is ahead.
const WAITING: usize = 8;

/// A tree, and the records on their way into it.
#[derive(Default)]
pub(super) struct Growing {
    size: u64,
    tree: Tree,
    aside: Option<Aside>,
}

struct Aside {
    together: Vec<Vec<u8>>,
    records: SyncSender<Vec<Vec<u8>>>,
    hashing: JoinHandle<Tree>,
}

impl Growing {
    /// An empty tree that grows on a thread of its own until it is looked at; on this one, if there is none.
    pub(super) fn aside() -> Self {
        let (records, waiting) = mpsc::sync_channel::<Vec<Vec<u8>>>(WAITING);
        let hash = move || {
            let mut tree = Tree::default();
            waiting.into_iter().flatten().for_each(|payload| tree.push(leaf(&payload)));
            tree
        };
        let hashing = thread::Builder::new().name("ledger-hashes".to_owned()).spawn(hash).ok();
        let aside = hashing.map(|hashing| Aside { together: Vec::new(), records, hashing });
        Self { aside, ..Self::default() }
    }

    /// Leaves, those on their way too.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Adds a record.
    pub(super) fn push(&mut self, payload: Vec<u8>) {
        self.size += 1;
        match &mut self.aside {
            None => self.tree.push(leaf(&payload)),
            Some(aside) => {
                aside.together.push(payload);
                if aside.together.len() == TOGETHER {
                    aside.hand_over();
                }
            }
        }
    }

    /// The tree of all that was pushed. From here on it grows on this thread.
    pub(super) fn tree(&mut self) -> &mut Tree {
        if let Some(mut aside) = self.aside.take() {
            aside.hand_over();
            drop(aside.records);
            self.tree = aside.hashing.join().expect("hashing bytes does not panic");
        }
        &mut self.tree
    }
}

impl Aside {
    fn hand_over(&mut self) {
        let together = std::mem::take(&mut self.together);
        self.records.send(together).expect("the other thread takes until this one is done");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_into_the_same_tree_on_either_thread() {
        for size in [0, 1, TOGETHER - 1, TOGETHER, 3 * TOGETHER + 5] {
            let (mut aside, mut here) = (Growing::aside(), Growing::default());
            for half in [0..size / 2, size / 2..size] {
                for n in half {
                    for tree in [&mut aside, &mut here] {
                        tree.push(n.to_le_bytes().to_vec());
                    }
                }
                assert_eq!(aside.tree(), here.tree(), "{size} leaves");
                assert_eq!((aside.size(), aside.tree().size()), (here.size(), here.size()));
            }
        }
    }
}
