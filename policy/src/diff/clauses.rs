//! The clauses of a file, each with its line and its words, under a path that both versions share.

use std::collections::{BTreeMap, BTreeSet};

use toml_edit::{Array, Document, Item, TableLike, Value};

use crate::diff::paths::of_restriction;
use crate::mou::Mou;

/// Tables of a list that are known by their `id`.
const KNOWN_BY_ID: [&str; 3] = ["party", "dimension", "kpi"];

/// A clause that the versions write differently, in the form in which amendments are proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    /// Where it is, as a person finds it: `kpi.retention.margin`, `restrict[1]`.
    pub reference: String,
    /// Its line in the old file.
    pub old_line: Option<usize>,
    /// Its line in the new file.
    pub new_line: Option<usize>,
    /// Its words in the old file; none if it is not there.
    pub original: Option<String>,
    /// Its words in the new file; none if it is not there.
    pub replacement: Option<String>,
}

/// What one file says, clause by clause.
pub(super) struct Clauses(BTreeMap<String, Words>);

/// Which differing clauses some change has told of.
pub(super) struct Told {
    old: Clauses,
    new: Clauses,
    keys: BTreeSet<String>,
}

struct Words {
    reference: String,
    line: usize,
    text: String,
    /// The table that stands or falls with it: a party, a KPI, a restriction.
    block: Option<String>,
    place: usize,
}

impl Told {
    pub(super) fn new(old: Clauses, new: Clauses) -> Self {
        Self { old, new, keys: BTreeSet::new() }
    }

    /// The differing clauses under these paths, which are told of from now on.
    pub(super) fn tell(&mut self, paths: &[String]) -> Vec<Clause> {
        let mut clauses = Vec::new();
        for (keys, clause) in self.old.apart(&self.new, paths) {
            self.keys.extend(keys);
            clauses.push(clause);
        }
        clauses
    }

    /// Whether a clause under these paths is told of already.
    pub(super) fn knows(&self, paths: &[String]) -> bool {
        self.keys.iter().any(|key| paths.iter().any(|path| is_under(key, path)))
    }

    /// The differing clauses that nothing told of, but for labels.
    pub(super) fn untold(&self, is_label: impl Fn(&str) -> bool) -> Vec<Clause> {
        let apart = self.old.apart(&self.new, &[String::new()]).into_iter();
        let untold = apart
            .filter(|(keys, _)| keys.iter().any(|key| !is_label(key) && !self.keys.contains(key)));
        untold.map(|(_, clause)| clause).collect()
    }
}

impl Clauses {
    /// The clauses of a file that was read as `mou`. Empty for what is not TOML, which no MOU is read from.
    pub(super) fn of(bytes: &[u8], mou: &Mou) -> Self {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let Ok(document) = Document::parse(text) else { return Self(BTreeMap::new()) };
        let mut reader = Reader { raw: document.raw(), mou, clauses: BTreeMap::new() };
        for (key, item) in document.as_table().iter() {
            reader.top(key, item, document.as_table());
        }
        Self(reader.clauses)
    }

    /// The clauses under these paths that differ, in the order of the new file; a block that only one
    /// file has is one clause.
    pub(super) fn apart(&self, new: &Self, paths: &[String]) -> Vec<(BTreeSet<String>, Clause)> {
        let keys: BTreeSet<&String> = self.0.keys().chain(new.0.keys()).collect();
        let mut apart: Vec<(usize, BTreeSet<String>, Clause)> = Vec::new();
        let mut blocks = BTreeSet::new();
        for key in keys.into_iter().filter(|key| paths.iter().any(|path| is_under(key, path))) {
            let (old_words, new_words) = (self.0.get(key), new.0.get(key));
            if old_words.map(|words| &words.text) == new_words.map(|words| &words.text) {
                continue;
            }
            let block = old_words.or(new_words).and_then(|words| words.block.clone());
            if let Some(block) = block.filter(|block| self.lacks(block) || new.lacks(block)) {
                if blocks.insert(block.clone()) {
                    apart.push(block_apart(self, new, &block));
                }
                continue;
            }
            let either = new_words.or(old_words);
            apart.push((
                either.map_or(0, |words| words.place),
                BTreeSet::from([key.clone()]),
                Clause {
                    reference: either.map_or_else(String::new, |words| words.reference.clone()),
                    old_line: old_words.map(|words| words.line),
                    new_line: new_words.map(|words| words.line),
                    original: old_words.map(|words| words.text.clone()),
                    replacement: new_words.map(|words| words.text.clone()),
                },
            ));
        }
        apart.sort_by_key(|(place, ..)| *place);
        apart.into_iter().map(|(_, keys, clause)| (keys, clause)).collect()
    }

    fn lacks(&self, block: &str) -> bool {
        !self.0.values().any(|words| words.block.as_deref() == Some(block))
    }

    fn block(&self, block: &str) -> Vec<(&String, &Words)> {
        let of_it = self.0.iter().filter(|(_, words)| words.block.as_deref() == Some(block));
        let mut of_it: Vec<_> = of_it.collect();
        of_it.sort_by_key(|(_, words)| words.place);
        of_it
    }
}

