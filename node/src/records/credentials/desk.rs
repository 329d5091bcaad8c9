//! Everything of the operator's that credentials are judged by, opened: keys, contexts, status lists, taxonomy.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sumac_policy::Problems;

use super::form::Form;
use super::key::{Key, KeyFault};
use super::linked::Contexts;
use super::status::{List, Lists};
use super::taxonomy::Taxonomy;
use super::trust::Issuers;

/// Longer than any context, key or taxonomy. Status lists may be as long as a credential.
const MAX_FILE: u64 = 8 << 20;

/// What credentials are judged by.
pub(super) struct Desk {
    pub(super) issuers: Issuers,
    pub(super) contexts: Arc<Contexts>,
    pub(super) lists: Lists,
    pub(super) taxonomy: Taxonomy,
}

/// What is wrong with one of the operator's files.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub(in crate::records) struct DeskFault {
    pub(in crate::records) path: PathBuf,
    pub(in crate::records) what: String,
}

impl Desk {
    /// Opens what a mapping names.
    pub(super) fn open(form: &Form) -> Result<Self, DeskFault> {
        let mut issuers = form.issuers.clone();
        for (id, path) in &form.key_files {
            let text = String::from_utf8(read(path)?).map_err(|_| fault(path, KeyFault::Form))?;
            let key = Key::read(&text).map_err(|error| fault(path, error))?;
            issuers.entry(id.clone()).or_default().keys.push(key);
        }
        let mut contexts = Contexts::default();
        for (url, path) in &form.contexts {
            if !contexts.insert(url, &read(path)?) {
                return Err(fault(path, "is no JSON-LD context: an object with `@context`"));
            }
        }
        let mut lists = Lists::new();
        for (url, path) in &form.status_lists {
            let list = List::read(&read(path)?).map_err(|what| fault(path, what))?;
            lists.insert(url.clone(), list);
        }
        let taxonomy =
            match &form.taxonomy {
                None => Taxonomy::standard(form.lists.clone()),
                Some(path) => Taxonomy::read(&read(path)?, form.lists.clone()).map_err(
                    |problems: Problems| fault(path, format_args!("cannot be used:\n{problems}")),
                )?,
            };
        Ok(Self { issuers, contexts: Arc::new(contexts), lists, taxonomy })
    }
}

fn read(path: &Path) -> Result<Vec<u8>, DeskFault> {
    let length = fs::metadata(path).map_err(|error| fault(path, error))?.len();
    if length > MAX_FILE {
        return Err(fault(path, "is longer than 8 MiB"));
    }
    fs::read(path).map_err(|error| fault(path, error))
}

fn fault(path: &Path, what: impl std::fmt::Display) -> DeskFault {
    DeskFault { path: path.to_owned(), what: what.to_string() }
}
