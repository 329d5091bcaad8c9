//! `sumac certificate`: short-lived certificates for a party's node and people.

pub(crate) mod list;

use std::path::PathBuf;

use anyhow::Context;
use sumac_keys::{CertificateFacts, CertificateName, Issued, Root};
use sumac_policy::PeerRole;

use crate::home::{Home, HomeArgs, read_bounded, write_private, write_public};
use crate::outcome::{Hint, Outcome, hinted};
use crate::passphrase::PassphraseArgs;
use crate::terminal::tell;
use crate::world;

/// The name of a party's one node.
const NODE: &str = "node";
/// An encrypted root takes about two kilobytes.
const MAX_ROOT: u64 = 1 << 16;

/// Certificates of this party's node and people
///
/// A certificate says who a node or a person is: sumac://party/role/name. The party's root issues it, and the
/// other parties believe it because the MOU pins that root. Nobody else has to approve.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Verb {
    Issue(IssueArgs),
    Renew(RenewArgs),
    List(list::Args),
}

/// Issue a certificate for the node, an analyst or a steward
///
/// The node answers questions; its certificate lives 90 days. An analyst asks them and a steward approves;
/// theirs live 30 days. Each gets a new key, readable by its owner alone. This opens the party's root, so
/// bring the USB stick and the passphrase.
///
/// Example: sumac certificate issue analyst --name maria --root /media/usb/root.p12
#[derive(Debug, clap::Args)]
pub(crate) struct IssueArgs {
    /// node, analyst or steward
    role: PeerRole,

    /// The person's name, in lower case, such as maria; a node needs none
    #[arg(long)]
    name: Option<String>,

    #[command(flatten)]
    home: HomeArgs,

    #[command(flatten)]
    root: RootArgs,
}

/// Renew certificates: the same names, new keys, a new life
///
/// Without a name it renews every certificate of this home that has less than a third of its life left.
/// A node that is serving takes up its new certificate without a restart.
///
/// Example: sumac certificate renew --root /media/usb/root.p12
#[derive(Debug, clap::Args)]
pub(crate) struct RenewArgs {
    /// Which: the file's name without its ending, such as node or analyst-maria; all that expire soon if left
    /// out
    which: Option<String>,

    #[command(flatten)]
    home: HomeArgs,

    #[command(flatten)]
    root: RootArgs,
}

/// Where the party's root is; part of every verb that signs.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct RootArgs {
    /// The party's encrypted root, if it is not in the home: on its USB stick
    #[arg(long, value_name = "FILE")]
    root: Option<PathBuf>,

    #[command(flatten)]
    passphrase: PassphraseArgs,
}

pub(crate) fn run(verb: Verb) -> anyhow::Result<Outcome> {
    match verb {
        Verb::Issue(args) => issue(args),
        Verb::Renew(args) => renew(args),
        Verb::List(args) => list::run(&args),
    }
}

fn issue(args: IssueArgs) -> anyhow::Result<Outcome> {
    let home = args.home.open()?;
    let party = home.settings()?.party;
    let name = match (args.role, args.name) {
        (PeerRole::Node, None) => NODE.to_owned(),
        (PeerRole::Node, Some(_)) => {
            return Err(hinted("a party has one node, and it has no name", "leave out --name"));
        }
        (_, Some(name)) => name,
        (role, None) => {
            let hint = format!("sumac certificate issue {role} --name maria");
            return Err(hinted(format_args!("whose certificate? an {role} has a name"), hint));
        }
    };
    // Before anyone fetches the root: a bad name, or a certificate that is there.
    CertificateName::new(party, args.role, &name)?;
    let path = home.certificate_file(args.role, &name);
    if path.exists() {
        let which = path.file_stem().unwrap_or_default().to_string_lossy();
        return Err(hinted(
            format_args!("`{}` is already there", path.display()),
            format_args!("`sumac certificate renew {which}` replaces it"),
        ));
    }
    let root = args.root.open(&home)?;
    let issued = root.issue(args.role, &name, world::now())?;
    keep(&home, &issued, args.role, &name, false)?;
    told(&home, args.role, &name)
}

