//! Sorting and merging against a plain sort in memory.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use sumac_keys::NodeSecret;
use sumac_policy::{Kind, TableName};
use tempfile::tempdir;

use super::*;
use crate::records::canonical::Values;
use crate::records::source::Spot;

/// One row of a generated table.
#[derive(Debug, Clone, Copy)]
struct Given {
    person: u8,
    order: i64,
    mark: u64,
    number: Option<i64>,
}

fn given() -> impl Strategy<Value = Vec<Given>> {
    let order = prop_oneof![Just(i64::MIN), -2..3_i64, Just(i64::MAX)];
    let row = (0..6_u8, order, 0..3_u64, proptest::option::of(-2..3_i64));
    let row = row.prop_map(|(person, order, mark, number)| Given { person, order, mark, number });
    proptest::collection::vec(row, 0..60)
}

fn secret() -> NodeSecret {
    NodeSecret::new([7; 32])
}

/// A draft of these rows that sorts in so many bytes. Their marks may have to agree.
fn draft(rows: &[Given], bytes: usize, [strict, agree]: [bool; 2]) -> Draft {
    let columns = vec![Column { name: "number".to_owned(), kind: Kind::Integer, wide: true }];
    let mut draft = Draft::new(columns, 2, bytes, &std::env::temp_dir(), secret().person_keys());
    for (line, row) in (1..).zip(rows) {
        let origin = Origin { source: 0, spot: Spot::Line(line) };
        let head = Head { order: row.order, origin, mark: row.mark, strict };
        let digests = if agree { vec![1, Digest::try_from(row.mark).unwrap()] } else { vec![] };
        let whose = Whose::Key(&[row.person; 16]);
        draft.add(whose, head, &digests, [Cell::Integer(row.number)]).unwrap();
    }
    draft
}

type Taken = (Vec<(u8, Vec<u32>)>, Vec<Vec<Option<i64>>>, Vec<Tally>);

fn taken(drafts: BTreeMap<TableName, Draft>) -> Result<Taken, Vec<Conflict>> {
    let merge = merge(drafts).unwrap();
    let mut columns: Vec<_> = merge.tables().map(|(_, layout)| layout.empty()).collect();
    let mut learners = Vec::new();
    let tallies = merge.each(&mut columns, |learner, _| {
        learners.push((learner.person[0], learner.rows.to_vec()));
        Ok::<_, ()>(())
    });
    let numbers = |columns: Vec<Values>| match columns.into_iter().next() {
        Some(Values::Integer(numbers)) => numbers,
        _ => Vec::new(),
    };
    match tallies {
        Ok(tallies) => Ok((learners, columns.into_iter().map(numbers).collect(), tallies)),
        Err(MergeError::Conflicts(conflicts)) => Err(conflicts),
        Err(other) => panic!("{other:?}"),
    }
}

