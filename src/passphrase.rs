//! Passphrases, of a root or of a backup: typed on a terminal, or read from a file. Never an argument, because
//! every user of a machine can see those.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;
use sumac_keys::Passphrase;
use zeroize::Zeroizing;

use crate::home::read_secret;
use crate::outcome::{Hint, hinted};
use crate::terminal::tell;

/// Longer is a mistake, such as another file given in its place.
const MAX_FILE: u64 = 2_048;

const HINT: &str = "run it on a terminal, or put the passphrase into a file and name that with --passphrase-file FILE";

/// Where a root's passphrase comes from; part of every verb that opens a root.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct PassphraseArgs {
    /// Read the root's passphrase from this file instead of asking for it
    #[arg(long, env = "SUMAC_PASSPHRASE_FILE", value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

/// Where a backup's passphrase comes from.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct BackupPassphraseArgs {
    /// Read the backup's passphrase from this file instead of asking for it
    #[arg(long, env = "SUMAC_BACKUP_PASSPHRASE_FILE", value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl PassphraseArgs {
    /// The passphrase of a root that is there.
    pub(crate) fn existing(&self, root: &Path) -> anyhow::Result<Passphrase> {
        existing(self.passphrase_file.as_deref(), &format!("Passphrase of {}: ", root.display()))
    }

    /// The passphrase of a root that is about to be made; typed twice.
    pub(crate) fn new_one(&self) -> anyhow::Result<Passphrase> {
        new_one(
            self.passphrase_file.as_deref(),
            "Choose a passphrase for the party's root: at least 12 characters, such as four random words.\n\
             Nobody can recover it. Keep it where the root's successor custodian will find it.",
        )
    }
}

impl BackupPassphraseArgs {
    /// The passphrase of a backup that is there.
    pub(crate) fn existing(&self, backup: &Path) -> anyhow::Result<Passphrase> {
        existing(self.passphrase_file.as_deref(), &format!("Passphrase of {}: ", backup.display()))
    }

    /// The passphrase of a backup that is about to be made; typed twice.
    pub(crate) fn new_one(&self) -> anyhow::Result<Passphrase> {
        new_one(
            self.passphrase_file.as_deref(),
            "Choose a passphrase for the backup: at least 12 characters, such as four random words, and not the \
             root's.\nNobody can recover it. Keep it apart from the backup, where your successor will find it.",
        )
    }
}

fn existing(file: Option<&Path>, prompt: &str) -> anyhow::Result<Passphrase> {
    match file {
        Some(path) => {
            Passphrase::new(from_file(path)?).with_context(|| format!("use `{}`", path.display()))
        }
        None => Ok(Passphrase::new(typed(prompt)?)?),
    }
}

fn new_one(file: Option<&Path>, words: &str) -> anyhow::Result<Passphrase> {
    if let Some(path) = file {
        return Passphrase::new(from_file(path)?)
            .with_context(|| format!("use `{}`", path.display()));
    }
    tell!("{words}");
    loop {
        let first = typed("Passphrase: ")?;
        if typed("The same again: ")? != first {
            tell!("The two differ. Once more.");
            continue;
        }
        match Passphrase::new(first) {
            Ok(passphrase) => return Ok(passphrase),
            Err(error) => tell!("{error}"),
        }
    }
}

fn typed(prompt: &str) -> anyhow::Result<Zeroizing<String>> {
    rpassword::prompt_password(prompt)
        .map(Zeroizing::new)
        .context("ask for the passphrase")
        .hint(HINT)
}

/// The file's text without the line break that editors put at its end.
fn from_file(path: &Path) -> anyhow::Result<Zeroizing<String>> {
    let shown = path.display();
    let bytes = read_secret(path, MAX_FILE)
        .with_context(|| format!("read the passphrase file `{shown}`"))
        .hint("name a file that holds the passphrase and nothing else")?;
    let text = std::str::from_utf8(&bytes).ok();
    let text = text.ok_or_else(|| hinted(format_args!("`{shown}` is not UTF-8 text"), HINT))?;
    warn_if_others_can_read(path);
    let line = text.strip_suffix('\n').unwrap_or(text);
    Ok(Zeroizing::new(line.strip_suffix('\r').unwrap_or(line).to_owned()))
}

fn warn_if_others_can_read(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let mode =
        |metadata: io::Result<std::fs::Metadata>| metadata.map(|file| file.permissions().mode());
    if mode(path.metadata()).is_ok_and(|mode| mode & 0o077 != 0) {
        let shown = path.display();
        tell!("warning: others on this machine can read `{shown}`: chmod 600 {shown}");
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::home::write_private;

    #[test]
    fn a_file_gives_its_text_without_the_last_line_break() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("passphrase");
        for text in ["elf grape sty moon", "elf grape sty moon\n", "elf grape sty moon\r\n"] {
            write_private(&path, text.as_bytes(), true).unwrap();
            assert_eq!(from_file(&path).unwrap().as_str(), "elf grape sty moon");
        }
    }

    #[test]
    fn a_file_that_cannot_be_a_passphrase_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("passphrase");
        let args = PassphraseArgs { passphrase_file: Some(path.clone()) };
        let refusal = || format!("{:#}", args.new_one().err().unwrap());
        assert!(refusal().contains("read the passphrase file"), "no file");
        for (bytes, expected) in [
            (b"short\n".as_slice(), "too short"),
            (b"two lines of it\nand more\n", "control character"),
            (&[0xff; 20], "not UTF-8"),
            (&[b'a'; 3_000], "read the passphrase file"),
        ] {
            write_private(&path, bytes, true).unwrap();
            assert!(refusal().contains(expected), "{expected}: {}", refusal());
        }
    }
}