fn renew(args: RenewArgs) -> anyhow::Result<Outcome> {
    let home = args.home.open()?;
    let now = world::now();
    let mut due = Vec::new();
    for path in home.certificate_files()? {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let facts = read_facts(&path)?;
        let wanted = match &args.which {
            Some(which) => stem == which.as_str(),
            None => facts.expires_soon(now),
        };
        if wanted {
            due.push(facts);
        }
    }
    match (&args.which, due.is_empty()) {
        (Some(which), true) => {
            return Err(hinted(
                format_args!("no certificate `{which}` in this home"),
                "`sumac certificate list` shows what there is",
            ));
        }
        (None, true) => {
            tell!("Nothing to renew: every certificate has more than a third of its life left.");
            return Ok(Outcome::Done);
        }
        (_, false) => {}
    }
    let root = args.root.open(&home)?;
    for CertificateFacts { role, name, .. } in due {
        keep(&home, &root.issue(role, &name, now)?, role, &name, true)?;
        told(&home, role, &name)?;
    }
    Ok(Outcome::Done)
}

fn told(home: &Home, role: PeerRole, name: &str) -> anyhow::Result<Outcome> {
    let path = home.certificate_file(role, name);
    let facts = read_facts(&path)?;
    let until = facts.not_after.strftime("%Y-%m-%d");
    tell!("sumac://{}/{role}/{name} is valid until {until}: {}", facts.party, path.display());
    Ok(Outcome::Done)
}

impl RootArgs {
    /// Opens the root and makes sure that it is this home's party's.
    pub(crate) fn open(&self, home: &Home) -> anyhow::Result<Root> {
        let root = self.open_any(home)?;
        let party = home.settings()?.party;
        if *root.party() != party {
            return Err(hinted(
                format_args!(
                    "this is the root of `{}`, and the home is of `{party}`",
                    root.party()
                ),
                "bring the right USB stick, or name the right home with --home DIR",
            ));
        }
        Ok(root)
    }

    /// Opens the root, whosever it is.
    pub(crate) fn open_any(&self, home: &Home) -> anyhow::Result<Root> {
        let path = self.root.clone().unwrap_or_else(|| home.root_file());
        let shown = path.display();
        let bytes = read_bounded(&path, MAX_ROOT)
            .with_context(|| format!("read the root `{shown}`"))
            .hint("if it is on a USB stick, name it with --root FILE")?;
        let passphrase = self.passphrase.existing(&path)?;
        Root::open(&bytes, &passphrase)
            .with_context(|| format!("open the root `{shown}`"))
            .hint("try again with the passphrase chosen at `sumac init`; if it is right, restore the root from its copy")
    }
}

/// Writes a new certificate and its key into a home.
pub(crate) fn keep(
    home: &Home,
    issued: &Issued,
    role: PeerRole,
    name: &str,
    replace: bool,
) -> anyhow::Result<()> {
    let certificate = home.certificate_file(role, name);
    let key = certificate.with_extension("key");
    // The key first: a certificate is never there without one.
    write_private(&key, issued.key_pem.as_bytes(), replace)
        .with_context(|| format!("write the key `{}`", key.display()))?;
    write_public(&certificate, issued.certificate_pem.as_bytes(), replace)
        .with_context(|| format!("write the certificate `{}`", certificate.display()))
}

/// What a certificate file says.
pub(crate) fn read_facts(path: &std::path::Path) -> anyhow::Result<CertificateFacts> {
    let in_file = || format!("read the certificate `{}`", path.display());
    let pem = read_bounded(path, MAX_ROOT).with_context(in_file)?;
    CertificateFacts::read(&pem).with_context(in_file)
}
