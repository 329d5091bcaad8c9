use std::io;
use std::path::PathBuf;

use parquet::errors::ParquetError;
use sumac_policy::TableName;

/// Why a snapshot could not be frozen or opened. Holds no value of any record.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The mapping filled a column that the agreement does not have.
    #[error("the agreement has no column `{table}.{column}`")]
    UnknownColumn {
        /// Its table.
        table: TableName,
        /// Its name.
        column: String,
    },
    /// The mapping filled a column unfitly.
    #[error("column `{table}.{column}` {what}")]
    Unfit {
        /// Its table.
        table: TableName,
        /// Its name.
        column: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// More rows or learners than ordinals.
    #[error("table `{0}` has too many rows: a snapshot holds up to 4,294,967,295")]
    TooManyRows(TableName),
    /// Another import writes here.
    #[error("another import is under way in `{0}`: wait until it is done, then import again")]
    Busy(PathBuf),
    /// The disk said no.
    #[error("write snapshot `{path}`")]
    Write {
        /// What was written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A table could not be encoded or written.
    #[error("write snapshot table `{path}`")]
    WriteTable {
        /// What was written.
        path: PathBuf,
        /// What the encoder said.
        source: ParquetError,
    },
    /// A thread stopped without a result.
    #[error("writing the snapshot stopped half way; import the data again")]
    Stopped,
    /// The disk said no.
    #[error("read snapshot `{path}`")]
    Read {
        /// What was read.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A table could not be read or decoded.
    #[error("read snapshot table `{path}`: the file is damaged; import the data again")]
    ReadTable {
        /// What was read.
        path: PathBuf,
        /// What the decoder said.
        source: ParquetError,
    },
    /// A file is not as it was written.
    #[error("snapshot file `{path}` is damaged ({what}); import the data again")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// How it shows.
        what: &'static str,
    },
    /// A manifest that is not ours.
    #[error(
        "snapshot manifest `{path}` was changed, or was written with another node's secret; import the data again"
    )]
    NotOurs {
        /// Which file.
        path: PathBuf,
    },
    /// Written by an earlier version, whose layout this one does not read.
    #[error("snapshot `{path}` was written by an earlier version: import the data again")]
    Older {
        /// Which file.
        path: PathBuf,
    },
    /// Written by a later version.
    #[error(
        "snapshot `{path}` has format `{format}`, which this version cannot read: upgrade sumac"
    )]
    Newer {
        /// Which file.
        path: PathBuf,
        /// The format it states.
        format: String,
    },
    /// A table that was asked for is not there.
    #[error("the snapshot holds no table `{0}`")]
    NoTable(TableName),
    /// A column that was asked for is not there, or its code list is not the agreement's.
    #[error("the snapshot holds no column `{table}.{column}` as the agreement defines it")]
    NotHeld {
        /// Its table.
        table: TableName,
        /// Its name.
        column: String,
    },
}
