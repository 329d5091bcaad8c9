//! `sumac mapping new`: a first mapping for an export, to be edited.

use std::io::{self, Write};
use std::path::PathBuf;

use sumac_node::records::mapping::propose;
use sumac_policy::standard;

use crate::agreement::MouFolder;
use crate::outcome::{Hint, Outcome};

/// Propose a mapping for an export, to be edited
///
/// Looks at the header and at the first 5,000 rows, guesses which column is what by names and values, lists
/// the codes it saw with the nearest code that Sumac has, and prints the whole as a mapping. Where it does
/// not know, it writes TODO, and the mapping is refused until none is left. No value of a column that
/// identifies people, or that holds free text, gets into it. Check every line: they are guesses.
///
/// Example: sumac mapping new enrolment.csv > enrolment.toml
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The export: CSV or Parquet
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The MOU whose tables it is for, if it declares columns of its own
    #[arg(long, value_name = "DIR")]
    mou: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let mou = args.mou.as_deref().map(|path| MouFolder::read(path)?.mou()).transpose()?;
    let schema = mou.as_ref().map_or(&standard().schema, |mou| mou.schema());
    let proposed = propose(&args.file, schema);
    let text = match proposed {
        Ok(text) => text,
        Err(error) => {
            let hint = error.hint();
            return Err(error).hint(hint);
        }
    };
    io::stdout().lock().write_all(text.as_bytes())?;
    Ok(Outcome::Done)
}
