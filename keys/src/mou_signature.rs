//! A party's signature on an MOU: CMS (RFC 5652), detached, by the party's root over the file's exact bytes.
//!
//! Anyone can check one without Sumac, with [`stock_command`].

use openssl::cms::{CMSOptions, CmsContentInfo};
use openssl::error::ErrorStack;
use openssl::stack::Stack;
use openssl::x509::X509;

use crate::root::Root;
use crate::root_certificate::RootCertificate;

/// Why a signature does not stand.
#[derive(Debug, thiserror::Error)]
pub enum MouSignatureError {
    /// Not the DER of a CMS structure.
    #[error("the signature file is not CMS in DER form: sign again with `sumac mou sign`")]
    NotCms,
    /// Signed by another key than this party's root.
    #[error("the signature was not made by this party's root")]
    WrongSigner,
    /// Signed by this root, but over other bytes.
    #[error(
        "the signature is for other bytes: `mou.toml` was changed after it was signed, down to the last space"
    )]
    BytesChanged,
    /// OpenSSL failed for a reason of its own.
    #[error("sign or check the MOU")]
    Openssl(#[from] ErrorStack),
}

/// Signs the bytes of `mou.toml`: SHA-256, with the signer's certificate and the signing time inside. The
/// time is this machine's, for people to read; nothing is decided by it.
pub fn sign(root: &Root, bytes: &[u8]) -> Result<Vec<u8>, MouSignatureError> {
    let signature = CmsContentInfo::sign(
        Some(root.certificate().x509()),
        Some(root.key()),
        None,
        Some(bytes),
        CMSOptions::DETACHED | CMSOptions::BINARY | CMSOptions::NOSMIMECAP,
    )?;
    Ok(signature.to_der()?)
}

/// Checks a signature against one party's root alone; certificates inside the file count for nothing.
///
/// Dates are not looked at: what a root signed while it was valid stays signed.
pub fn verify(
    p7s: &[u8],
    bytes: &[u8],
    root_certificate: &RootCertificate,
) -> Result<(), MouSignatureError> {
    let mut signature = CmsContentInfo::from_der(p7s).map_err(|_| MouSignatureError::NotCms)?;
    let mut signers: Stack<X509> = Stack::new()?;
    signers.push(root_certificate.x509().to_owned())?;
    // The key is the pinned root's own, so there is no chain to build.
    let only_this_root =
        CMSOptions::BINARY | CMSOptions::NOINTERN | CMSOptions::NO_SIGNER_CERT_VERIFY;
    signature.verify(Some(&signers), None, Some(bytes), None, only_this_root).map_err(explain)
}

/// `ERR_LIB_CMS`, and the reasons of <openssl/cmserr.h> that tell who is to blame.
const CMS: i32 = 46;
const CONTENT_VERIFY_ERROR: i32 = 109;
const TYPE_NOT_SIGNED_DATA: i32 = 108;

fn explain(stack: ErrorStack) -> MouSignatureError {
    let has = |reason| {
        stack
            .errors()
            .iter()
            .any(|error| (error.library_code(), error.reason_code()) == (CMS, reason))
    };
    if has(CONTENT_VERIFY_ERROR) {
        MouSignatureError::BytesChanged
    } else if has(TYPE_NOT_SIGNED_DATA) {
        MouSignatureError::NotCms
    } else {
        MouSignatureError::WrongSigner
    }
}

/// The command that checks the signature in a file with nothing but OpenSSL, from within the MOU's folder.
pub fn stock_command(signature: &str, certificate: &str) -> String {
    format!(
        "openssl cms -verify -binary -inform DER -in {signature} -content mou.toml \
         -CAfile {certificate} -purpose any -out /dev/null"
    )
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use std::path::Path;
    use std::process::Command;
    use std::{fs, io};

    use jiff::Timestamp;

    use super::*;
    use crate::testing;

    const MOU: &[u8] = b"format = \"sumac-mou/1\"\r\nname = \"Lakeshore\"\n";

    #[test]
    fn stands_for_the_exact_bytes_and_the_partys_root_only() {
        let (root, same_name) = (testing::root("lakeshore-cc"), testing::root("lakeshore-cc"));
        let signature = sign(&root, MOU).unwrap();
        let changed = [MOU, b"\n"].concat();
        let unix_lines = String::from_utf8(MOU.to_vec()).unwrap().replace("\r\n", "\n");
        let mut bent = signature.clone();
        *bent.last_mut().unwrap() ^= 1;

        for (what, p7s, bytes, signer, expected) in [
            ("as signed", &signature[..], MOU, &root, ""),
            ("a byte more", &signature[..], &changed[..], &root, "for other bytes"),
            ("other line ends", &signature[..], unix_lines.as_bytes(), &root, "for other bytes"),
            ("nothing", &signature[..], b"", &root, "for other bytes"),
            ("another root", &signature[..], MOU, &same_name, "not made by"),
            ("a bent signature", &bent[..], MOU, &root, "not made by"),
            ("no CMS", b"hello", MOU, &root, "not CMS"),
            ("an empty file", b"", MOU, &root, "not CMS"),
        ] {
            let outcome = verify(p7s, bytes, signer.certificate());
            let said = outcome.err().map_or_else(String::new, |error| error.to_string());
            let agrees = said.contains(expected) && said.is_empty() == expected.is_empty();
            assert!(agrees, "{what}: {said}");
        }
    }

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "stock OpenSSL judges dates by this machine's clock"
    )]
    fn stock_openssl_agrees() {
        // Stock OpenSSL judges the root's dates by the machine's clock, so the root must be of today.
        let party = "lakeshore-cc".parse().unwrap();
        let root = Root::create(&party, "Lakeshore", Timestamp::now()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        for (file, bytes) in [
            ("mou.toml", MOU.to_vec()),
            ("parties/lakeshore-cc.pem", root.certificate_pem().into_bytes()),
            ("signatures/lakeshore-cc.p7s", sign(&root, MOU).unwrap()),
        ] {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        let command = stock_command("signatures/lakeshore-cc.p7s", "parties/lakeshore-cc.pem");
        match run(&command, folder.path()) {
            Err(_) => {
                println!("skipped: no `openssl` on PATH to check the signature with");
                return;
            }
            Ok((good, said)) => assert!(good, "{said}"),
        }
        fs::write(folder.path().join("mou.toml"), b"format = \"sumac-mou/2\"").unwrap();
        assert!(!run(&command, folder.path()).unwrap().0);
    }

    fn run(command: &str, folder: &Path) -> io::Result<(bool, String)> {
        let mut words = command.split(' ');
        let output =
            Command::new(words.next().unwrap()).args(words).current_dir(folder).output()?;
        Ok((output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned()))
    }
}
