//! The names an agreement uses: short, lowercase, safe in file names, certificates and logs.

use std::fmt;
use std::str::FromStr;

/// A name longer than this is a mistake or an attack.
const MAX_NAME: usize = 64;

/// Why a text cannot be a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {what}: use 1 to {MAX_NAME} of a–z, 0–9, `-`, `_`{slash}, starting with a letter", slash = if *.slash { ", and `/` between two parts" } else { "" })]
pub struct NameError {
    text: String,
    what: &'static str,
    slash: bool,
}

fn part_is_sound(part: &str) -> bool {
    part.starts_with(|c: char| c.is_ascii_lowercase()) && is_plain(part)
}

fn is_plain(part: &str) -> bool {
    part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_')
}

fn checked(text: &str, what: &'static str, slash: bool) -> Result<String, NameError> {
    let sound = text.len() <= MAX_NAME
        && match (slash, text.split_once('/')) {
            // A standard may number its indicators: `perkins/1p1`.
            (true, Some((family, rest))) => {
                part_is_sound(family)
                    && rest.starts_with(|c: char| c.is_ascii_alphanumeric())
                    && is_plain(rest)
            }
            _ => part_is_sound(text),
        };
    if sound {
        return Ok(text.to_owned());
    }
    let mut shown: String = text.chars().take(MAX_NAME).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    Err(NameError { text: shown, what, slash })
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, slash: $slash:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The name as written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                checked(text, $what, $slash).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

name!(
    /// A party to the MOU, such as `lakeshore-cc`.
    PartyId, "party id", slash: false
);
name!(
    /// A KPI as the MOU names it, such as `credential_attainment`.
    KpiId, "KPI id", slash: false
);
name!(
    /// A KPI of the standard catalogue, such as `wioa/credential_attainment`.
    StandardId, "catalogue id", slash: true
);
name!(
    /// A dimension that tables may be broken down by, such as `race_ethnicity`.
    DimensionId, "dimension id", slash: false
);
name!(
    /// A purpose the MOU lists, such as `annual-report`.
    Purpose, "purpose", slash: false
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_field_names_and_refuses_what_could_hurt_a_path_or_a_log() {
        for good in ["lakeshore-cc", "credential_attainment", "a1"] {
            assert!(good.parse::<PartyId>().is_ok(), "{good}");
        }
        for bad in ["", "A", "1a", "a b", "../x", "a/b", "a\nb", &"a".repeat(65), "é"] {
            assert!(bad.parse::<PartyId>().is_err(), "{bad}");
        }
        assert!("wioa/credential_attainment".parse::<StandardId>().is_ok());
        assert!("perkins/1p1".parse::<StandardId>().is_ok());
        for bad in ["wioa//x", "wioa/", "wioa/-x", "perkins/1P1", "1p1/perkins"] {
            assert!(bad.parse::<StandardId>().is_err(), "{bad}");
        }
    }
}
