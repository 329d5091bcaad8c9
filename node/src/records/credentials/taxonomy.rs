//! What achievements mean in the agreement's own codes: `sumac-taxonomy/1`, the operator's file.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use sumac_policy::section::{Section, Sheet};
use sumac_policy::{Problems, Schema, Severity, TableName};

use super::document::each;

type Object = Map<String, Value>;

/// The award columns that a taxonomy fills, all of them codes.
pub(super) const COLUMNS: [&str; 4] =
    ["credential_type", "award_level", "cip2", "recognised_postsecondary"];

/// Positions in the code lists of [`COLUMNS`], where the taxonomy says anything.
pub(super) type Codes = [Option<u16>; 4];

/// The code lists of [`COLUMNS`], as the agreement has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lists([Vec<String>; 4]);

/// What kinds of achievements are, most particular first: one achievement, one CTID, one achievementType.
#[derive(Debug, Clone)]
pub(super) struct Taxonomy {
    achievement: BTreeMap<String, Codes>,
    ctid: BTreeMap<String, Codes>,
    kind: BTreeMap<String, Codes>,
    lists: Lists,
}

/// An achievement in the agreement's codes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) codes: Codes,
    /// An achievementType that neither taxonomy nor agreement has a word for.
    pub(super) strange: Option<String>,
}

impl Lists {
    /// The code lists of an agreement; none where it has changed these columns beyond recognition.
    pub(super) fn of(schema: &Schema) -> Option<Self> {
        let list = |column: &str| {
            let codes = schema.column(TableName::Award, column)?.kind.codes()?;
            Some(codes.iter().map(|code| code.id.clone()).collect())
        };
        let [kind, level, cip2, recognised] = COLUMNS.map(list);
        Some(Self([kind?, level?, cip2?, recognised?]))
    }

    fn position(&self, column: usize, code: &str) -> Option<u16> {
        let at = self.0.get(column)?.iter().position(|known| known == code)?;
        u16::try_from(at).ok()
    }
}

impl Taxonomy {
    /// A taxonomy that knows the agreement's own words alone.
    pub(super) fn standard(lists: Lists) -> Self {
        let (achievement, ctid, kind) = Default::default();
        Self { achievement, ctid, kind, lists }
    }

    /// Reads a taxonomy file.
    pub(super) fn read(bytes: &[u8], lists: Lists) -> Result<Self, Problems> {
        let sheet = Sheet::parse(bytes)?;
        let mut taxonomy = Self::standard(lists);
        let root = sheet.root();
        if root.text("format").is_some_and(|format| format.value != "sumac-taxonomy/1") {
            root.problem_at(
                "format",
                "this version reads taxonomies of the format `sumac-taxonomy/1`",
                "write format = \"sumac-taxonomy/1\"",
            );
        }
        taxonomy.achievement = entries(root.section_if_any("achievement"), &taxonomy.lists);
        taxonomy.ctid = entries(root.section_if_any("ctid"), &taxonomy.lists);
        taxonomy.kind = entries(root.section_if_any("type"), &taxonomy.lists);
        root.end(&[]);
        let mut problems = sheet.problems();
        problems.retain(|problem| problem.severity == Severity::Error);
        if problems.is_empty() { Ok(taxonomy) } else { Err(Problems(problems)) }
    }

    /// What an achievement is.
    pub(super) fn place(&self, achievement: &Object) -> Placed {
        let text = |name: &str| achievement.get(name).and_then(Value::as_str);
        let kind = text("achievementType").filter(|kind| !kind.is_empty());
        let particular = [
            text("id").and_then(|id| self.achievement.get(id)),
            ctids(achievement).find_map(|ctid| self.ctid.get(ctid)),
            kind.and_then(|kind| self.kind.get(kind)),
        ];
        let mut codes: Codes = [None; 4];
        for found in particular.into_iter().flatten() {
            for (code, found) in codes.iter_mut().zip(found) {
                *code = code.or(*found);
            }
        }
        let [credential_type, ..] = &mut codes;
        let mut strange = None;
        if let (None, Some(kind)) = (&credential_type, kind) {
            *credential_type = self.lists.position(0, kind);
            if credential_type.is_none() {
                *credential_type = self.lists.position(0, "other");
                strange = Some(kind.to_owned());
            }
        }
        Placed { codes, strange }
    }
}

/// The Credential Engine identifiers that an achievement is aligned with.
fn ctids(achievement: &Object) -> impl Iterator<Item = &str> {
    let alignments = achievement.get("alignment").into_iter().flat_map(each);
    let of_ctdl = alignments.filter(|alignment| {
        let kind = alignment.get("targetType").and_then(Value::as_str);
        kind.is_some_and(|kind| kind == "CTDL" || kind.starts_with("ceterms:"))
    });
    of_ctdl.flat_map(|alignment| {
        let places = ["targetCode", "targetUrl"].into_iter();
        let texts = places.filter_map(|place| alignment.get(place)?.as_str());
        let ends = texts.map(|text| text.rsplit('/').next().unwrap_or(text));
        ends.filter(|end| end.starts_with("ce-"))
    })
}

/// `[type."ext:Micro"]` and its like.
fn entries(section: Option<Section<'_>>, lists: &Lists) -> BTreeMap<String, Codes> {
    let sections = section.map(|section| section.named_sections()).unwrap_or_default();
    let entries = sections.into_iter().map(|(name, entry)| {
        let mut at = 0_usize;
        let codes = COLUMNS.map(|column| {
            let code = entry.text_if_any(column).and_then(|found| {
                let position = lists.position(at, found.value);
                if position.is_none() {
                    entry.problem_at(
                        column,
                        format_args!("`{}` is not a code of this column", found.value),
                        "policy/data/schema.toml lists the codes of every column",
                    );
                }
                position
            });
            at += 1;
            code
        });
        entry.end(&[]);
        (name.to_owned(), codes)
    });
    entries.collect()
}