fn block_apart(old: &Clauses, new: &Clauses, block: &str) -> (usize, BTreeSet<String>, Clause) {
    let (old, new) = (old.block(block), new.block(block));
    let line = |words: &[(&String, &Words)]| words.iter().map(|(_, words)| words.line).min();
    let text = |words: &[(&String, &Words)]| {
        let all: Vec<_> = words
            .iter()
            .map(|(_, words)| {
                let key = words
                    .reference
                    .rsplit_once(&format!("{}.", reference(words)))
                    .map(|(_, key)| key);
                format!("{} = {}", key.unwrap_or(&words.reference), words.text)
            })
            .collect();
        (!all.is_empty()).then(|| all.join("; "))
    };
    let keys = old.iter().chain(&new).map(|(key, _)| (*key).clone()).collect();
    let first = new.first().or(old.first());
    let clause = Clause {
        reference: first.map_or_else(String::new, |(_, words)| reference(words)),
        old_line: line(&old),
        new_line: line(&new),
        original: text(&old),
        replacement: text(&new),
    };
    (first.map_or(0, |(_, words)| words.place), keys, clause)
}

/// The block's own reference: `kpi.retention` of `kpi.retention.margin`, `restrict[1]` of `restrict[1].kpi`.
fn reference(words: &Words) -> String {
    let parts = if words.reference.starts_with("restrict[") { 1 } else { 2 };
    words.reference.split('.').take(parts).collect::<Vec<_>>().join(".")
}

/// Whether a clause is the one at `path` or under it.
fn is_under(key: &str, path: &str) -> bool {
    path.is_empty()
        || key.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

struct Reader<'a> {
    raw: &'a str,
    mou: &'a Mou,
    clauses: BTreeMap<String, Words>,
}

impl Reader<'_> {
    fn top(&mut self, key: &str, item: &Item, root: &dyn TableLike) {
        let tables = tables(item);
        if KNOWN_BY_ID.contains(&key) {
            for table in tables {
                let id = table.get("id").and_then(Item::as_str).unwrap_or_default();
                let path = format!("{key}.{id}");
                self.table(table, &path, &path, Some(&path));
            }
        } else if let ("roles", Some(roles)) = (key, item.as_table_like()) {
            for (name, role) in roles.iter() {
                let path = format!("roles.{name}");
                self.item(name, role, roles, &path, &path, Some(&path));
            }
        } else if key == "restrict" {
            for (n, table) in tables.into_iter().enumerate() {
                let mut path =
                    self.mou.restrictions().get(n).map(of_restriction).unwrap_or_default();
                while self.clauses.values().any(|words| words.block.as_ref() == Some(&path)) {
                    path.push_str(".again");
                }
                self.table(table, &path, &format!("restrict[{}]", n + 1), Some(&path));
            }
        } else {
            self.item(key, item, root, key, key, None);
        }
    }

    fn table(&mut self, table: &dyn TableLike, path: &str, place: &str, block: Option<&str>) {
        for (key, item) in table.iter() {
            self.item(key, item, table, &format!("{path}.{key}"), &format!("{place}.{key}"), block);
        }
    }

    fn item(
        &mut self,
        key: &str,
        item: &Item,
        of: &dyn TableLike,
        path: &str,
        reference: &str,
        block: Option<&str>,
    ) {
        if let Some(table) = item.as_table_like() {
            return self.table(table, path, reference, block);
        }
        let span = of.get_key_value(key).and_then(|(name, item)| name.span().or(item.span()));
        let at = span.map_or(0, |span| span.start);
        let text = match item.as_value() {
            Some(value) => self.words(value),
            None => {
                let all: Vec<_> =
                    tables(item).into_iter().map(|table| self.inline(table)).collect();
                format!("[{}]", all.join(", "))
            }
        };
        let line = 1 + self.raw.bytes().take(at).filter(|byte| *byte == b'\n').count();
        let words = Words {
            reference: reference.to_owned(),
            line,
            text,
            block: block.map(str::to_owned),
            place: at,
        };
        self.clauses.insert(path.to_owned(), words);
    }

    /// A value as it is written, but for spaces, line breaks and comments between its parts.
    fn words(&self, value: &Value) -> String {
        match value {
            Value::Array(array) => self.array(array),
            Value::InlineTable(table) => self.inline(table),
            value => value
                .span()
                .and_then(|span| self.raw.get(span))
                .unwrap_or_default()
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" "),
        }
    }

    fn array(&self, array: &Array) -> String {
        let all: Vec<_> = array.iter().map(|value| self.words(value)).collect();
        format!("[{}]", all.join(", "))
    }

    fn inline(&self, table: &dyn TableLike) -> String {
        let all: Vec<_> = table
            .iter()
            .map(|(key, item)| {
                let words = match (item.as_value(), item.as_table_like()) {
                    (Some(value), _) => self.words(value),
                    (None, Some(table)) => self.inline(table),
                    (None, None) => String::new(),
                };
                format!("{key} = {words}")
            })
            .collect();
        format!("{{ {} }}", all.join(", "))
    }
}

/// The tables of a list, written as `[[kpi]]` or inline.
fn tables(item: &Item) -> Vec<&dyn TableLike> {
    if let Some(tables) = item.as_array_of_tables() {
        return tables.iter().map(|table| table as &dyn TableLike).collect();
    }
    let inline = item.as_array().into_iter().flat_map(|array| array.iter());
    inline.filter_map(|value| Some(value.as_inline_table()? as &dyn TableLike)).collect()
}
