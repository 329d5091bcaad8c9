//! Words with a bit for each place, several of which the processor looks at at once.

use std::ops::{BitAnd, BitOr};

/// Rows that are looked at at once.
pub(super) const WINDOW: u32 = 8;
pub(super) const ROWS: usize = WINDOW as usize;

/// A bit for each place.
pub(super) trait Word:
    Copy + Default + BitAnd<Output = Self> + BitOr<Output = Self> + 'static
{
    /// A place's bit; none of a place that the word does not have.
    fn of(place: u8) -> Self;

    /// All bits for each of the first rows of a window.
    fn first(rows: u32) -> &'static [Self; ROWS];

    /// Eight places.
    fn byte(self, at: u32) -> u8;
}

macro_rules! word {
    ($word:ident) => {
        impl Word for $word {
            fn of(place: u8) -> Self {
                (1 as Self).unbounded_shl(u32::from(place))
            }

            fn first(rows: u32) -> &'static [Self; ROWS] {
                #[expect(clippy::indexing_slicing, reason = "it is filled when it is compiled")]
                static FIRST: [[$word; ROWS]; ROWS + 1] = {
                    let mut first = [[0; ROWS]; ROWS + 1];
                    let mut rows = 0;
                    while rows <= ROWS {
                        let mut row = 0;
                        while row < rows {
                            first[rows][row] = $word::MAX;
                            row += 1;
                        }
                        rows += 1;
                    }
                    first
                };
                FIRST.get(rows.min(WINDOW) as usize).unwrap_or(&[0; ROWS])
            }

            fn byte(self, at: u32) -> u8 {
                let [low, ..] = self.unbounded_shr(8 * at).to_le_bytes();
                low
            }
        }
    };
}

word!(u16);
word!(u64);
