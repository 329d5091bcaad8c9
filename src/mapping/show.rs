//! `sumac mapping show`: one that comes with Sumac, to read and to change.

use std::io::{self, Write};

use sumac_node::records::mapping::{BUILT_IN, BuiltIn};

use crate::outcome::{Outcome, hinted};

/// Print a mapping that comes with Sumac
///
/// To change a rule, keep what this prints as a file of your own, edit it, and import with that.
///
/// Example: sumac mapping show pdp > pdp.toml
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which: `sumac mapping list` names them
    #[arg(value_name = "NAME")]
    name: String,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let Some(mapping) = BuiltIn::named(&args.name) else {
        let names: Vec<_> = BUILT_IN.iter().map(|mapping| mapping.name).collect();
        return Err(hinted(
            format_args!("no mapping that comes with Sumac is called `{}`", args.name),
            format_args!("there is {}", names.join(", ")),
        ));
    };
    io::stdout().lock().write_all(mapping.text.as_bytes())?;
    Ok(Outcome::Done)
}
