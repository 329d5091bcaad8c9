//! Who a peer is. The only place that makes a [`Peer`].

use jiff::Timestamp;
use openssl::error::ErrorStack;
use openssl::stack::Stack;
use openssl::x509::store::{X509Store, X509StoreBuilder};
use openssl::x509::verify::{X509VerifyFlags, X509VerifyParam};
use openssl::x509::{
    X509, X509ExtendedKeyUsage, X509KeyUsage, X509PurposeId, X509Ref, X509StoreContext,
    X509StoreContextRef,
};
use rustls::pki_types::CertificateDer;
use sumac_policy::{Peer, PeerRole};

use crate::certificate_name::CertificateName;
use crate::dates;
use crate::draft::is_p256;
use crate::root_certificate::RootCertificate;
use crate::stranger::Stranger;
use crate::trust::Trust;

/// A sound chain is one certificate, or two with the root. A third is let through to the verifier, so that the
/// log can say what is wrong with it.
pub(crate) const LONGEST_CHAIN: usize = 3;

/// OpenSSL's level for 128 bits of security: what P-256 with SHA-256 gives.
const SECURITY_LEVEL: i32 = 3;

/// Which end of a connection showed the certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// It asks. Any role may; the MOU decides what for.
    Client,
    /// It answers, or seals a release. Only a node may.
    Server,
}

/// Says who showed this chain (its own certificate first), or why that is a stranger.
///
/// The name in the certificate chooses the root: the chain must verify against the root that the MOU pins for
/// *that* party and no other, at the moment `now`.
pub fn identify(
    chain: &[CertificateDer<'_>],
    trust: &Trust,
    now: Timestamp,
    usage: Usage,
) -> Result<Peer, Stranger> {
    let (leaf, between) = read(chain)?;
    let name = CertificateName::of(&leaf)?;
    let party = name.party();
    if trust.has_left(party) {
        return Err(Stranger::Left(party.clone()));
    }
    let root = trust.root(party).ok_or_else(|| Stranger::UnlistedParty(party.clone()))?;
    check_kind(&leaf, &name, usage)?;
    verify_chain(&leaf, between, &name, root, now, usage)?;
    #[expect(
        clippy::disallowed_methods,
        reason = "here, and only here, the chain has been verified"
    )]
    let peer = Peer::verified_by_keys(party.clone(), name.role(), name.name().to_owned());
    Ok(peer)
}

