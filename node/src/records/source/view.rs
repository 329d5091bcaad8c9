//! A view or a table of a database, its rows copied out as they come.

use super::ahead::Ahead;
use super::delimited::{Delimited, Quote, Shape};
use super::{Export, Fault, Row, Spot};
use crate::warehouse::{Session, ViewName};

/// A view being read, once, from its first row on.
pub(in crate::records) struct View {
    rows: Ahead,
    row: u64,
}

impl View {
    /// Opens a view for whoever wants columns of these names. The others stay in the database: they are in the
    /// header, and say nothing.
    pub(in crate::records) fn open(
        session: &Session,
        name: &ViewName,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Self, Fault> {
        let columns = session.columns(name)?.into_iter().map(|(column, _)| {
            let wanted = wanted(&column);
            (column, wanted)
        });
        let copy = session.copy(name, &columns.collect::<Vec<_>>())?;
        let shape = Shape { delimiter: Some(b','), quote: Quote::Double, encoding: None };
        let rows = Ahead::of(Delimited::over(Vec::new(), Box::new(copy), &shape)?);
        Ok(Self { rows, row: 0 })
    }
}

impl Export for View {
    fn header(&self) -> &[String] {
        self.rows.header()
    }

    fn header_spot(&self) -> Option<Spot> {
        None
    }

    fn kind(&self) -> &'static str {
        "view"
    }

    fn next(&mut self) -> Result<Option<Row<'_>>, Fault> {
        let spot = Spot::Row(self.row + 1);
        match self.rows.next() {
            Ok(Some(row)) => {
                self.row += 1;
                Ok(Some(row.at(spot)))
            }
            Ok(None) => Ok(None),
            Err(fault) => Err(Fault { spot: fault.spot.map(|_| spot), ..fault }),
        }
    }

    fn progress(&self) -> (u64, u64) {
        self.rows.progress()
    }

    fn notes(&self) -> Vec<String> {
        Vec::new()
    }

    fn is_unchanged(&self) -> Result<(), Fault> {
        // Its transaction sees one moment of the database.
        Ok(())
    }
}
