//! How a database is reached, by its address alone: for whoever looks at a configuration. It connects to nothing.

use std::net::IpAddr;
use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::DbError;

/// How what goes between server and database is kept from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It never leaves this machine: a file, a socket file, or loopback.
    Local,
    /// Encrypted, and the database shows a certificate for the name in the address.
    Verified,
    /// Encrypted, but whoever stands between could answer in the database's place.
    Unverified,
    /// To another machine, and nothing insists on encryption.
    Plain,
}

impl Reach {
    /// Of an address as [`crate::Db::open`] takes it.
    pub fn of(address: &str) -> Result<Self, DbError> {
        if address.starts_with("sqlite:") {
            return Ok(Self::Local);
        }
        let options = PgConnectOptions::from_str(address)?;
        if options.get_socket().is_some() || is_this_machine(options.get_host()) {
            return Ok(Self::Local);
        }
        Ok(match options.get_ssl_mode() {
            PgSslMode::VerifyFull => Self::Verified,
            PgSslMode::VerifyCa | PgSslMode::Require => Self::Unverified,
            // `prefer` takes what the other side offers, and whoever stands between offers none.
            PgSslMode::Disable | PgSslMode::Allow | PgSslMode::Prefer => Self::Plain,
        })
    }
}

fn is_this_machine(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.starts_with('/')
        || host == "localhost"
        || bare
            .parse::<IpAddr>()
            .is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_how_it_is_reached() {
        let cases = [
            ("sqlite:/var/lib/conclave/conclave.db", Reach::Local),
            ("postgres://c@localhost/c?host=/run/postgresql", Reach::Local),
            ("postgres://c:p@%2Frun%2Fpostgresql/c", Reach::Local),
            ("postgres://c:p@localhost/c", Reach::Local),
            ("postgres://c:p@127.0.0.1:5433/c", Reach::Local),
            ("postgres://c:p@[::1]/c", Reach::Local),
            ("postgres://c:p@db.example.org/c", Reach::Plain),
            ("postgres://c:p@10.0.0.5/c?sslmode=prefer", Reach::Plain),
            (
                "postgres://c:p@localhost.example.org/c?sslmode=disable",
                Reach::Plain,
            ),
            (
                "postgres://c:p@db.example.org/c?sslmode=require",
                Reach::Unverified,
            ),
            (
                "postgres://c:p@db.example.org/c?sslmode=verify-ca",
                Reach::Unverified,
            ),
            (
                "postgres://c:p@db.example.org/c?sslmode=verify-full",
                Reach::Verified,
            ),
        ];
        for (address, reach) in cases {
            assert_eq!(Reach::of(address).unwrap(), reach, "{address}");
        }
        assert!(matches!(
            Reach::of("postgres://c@db/c?sslmode=mostly"),
            Err(DbError::Address(_))
        ));
    }
}
