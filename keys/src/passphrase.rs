//! The passphrase that keeps a party's root, or a backup.

use zeroize::Zeroizing;

/// NIST SP 800-63B asks for 8 at least; a root is worth more, and is opened a few times a year.
const SHORTEST: usize = 12;
/// Longer is a mistake, such as a file given in its place.
const LONGEST: usize = 1024;

/// A passphrase for [`Root`](crate::Root) or for a backup. Wiped when dropped; it cannot be printed.
pub struct Passphrase(Zeroizing<String>);

/// Why a text cannot be a passphrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PassphraseError {
    /// Fewer than twelve characters.
    #[error(
        "the passphrase is too short: use at least {SHORTEST} characters, such as four random words"
    )]
    TooShort,
    /// More than a kilobyte.
    #[error("the passphrase is too long: use at most {LONGEST} bytes")]
    TooLong,
    /// A line break, a tab or another control character, which no one can type again.
    #[error("the passphrase holds a control character, such as a line break: use one line of text")]
    ControlCharacter,
}

impl Passphrase {
    /// Takes the text over, so that no copy outlives the passphrase.
    pub fn new(text: Zeroizing<String>) -> Result<Self, PassphraseError> {
        if text.len() > LONGEST {
            return Err(PassphraseError::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(PassphraseError::ControlCharacter);
        }
        if text.chars().count() < SHORTEST {
            return Err(PassphraseError::TooShort);
        }
        Ok(Self(text))
    }

    /// The text, for whoever encrypts with it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_too_short_or_cannot_be_typed() {
        let outcome = |text: &str| Passphrase::new(Zeroizing::new(text.to_owned())).err();
        for (text, expected) in [
            ("elf grape sty moon", None),
            ("twelve-chars", None),
            ("éééééééééééé", None),
            ("eleven-char", Some(PassphraseError::TooShort)),
            ("", Some(PassphraseError::TooShort)),
            ("two lines of it\nhere", Some(PassphraseError::ControlCharacter)),
            ("a nul\0 byte inside it", Some(PassphraseError::ControlCharacter)),
        ] {
            assert_eq!(outcome(text), expected, "{text:?}");
        }
        assert_eq!(outcome(&"a".repeat(1025)), Some(PassphraseError::TooLong));
    }
}
