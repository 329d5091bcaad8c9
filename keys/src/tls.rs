//! TLS 1.3 with a certificate on both sides, and [`identify`] as the only judge of them.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

use jiff::Timestamp;
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::NoServerSessionStorage;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::time_provider::TimeProvider;
use rustls::version::TLS13;
use rustls::{
    ClientConfig, DigitallySignedStruct, DistinguishedName, OtherError, PeerIncompatible,
    ServerConfig, SignatureScheme,
};
use sumac_policy::{PartyId, Peer};

use crate::peer::{Usage, identify};
use crate::stranger::Stranger;
use crate::tls_identity::TlsIdentity;
use crate::trust::Trust;

/// Says what time it is. The caller's, so that a test can stop it.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// gRPC speaks HTTP/2 and nothing else.
const ALPN: &[u8] = b"h2";

/// For whoever answers. Every client must show a certificate that [`identify`] knows.
///
/// Nothing is resumed, so that a change of trust is felt by the next connection.
pub fn server_config(
    identity: &TlsIdentity,
    trust: Arc<Trust>,
    clock: Clock,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let provider = provider();
    let judge = Arc::new(Judge { trust, expected: None, provider: provider.clone() });
    let mut config = ServerConfig::builder_with_details(provider, GivenClock::new(clock))
        .with_protocol_versions(&[&TLS13])?
        .with_client_cert_verifier(judge)
        .with_single_cert(identity.chain().to_vec(), identity.key_for_tls().map_err(other)?)?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

/// For whoever asks. The server must be a node of the party that was to be reached; its host name plays no
/// part, so any will do where rustls wants one.
pub fn client_config(
    identity: &TlsIdentity,
    trust: Arc<Trust>,
    expected: PartyId,
    clock: Clock,
) -> Result<Arc<ClientConfig>, rustls::Error> {
    let provider = provider();
    let judge = Arc::new(Judge { trust, expected: Some(expected), provider: provider.clone() });
    let mut config = ClientConfig::builder_with_details(provider, GivenClock::new(clock))
        .with_protocol_versions(&[&TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(judge)
        .with_client_auth_cert(identity.chain().to_vec(), identity.key_for_tls().map_err(other)?)?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.resumption = Resumption::disabled();
    config.enable_sni = false;
    Ok(Arc::new(config))
}

/// Who is at the other end of a finished handshake, from `peer_certificates()`.
pub fn peer_of(
    certificates: Option<&[CertificateDer<'_>]>,
    trust: &Trust,
    now: Timestamp,
    usage: Usage,
) -> Result<Peer, Stranger> {
    identify(certificates.unwrap_or_default(), trust, now, usage)
}

/// Why a handshake failed, in words for the operator, if this error or one of its causes comes from TLS.
pub fn why_refused(error: &(dyn Error + 'static)) -> Option<String> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<rustls::Error>() {
            return Some(explain(error));
        }
        // An io::Error's source is the source of what it wraps: look at what it wraps first.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    None
}

fn explain(error: &rustls::Error) -> String {
    match error {
        rustls::Error::Other(OtherError(reason)) => reason.to_string(),
        rustls::Error::NoCertificatesPresented => Stranger::NoCertificate.to_string(),
        // In TLS 1.3 a client learns of its refusal only as an alert.
        rustls::Error::AlertReceived(alert) => format!(
            "the other side refused this certificate or connection ({alert:?}): ask its operator what the log says"
        ),
        rustls::Error::PeerIncompatible(
            PeerIncompatible::SupportedVersionsExtensionRequired
            | PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
            | PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled,
        ) => "it does not speak TLS 1.3".to_owned(),
        rustls::Error::InvalidMessage(_) => "it does not speak TLS".to_owned(),
        error => error.to_string(),
    }
}

fn other(cause: impl Error + Send + Sync + 'static) -> rustls::Error {
    rustls::Error::Other(OtherError(Arc::new(cause)))
}

/// The one provider of cryptography.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

pub(crate) struct GivenClock(Clock);

impl GivenClock {
    pub(crate) fn new(clock: Clock) -> Arc<Self> {
        Arc::new(Self(clock))
    }
}

impl fmt::Debug for GivenClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GivenClock")
    }
}

impl TimeProvider for GivenClock {
    fn current_time(&self) -> Option<UnixTime> {
        let second = (self.0)().as_second();
        Some(UnixTime::since_unix_epoch(std::time::Duration::from_secs(second.try_into().ok()?)))
    }
}

/// Asks [`identify`], on behalf of rustls.
#[derive(Debug)]
struct Judge {
    trust: Arc<Trust>,
    /// Whom a client wants to reach; a server takes anyone the MOU knows.
    expected: Option<PartyId>,
    provider: Arc<CryptoProvider>,
}

impl Judge {
    fn judge(
        &self,
        leaf: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        now: UnixTime,
        usage: Usage,
    ) -> Result<(), rustls::Error> {
        let chain: Vec<_> = std::iter::once(leaf).chain(between).cloned().collect();
        let now = i64::try_from(now.as_secs())
            .map(Timestamp::from_second)
            .map_err(other)?
            .map_err(other)?;
        let peer = identify(&chain, &self.trust, now, usage).map_err(other)?;
        match &self.expected {
            Some(expected) if expected != peer.party() => Err(other(Stranger::WrongParty {
                expected: expected.clone(),
                found: peer.party().clone(),
            })),
            _ => Ok(()),
        }
    }

    fn check_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            leaf,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }
}

/// The only keys that [`identify`] accepts.
fn schemes() -> Vec<SignatureScheme> {
    vec![SignatureScheme::ECDSA_NISTP256_SHA256]
}

/// Never reached: TLS 1.2 is not offered.
fn refuse_tls12() -> Result<HandshakeSignatureValid, rustls::Error> {
    Err(rustls::Error::General("TLS 1.2 is not spoken here".to_owned()))
}

impl ClientCertVerifier for Judge {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        self.judge(leaf, between, now, Usage::Client).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        refuse_tls12()
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.check_signature(message, leaf, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        schemes()
    }
}

impl ServerCertVerifier for Judge {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        _host: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.judge(leaf, between, now, Usage::Server).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        refuse_tls12()
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.check_signature(message, leaf, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        schemes()
    }
}

#[cfg(test)]
#[path = "tls_tests.rs"]
mod tests;
