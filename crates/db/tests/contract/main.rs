//! The contract of every method of `Db`, kept by both engines.
//!
//! A test is a function that takes a [`Stage`](support::Stage); `on_both_engines!` names it and makes
//! `<word>::sqlite::<sentence>` and `<word>::postgres::<sentence>` of it.

#[path = "../support/mod.rs"]
mod support;

macro_rules! on_both_engines {
    ($($sentence:ident)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $sentence() {
                let stage = crate::support::sqlite().await;
                super::$sentence(stage.clone()).await;
                stage.end().await;
            })*
        }

        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $sentence() {
                let stage = crate::support::postgres().await;
                super::$sentence(stage.clone()).await;
                stage.end().await;
            })*
        }
    };
}

mod accounts;
mod admin;
mod announcements;
mod blobs;
mod devices;
mod engine;
mod group;
mod invites;
mod jobs;
mod links;
mod logins;
mod mailbox;
mod messages;
mod places;
mod posts;
mod prekeys;
mod presence;
mod push;
mod recoveries;
mod resets;
mod rooms;
mod second_steps;
mod steps;
mod tls;
mod transfer;
mod vault;
