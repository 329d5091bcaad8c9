//! A partner's PostgreSQL server: where it is, how to get in, and what may be asked of it.
//!
//! Whatever is asked runs in one read-only transaction that sees one moment of the database, with a limit on its
//! time, and with a search path on which no schema of anybody's lies. The password, and keys that go as parameters,
//! are in no text: not in errors, not in logs.

mod error;
pub(crate) mod fit;
mod hidden;
mod session;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod view;

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::SslMode;
use tokio_rustls::rustls::ClientConfig;
use zeroize::Zeroizing;

pub use error::WarehouseError;
pub use fit::Misfit;
pub(crate) use hidden::Hidden;
pub use session::Session;
pub(crate) use view::quoted;
pub use view::{SchemaName, ViewName, ViewNameError};

/// A server that takes longer to answer the door is down.
const CONNECT: Duration = Duration::from_secs(20);

/// A network that is silent for so long is gone. Seconds.
const SILENT: Duration = Duration::from_secs(30);

/// How to get into a PostgreSQL server.
#[derive(Clone)]
pub struct Warehouse {
    place: Place,
    dbname: String,
    user: String,
    tls: Option<ClientConfig>,
    password: Option<Zeroizing<Vec<u8>>>,
    timeout: Duration,
}

/// Where a PostgreSQL server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A directory of sockets on this machine, and the port in the socket's name.
    Socket(PathBuf, u16),
    /// A host and a port.
    Host(String, u16),
}

/// Records in the clear over a network: no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("records and passwords may not cross a network without TLS, and `{0}` is another machine")]
pub struct NotPrivate(Place);

impl Place {
    /// Whether what is said to it stays on this machine.
    pub fn is_here(&self) -> bool {
        match self {
            Self::Socket(..) => true,
            Self::Host(host, _) => {
                host == "localhost"
                    || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
            }
        }
    }
}

impl Warehouse {
    /// A server, a database on it and a user. Without `tls` only on this machine. Each statement takes `timeout` at
    /// most.
    ///
    /// # Errors
    /// Where there is no TLS to another machine.
    pub fn new(
        place: Place,
        dbname: &str,
        user: &str,
        tls: Option<ClientConfig>,
        password: Option<Zeroizing<Vec<u8>>>,
        timeout: Duration,
    ) -> Result<Self, NotPrivate> {
        if tls.is_none() && !place.is_here() {
            return Err(NotPrivate(place));
        }
        let (dbname, user) = (dbname.to_owned(), user.to_owned());
        Ok(Self { place, dbname, user, tls, password, timeout })
    }

    /// Connects, and begins the one transaction that everything is read in. Blocks, and so does all that is done
    /// with the session: call it where blocking is allowed.
    ///
    /// # Errors
    /// Where the server cannot be reached, is not trusted, or does not let us in.
    pub fn connect(&self) -> Result<Session, WarehouseError> {
        Session::begin(self)
    }

    fn timed_out(&self) -> WarehouseError {
        WarehouseError::TimedOut { server: self.place.to_string(), seconds: self.timeout.as_secs() }
    }

    fn config(&self) -> Config {
        let mut config = Config::new();
        match &self.place {
            Place::Socket(directory, port) => config.host_path(directory).port(*port),
            Place::Host(host, port) => config.host(host).port(*port),
        };
        config.dbname(&self.dbname).user(&self.user).application_name("sumac");
        config.ssl_mode(if self.tls.is_some() { SslMode::Require } else { SslMode::Disable });
        if let Some(password) = &self.password {
            config.password(password.as_slice());
        }
        config.connect_timeout(CONNECT).tcp_user_timeout(SILENT).keepalives_idle(SILENT);
        config
    }
}

/// Says where, and as whom; never the password.
impl fmt::Debug for Warehouse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, dbname, user, .. } = self;
        write!(f, "Warehouse({user}@{place}/{dbname})")
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(directory, port) => write!(f, "{}/.s.PGSQL.{port}", directory.display()),
            Self::Host(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Host(host, port) => write!(f, "{host}:{port}"),
        }
    }
}
