//! `sumac certificate list`: what this home holds, and for how long.

use jiff::Timestamp;
use sumac_keys::CertificateFacts;
use sumac_node::day_of;

use super::read_facts;
use crate::home::HomeArgs;
use crate::outcome::Outcome;
use crate::terminal::{answer, plain_table, tell};
use crate::world;

/// Show this home's certificates and how long they live
///
/// Needs no root and no passphrase. Warns of each certificate that has less than a third of its life left.
///
/// Example: sumac certificate list --home /srv/sumac
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    home: HomeArgs,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let home = args.home.open()?;
    let now = world::now();
    let facts = home.certificate_files()?.into_iter().map(|path| read_facts(&path));
    let facts = facts.collect::<anyhow::Result<Vec<_>>>()?;
    let rows = facts.iter().map(|certificate| {
        let CertificateFacts { role, name, fingerprint, .. } = certificate;
        [role.to_string(), name.clone(), expiry(certificate, now), fingerprint.to_string()]
    });
    answer(&plain_table(["ROLE", "NAME", "EXPIRES", "FINGERPRINT"], rows, &[]))?;
    for certificate in facts.iter().filter(|certificate| certificate.expires_soon(now)) {
        let CertificateFacts { role, name, .. } = certificate;
        tell!("warning: {role} {name}: {}; `sumac certificate renew`", expiry(certificate, now));
    }
    Ok(Outcome::Done)
}

/// When a certificate ends, in words.
pub(crate) fn expiry(certificate: &CertificateFacts, now: Timestamp) -> String {
    let day = certificate.not_after.strftime("%Y-%m-%d");
    match days_left(certificate, now) {
        0 if certificate.not_after <= now => format!("expired on {day}"),
        0 => format!("today, {day}"),
        1 => format!("in 1 day, {day}"),
        days => format!("in {days} days, {day}"),
    }
}

/// Days from today to a certificate's last; none once it has expired.
pub(crate) fn days_left(certificate: &CertificateFacts, now: Timestamp) -> u32 {
    let span = day_of(now).until(day_of(certificate.not_after));
    span.map_or(0, |span| u32::try_from(span.get_days()).unwrap_or(0))
}
