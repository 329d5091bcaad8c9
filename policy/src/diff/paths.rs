//! The clauses that a change rests on, as paths into both files.

use std::collections::BTreeSet;

use crate::diff::view::KpiView;
use crate::dimension::Breakdown;
use crate::mou::{Limit, Mou, Restriction};
use crate::names::KpiId;

/// What names a restriction in both files, wherever it stands in its list.
pub(super) fn of_restriction(restriction: &Restriction) -> String {
    let kpi = restriction.kpi.as_ref().map_or("", |kpi| kpi.as_str());
    match &restriction.limit {
        Limit::Column { column, .. } if kpi.is_empty() => format!("restrict.column.{column}"),
        Limit::Column { column, .. } => format!("restrict.column.{column}.{kpi}"),
        Limit::Kpi => format!("restrict.kpi.{kpi}"),
        Limit::Margin(_) => format!("restrict.margin.{kpi}"),
        Limit::Floor(_) => "restrict.floor".to_owned(),
    }
}

/// A KPI that only `answers` lists, with the dimensions declared for it.
pub(super) fn of_kpi(answers: &Mou, refuses: &Mou, kpi: &KpiView) -> Vec<String> {
    let tables = kpi.tables.keys().cloned().collect();
    let mut paths = vec![format!("kpi.{}", kpi.kpi.id)];
    paths.extend(declared(answers, refuses, &tables));
    paths
}

/// Tables of a KPI that only `answers` answers: listed there, or restricted in `refuses`.
pub(super) fn of_tables(
    answers: &Mou,
    refuses: &Mou,
    kpi: &KpiView,
    tables: &BTreeSet<Breakdown>,
) -> Vec<String> {
    let id = &kpi.kpi.id;
    let mut paths = vec![format!("kpi.{id}.by")];
    paths.extend(restrictions_apart(answers, refuses, id));
    paths.extend(declared(answers, refuses, tables));
    paths
}

/// What another meaning rests on: the KPI's own definition, or the cells of its dimensions.
pub(super) fn of_definition(
    old: &Mou,
    new: &Mou,
    kpi: &KpiId,
    tables: &BTreeSet<Breakdown>,
) -> Vec<String> {
    let mut paths = vec![format!("kpi.{kpi}.uses"), format!("kpi.{kpi}.define")];
    paths.extend(declared(old, new, tables));
    paths
}

/// Restrictions that only one version has, and that refuse the KPI or any table of it.
pub(super) fn restrictions_apart(old: &Mou, new: &Mou, kpi: &KpiId) -> Vec<String> {
    let keys = |mou: &Mou| -> BTreeSet<String> {
        let Some(kpi) = mou.kpi(kpi) else { return BTreeSet::new() };
        let refusing = mou.restrictions().iter().filter(|restriction| {
            kpi.by.iter().any(|by| restriction.refuses(mou, kpi, by).is_some())
        });
        refusing.map(of_restriction).collect()
    };
    keys(old).symmetric_difference(&keys(new)).cloned().collect()
}

/// Dimensions that the versions declare differently.
pub(super) fn dimensions_apart(old: &Mou, new: &Mou) -> Vec<String> {
    let ids: BTreeSet<_> =
        [old, new].iter().flat_map(|mou| &mou.dimensions).map(|dimension| &dimension.id).collect();
    let apart = ids.into_iter().filter(|id| old.dimension(id) != new.dimension(id));
    apart.map(|id| format!("dimension.{id}")).collect()
}

fn declared(old: &Mou, new: &Mou, tables: &BTreeSet<Breakdown>) -> Vec<String> {
    let read = |path: &String| {
        tables.iter().flat_map(Breakdown::dimensions).any(|id| *path == format!("dimension.{id}"))
    };
    dimensions_apart(old, new).into_iter().filter(read).collect()
}
