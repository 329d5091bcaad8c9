//! A party's root in a PKCS#11 token: the MOU is signed by OpenSSL's engine alone, as docs/amending.md says.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{CHAMBER, COLLEGE, Site};

/// Where Debian's softhsm2 has its module.
const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
const PIN: &str = "4711";

/// A token in software, in a folder of its own.
struct Token {
    dir: PathBuf,
}

impl Token {
    /// One that holds this party's key, as object `sumac`. None where the tools are absent, which is said.
    fn with_root(site: &Site, party: &str) -> Option<Self> {
        let engine = Command::new("openssl").args(["engine", "pkcs11"]).output();
        let there = engine.is_ok_and(|done| done.status.success())
            && Path::new(MODULE).exists()
            && Command::new("softhsm2-util").arg("--version").output().is_ok();
        if !there {
            println!("not run here: needs the packages softhsm2 and libengine-pkcs11-openssl");
            return None;
        }
        let token = Self { dir: site.dir().join("token") };
        fs::create_dir_all(token.dir.join("objects")).unwrap();
        let conf = format!("directories.tokendir = {}\n", token.dir.join("objects").display());
        fs::write(token.dir.join("softhsm2.conf"), conf).unwrap();
        let (root, phrase) = site.stick(party);
        let key = token.dir.join("key.pem");
        token.run(
            Command::new("openssl")
                .args(["pkcs12", "-nocerts", "-noenc", "-passin", &format!("file:{phrase}"), "-in"])
                .args([&root, "-out", key.to_str().unwrap()]),
        );
        let softhsm = || Command::new("softhsm2-util");
        token.run(
            softhsm()
                .args(["--init-token", "--free", "--label", "root", "--pin", PIN])
                .args(["--so-pin", PIN]),
        );
        let import = ["--label", "sumac", "--id", "01", "--pin", PIN];
        token.run(softhsm().args(["--token", "root", "--import"]).arg(&key).args(import));
        // From here on the key is nowhere but in the token.
        for file in [key, root.into()] {
            fs::remove_file(file).unwrap();
        }
        Some(token)
    }

    fn run(&self, command: &mut Command) {
        let done = command
            .env("SOFTHSM2_CONF", self.dir.join("softhsm2.conf"))
            .env("PKCS11_MODULE_PATH", MODULE)
            .output()
            .unwrap();
        assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    fn sign(&self, folder: &Path, party: &str) {
        fs::create_dir_all(folder.join("signatures")).unwrap();
        let key = format!("pkcs11:token=root;object=sumac;type=private;pin-value={PIN}");
        self.run(
            Command::new("openssl")
                .current_dir(folder)
                .args(["cms", "-sign", "-binary", "-md", "sha256", "-nosmimecap"])
                .args(["-outform", "DER", "-in", "mou.toml"])
                .args(["-signer", &format!("parties/{party}.pem")])
                .args(["-engine", "pkcs11", "-keyform", "engine", "-inkey", &key])
                .args(["-out", &format!("signatures/{party}.p7s")]),
        );
    }
}

#[test]
fn a_root_in_a_pkcs11_token_signs_the_mou() {
    let site = Site::unsigned(str::to_owned);
    let Some(token) = Token::with_root(&site, COLLEGE) else { return };
    site.sign(&[CHAMBER]);
    let folder = site.home(COLLEGE).join("mou");
    let verify = ["mou", "verify", folder.to_str().unwrap()];
    site.run(COLLEGE, &verify).badly(1, &["1 of 2 parties have signed"]);
    token.sign(&folder, COLLEGE);
    let said = site.run(COLLEGE, &verify).well();
    assert!(said.err.contains("All 2 parties have signed"), "{said:?}");
    // A signature over other bytes is none.
    let mou = folder.join("mou.toml");
    let text = fs::read_to_string(&mou).unwrap();
    fs::write(&mou, format!("{text}\n# changed\n")).unwrap();
    site.run(COLLEGE, &verify).badly(1, &["lakeshore-cc"]);
}