fn read(chain: &[CertificateDer<'_>]) -> Result<(X509, Vec<X509>), Stranger> {
    if chain.len() > LONGEST_CHAIN {
        return Err(Stranger::ChainTooLong(chain.len()));
    }
    let mut certificates = chain
        .iter()
        .map(|der| X509::from_der(der).map_err(|_| Stranger::Unreadable))
        .collect::<Result<Vec<_>, _>>()?
        .into_iter();
    let leaf = certificates.next().ok_or(Stranger::NoCertificate)?;
    Ok((leaf, certificates.collect()))
}

/// What OpenSSL's chain building leaves open: absent usages allow everything there, and a root may stand
/// at the end of its own chain.
fn check_kind(leaf: &X509Ref, name: &CertificateName, usage: Usage) -> Result<(), Stranger> {
    let (word, needed) = match usage {
        Usage::Client => ("client", X509ExtendedKeyUsage::SSL_CLIENT),
        Usage::Server => ("server", X509ExtendedKeyUsage::SSL_SERVER),
    };
    if usage == Usage::Server && name.role() != PeerRole::Node {
        return Err(Stranger::WrongRole { name: name.to_string(), role: name.role() });
    }
    // Without keyCertSign no verifier takes it for an authority, whatever its basic constraints say.
    if leaf.key_usage() != Some(X509KeyUsage::DIGITAL_SIGNATURE) {
        return Err(Stranger::NotAnEndCertificate(name.to_string()));
    }
    if !leaf.extended_key_usage().is_some_and(|allowed| allowed.contains(needed)) {
        return Err(Stranger::WrongUsage { name: name.to_string(), usage: word });
    }
    if !is_p256(leaf) {
        return Err(Stranger::NotP256(name.to_string()));
    }
    Ok(())
}

fn verify_chain(
    leaf: &X509Ref,
    between: Vec<X509>,
    name: &CertificateName,
    root: &RootCertificate,
    now: Timestamp,
    usage: Usage,
) -> Result<(), Stranger> {
    let unverified = |stack: ErrorStack| Stranger::Unverified {
        name: name.to_string(),
        reason: stack.to_string(),
    };
    let store = store_of(root, now, usage).map_err(unverified)?;
    let mut untrusted = Stack::new().map_err(unverified)?;
    for certificate in between {
        untrusted.push(certificate).map_err(unverified)?;
    }
    X509StoreContext::new()
        .and_then(|mut context| {
            context.init(&store, leaf, &untrusted, |context| {
                let verified = context.verify_cert()?;
                Ok(if verified { Ok(()) } else { Err(explain(context, name, root)) })
            })
        })
        .map_err(unverified)?
}

/// One party's root and nothing else, judged at `now`.
fn store_of(root: &RootCertificate, now: Timestamp, usage: Usage) -> Result<X509Store, ErrorStack> {
    let mut rules = X509VerifyParam::new()?;
    rules.set_flags(X509VerifyFlags::X509_STRICT)?;
    rules.set_time(now.as_second());
    rules.set_auth_level(SECURITY_LEVEL);
    rules.set_purpose(match usage {
        Usage::Client => X509PurposeId::SSL_CLIENT,
        Usage::Server => X509PurposeId::SSL_SERVER,
    })?;
    let mut store = X509StoreBuilder::new()?;
    store.add_cert(root.x509().to_owned())?;
    store.set_param(&rules)?;
    Ok(store.build())
}

// X509_V_ERR_* of <openssl/x509_vfy.h>, which the openssl crate does not name.
const SIGNATURE_FAILURE: i32 = 7;
const NOT_YET_VALID: i32 = 9;
const HAS_EXPIRED: i32 = 10;
const SELF_SIGNED_LEAF: i32 = 18;
const SELF_SIGNED_IN_CHAIN: i32 = 19;
const NO_LOCAL_ISSUER: i32 = 20;
const NO_FIRST_ISSUER: i32 = 21;

fn explain(
    context: &X509StoreContextRef,
    name: &CertificateName,
    root: &RootCertificate,
) -> Stranger {
    let at_the_root = context.error_depth() > 0;
    let shown = name.to_string();
    let dates = context.current_cert().and_then(|certificate| {
        Some((
            dates::from_asn1(certificate.not_before())?,
            dates::from_asn1(certificate.not_after())?,
        ))
    });
    match (context.error().as_raw(), dates) {
        (NOT_YET_VALID | HAS_EXPIRED, Some((from, until)))
            if at_the_root
                && context.current_cert().is_some_and(|current| *current == *root.x509()) =>
        {
            Stranger::RootNotValid { party: name.party().clone(), from, until }
        }
        (NOT_YET_VALID, Some((from, _))) => Stranger::NotYetValid { name: shown, from },
        (HAS_EXPIRED, Some((_, on))) => Stranger::Expired { name: shown, on },
        (
            SIGNATURE_FAILURE | SELF_SIGNED_LEAF | SELF_SIGNED_IN_CHAIN | NO_LOCAL_ISSUER
            | NO_FIRST_ISSUER,
            _,
        ) => Stranger::SignedByAnotherRoot { name: shown, party: name.party().clone() },
        _ => {
            Stranger::Unverified { name: shown, reason: context.error().error_string().to_owned() }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::testing::{self, Forged, NOON, days_later, der};

    const NODE: &str = "sumac://lakeshore-cc/node/main";

    /// Whose certificate, shown when, as what; and what is said of it (empty: it is who it says).
    fn check(
        what: &str,
        chain: &[CertificateDer<'_>],
        now: Timestamp,
        usage: Usage,
        trust: &Trust,
        expected: &str,
    ) {
        match identify(chain, trust, now, usage) {
            Ok(peer) => assert_eq!(expected, "", "{what}: {peer}"),
            Err(stranger) => {
                let said = stranger.to_string();
                assert!(!expected.is_empty() && said.contains(expected), "{what}: {said}");
            }
        }
    }

    #[test]
    fn knows_each_role_by_its_partys_root() {
        let (lakeshore, trust) = testing::coalition();
        for (role, name) in
            [(PeerRole::Node, "main"), (PeerRole::Analyst, "ana.ruiz"), (PeerRole::Steward, "sam")]
        {
            let issued = lakeshore.issue(role, name, *NOON).unwrap();
            let peer =
                identify(&der(&issued.certificate_pem), &trust, *NOON, Usage::Client).unwrap();
            assert_eq!((peer.party(), peer.role(), peer.name()), (lakeshore.party(), role, name));
        }
    }

    #[test]
    fn calls_everyone_else_a_stranger_and_says_why() {
        let (lakeshore, trust) = testing::coalition();
        let stolen_name = testing::root("lakeshore-cc");
        let outsider = testing::root("outsider");
        let harbor = testing::root("harbor-tc");
        let node = |root: &crate::Root| {
            der(&root.issue(PeerRole::Node, "main", *NOON).unwrap().certificate_pem)
        };
        let forged =
            |forged: Forged, root: &crate::Root| der(&forged.issued_by(root).certificate_pem);
        let analyst =
            der(&lakeshore.issue(PeerRole::Analyst, "ana", *NOON).unwrap().certificate_pem);
        let own = node(&lakeshore);
        let with_root: Vec<_> =
            own.iter().cloned().chain(der(&lakeshore.certificate_pem())).collect();
        let (client, server) = (Usage::Client, Usage::Server);

        for (what, chain, day, usage, expected) in [
            ("a node", own.clone(), 0, server, ""),
            ("a node with its root", with_root, 0, server, ""),
            ("its last day", own.clone(), 89, server, ""),
            ("nothing", vec![], 0, client, "no certificate"),
            ("four certificates", [&own[..]; 4].concat(), 0, client, "4 certificates"),
            ("noise", vec![CertificateDer::from(vec![1, 2, 3])], 0, client, "not an X.509"),
            ("a party not listed", node(&outsider), 0, client, "no party `outsider`"),
            ("a root of the same name", node(&stolen_name), 0, client, "not signed by the root"),
            (
                "another listed party's root minting a name",
                forged(Forged::node(&[NODE]), &harbor),
                0,
                client,
                "not signed by the root that the MOU pins for `lakeshore-cc`",
            ),
            ("an expired node", own.clone(), 91, client, "expired on 2027-02-22: renew"),
            ("one from the future", own.clone(), -1, client, "check this machine's clock"),
            ("an analyst answering", analyst.clone(), 0, server, "only a node may answer"),
            ("an analyst asking", analyst, 0, client, ""),
            (
                "two names",
                forged(Forged::node(&[NODE, "sumac://lakeshore-cc/node/b"]), &lakeshore),
                0,
                client,
                "2 names",
            ),
            (
                "a name and a host",
                forged(Forged::node(&[NODE, "dns:example.org"]), &lakeshore),
                0,
                client,
                "2 names",
            ),
            (
                "a host only",
                forged(Forged::node(&["dns:example.org"]), &lakeshore),
                0,
                client,
                "not of the form",
            ),
            (
                "another URI",
                forged(Forged::node(&["https://example.org/"]), &lakeshore),
                0,
                client,
                "not of the form",
            ),
            ("no name", forged(Forged::node(&[]), &lakeshore), 0, client, "carries no name"),
            ("the root itself", der(&lakeshore.certificate_pem()), 0, client, "carries no name"),
            (
                "an authority as a node",
                forged(
                    Forged { is_ca: true, signs_certificates: true, ..Forged::node(&[NODE]) },
                    &lakeshore,
                ),
                0,
                client,
                "is an authority",
            ),
            (
                "a server's certificate asking",
                forged(Forged { asks: false, ..Forged::node(&[NODE]) }, &lakeshore),
                0,
                client,
                "may not be used as a client",
            ),
            (
                "a client's certificate answering",
                forged(Forged { answers: false, ..Forged::node(&[NODE]) }, &lakeshore),
                0,
                server,
                "may not be used as a server",
            ),
            (
                "no extended key usage",
                forged(Forged { asks: false, answers: false, ..Forged::node(&[NODE]) }, &lakeshore),
                0,
                client,
                "may not be used as a client",
            ),
            (
                "RSA",
                forged(Forged { rsa: true, ..Forged::node(&[NODE]) }, &lakeshore),
                0,
                client,
                "not ECDSA P-256",
            ),
            (
                "a node that outlives its root",
                forged(Forged { until: 5_000, ..Forged::node(&[NODE]) }, &lakeshore),
                4_000,
                client,
                "the root of `lakeshore-cc` is valid from 2026-11-24 to 2036-11-23 only",
            ),
        ] {
            check(what, &chain, days_later(day), usage, &trust, expected);
        }
        check("nobody trusted", &own, *NOON, server, &Trust::default(), "no party `lakeshore-cc`");
    }

    #[test]
    fn refuses_a_certificate_issued_by_a_node() {
        let (lakeshore, trust) = testing::coalition();
        let middle = Forged { is_ca: true, signs_certificates: true, ..Forged::node(&[NODE]) };
        let middle = middle.issued_by(&lakeshore);
        let minted = Forged::node(&["sumac://lakeshore-cc/steward/eve"]).issued_under(&middle);
        let chain = [der(&minted.certificate_pem), der(&middle.certificate_pem)].concat();
        // The root's path length of zero forbids an authority below it.
        check("a minted steward", &chain, *NOON, Usage::Client, &trust, "path length");
    }
}
