//! Values that a statement needs and no text may hold.

use std::error::Error;
use std::fmt;

use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use zeroize::Zeroizing;

/// Key material that goes as a parameter, a `bytea`. The driver prints the parameters of what it runs: of this one, its
/// name. Wiped when dropped.
pub(crate) struct Hidden(Zeroizing<[u8; 64]>);

impl Hidden {
    pub(crate) fn new(bytes: Zeroizing<[u8; 64]>) -> Self {
        Self(bytes)
    }
}

impl ToSql for Hidden {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        self.0.as_slice().to_sql(kind, out)
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::BYTEA
    }

    to_sql_checked!();
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_as_it_is_and_is_printed_by_its_name_alone() {
        let hidden = Hidden::new(Zeroizing::new([0x5a; 64]));
        let mut sent = BytesMut::new();
        assert!(hidden.to_sql_checked(&Type::BYTEA, &mut sent).is_ok());
        assert_eq!(sent[..], [0x5a; 64]);
        assert!(hidden.to_sql_checked(&Type::TEXT, &mut sent).is_err());
        let parameters: [&(dyn ToSql + Sync); 1] = [&hidden];
        assert_eq!(format!("{parameters:?} {hidden:#?}"), "[Hidden] Hidden");
    }
}