/// What stays of rows of any table but the learners': by person, then time, then as they came, each mark once at
/// one time.
fn kept(rows: &[Given]) -> Vec<Given> {
    let mut sorted = rows.to_vec();
    sorted.sort_by_key(|row| (row.person, row.order));
    let mut kept: Vec<Given> = Vec::new();
    for row in sorted {
        let same = |k: &&Given| (k.person, k.order, k.mark) == (row.person, row.order, row.mark);
        if !kept.iter().any(|known| same(&known)) {
            kept.push(row);
        }
    }
    kept
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// However little memory there is, and so however many files the rows lie in meanwhile.
    #[test]
    fn rows_come_sorted_and_once(
        learners in given(),
        enrolments in given(),
        bytes in prop_oneof![Just(0_usize), 0..4_000_usize, Just(1 << 20)],
    ) {
        let drafts = BTreeMap::from([
            (TableName::Learner, draft(&learners, bytes, [false; 2])),
            (TableName::Enrolment, draft(&enrolments, bytes, [false; 2])),
        ]);
        let (order, columns, tallies) = taken(drafts).unwrap();

        let latest = |person: u8| {
            let own = learners.iter().filter(move |row| row.person == person);
            own.max_by_key(|row| row.order)
        };
        let mut persons: Vec<u8> = learners.iter().chain(&enrolments).map(|row| row.person).collect();
        persons.sort_unstable();
        persons.dedup();
        let expected = kept(&enrolments);
        let rows = |person: u8| expected.iter().filter(|row| row.person == person).count();
        let counts = persons.iter().map(|person| {
            let own = u32::from(latest(*person).is_some());
            (*person, vec![own, u32::try_from(rows(*person)).unwrap()])
        });
        prop_assert_eq!(order, counts.collect::<Vec<_>>());
        let own: Vec<_> = persons.iter().filter_map(|person| latest(*person)).collect();
        let numbers = vec![
            own.iter().map(|row| row.number).collect::<Vec<_>>(),
            expected.iter().map(|row| row.number).collect(),
        ];
        prop_assert_eq!(columns, numbers);
        let merged = |all: usize, kept: usize| (all - kept) as u64;
        prop_assert_eq!(tallies[0].merged, merged(learners.len(), own.len()));
        prop_assert_eq!(tallies[1].merged, merged(enrolments.len(), expected.len()));
    }

    #[test]
    fn a_learner_who_contradicts_themselves_is_told(
        learners in given(),
        bytes in prop_oneof![Just(0_usize), Just(1 << 20)],
    ) {
        let drafts = BTreeMap::from([(TableName::Learner, draft(&learners, bytes, [true, false]))]);
        let says = |row: &Given| (row.person, row.number);
        let mut said: Vec<_> = learners.iter().map(says).collect();
        said.sort_unstable();
        said.dedup();
        let contradicts = said.chunk_by(|a, b| a.0 == b.0).any(|same| same.len() > 1);
        match taken(drafts) {
            Ok(_) => prop_assert!(!contradicts),
            Err(conflicts) => {
                prop_assert!(contradicts);
                for Conflict { with, at, differs, .. } in conflicts {
                    prop_assert!(with.spot < at.spot);
                    prop_assert_eq!(differs, Differs::Column("number".to_owned()));
                }
            }
        }
    }

    #[test]
    fn a_learner_whose_rows_do_not_agree_is_told(
        rows in given(),
        bytes in prop_oneof![Just(0_usize), Just(1 << 20)],
    ) {
        // The marks are what must agree, of which zero says nothing.
        let said: Vec<(u8, Digest)> =
            rows.iter().map(|row| (row.person, Digest::try_from(row.mark).unwrap())).collect();
        let of = |spot: Spot| match spot {
            Spot::Line(line) => said[usize::try_from(line).unwrap() - 1],
            other => panic!("{other}"),
        };
        let disagrees = said.iter().any(|(person, mark)| {
            let theirs = said.iter().filter(|(other, _)| other == person);
            theirs.clone().any(|(_, other)| *mark != 0 && *other != 0 && mark != other)
        });
        match taken(BTreeMap::from([(TableName::Award, draft(&rows, bytes, [false, true]))])) {
            Ok(_) => prop_assert!(!disagrees),
            Err(conflicts) => {
                prop_assert!(disagrees);
                for Conflict { with, at, differs, .. } in conflicts {
                    let ((one, said), (other, otherwise)) = (of(with.spot), of(at.spot));
                    prop_assert_eq!(one, other);
                    prop_assert!(said != otherwise && said != 0 && otherwise != 0);
                    prop_assert_eq!(differs, Differs::Agreed(1));
                }
            }
        }
    }
}

#[test]
fn a_person_who_is_named_is_the_one_with_their_key() {
    let column = || vec![Column { name: "number".to_owned(), kind: Kind::Integer, wide: true }];
    let mut draft = Draft::new(column(), 0, 1 << 20, &std::env::temp_dir(), secret().person_keys());
    // So many that some are handed over while others wait.
    let rows = 20_000_u64;
    for line in 0..rows {
        let (name, origin) =
            (format!("L{}", line % 7), Origin { source: 0, spot: Spot::Line(line) });
        let key = secret().person_key(&name);
        let whose = if line % 3 == 0 { Whose::Key(&key) } else { Whose::Named(&name) };
        let head = Head { order: 0, origin, mark: line, strict: false };
        draft.add(whose, head, &[], [Cell::Integer(i64::try_from(line).ok())]).unwrap();
    }
    let (learners, columns, _) = taken(BTreeMap::from([(TableName::Enrolment, draft)])).unwrap();
    assert_eq!(learners.len(), 7);
    let mut from = 0;
    for (_, counts) in learners {
        let theirs = &columns[0][from..from + counts[0] as usize];
        let first = theirs[0].unwrap();
        let expected = (0..).map(|at| Some(first + 7 * at)).take(theirs.len());
        assert!(theirs.iter().copied().eq(expected), "{first}");
        from += counts[0] as usize;
    }
    assert_eq!(from as u64, rows);
}

#[test]
fn nothing_that_was_sorted_stays_on_the_disk() {
    let home = tempdir().unwrap();
    let columns = vec![Column { name: "number".to_owned(), kind: Kind::Integer, wide: true }];
    let mut draft = Draft::new(columns, 0, 0, home.path(), secret().person_keys());
    for line in 0..10 {
        let head = Head {
            order: 0,
            origin: Origin { source: 0, spot: Spot::Line(line) },
            mark: line,
            strict: false,
        };
        draft.add(Whose::Key(&[1; 16]), head, &[], [Cell::Integer(Some(1))]).unwrap();
    }
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
}
