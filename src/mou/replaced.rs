//! The version that another replaces: beside it in `earlier`, or in force in this home.

use std::path::Path;

use sumac_keys::{Chain, Version};
use sumac_policy::Mou;

use crate::home::HomeArgs;

/// Looks for the version that `mou` replaces; none if it replaces nothing, or that version is not at hand.
pub(super) fn replaced(dir: &Path, mou: &Mou, home: &HomeArgs) -> anyhow::Result<Option<Version>> {
    let Some(replaces) = mou.replaces() else { return Ok(None) };
    let (here, _) = Chain::examine(dir)?;
    if let Some(version) = here.version(replaces) {
        return Ok(Some(version.clone()));
    }
    // A home is not needed: an MOU can be looked at and signed on a machine that has none.
    let Ok(home) = home.open() else { return Ok(None) };
    let settings = home.settings()?;
    let Ok((ours, _)) = Chain::examine(&settings.mou) else { return Ok(None) };
    Ok(ours.version(replaces).cloned())
}
