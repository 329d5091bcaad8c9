//! A table with something for each byte, filled when the program is compiled.

/// Something for each byte.
pub(super) struct ByByte<T>(pub(super) [T; 256]);

impl<T> ByByte<T> {
    #[expect(clippy::indexing_slicing, reason = "there is one for each byte")]
    pub(super) fn of(&self, byte: u8) -> &T {
        &self.0[usize::from(byte)]
    }
}
