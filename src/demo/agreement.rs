//! The demo's MOU: the shipped example with the demo's own roots, addresses and dates.

use anyhow::Context;
use jiff::ToSpan;
use jiff::civil::Date;
use sumac_policy::{Calendar, Mou, Period, PeriodKind, Year};

const EXAMPLE: &str = include_str!("../../examples/mou/lakeshore/mou.toml");

/// The MOU has been in force for so many days.
const IN_FORCE_DAYS: i32 = 3;
/// And is for so many years.
const IN_FORCE_YEARS: i32 = 2;

/// The parties that run nodes, in the order of the example: colleges, then employers.
pub(super) const NODES: [&str; 5] =
    ["lakeshore-cc", "harbor-tech", "northside-health", "county-transit", "bay-fabrication"];
/// The party that asks.
pub(super) const BACKBONE: &str = "lakeshore-chamber";

/// The dates around today on which a demo can ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dates {
    /// The day on which the partners took their exports.
    pub(super) as_of: Date,
    /// The latest reporting year that may be asked today: the MOU's first period.
    pub(super) year: Year,
    /// What the partners' data covers: that year, and what has ended since.
    pub(super) covers: Vec<Period>,
    effective: Date,
    expires: Date,
}

impl Dates {
    /// The dates for a demo that runs `today`.
    pub(super) fn around(today: Date) -> anyhow::Result<Self> {
        // Yesterday, so that no time zone makes it a day of the future.
        let as_of = today.yesterday().context("find the day before today")?;
        let example = Mou::read(EXAMPLE.as_bytes()).context("read the shipped example")?;
        let start = example.calendar().year_starts;
        let wait = i64::from(example.calendar().wait_days) + 1;
        let waited = today.checked_sub(wait.days()).context("find the periods that have closed")?;
        // The year of that day is still open, or closes with it.
        let year = start.year_of(waited.tomorrow()?).minus(1);
        let effective = today.checked_sub(IN_FORCE_DAYS.days()).context("date the MOU")?;
        let expires = effective.checked_add(IN_FORCE_YEARS.years()).context("date the MOU")?;
        let calendar = Calendar { first_period: year, ..example.calendar().clone() };
        let closed = |period: &Period| calendar.span(*period).is_some_and(|span| span.last < as_of);
        let mut covers: Vec<_> = calendar.periods(PeriodKind::Year).take_while(closed).collect();
        let held: Vec<_> = covers.iter().filter_map(|year| calendar.span(*year)).collect();
        // A year covers its quarters.
        let is_held = |quarter: &Period| {
            let quarter = calendar.span(*quarter);
            quarter.is_some_and(|quarter| held.iter().any(|year| year.holds(quarter)))
        };
        let quarters = calendar.periods(PeriodKind::Quarter).take_while(closed);
        covers.extend(quarters.filter(|quarter| !is_held(quarter)));
        Ok(Self { as_of, year, covers, effective, expires })
    }

    /// The MOU's text, with each party's fingerprint and, for nodes, its port on this machine.
    pub(super) fn mou(&self, roots: &[(&str, String)], ports: &[u16]) -> anyhow::Result<String> {
        let Self { year, effective, expires, .. } = self;
        let mut text = Text(EXAMPLE.to_owned());
        text.line(
            "# The fingerprints are placeholders",
            "# Made by `sumac demo` for this machine.",
        )?;
        text.line("effective = ", &format!("effective = {effective}"))?;
        text.line("expires   = ", &format!("expires   = {expires}"))?;
        text.line(
            "target      = ",
            &format!("target      = {{ from = 0.34, to = 0.42, by = {expires} }}"),
        )?;
        text.line("first_period = ", &format!("first_period = \"{year}\""))?;
        for (party, root) in roots {
            text.line_of(party, "root     = ", &format!("root     = \"{root}\""))?;
        }
        for (party, port) in NODES.iter().zip(ports) {
            text.line_of(party, "address  = ", &format!("address  = \"127.0.0.1:{port}\""))?;
        }
        Ok(text.0)
    }
}

/// A text whose lines are replaced one by one. A line that is not there is a mistake, never passed over.
struct Text(String);

impl Text {
    /// Replaces the first line that begins so.
    fn line(&mut self, begins: &str, with: &str) -> anyhow::Result<()> {
        self.replace(0, begins, with)
    }

    /// Replaces the first line that begins so after the party's id.
    fn line_of(&mut self, party: &str, begins: &str, with: &str) -> anyhow::Result<()> {
        let id = format!("id       = \"{party}\"");
        let after = self.0.find(&id).with_context(|| format!("find `{party}` in the example"))?;
        self.replace(after, begins, with)
    }

    fn replace(&mut self, after: usize, begins: &str, with: &str) -> anyhow::Result<()> {
        let missing = || format!("find a line that begins with `{begins}` in the example");
        let (before, rest) = self.0.split_at_checked(after).with_context(missing)?;
        let at = rest.find(&format!("\n{begins}")).with_context(missing)? + 1;
        let end = rest.get(at..).and_then(|line| line.find('\n')).with_context(missing)? + at;
        let (start, tail) = (rest.get(..at), rest.get(end..));
        self.0 = format!(
            "{before}{}{with}{}",
            start.with_context(missing)?,
            tail.with_context(missing)?
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use jiff::civil::date;
    use sumac_privacy::budget::lint;

    use super::*;

    fn mou(dates: &Dates) -> Mou {
        let parties = NODES.iter().chain([&BACKBONE]);
        let roots: Vec<_> = parties
            .enumerate()
            .map(|(place, party)| (*party, format!("sha256:{place:064x}")))
            .collect();
        let text = dates.mou(&roots, &[7001, 7002, 7003, 7004, 7005]).unwrap();
        Mou::read(text.as_bytes()).unwrap()
    }

    #[test]
    fn on_whatever_day_the_demo_runs_its_mou_is_sound_and_something_is_due() {
        let mut today = date(2026, 1, 1);
        while today < date(2028, 3, 1) {
            let dates = Dates::around(today).unwrap();
            let mou = mou(&dates);
            assert!(lint(&mou).is_empty(), "{today}: {:?}", lint(&mou));
            let due: Vec<_> =
                mou.calendar_tables().into_iter().filter(|due| due.from <= today).collect();
            assert!(due.len() >= 15 + 4 * 2, "{today}: {}", due.len());
            let held = due.iter().all(|due| {
                let covers = dates.covers.iter();
                let covers = covers.filter_map(|it| mou.calendar().covered(*it)).collect();
                let columns = sumac_policy::needed(&due.table);
                sumac_policy::Holdings { as_of: dates.as_of, covers, columns }
                    .hold(&due.table)
                    .is_ok()
            });
            assert!(held, "{today}");
            today = today.checked_add(5.days()).unwrap();
        }
    }

    #[test]
    fn the_roots_and_addresses_are_the_demos_own() {
        let mou = mou(&Dates::around(date(2026, 11, 24)).unwrap());
        let roots = mou.parties().iter().map(|party| party.root.to_string());
        let own = |root: &String| root.starts_with("sha256:00000000");
        assert_eq!(roots.filter(own).count(), 6);
        let addresses: Vec<_> =
            mou.parties().iter().map(|party| party.address.as_deref()).collect();
        let port = |place: usize| format!("127.0.0.1:{}", 7001 + place);
        for (place, address) in addresses.iter().enumerate().take(5) {
            assert_eq!(*address, Some(port(place).as_str()));
        }
        assert_eq!(addresses.last(), Some(&None));
    }
}
