//! What an import takes: files and directories, each with its mapping, and views of the party's PostgreSQL server.

use std::path::{Path, PathBuf};

use anyhow::Context;
use sumac_node::records::import::{EXTENSIONS, Folder, Source};
use sumac_node::records::mapping::{BuiltIn, Mapping};
use sumac_node::warehouse::{Session, ViewName};
use sumac_policy::Mou;

use crate::home::{EngineChoice, Settings};
use crate::outcome::{Hint, hinted};
use crate::terminal::tell;
use crate::warehouse::warehouse;

/// What a view is called by, and a file is not: `./postgres:…` is a file.
const VIEW: &str = "postgres:";

/// What is read of a directory.
pub(super) struct Folders<'a> {
    extensions: Vec<&'a str>,
    recursive: bool,
}

impl<'a> Folders<'a> {
    /// Files with these extensions, or with every one that is known.
    pub(super) fn of(extensions: &'a [String], recursive: bool) -> Self {
        let named = extensions.iter().map(|extension| extension.trim_start_matches('.'));
        let named: Vec<_> = named.collect();
        let extensions = if named.is_empty() { EXTENSIONS.to_vec() } else { named };
        Self { extensions, recursive }
    }
}

/// Each file with its mapping.
pub(super) fn sources(
    paths: &[PathBuf],
    mappings: &[PathBuf],
    mou: &Mou,
    folders: &Folders<'_>,
    views: &mut Views<'_>,
) -> anyhow::Result<Vec<Source>> {
    let read = |path: &Path| {
        let built_in = path.to_str().and_then(BuiltIn::named);
        built_in
            .map_or_else(|| Mapping::open(path, mou.schema()), |known| known.mapping(mou.schema()))
            .hint("mappings for common systems are in examples/mappings; docs/mapping.md tells how to write one")
    };
    let mappings = mappings.iter().map(|path| read(path)).collect::<anyhow::Result<Vec<_>>>()?;
    let mappings = match mappings.as_slice() {
        [one] => vec![one.clone(); paths.len()],
        several if several.len() == paths.len() => mappings,
        several => {
            let (files, mappings) = (paths.len(), several.len());
            return Err(hinted(
                format_args!("{files} files and {mappings} mappings"),
                "give one --mapping for all files, or one for each file in the same order",
            ));
        }
    };
    let mut sources = Vec::new();
    for (path, mapping) in paths.iter().zip(mappings) {
        if let Some(name) = path.to_str().and_then(|path| path.strip_prefix(VIEW)) {
            sources.push(views.view(name, mapping)?);
            continue;
        }
        let as_files = path.is_dir() && !mapping.is_for_credentials();
        let files = if as_files { files_of(path, folders)? } else { vec![path.clone()] };
        sources.extend(files.into_iter().map(|path| Source::file(path, mapping.clone())));
    }
    Ok(sources)
}

/// Views of the party's PostgreSQL server, all of them read in one transaction that begins with the first.
pub(super) struct Views<'a> {
    settings: &'a Settings,
    session: Option<Session>,
}

impl<'a> Views<'a> {
    /// Of the server that the settings name; nobody has connected yet.
    pub(super) fn of(settings: &'a Settings) -> Self {
        Self { settings, session: None }
    }

    fn view(&mut self, name: &str, mapping: Mapping) -> anyhow::Result<Source> {
        let name: ViewName = name.parse()?;
        Ok(Source::view(name, self.session()?, mapping))
    }

    /// The session for views that stay where they are.
    pub(super) fn in_place(&mut self) -> anyhow::Result<Session> {
        in_place_is_counted_there(&self.settings.engine)?;
        self.session()
    }

    fn session(&mut self) -> anyhow::Result<Session> {
        if let Some(session) = &self.session {
            return Ok(session.clone());
        }
        let session = warehouse(self.settings)?.connect().map_err(|error| {
            let hint = error.hint();
            hinted(error, hint)
        })?;
        Ok(self.session.insert(session).clone())
    }
}

/// A cluster reads files, and of records that stay in PostgreSQL there are none.
pub(crate) fn in_place_is_counted_there(engine: &EngineChoice) -> anyhow::Result<()> {
    match engine {
        EngineChoice::Snapshot => Ok(()),
        EngineChoice::Cluster(_) => Err(hinted(
            "records that stay in PostgreSQL are counted there, and [engine] in sumac.toml says \"cluster\"",
            "leave [engine] out of sumac.toml, or import views and files into a snapshot",
        )),
    }
}

/// The files of a directory. What is passed over is said, so that nobody misses it.
fn files_of(path: &Path, folders: &Folders<'_>) -> anyhow::Result<Vec<PathBuf>> {
    let Folders { extensions, recursive } = folders;
    let Folder { files, passed_over } = Folder::open(path, extensions, *recursive)
        .with_context(|| format!("look through `{}`", path.display()))?;
    for other in &passed_over {
        tell!("passed over: {}", other.display());
    }
    if files.is_empty() {
        return Err(hinted(
            format_args!(
                "`{}` holds no file with the extension {}",
                path.display(),
                extensions.join(", ")
            ),
            "name another with --extension, or go into directories with --recursive",
        ));
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    const LAKESHORE: &str = include_str!("../../examples/mou/lakeshore/mou.toml");

    #[test]
    fn one_mapping_serves_all_files_or_each_has_its_own() {
        let mou = Mou::read(LAKESHORE.as_bytes()).unwrap();
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/mappings"));
        let mapping = |name: &str| folder.join(name);
        let files = |count| vec![PathBuf::from("a.csv"); count];
        let settings = Settings {
            party: "lakeshore-cc".parse().unwrap(),
            mou: "mou".into(),
            listen: "127.0.0.1:1".parse().unwrap(),
            engine: EngineChoice::Snapshot,
            reply_tick_ms: 1,
            postgres: None,
        };
        let (one, two) = (mapping("exits.toml"), mapping("banner-awards.toml"));
        let sources = |files: Vec<_>, mappings: &[_]| {
            let folders = Folders { extensions: vec!["toml"], recursive: false };
            let mut views = Views::of(&settings);
            sources(&files, mappings, &mou, &folders, &mut views)
        };
        assert_eq!(sources(files(3), std::slice::from_ref(&one)).unwrap().len(), 3);
        assert_eq!(sources(files(2), &[one.clone(), two.clone()]).unwrap().len(), 2);
        assert!(sources(files(3), &[one.clone(), two.clone()]).is_err());
        for (view, expected) in [
            ("postgres:sumac.award", "names no PostgreSQL server"),
            ("postgres:award", "SCHEMA.VIEW"),
        ] {
            let refused = sources(vec![view.into()], std::slice::from_ref(&one)).unwrap_err();
            assert!(refused.to_string().contains(expected), "{refused}");
        }
        let folder = sources(vec![folder.to_owned(), "a.csv".into()], &[one, two]).unwrap();
        let (last, others) = folder.split_last().unwrap();
        assert!(others.len() >= 5 && others.is_sorted_by_key(|source| &source.path));
        assert!(others.iter().all(|source| source.mapping.title() != last.mapping.title()));
    }
}
