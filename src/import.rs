//! `sumac import`: a partner's export becomes a frozen snapshot, or views of its warehouse are counted in place.

mod sources;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use jiff::civil::Date;
use sumac_node::day_of;
use sumac_node::records::answers::Answers;
use sumac_node::records::import::{
    Freezing, ImportError, Only, Progress, Source, import, import_in_place, rehearse,
    rehearse_in_place,
};
use sumac_node::records::snapshot::{Snapshot, Statement};
use sumac_node::records::summary::Summary;
use sumac_node::warehouse::{SchemaName, Session};
use sumac_policy::{Holdings, Mou, Period, PeriodKind, Table};

pub(crate) use self::sources::in_place_is_counted_there;
use self::sources::{Folders, Views, sources};
use crate::agreement::MouFolder;
use crate::home::HomeArgs;
use crate::leave::refuse_who_left;
use crate::outcome::{Hint, Outcome, hinted};
use crate::terminal::tell;
use crate::world;

/// Nobody waits for a first word longer than this.
const SILENCE: Duration = Duration::from_secs(1);

/// Freeze this party's data into a snapshot that its node answers from
///
/// Reads CSV and Parquet files as your system exports them, directories of them, and views of the PostgreSQL
/// server that sumac.toml names, as postgres:SCHEMA.VIEW. A mapping file says which column is what; the ones for
/// common systems are in examples/mappings. With a mapping for credentials, a directory or a ZIP archive of Open
/// Badges and CLRs is read as a whole: docs/credentials.md. Columns that no mapping names are never read, identifiers are replaced
/// by keyed hashes, and the files may be deleted afterwards. An import replaces the whole snapshot, so give
/// all files of a party at once. If anything is wrong, nothing is changed.
///
/// You state two things that no file can know: the day the data was taken from its source, and the periods it
/// is complete for. The node refuses questions about any other period, so that no absent year is ever
/// reported as zero. With --dry-run, nothing is kept: codes that the mapping does not know, unlikely values,
/// how much of each column is filled, and which KPIs the data can and cannot answer, with the reason. Spends nothing, and sends nothing anywhere: the summary is for this terminal only.
///
/// With --in-place, nothing is read into the node: it answers from views of a schema of the PostgreSQL server, named
/// and typed as the MOU's tables, and each table is counted there as one statement. What a snapshot guarantees is
/// checked in the views now; run it again whenever a period is complete, so that the day you state is true:
/// docs/postgres.md.
///
/// Example: sumac import enrolment.csv awards.csv --mapping banner-enrolment.toml
///   --mapping banner-awards.toml --as-of 2026-10-15 --covers 2025-26
///
/// Example: sumac import postgres:sumac.enrolment awards.csv --mapping warehouse.toml
///   --mapping banner-awards.toml --as-of 2026-10-15 --covers 2025-26
///
/// Example: sumac import --in-place sumac --as-of 2026-10-15 --covers 2025-26
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The files; of a directory, every CSV and Parquet file in it, in the order of their names;
    /// and views, as postgres:SCHEMA.VIEW
    #[arg(required_unless_present = "in_place", value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Leave the records in PostgreSQL, and answer from the views of this schema there
    #[arg(
        long,
        value_name = "SCHEMA",
        conflicts_with_all = ["files", "recursive", "extension", "mapping", "only"]
    )]
    in_place: Option<SchemaName>,

    /// Of a directory, read the files in the directories in it as well
    #[arg(long)]
    recursive: bool,

    /// Of a directory, read the files with this extension alone; repeat for more
    #[arg(long, value_name = "EXTENSION")]
    extension: Vec<String>,

    /// How to read a file: one mapping for all of them, or one for each, in the same order; a directory has one.
    /// A file of yours, or the name of one that `sumac mapping list` lists
    #[arg(long, required_unless_present = "in_place", value_name = "MAPPING")]
    mapping: Vec<PathBuf>,

    /// The day on which the data was taken from its source
    #[arg(long, value_name = "DATE")]
    as_of: Date,

    /// A period that the data is complete for, as the MOU writes it: 2025-26, 2025-FALL or 2026-Q1; repeat for each
    #[arg(long, required = true, value_name = "PERIOD")]
    covers: Vec<Period>,

    /// Read only rows in which this column has this value; repeat to narrow or to widen
    #[arg(long, value_name = "COLUMN=VALUE")]
    only: Vec<Only>,

    /// Say what the files would come to, and which KPIs they can and cannot answer; change nothing
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    home: HomeArgs,
}

