//! `[credentials]` in a mapping: what the operator says of credentials before any of them is read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sumac_policy::section::Section;
use sumac_policy::{Kind, Schema, TableName};

use super::super::mapping::{
    Cell, ColumnMapping, Condition, Fill, OnConflict, Order, TableMapping,
};
use super::key::Key;
use super::taxonomy::{COLUMNS, Lists};
use super::trust::{Issuer, Issuers};

/// The form of a mapping for credentials in place of tables of a file.
#[derive(Debug, Clone)]
pub(in crate::records) struct Form {
    pub(super) person: PersonFrom,
    pub(super) import_unverified: bool,
    pub(super) taxonomy: Option<PathBuf>,
    pub(super) contexts: BTreeMap<String, PathBuf>,
    pub(super) status_lists: BTreeMap<String, PathBuf>,
    pub(super) issuers: Issuers,
    /// Files of more keys, by issuer.
    pub(super) key_files: Vec<(String, PathBuf)>,
    pub(super) lists: Lists,
    /// Positions of `ob3` and `clr2`.
    pub(super) sources: [u16; 2],
}

/// What tells whose a credential is. It must be what the other files call that person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PersonFrom {
    /// The subject's id, or what follows this text in it.
    Subject { after: String },
    /// The subject's identifier of this type.
    Identifier(String),
    /// The file's name without its ending.
    File,
    /// The folder that the file lies in.
    Folder,
}

/// Reads the section. Paths are relative to the mapping.
pub(in crate::records) fn form(
    section: Section<'_>,
    path: &Path,
    schema: &Schema,
) -> Option<(Form, TableMapping)> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let person = person(&section);
    let import_unverified = match section.text_if_any("unverified").map(|found| found.value) {
        None | Some("leave_out") => false,
        Some("import") => true,
        Some(_) => {
            section.problem_at("unverified", "is neither \"leave_out\" nor \"import\"", "");
            false
        }
    };
    let taxonomy = section.text_if_any("taxonomy").map(|found| folder.join(found.value));
    let contexts = section.section_if_any("contexts").map(|urls| files(&urls, folder));
    let status_lists = section.section_if_any("status_lists").map(|urls| files(&urls, folder));
    let mut issuers = Issuers::new();
    let mut key_files = Vec::new();
    for one in section.sections("issuer") {
        if let Some((id, issuer, files)) = issuer(one, folder) {
            key_files.extend(files.into_iter().map(|file| (id.clone(), file)));
            issuers.insert(id, issuer);
        }
    }
    let columns = columns(&section, schema);
    let lists = Lists::of(schema);
    let source = |code: &str| {
        let codes = schema.column(TableName::Award, "source")?.kind.codes()?;
        u16::try_from(codes.iter().position(|known| known.id == code)?).ok()
    };
    if lists.is_none() || source("ob3").is_none() || source("clr2").is_none() {
        section.problem("the agreement's award table does not have the standard's code lists", "");
    }
    section.end(&[]);
    let form = Form {
        person: person?,
        import_unverified,
        taxonomy,
        contexts: contexts.unwrap_or_default(),
        status_lists: status_lists.unwrap_or_default(),
        issuers,
        key_files,
        lists: lists?,
        sources: [source("ob3")?, source("clr2")?],
    };
    let table = TableMapping {
        table: TableName::Award,
        person: Vec::new(),
        order: Order::File,
        on_conflict: OnConflict::Refuse,
        keep: Vec::new(),
        when: Condition::default(),
        header_has: Vec::new(),
        header_lacks: Vec::new(),
        same: Vec::new(),
        may_be_empty: false,
        columns: columns?,
    };
    Some((form, table))
}

fn person(section: &Section<'_>) -> Option<PersonFrom> {
    let wrong = |key| {
        section.problem_at(
            key,
            "does not say what tells whose a credential is",
            "write \"subject\", \"file\", \"folder\", { subject_after = \"urn:student:\" } or { identifier = \"studentId\" }",
        );
    };
    let Some(found) = section.item("person") else {
        section.problem(
            "`person` is missing",
            "add person = \"subject\", or as docs/credentials.md shows",
        );
        return None;
    };
    match found.value.as_str() {
        Some("subject") => return Some(PersonFrom::Subject { after: String::new() }),
        Some("file") => return Some(PersonFrom::File),
        Some("folder") => return Some(PersonFrom::Folder),
        Some(_) => {
            wrong("person");
            return None;
        }
        None => {}
    }
    let entry = section.section_if_any("person")?;
    let after = entry.text_if_any("subject_after").map(|found| found.value.to_owned());
    let identifier = entry.text_if_any("identifier").map(|found| found.value.to_owned());
    entry.end(&[]);
    match (after, identifier) {
        (Some(after), None) => Some(PersonFrom::Subject { after }),
        (None, Some(kind)) => Some(PersonFrom::Identifier(kind)),
        _ => {
            wrong("person");
            None
        }
    }
}

