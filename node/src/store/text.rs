//! How a record spells its values: bytes as lowercase hexadecimal, instants and digests as their own text.

use serde::{Deserialize, Deserializer, Serializer, de};

/// Bytes as hexadecimal: for `[u8; N]` and `Vec<u8>`.
pub(super) mod hexadecimal {
    use super::{Deserialize, Deserializer, Serializer, de};

    pub(in super::super) fn serialize<T: AsRef<[u8]>, S: Serializer>(
        bytes: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(bytes))
    }

    pub(in super::super) fn deserialize<'de, T: TryFrom<Vec<u8>>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = hex::decode(text).map_err(de::Error::custom)?;
        T::try_from(bytes).map_err(|_| de::Error::custom("wrong number of bytes"))
    }
}

/// A list of bytes, each as hexadecimal.
pub(super) mod hexadecimals {
    use serde::{Deserialize, Serialize};

    use super::{Deserializer, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    struct Spelled(#[serde(with = "super::hexadecimal")] Vec<u8>);

    pub(in super::super) fn serialize<S: Serializer>(
        list: &[Vec<u8>],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(list.iter().map(|bytes| Spelled(bytes.clone())))
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Vec<u8>>, D::Error> {
        let list = Vec::<Spelled>::deserialize(deserializer)?;
        Ok(list.into_iter().map(|Spelled(bytes)| bytes).collect())
    }
}

/// Values that print and parse themselves: instants, digests.
pub(super) mod printed {
    use std::fmt::Display;
    use std::str::FromStr;

    use super::{Deserialize, Deserializer, Serializer, de};

    pub(in super::super) fn serialize<T: Display, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(in super::super) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// The same, or `null` where there is none.
pub(super) mod printed_or_none {
    use std::fmt::Display;
    use std::str::FromStr;

    use super::{Deserialize, Deserializer, Serializer, de};

    pub(in super::super) fn serialize<T: Display, S: Serializer>(
        value: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => serializer.collect_str(value),
            None => serializer.serialize_none(),
        }
    }

    pub(in super::super) fn deserialize<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(de::Error::custom)).transpose()
    }
}

/// A table's name as hexadecimal.
pub(super) mod table {
    use sumac_policy::TableKey;

    use super::{Deserializer, Serializer, hexadecimal};

    pub(in super::super) fn serialize<S: Serializer>(
        table: &TableKey,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        hexadecimal::serialize(table.as_bytes(), serializer)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<TableKey, D::Error> {
        hexadecimal::deserialize::<[u8; 32], D>(deserializer).map(TableKey::from)
    }
}

/// A table's name, or `null` where a question named none.
pub(super) mod table_or_none {
    use serde::{Deserialize, Serialize};
    use sumac_policy::TableKey;

    use super::{Deserializer, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    struct Spelled(#[serde(with = "super::table")] TableKey);

    pub(in super::super) fn serialize<S: Serializer>(
        table: &Option<TableKey>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        table.map(Spelled).serialize(serializer)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<TableKey>, D::Error> {
        Ok(Option::<Spelled>::deserialize(deserializer)?.map(|Spelled(table)| table))
    }
}

/// A margin in learners.
pub(super) mod margin {
    use sumac_policy::Margin;

    use super::{Deserialize, Deserializer, Serializer, de};

    pub(in super::super) fn serialize<S: Serializer>(
        margin: &Margin,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(margin.learners())
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Margin, D::Error> {
        let learners = u32::deserialize(deserializer)?;
        Margin::new(learners).ok_or_else(|| de::Error::custom("not a margin"))
    }
}
