//! How large anything on the wire may be.

/// Tables in one call. A coalition's whole calendar is well below it; the asker sends several calls otherwise.
pub const MAX_TABLES_PER_CALL: usize = 256;

/// Bytes of a message that a node accepts. The largest call, all names at their longest, is a tenth of it.
pub const MAX_MESSAGE_BYTES: usize = 4 << 20;

/// Bytes of a message that an asker accepts: [`MAX_TABLES_PER_CALL`] releases of [`MAX_CELLS`] cells, ten bytes
/// each at most, with room for signatures, certificates, and the log's records of them.
pub const MAX_ANSWER_BYTES: usize = 64 << 20;

/// Dimensions of a breakdown. More of them leave groups too small for any margin.
pub const MAX_BREAKDOWN: usize = 3;

/// Parties asked together.
pub const MAX_ROSTER: usize = 1000;

/// Cells of a table: three of the longest code lists stay under it; more is a mistake or an attack.
pub const MAX_CELLS: usize = 10_000;

/// Outcomes of a group; no measure has more than five.
pub(crate) const MAX_OUTCOMES: usize = 64;

/// Certificates of a signer's chain: a leaf and its root, and one to spare.
pub const MAX_CHAIN: usize = 3;

/// Bytes of one certificate; a P-256 certificate has about 600.
pub(crate) const MAX_CERTIFICATE: usize = 8 << 10;

/// Bytes of a signature; ECDSA over P-256 has at most 72.
pub(crate) const MAX_SIGNATURE: usize = 512;

/// Bytes of a record of a node's log; no log takes a longer one.
pub const MAX_RECORD_BYTES: usize = 1 << 20;

/// Periods that an operator states.
pub(crate) const MAX_COVERS: usize = 1000;

/// KPIs with a target. An MOU lists a few dozen.
pub(crate) const MAX_TARGETS: usize = 1000;

/// Characters of a text for people.
pub const MAX_TEXT: usize = 1000;