/// `"https://…" = "file"`
fn files(urls: &Section<'_>, folder: &Path) -> BTreeMap<String, PathBuf> {
    let files = urls.entries().into_iter().filter_map(|(url, found)| {
        let Some(file) = found.value.as_str().filter(|file| !file.trim().is_empty()) else {
            urls.problem_at(
                url,
                "the name of a file is needed",
                "write \"https://…\" = \"contexts/file.json\"",
            );
            return None;
        };
        Some((url.to_owned(), folder.join(file)))
    });
    files.collect()
}

fn issuer(section: Section<'_>, folder: &Path) -> Option<(String, Issuer, Vec<PathBuf>)> {
    let id = section.text("id").map(|found| found.value.to_owned());
    let header_keys = section.flag_if_any("header_keys").is_some_and(|flag| flag.value);
    let mut keys = Vec::new();
    for (n, found) in section.list_if_any("keys").unwrap_or_default().iter().enumerate() {
        match found.value.as_str().map(Key::read) {
            Some(Ok(key)) => keys.push(key),
            Some(Err(fault)) => section.problem_at(
                "keys",
                format_args!("key {} {fault}", n + 1),
                "write a JWK, a multibase key such as z6Mk…, or a PEM public key; docs/credentials.md shows each",
            ),
            None => section.problem_at("keys", "each key must be a text", ""),
        }
    }
    let files: Vec<_> = section
        .words_if_any::<String>("key_files")
        .unwrap_or_default()
        .into_iter()
        .map(|found| folder.join(found.value))
        .collect();
    if keys.is_empty() && files.is_empty() && !header_keys {
        section.problem(
            "the issuer has no key",
            "give its keys, or key_files; without them nothing it issued can be verified",
        );
    }
    section.end(&[]);
    Some((id?, Issuer { keys, header_keys }, files))
}

/// The columns that credentials fill: all that they can, unless the mapping names which. Of one that they say
/// nothing about, every row says just that.
fn columns(section: &Section<'_>, schema: &Schema) -> Option<Vec<ColumnMapping>> {
    const ALWAYS: [&str; 2] = ["credential_type", "awarded_on"];
    let known = &schema.table(TableName::Award)?.columns;
    let can = |name: &str| {
        COLUMNS.contains(&name)
            || matches!(name, "awarded_on" | "program_start_on" | "revoked_on" | "source")
    };
    let named = section.words_if_any::<String>("columns");
    if let Some(named) = &named {
        let is_known = |name: &str| known.iter().any(|column| column.name == name);
        for found in named.iter().filter(|found| !is_known(&found.value)) {
            section.problem_at(
                "columns",
                format_args!("`{}` is not a column of `award`", found.value),
                "name the columns that your other award files fill",
            );
        }
        if ALWAYS.iter().any(|always| !named.iter().any(|found| found.value == *always)) {
            section.problem_at(
                "columns",
                "`credential_type` and `awarded_on` are needed",
                "add them",
            );
        }
    }
    let wanted = |name: &str| match &named {
        Some(named) => named.iter().any(|found| found.value == name),
        None => can(name),
    };
    let filled = known.iter().filter(|column| wanted(&column.name));
    let columns = filled.map(|column| {
        // What stands where neither credential nor taxonomy says anything.
        let silent = match &column.kind {
            Kind::Code(codes) => {
                let unknown = codes.iter().position(|code| code.id == "unknown");
                Cell::Code(u16::try_from(unknown.unwrap_or(0)).unwrap_or(0))
            }
            Kind::Date => Cell::Date(None),
            Kind::Year => Cell::Year(None),
            Kind::Integer => Cell::Integer(None),
        };
        ColumnMapping { column: column.name.clone(), fill: Fill::Constant(silent), optional: false }
    });
    Some(columns.collect())
}
