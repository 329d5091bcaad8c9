//! A backup's file: a tar archive, encrypted with a passphrase in the age format.
//!
//! ```text
//! about.json          what it is a backup of
//! home/<path>         the home's files, the ledger last
//! ```

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

use age::secrecy::SecretString;
use age::{DecryptError, Decryptor, Encryptor, scrypt};
use anyhow::Context;
use serde::{Deserialize, Serialize};
use sumac_keys::Passphrase;
use sumac_node::store::Cut;

use crate::home::make_folder;
use crate::outcome::{Hint, hinted};

/// The version of the file that this software writes, and the only one that it reads.
pub(super) const FORMAT: &str = "sumac-backup/1";

const ABOUT: &str = "about.json";
const HOME: &str = "home";

/// Longest description, in bytes.
const MAX_ABOUT: u64 = 64 << 10;

/// What a backup is of.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct About {
    pub(super) format: String,
    /// Whose home.
    pub(crate) party: String,
    /// When it was made.
    pub(crate) made_at: String,
    /// The version that made it.
    pub(crate) software: String,
    /// The ledger's part in it; none if the home has no ledger.
    pub(crate) ledger: Option<Cut>,
}

/// A file in a backup.
#[derive(Debug, Clone)]
pub(super) struct Member {
    /// Where it lies.
    pub(super) path: PathBuf,
    /// Where it lies in the home.
    pub(super) name: PathBuf,
    /// How much of it; all that is there if none is given.
    pub(super) length: Option<u64>,
}

/// Only the format is read of a description that this version may not know.
#[derive(Deserialize)]
struct AnyAbout {
    format: String,
}

/// Another version of the file.
#[derive(Debug, thiserror::Error)]
#[error("its format is `{0}`, and this version reads `{FORMAT}`")]
struct OtherFormat(String);

/// Writes a backup.
pub(super) fn write<W: Write>(
    output: W,
    passphrase: &Passphrase,
    about: &About,
    files: &[Member],
) -> anyhow::Result<W> {
    let encrypted = Encryptor::with_user_passphrase(secret(passphrase)).wrap_output(output)?;
    let mut archive = tar::Builder::new(encrypted);
    let about = serde_json::to_vec_pretty(about).context("describe the backup")?;
    archive.append_data(&mut header(about.len() as u64, 0o600), ABOUT, about.as_slice())?;
    for Member { path, name, length } in files {
        let shown = path.display();
        let file = File::open(path).with_context(|| format!("read `{shown}`"))?;
        let facts = file.metadata().with_context(|| format!("read `{shown}`"))?;
        let length = length.unwrap_or(facts.len());
        let mut header = header(length, facts.permissions().mode() & 0o700);
        let name = Path::new(HOME).join(name);
        // A file that is appended to meanwhile is taken as long as it was.
        let copied = archive.append_data(&mut header, &name, Exactly::new(file, length));
        copied.with_context(|| format!("copy `{shown}`"))?;
    }
    Ok(archive.into_inner()?.finish()?)
}

/// Reads a backup into a folder that is there and empty.
pub(crate) fn unpack(path: &Path, passphrase: &Passphrase, into: &Path) -> anyhow::Result<About> {
    let shown = path.display();
    let input = io::BufReader::with_capacity(
        1 << 16,
        File::open(path).with_context(|| format!("open `{shown}`"))?,
    );
    let damaged = "nothing was restored; try another copy of the backup";
    let decryptor = Decryptor::new_buffered(input)
        .with_context(|| format!("`{shown}` is no backup, or its beginning is damaged"))
        .hint(damaged)?;
    if !decryptor.is_scrypt() {
        return Err(hinted(format_args!("`{shown}` was not made by `sumac backup`"), damaged));
    }
    let identity = scrypt::Identity::new(secret(passphrase));
    let mut archive = match decryptor.decrypt(std::iter::once(&identity as _)) {
        Ok(decrypted) => tar::Archive::new(decrypted),
        Err(DecryptError::Io(error)) => {
            return Err(error).with_context(|| format!("read `{shown}`")).hint(damaged);
        }
        Err(error) => {
            return Err(error).with_context(|| format!("decrypt `{shown}`")).hint(
                "try the passphrase again; if it is right, the file's beginning is damaged: try another copy",
            );
        }
    };
    let about = match take(&mut archive, into) {
        Err(error) if error.is::<OtherFormat>() => {
            return Err(error)
                .with_context(|| format!("read `{shown}`"))
                .hint("install the version of sumac that made it, or a newer one");
        }
        taken => taken
            .with_context(|| format!("read `{shown}`: it is cut short, or was changed"))
            .hint(damaged)?,
    };
    // The rest, too, must be what was written: a file that was cut short at its end is found out here.
    io::copy(&mut archive.into_inner(), &mut io::sink())
        .with_context(|| format!("read `{shown}`: it is cut short, or was changed"))
        .hint(damaged)?;
    Ok(about)
}

fn take(archive: &mut tar::Archive<impl Read>, into: &Path) -> anyhow::Result<About> {
    let mut entries = archive.entries()?;
    let mut first = entries.next().context("it is empty")??;
    anyhow::ensure!(first.path()? == Path::new(ABOUT), "it does not say what it is a backup of");
    let mut about = Vec::new();
    (&mut first).take(MAX_ABOUT).read_to_end(&mut about)?;
    let AnyAbout { format } = serde_json::from_slice(&about)?;
    if format != FORMAT {
        return Err(OtherFormat(format).into());
    }
    let about: About = serde_json::from_slice(&about)?;
    for entry in entries {
        let mut entry = entry?;
        let name = entry.path()?.into_owned();
        let plain = name.components().all(|part| matches!(part, Component::Normal(_)));
        let inside = name.strip_prefix(HOME).ok().filter(|_| plain);
        let inside =
            inside.with_context(|| format!("`{}` has no place in a home", name.display()))?;
        anyhow::ensure!(entry.header().entry_type().is_file(), "`{}` is no file", name.display());
        let path = into.join(inside);
        if let Some(folder) = path.parent() {
            make_folder(folder)?;
        }
        let mode = entry.header().mode()? & 0o700;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&path)?;
        let copied = io::copy(&mut entry, &mut file)?;
        anyhow::ensure!(copied == entry.size(), "`{}` is cut short", name.display());
        file.sync_all()?;
    }
    sync_folders(into)?;
    Ok(about)
}

fn sync_folders(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            sync_folders(&path)?;
        }
    }
    File::open(folder)?.sync_all()
}

fn secret(passphrase: &Passphrase) -> SecretString {
    SecretString::from(passphrase.as_str().to_owned())
}

fn header(length: u64, mode: u32) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Regular);
    header.set_size(length);
    header.set_mode(mode);
    header
}

/// So many bytes of a file; one that has fewer is an error, not a shorter file.
struct Exactly<R> {
    input: R,
    left: u64,
}

impl<R> Exactly<R> {
    fn new(input: R, length: u64) -> Self {
        Self { input, left: length }
    }
}

impl<R: Read> Read for Exactly<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = (&mut self.input).take(self.left).read(buffer)?;
        if read == 0 && self.left > 0 && !buffer.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= read as u64;
        Ok(read)
    }
}
