//! `sumac init`: a new party's home.

use anyhow::Context;
use jiff::Timestamp;
use sumac_keys::Root;
use sumac_policy::{PartyId, PeerRole};

use crate::certificate::keep;
use crate::home::{
    Home, HomeArgs, Listen, Settings, make_folder, make_home, refuse_what_is_there, write_private,
    write_public,
};
use crate::outcome::{Hint, Outcome};
use crate::passphrase::PassphraseArgs;
use crate::terminal::{answer, tell};
use crate::world;

/// What to do where a home is already.
const INSTEAD: &str =
    "name another folder with --home DIR; to renew a certificate, `sumac certificate renew`";

/// Make a party's home: its root, its node's certificate, its settings
///
/// Run this once for each organisation, on the machine that will run its node.
/// It makes a folder that holds
///
///   root/root.p12  the party's root, which signs the MOU and issues
///                  certificates; encrypted with a passphrase that you
///                  choose. Move it to a USB stick and lock that away.
///   root/root.pem  the root's certificate, for the MOU's author; read its
///                  fingerprint to the other parties by telephone
///   certificates/  the node's certificate and key, valid for 90 days
///   node.secret    hides learners' identifiers inside this node; back it
///                  up, never send it
///   sumac.toml     settings
///
/// Nothing is sent anywhere, and a home that is already there is never touched.
///
/// Example:
///   sumac init lakeshore-cc --name "Lakeshore Community College" \
///     --home /srv/sumac
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// The party's id, as the MOU will write it: a–z, 0–9 and -, such as lakeshore-cc
    #[arg(value_name = "PARTY_ID")]
    party: PartyId,

    /// The organisation's name, as people write it
    #[arg(long)]
    name: String,

    /// Where the node will listen for the coalition's questions
    #[arg(long, default_value = "0.0.0.0:7443", value_name = "ADDRESS:PORT")]
    listen: Listen,

    #[command(flatten)]
    home: HomeArgs,

    #[command(flatten)]
    passphrase: PassphraseArgs,
}

pub(crate) fn run(args: Args) -> anyhow::Result<Outcome> {
    let home = args.home.unopened();
    refuse_what_is_there(home.dir(), INSTEAD)?;
    let passphrase = args.passphrase.new_one()?;
    let now = world::now();
    let root = Root::create(&args.party, &args.name, now)?;
    let encrypted = root.to_pkcs12(&passphrase)?;

    make_home(home.dir(), |aside| fill(aside, &args, &root, &encrypted, now))?;

    let (dir, party) = (home.dir().display(), &args.party);
    answer(&format!("{}\n", root.fingerprint()))?;
    tell!(
        "\nThe home of `{party}` is ready at {dir}. The line above is the fingerprint of its root.\n"
    );
    tell!(
        "1. Send {} to the MOU's author, who saves it as",
        home.root_certificate_file().display()
    );
    tell!(
        "   parties/{party}.pem and writes the fingerprint into mou.toml. Read it to them by telephone."
    );
    tell!("2. Move {} to a USB stick and lock it away with a copy.", home.root_file().display());
    tell!("   Verbs that need it take --root FILE.");
    tell!("3. When the MOU comes, put its folder at {dir}/mou, then: sumac mou check {dir}/mou");
    Ok(Outcome::Done)
}

fn fill(
    home: &Home,
    args: &Args,
    root: &Root,
    encrypted: &[u8],
    now: Timestamp,
) -> anyhow::Result<()> {
    let dir = home.dir();
    for folder in [dir.to_owned(), dir.join("root"), home.certificates(), dir.join("mou")] {
        make_folder(&folder)
            .with_context(|| format!("make the folder `{}`", folder.display()))
            .hint("choose a place that you may write to, with --home DIR")?;
    }
    let secret = world::random();
    write_private(&home.root_file(), encrypted, false).context("write the root")?;
    write_public(&home.root_certificate_file(), root.certificate_pem().as_bytes(), false)
        .context("write the root's certificate")?;
    write_private(&home.secret_file(), secret.as_slice(), false)
        .context("write the node's secret")?;
    keep(home, &root.issue(PeerRole::Node, "node", now)?, PeerRole::Node, "node", false)?;
    let settings = Settings::text(&args.party, &args.listen);
    write_public(&home.settings_file(), settings.as_bytes(), false).context("write the settings")
}
