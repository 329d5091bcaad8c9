//! TLS to a database: the server shows a certificate for its own name, from an authority that the operator names.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore};

use crate::tls::{Clock, GivenClock, provider};

/// Why a file of authorities cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AuthoritiesError {
    /// It is no PEM.
    #[error("it is not a PEM file of certificates")]
    NotPem,
    /// It has none.
    #[error("it holds no certificate")]
    None,
    /// TLS does not take one of them.
    #[error("a certificate in it cannot be used")]
    Unfit(#[from] rustls::Error),
}

/// For whoever reads a database: TLS 1.3, and a server certificate for the host's name that one of these
/// authorities issued. We show none of our own; the server asks for a password.
///
/// # Errors
/// Where the PEM holds no certificate, or one that cannot be used.
pub fn database_config(authorities: &[u8], clock: Clock) -> Result<ClientConfig, AuthoritiesError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(authorities) {
        roots.add(certificate.map_err(|_| AuthoritiesError::NotPem)?)?;
    }
    if roots.is_empty() {
        return Err(AuthoritiesError::None);
    }
    let config = ClientConfig::builder_with_details(provider(), GivenClock::new(clock))
        .with_protocol_versions(&[&TLS13])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use std::sync::Arc;

    use super::*;
    use crate::testing::{NOON, root};

    #[test]
    fn takes_a_file_of_authorities_and_nothing_else() {
        let clock: Clock = Arc::new(|| *NOON);
        let pem = root("lakeshore-cc").certificate_pem();
        let two = format!("{pem}\n{pem}");
        assert!(database_config(two.as_bytes(), clock.clone()).is_ok());
        let refused = |text: &str| database_config(text.as_bytes(), clock.clone()).unwrap_err();
        assert!(matches!(refused(""), AuthoritiesError::None));
        assert!(matches!(refused("password"), AuthoritiesError::None));
        let torn = pem.replacen("MII", "???", 1);
        assert!(matches!(refused(&torn), AuthoritiesError::NotPem | AuthoritiesError::Unfit(_)));
    }
}
