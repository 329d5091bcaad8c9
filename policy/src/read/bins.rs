//! Lists of bins, of the standard catalogue and inline.

use crate::measure::{Bins, Scale};
use crate::nearest::nearest;
use crate::section::{Section, Sheet};

/// A list of bins of the standard catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BinList {
    /// Its name in a definition: `annual_pay`.
    pub name: String,
    /// The bins.
    pub bins: Bins,
}

/// Reads the shipped lists; none if one is unsound.
pub(super) fn bin_lists(text: &str) -> Option<Vec<BinList>> {
    let sheet = Sheet::parse(text.as_bytes()).ok()?;
    let root = sheet.root();
    let lists = root.section("bins")?.named_sections().into_iter().map(|(name, section)| {
        let scale = match section.text("scale")?.value {
            "log" => Scale::Log,
            "linear" => Scale::Linear,
            _ => return None,
        };
        let bins = Bins::new(edges(&section, "edges")?, scale)?;
        section.end(&[]);
        Some(BinList { name: name.to_owned(), bins })
    });
    let lists = lists.collect::<Option<Vec<_>>>()?;
    sheet.problems().is_empty().then_some(lists)
}

/// `bins = "annual_pay"`, or `bins = [0, 100, 200]`
pub(super) fn bins(section: &Section<'_>, known: &[BinList]) -> Option<Bins> {
    let Some(found) = section.item("bins") else {
        section.problem(
            "`bins` is missing",
            "name a list of the catalogue, or write bins = [0, 100, 200]",
        );
        return None;
    };
    let Some(name) = found.value.as_str() else {
        let bins = Bins::new(edges(section, "bins")?, Scale::Linear);
        if bins.is_none() {
            section.problem_at(
                "bins",
                format_args!("bins are 2 to {} between edges that ascend", Bins::MAX),
                "such as bins = [0, 100, 200]",
            );
        }
        return bins;
    };
    let list = known.iter().find(|list| list.name == name);
    if list.is_none() {
        let names = || known.iter().map(|list| list.name.as_str());
        let hint = match nearest(name, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                format!("there are {}; or write the edges", names().collect::<Vec<_>>().join(", "))
            }
        };
        section.problem_at("bins", format_args!("the catalogue has no bins `{name}`"), hint);
    }
    list.map(|list| list.bins.clone())
}

fn edges(section: &Section<'_>, key: &'static str) -> Option<Vec<i64>> {
    let edges = section.list_if_any(key)?;
    let edges: Option<Vec<i64>> = edges.iter().map(|edge| edge.value.as_integer()).collect();
    if edges.is_none() {
        section.problem_at(key, "an edge is a whole number in the column's unit", "such as 0");
    }
    edges
}