pub(crate) fn run(args: Args) -> anyhow::Result<Outcome> {
    let home = args.home.open()?;
    let now = world::now();
    // The tables' columns are the agreement's own, so it is read first; it need not be signed yet.
    let settings = home.settings()?;
    refuse_who_left(&home, &settings)?;
    let mou = MouFolder::read(&settings.mou)?.mou()?;
    let rules = mou.party(&settings.party).and_then(|party| mou.data(party.kind));
    let withheld = rules.map_or(&[][..], |rules| &rules.withheld);
    let statement = stated(args.as_of, &args.covers, &mou, day_of(now))?;
    let mut views = Views::of(&settings);
    let taken = match &args.in_place {
        Some(schema) => Taken::InPlace(schema, Box::new(views.in_place()?)),
        None => {
            let folders = Folders::of(&args.extension, args.recursive);
            Taken::Files(sources(&args.files, &args.mapping, &mou, &folders, &mut views)?)
        }
    };
    let secret = home.node_secret()?;
    let id_seed = *world::random().first_chunk().context("draw the snapshot's id")?;
    let into = home.snapshots();
    let freezing = Freezing {
        statement: &statement,
        schema: mou.schema(),
        withheld,
        secret: &secret,
        into: &into,
        now,
        id_seed,
    };
    let asked: Vec<_> = mou
        .calendar_tables()
        .into_iter()
        .map(|due| due.table)
        .filter(|table| mou.is_answered_by(table.kpi(), &settings.party))
        .collect();
    let summary = match taken.summary(&args, &freezing, &asked) {
        Ok(summary) => summary,
        Err(error) => {
            let hint = taken.advice(&error);
            return Err(error).hint(hint);
        }
    };
    tell!("{}", summary.for_terminal());
    if args.dry_run {
        let Statement { as_of, covers } = statement;
        let holdings = Holdings { as_of, covers, columns: summary.columns() };
        tell!("{}", Answers::of(&mou, &settings.party, &holdings));
        tell!("Nothing was changed. Without --dry-run, this becomes what the node answers from.");
        return Ok(Outcome::Done);
    }
    tell!(
        "Next: compare these numbers with your own system's, then `sumac serve`. A node that is serving"
    );
    match args.in_place {
        None => tell!("answers its next question from this snapshot, without a restart."),
        Some(_) => tell!(
            "answers its next question from these views, without a restart, if [postgres] was in sumac.toml when it started."
        ),
    }
    Ok(Outcome::Done)
}

/// What an import takes.
enum Taken<'a> {
    /// Rows, into a snapshot.
    Files(Vec<Source>),
    /// Views, where they are.
    InPlace(&'a SchemaName, Box<Session>),
}

impl Taken<'_> {
    /// Imports it, or only says what it would come to, and whom these tables cut.
    fn summary(
        &self,
        args: &Args,
        freezing: &Freezing<'_>,
        asked: &[Table],
    ) -> Result<Summary, ImportError> {
        let mut spoken = Spoken::new();
        let mut told = |progress: Progress<'_>| spoken.about(progress);
        match (self, args.dry_run) {
            (Self::InPlace(schema, session), true) => {
                rehearse_in_place(schema, session, freezing, asked)
            }
            (Self::InPlace(schema, session), false) => {
                import_in_place(schema, session, freezing, asked)
            }
            (Self::Files(sources), true) => {
                rehearse(sources, &args.only, freezing, asked, &mut told)
            }
            (Self::Files(sources), false) => {
                let mut summary = import(sources, &args.only, freezing, &mut told)?;
                if let Some(frozen) = summary.snapshot() {
                    let snapshot = Snapshot::open(&frozen.path, freezing.secret, freezing.schema)?;
                    summary.hold_against(asked, &snapshot)?;
                }
                Ok(summary)
            }
        }
    }

    /// What to do about it.
    fn advice(&self, error: &ImportError) -> &'static str {
        match (error, self) {
            (ImportError::Warehouse(error), _) => error.hint(),
            (ImportError::Files(_), Self::InPlace(..)) => {
                "correct the views, and import again: docs/postgres.md, under \"In place\""
            }
            (ImportError::Files(_), Self::Files(_)) => {
                "correct the mapping rather than the file, if the file is what your system exports"
            }
            (ImportError::Uneven { .. } | ImportError::NotInAgreement { .. }, _) => {
                "correct the mapping"
            }
            (ImportError::Freeze(_) | ImportError::Bounds(_), _) => {
                "the snapshot in use is still in use"
            }
        }
    }
}

