//! What became of the credentials of one source, for the operator's own terminal.

use std::collections::BTreeMap;
use std::fmt;

use super::fault::Doubt;
use super::folder::PassedOver;
use super::judge::Verdict;

/// Credentials named with what is wrong with them; the rest are only counted.
const MAX_TOLD: usize = 100;

/// Characters of a name or a reason that are shown.
const MAX_SHOWN: usize = 160;

/// Words of issuers listed that the taxonomy does not know.
const MAX_WORDS: usize = 1_000;

/// Counts of one source.
#[derive(Debug, Default)]
pub(in crate::records) struct Tally {
    import_unverified: bool,
    files: u64,
    passed: PassedOver,
    verified: u64,
    unverified: u64,
    copies: u64,
    endorsements: u64,
    nothing: u64,
    /// Rejected credentials by reason.
    rejected: BTreeMap<&'static str, u64>,
    told: Vec<String>,
    not_told: u64,
    doubted: Vec<String>,
    doubts_not_told: u64,
    imported: [u64; 2],
    /// Kinds of achievements that the taxonomy does not know, and in how many credentials.
    pub(in crate::records) strange: BTreeMap<String, u64>,
}

impl Tally {
    pub(super) fn new(import_unverified: bool) -> Self {
        Self { import_unverified, ..Self::default() }
    }

    pub(super) fn file(&mut self) {
        self.files += 1;
    }

    pub(super) fn copy(&mut self) {
        self.copies += 1;
    }

    pub(super) fn passed_over(&mut self, passed: PassedOver) {
        self.passed = passed;
    }

    /// Counts what became rows, each known to be genuine or not.
    pub(super) fn imported(&mut self, verified: impl Iterator<Item = bool>) {
        let [genuine, unknown] = &mut self.imported;
        for verified in verified {
            *(if verified { &mut *genuine } else { &mut *unknown }) += 1;
        }
    }

    /// Counts one credential.
    pub(super) fn note(&mut self, file: &str, verdict: &Verdict) {
        match verdict {
            Verdict::Award(award, doubt) => {
                let counted = doubt.is_none() || self.import_unverified;
                if let Some(word) = award.placed.strange.as_ref().filter(|_| counted) {
                    let word = shown(word);
                    if self.strange.len() < MAX_WORDS || self.strange.contains_key(&word) {
                        *self.strange.entry(word).or_default() += 1;
                    }
                }
                match doubt {
                    None => self.verified += 1,
                    Some(doubt) => self.doubt(file, doubt),
                }
            }
            Verdict::Nothing => self.nothing += 1,
            Verdict::Endorsement => self.endorsements += 1,
            Verdict::Rejected(fault) => {
                *self.rejected.entry(fault.reason()).or_default() += 1;
                let line = || format!("{}: {}", shown(file), shown(&fault.to_string()));
                tell(&mut self.told, &mut self.not_told, line);
            }
        }
    }

    fn doubt(&mut self, file: &str, doubt: &Doubt) {
        self.unverified += 1;
        let line = || format!("{}: {}", shown(file), shown(&doubt.to_string()));
        tell(&mut self.doubted, &mut self.doubts_not_told, line);
    }

    /// Credentials looked at.
    pub(in crate::records) fn credentials(&self) -> u64 {
        let rejected: u64 = self.rejected.values().sum();
        self.verified + self.unverified + self.endorsements + self.nothing + rejected
    }

    /// Awards that became rows.
    pub(in crate::records) fn rows(&self) -> u64 {
        self.imported.iter().sum()
    }
}

fn tell(told: &mut Vec<String>, not_told: &mut u64, line: impl FnOnce() -> String) {
    if told.len() < MAX_TOLD { told.push(line()) } else { *not_told += 1 }
}

/// A text of a stranger's as it is shown: whatever it does to a terminal, it does not do here.
fn shown(text: &str) -> String {
    let start: String = text.chars().take(MAX_SHOWN).collect();
    let more = if start.len() < text.len() { "…" } else { "" };
    let escaped = start.chars().flat_map(|c| {
        let plain =
            !c.is_control() && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}');
        plain
            .then_some(c)
            .into_iter()
            .chain((!plain).then(|| c.escape_unicode()).into_iter().flatten())
    });
    escaped.chain(more.chars()).collect()
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { files, passed: PassedOver { others, links }, .. } = self;
        writeln!(
            f,
            "  {files} files read, {others} others passed over, {links} links not followed"
        )?;
        let [genuine, unknown] = self.imported;
        writeln!(
            f,
            "  {} credentials: {genuine} imported as verified, {unknown} as unverified, {} copies not counted again",
            self.credentials(),
            self.copies
        )?;
        if self.endorsements + self.nothing > 0 {
            writeln!(
                f,
                "  {} endorsements and {} credentials without an achievement: no awards",
                self.endorsements, self.nothing
            )?;
        }
        if self.unverified > 0 {
            let what = if self.import_unverified { "imported" } else { "left out" };
            writeln!(f, "  {} unverified, {what} as the mapping says:", self.unverified)?;
            lines(f, &self.doubted, self.doubts_not_told)?;
        }
        if !self.rejected.is_empty() {
            let reasons: Vec<_> =
                self.rejected.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
            let all: u64 = self.rejected.values().sum();
            writeln!(f, "  {all} rejected ({}):", reasons.join(", "))?;
            lines(f, &self.told, self.not_told)?;
        }
        Ok(())
    }
}

fn lines(f: &mut fmt::Formatter<'_>, told: &[String], not_told: u64) -> fmt::Result {
    for line in told {
        writeln!(f, "    {line}")?;
    }
    if not_told > 0 { writeln!(f, "    and {not_told} more") } else { Ok(()) }
}
