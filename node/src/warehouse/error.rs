//! What goes wrong between us and a server. For the operator: no value of a record, no password, and nothing that
//! the server says in words of its own, because a server's words may quote a row.

use std::error::Error;
use std::io;

use sumac_keys::why_refused;

use super::{Misfit, ViewName, Warehouse};

/// Why a server did not answer as asked. For its operator alone: no peer hears of it.
#[derive(Debug, thiserror::Error)]
pub enum WarehouseError {
    /// Nobody answers there.
    #[error("cannot connect to PostgreSQL at {server}: {why}")]
    Unreachable {
        /// Where.
        server: String,
        /// What this machine says.
        why: String,
    },
    /// The server's certificate is not what it should be.
    #[error("PostgreSQL at {server} is not trusted: {why}")]
    NotTrusted {
        /// Where.
        server: String,
        /// What is wrong with it.
        why: String,
    },
    /// The server has no TLS.
    #[error("PostgreSQL at {0} does not offer TLS")]
    NoTls(String),
    /// The server wants a password, and there is none.
    #[error("PostgreSQL at {0} asks for a password, and none is set")]
    NoPassword(String),
    /// The server does not let the user in.
    #[error(
        "PostgreSQL at {server} does not let `{user}` in: wrong password, or no right to connect"
    )]
    Login {
        /// Where.
        server: String,
        /// Who.
        user: String,
    },
    /// The server has no such database.
    #[error("PostgreSQL at {server} has no database `{dbname}`")]
    NoDatabase {
        /// Where.
        server: String,
        /// Which.
        dbname: String,
    },
    /// The database has no such view that the user may see.
    #[error("the database has no view or table `{name}`{}", others(.nearest))]
    NoView {
        /// Which.
        name: ViewName,
        /// Those whose names are most alike.
        nearest: Vec<String>,
    },
    /// The schema has no view that is a canonical table.
    #[error(
        "the database has no schema `{schema}` with a view that is called learner, enrolment, award, employment, outcome or support{}", others(.having)
    )]
    NoTables {
        /// Which schema.
        schema: String,
        /// Those that have.
        having: Vec<String>,
    },
    /// A view is not there any more.
    #[error("the view `{0}` is gone since it was imported")]
    Gone(ViewName),
    /// A view is not what it was when it was imported.
    #[error("the views are not as they were imported: {0}")]
    Changed(Misfit),
    /// The user may not read it.
    #[error("`{user}` may not read what was asked for")]
    Denied {
        /// Who.
        user: String,
    },
    /// The statement took too long, or somebody stopped it.
    #[error(
        "PostgreSQL at {server} did not finish within {seconds} s, or an administrator stopped it"
    )]
    TimedOut {
        /// Where.
        server: String,
        /// The limit.
        seconds: u64,
    },
    /// The connection is gone.
    #[error("the connection to PostgreSQL at {0} was lost")]
    Dropped(String),
    /// The server takes no more connections.
    #[error("PostgreSQL at {server} has no connection left for `{user}`")]
    TooMany {
        /// Where.
        server: String,
        /// Who.
        user: String,
    },
    /// The server refused, for a reason that its own log tells.
    #[error("PostgreSQL at {server} could not answer (SQLSTATE {state})")]
    Refused {
        /// Where.
        server: String,
        /// PostgreSQL's code for it: appendix A of its manual.
        state: String,
    },
    /// The server's answer is not one to what was asked.
    #[error("PostgreSQL at {0} gave an answer that makes no sense")]
    Unclear(String),
    /// This machine has no threads left.
    #[error("start talking to PostgreSQL")]
    Runtime(#[source] io::Error),
}

fn others(names: &[String]) -> String {
    match names {
        [] => String::new(),
        names => format!("; it has `{}`", names.join("`, `")),
    }
}

impl WarehouseError {
    /// What the operator can do.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => {
                "check host and port under [postgres] in sumac.toml, and that the server runs"
            }
            Self::NotTrusted { .. } => {
                "root_cert under [postgres] must be the authority that issued the server's certificate, and host the name in it"
            }
            Self::NoTls(_) => {
                "set ssl = on in the server's postgresql.conf, with a certificate for its name"
            }
            Self::NoPassword(_) => {
                "name a password_file under [postgres] in sumac.toml, or set SUMAC_POSTGRES_PASSWORD"
            }
            Self::Login { .. } => {
                "check user and password_file under [postgres] in sumac.toml, and the server's pg_hba.conf"
            }
            Self::NoDatabase { .. } => "check dbname under [postgres] in sumac.toml",
            Self::NoView { .. } => {
                "name it as postgres:SCHEMA.VIEW; docs/postgres.md tells how to make one"
            }
            Self::NoTables { .. } => {
                "docs/postgres.md tells how to make the views, under \"In place\""
            }
            Self::Gone(_) | Self::Changed(_) => {
                "make the view as it was, or `sumac import --in-place` again: docs/postgres.md"
            }
            Self::TooMany { .. } => "raise the role's CONNECTION LIMIT: docs/postgres.md",
            Self::Denied { .. } => {
                "GRANT USAGE on the schema and SELECT on the view: docs/postgres.md"
            }
            Self::TimedOut { .. } => {
                "a materialised view is faster; or raise timeout_seconds under [postgres] in sumac.toml"
            }
            Self::Dropped(_) => "try again once the server is up; nothing was changed",
            Self::Refused { .. } => {
                "the server's own log says more; often a view fails on one of its rows"
            }
            Self::Unclear(_) => "check that it is PostgreSQL 11 or later",
            Self::Runtime(_) => "try again",
        }
    }

    /// Whether it may be otherwise the next time, with nothing done about it here.
    pub fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::TimedOut { .. }
                | Self::TooMany { .. }
                | Self::Dropped(_)
                | Self::Runtime(_)
        )
    }

    /// Of what went wrong while connecting.
    pub(super) fn connecting(warehouse: &Warehouse, error: &tokio_postgres::Error) -> Self {
        let server = warehouse.place.to_string();
        if error.code().is_some() {
            return Self::asking(warehouse, error);
        }
        if let Some(why) = why_refused(error) {
            return Self::NotTrusted { server, why };
        }
        let cause = error.source().map(ToString::to_string);
        match error.to_string().as_str() {
            "error performing TLS handshake" => Self::NoTls(server),
            "invalid configuration" if warehouse.password.is_none() => Self::NoPassword(server),
            "authentication error" => Self::Login { server, user: warehouse.user.clone() },
            other => Self::Unreachable { server, why: cause.unwrap_or_else(|| other.to_owned()) },
        }
    }

    /// Of what went wrong afterwards.
    pub(super) fn asking(warehouse: &Warehouse, error: &tokio_postgres::Error) -> Self {
        let server = warehouse.place.to_string();
        let user = warehouse.user.clone();
        let Some(state) = error.code().map(|state| state.code().to_owned()) else {
            let io = error.source().is_some_and(|cause| cause.is::<io::Error>());
            return if error.is_closed() || io {
                Self::Dropped(server)
            } else {
                Self::Unclear(server)
            };
        };
        match state.as_str() {
            "28P01" | "28000" => Self::Login { server, user },
            "3D000" => Self::NoDatabase { server, dbname: warehouse.dbname.clone() },
            "42501" => Self::Denied { user },
            "53300" => Self::TooMany { server, user },
            "57014" => warehouse.timed_out(),
            "57P01" | "57P02" | "57P03" => Self::Dropped(server),
            other if other.starts_with("08") => Self::Dropped(server),
            _ => Self::Refused { server, state },
        }
    }
}