/// What the operator states, if it can be true and speaks of the agreement's periods.
fn stated(as_of: Date, covers: &[Period], mou: &Mou, today: Date) -> anyhow::Result<Statement> {
    if as_of > today {
        return Err(hinted(
            format_args!("--as-of {as_of} lies in the future: today is {today} in UTC"),
            "give the day on which the data was taken from its source",
        ));
    }
    let mut statement = Statement { as_of, covers: Vec::new() };
    for period in covers {
        let covered = mou.calendar().covered(*period).ok_or_else(|| not_in(mou, *period))?;
        let kinds = mou.kpis().iter().map(|kpi| kpi.period);
        let reported =
            period.kind() == PeriodKind::Year || kinds.clone().any(|kind| kind == period.kind());
        if !reported {
            let kinds: Vec<_> = kinds.map(|kind| kind.to_string()).collect();
            return Err(hinted(
                format_args!("--covers {period}: no KPI of the MOU is reported by such a period"),
                format_args!("the MOU's KPIs are reported by {}", kinds.join(", ")),
            ));
        }
        let last = covered.days.last;
        if last >= as_of {
            return Err(hinted(
                format_args!("--covers {period}: data taken on {as_of} cannot be complete for it"),
                format_args!(
                    "{period} ends on {last}: take the data after that day, or leave it out"
                ),
            ));
        }
        statement.covers.push(covered);
    }
    Ok(statement)
}

/// A period whose label the agreement's calendar does not have.
fn not_in(mou: &Mou, period: Period) -> anyhow::Error {
    let start = mou.calendar().year_starts;
    if period.kind() == PeriodKind::Term {
        let names = mou.calendar().terms.iter().map(|(name, _)| name.as_str());
        let names: Vec<_> = names.collect();
        let listed = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        return hinted(
            format_args!("--covers {period}: this MOU has no such term"),
            format_args!("its [calendar] lists {listed}"),
        );
    }
    let written = if start.is_new_year() { "2025" } else { "2025-26" };
    hinted(
        format_args!("--covers {period}: years of this MOU start on {start}"),
        format_args!("write them like {written}"),
    )
}

/// Tells how far an import has come, once it takes long, and then once a second.
struct Spoken {
    last: Instant,
}

impl Spoken {
    fn new() -> Self {
        Self { last: Instant::now() }
    }

    fn about(&mut self, Progress { path, bytes, of }: Progress<'_>) {
        if self.last.elapsed() < SILENCE {
            return;
        }
        self.last = Instant::now();
        match bytes.saturating_mul(100).checked_div(of) {
            Some(percent) => tell!("reading {}: {} %", path.display(), percent.min(100)),
            None => tell!("reading {}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use std::path::Path;

    use sumac_node::records::mapping::Mapping;

    use super::*;

    const LAKESHORE: &str = include_str!("../examples/mou/lakeshore/mou.toml");

    #[test]
    fn a_statement_that_cannot_be_true_is_refused_before_a_file_is_read() {
        let mou = Mou::read(LAKESHORE.as_bytes()).unwrap();
        let today: Date = "2026-10-20".parse().unwrap();
        let judged = |as_of: &str, covers: &str| {
            stated(as_of.parse().unwrap(), &[covers.parse().unwrap()], &mou, today)
        };
        for covers in ["2025-26", "2026-Q3", "2024-25"] {
            let statement = judged("2026-10-20", covers).unwrap();
            let days = mou.calendar().span(covers.parse().unwrap()).unwrap();
            assert_eq!(statement.covers.first().map(|it| it.days), Some(days), "{covers}");
        }
        for (as_of, covers, expected) in [
            ("2026-10-21", "2025-26", "lies in the future"),
            ("2026-10-20", "2025", "start on 07-01"),
            ("2026-10-20", "2024-25/2025-26", "no KPI of the MOU"),
            ("2026-06-30", "2025-26", "cannot be complete"),
            ("2026-10-20", "2026-27", "cannot be complete"),
        ] {
            let refused = judged(as_of, covers).unwrap_err().to_string();
            assert!(refused.contains(expected), "{as_of} {covers}: {refused}");
        }
    }

    #[test]
    fn every_shipped_mapping_fits_a_shipped_agreement() {
        let examples = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/examples"));
        let agreements: Vec<_> = ["lakeshore", "oulad"]
            .into_iter()
            .map(|name| MouFolder::read(&examples.join("mou").join(name)).unwrap().mou().unwrap())
            .collect();
        let mut mappings = 0;
        for entry in std::fs::read_dir(examples.join("mappings")).unwrap() {
            let path = entry.unwrap().path();
            let fits = |mou: &Mou| Mapping::open(&path, mou.schema()).is_ok();
            assert!(agreements.iter().any(fits), "{}", path.display());
            mappings += 1;
        }
        assert!(mappings >= 5, "{mappings}");
    }
}
