//! `sumac pause`: stop answering for a while.

use jiff::civil::Date;
use serde_json::json;
use sumac_node::console::{Command, Reply};
use sumac_node::store::Paused;

use crate::counterpart::Counterpart;
use crate::home::HomeArgs;
use crate::outcome::{Outcome, hinted};
use crate::terminal::{Format, answer_json, tell};

/// Stop answering at once, for a while
///
/// Every question is refused from now on, with your reason and the last day,
/// even for tables that are released already. What is being counted is finished
/// and kept. The pause is a record in the ledger: it holds after a restart, and
/// works while the node serves and while it does not. It ends with its last day,
/// or with `sumac resume`. Nobody else has to agree, and nothing is spent.
///
/// Run it again to give another reason or another last day.
///
/// Example:
///   sumac pause --because "the registrar's data is being corrected" \
///     --until 2026-09-30
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    #[command(flatten)]
    home: HomeArgs,

    /// Why: told to whoever asks, and kept in the ledger
    #[arg(long, value_name = "REASON")]
    because: String,

    /// The last day of the pause, in UTC; without it, until `sumac resume`
    #[arg(long, value_name = "DATE")]
    until: Option<Date>,

    /// For people, or for machines
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(crate) fn run(args: Args) -> anyhow::Result<Outcome> {
    let home = args.home.open()?;
    let paused = Paused { because: args.because, until: args.until };
    let until = match paused.until {
        Some(last) => format!("until {last}, that day included"),
        None => "until `sumac resume`".to_owned(),
    };
    match Counterpart::find(&home)?.say(&Command::Pause(paused.clone()))? {
        Reply::Paused if args.format == Format::Json => {
            answer_json(&json!({
                "format": "sumac-pause/1",
                "paused": true,
                "because": paused.because,
                "until": paused.until.map(|last| last.to_string()),
            }))?;
            Ok(Outcome::Done)
        }
        Reply::Paused => {
            tell!("paused {until}: every question is refused");
            Ok(Outcome::Done)
        }
        Reply::Refused { message, hint, .. } => Err(hinted(message, hint)),
        _ => anyhow::bail!("the node replied to another command"),
    }
}
