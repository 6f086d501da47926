//! A PostgreSQL for the tests of the server itself.

#[path = "../../../db/tests/support/cluster.rs"]
mod cluster;

use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The address of a fresh database.
pub(crate) fn fresh() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);

    let cluster = cluster::running();
    let name = format!("served_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    loop {
        let made = Command::new("psql")
            .args(["--no-psqlrc", "--quiet", "--dbname", &cluster.address("postgres")])
            .args(["--command", &format!("CREATE DATABASE {name}")])
            .output()
            .expect("these tests need PostgreSQL's client program");
        if made.status.success() {
            return cluster.address(&name);
        }
        // Starting: nobody listens yet.
        cluster.check();
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// The address of a database as a role other than the superuser.
pub(crate) fn as_role(role: &str, database: &str) -> String {
    let address = cluster::running().address(database);
    address.replacen("postgres@", &format!("{role}@"), 1)
}
