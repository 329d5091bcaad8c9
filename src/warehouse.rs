//! The party's own PostgreSQL server, from its settings. The password comes from a file or the environment.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::Context;
use sumac_keys::database_config;
use sumac_node::warehouse::{Place, Warehouse};
use zeroize::Zeroizing;

use crate::home::{Postgres, Settings, read_bounded, read_secret};
use crate::outcome::{Hint, hinted};
use crate::terminal::tell;
use crate::world;

/// Longer is another file given in its place.
const MAX_PASSWORD: u64 = 2_048;

/// A bundle of every public authority is a tenth of this.
const MAX_AUTHORITIES: u64 = 4 << 20;

/// Where a password is looked for when no file is named: ours, then what every PostgreSQL program looks at.
const VARIABLES: [&str; 2] = ["SUMAC_POSTGRES_PASSWORD", "PGPASSWORD"];

/// The server that `[postgres]` names.
pub(crate) fn warehouse(settings: &Settings) -> anyhow::Result<Warehouse> {
    let Some(postgres) = &settings.postgres else {
        return Err(hinted(
            "sumac.toml names no PostgreSQL server",
            "add a section [postgres] with host, dbname, user and root_cert: docs/postgres.md",
        ));
    };
    let Postgres { place, dbname, user, root_cert, password_file, timeout } = postgres;
    let tls = root_cert.as_deref().map(|path| {
        let reading = || format!("read `root_cert` `{}`", path.display());
        let authorities = read_bounded(path, MAX_AUTHORITIES).with_context(reading)?;
        database_config(&authorities, world::clock()).with_context(reading)
    });
    let tls = tls.transpose()?;
    if tls.is_none() && matches!(place, Place::Host(..)) {
        tell!(
            "warning: no TLS to PostgreSQL: anyone who may watch this machine's network reads along"
        );
    }
    let password = match password_file {
        Some(path) => Some(read_password(path)?),
        None => VARIABLES.iter().find_map(|name| world::secret_variable(name)),
    };
    Ok(Warehouse::new(place.clone(), dbname, user, tls, password, *timeout)?)
}

/// A password that others may read is no secret.
fn read_password(path: &Path) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let reading = || format!("read `password_file` `{}`", path.display());
    let facts = fs::metadata(path).with_context(reading)?;
    if facts.permissions().mode() & 0o077 != 0 {
        let path = path.display();
        return Err(hinted(
            format_args!("`password_file` `{path}` may be read by others"),
            format_args!("chmod 600 {path}"),
        ));
    }
    let mut password = read_secret(path, MAX_PASSWORD).with_context(reading)?;
    while password.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
        password.pop();
    }
    if password.is_empty() {
        return Err(anyhow::anyhow!("`password_file` `{}` is empty", path.display()))
            .hint("write the password into it, and nothing else");
    }
    Ok(password)
}
