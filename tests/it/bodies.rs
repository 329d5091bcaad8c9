//! Reads the releases beside a log by what `docs/ledger.md` says, without a line of the node's own code.

use std::collections::BTreeMap;
use std::path::Path;

/// Every body in a ledger's folder, by the place of the record that names it.
pub(crate) fn bodies(ledger: &Path) -> Result<BTreeMap<u64, Vec<u8>>, String> {
    let mut bodies = BTreeMap::new();
    let Ok(files) = std::fs::read_dir(ledger.join("bodies")) else { return Ok(bodies) };
    for file in files {
        let path = file.map_err(|error| error.to_string())?.path();
        let bytes = std::fs::read(&path).map_err(|error| error.to_string())?;
        let mut rest = bytes.get(16..).unwrap_or_default();
        while let Some((head, behind)) = rest.split_first_chunk::<16>() {
            let [a, b, c, d, _, _, _, _, seq @ ..] = *head;
            let length = usize::try_from(u32::from_le_bytes([a, b, c, d])).unwrap();
            // What is not whole yet is on its way to the disk.
            let Some((body, behind)) = behind.split_at_checked(length) else { break };
            if bodies.insert(u64::from_le_bytes(seq), body.to_vec()).is_some() {
                return Err(format!("two bodies of one record in {}", path.display()));
            }
            rest = behind;
        }
    }
    Ok(bodies)
}
