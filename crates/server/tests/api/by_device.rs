//! Sign-in as a real client does it: second step, a new password with its way into the vault, the end of the account.

use std::time::Duration;

use conclave_sdk::views::{AccountView, HistoryWaysView};
use conclave_sdk::{Device, Options, SdkError};
use tempfile::TempDir;
use totp_rs::{Builder, Secret};

use crate::harness::Server;

const PASSWORD: &str = "vier ruhige Otter im Nebel";
const NEW_PASSWORD: &str = "sechs laute Amseln im Schnee";

fn device(server: &Server, folder: &TempDir, name: &str) -> Device {
    let address = format!("http://{}", server.address);
    Device::open(Options::new(address, folder.path().join(name))).unwrap()
}

/// The first person, online.
async fn mia(server: &Server, folder: &TempDir) -> Device {
    let mia = device(server, folder, "mia");
    mia.register("mia", PASSWORD, server.setup_token().as_str())
        .await
        .unwrap();
    mia.wait_until_online(Duration::from_secs(20)).await.unwrap();
    mia
}

fn code(error: &SdkError) -> &str {
    error.failure().map_or("", |failure| failure.code.as_str())
}

async fn settled(mia: &Device) -> HistoryWaysView {
    for _ in 0..200 {
        let ways = mia.history_ways().await.unwrap();
        if ways.known && !ways.changing {
            return ways;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the ways into the vault never settled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_signs_in_with_the_code_that_is_asked_for() {
    let server = Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let mia = mia(&server, &folder).await;
    let begun = mia.begin_second_step().await.unwrap();
    let secret = Secret::try_from_base32(&begun.secret).unwrap();
    let app = Builder::new().with_secret(secret).build().unwrap();
    let shown = |server: &Server| app.generate(server.clock.now().0 / 1000).to_string();
    let codes = mia.confirm_second_step(&shown(&server)).await.unwrap();
    assert!(mia.second_step().await.unwrap().on);

    mia.sign_out().await.unwrap();
    let refused = mia.sign_in("mia", PASSWORD).await.unwrap_err();
    assert_eq!(code(&refused), "second_step_needed");
    let refused = mia.sign_in_with_code("mia", PASSWORD, Some("000000")).await;
    assert_eq!(code(&refused.unwrap_err()), "second_step_wrong");
    server.clock.shift(30_000);
    let app_code = shown(&server);
    mia.sign_in_with_code("mia", PASSWORD, Some(&app_code))
        .await
        .unwrap();

    // A new device is asked, too, and then waits for approval.
    let phone = device(&server, &folder, "phone");
    let refused = phone.sign_in("mia", PASSWORD).await.unwrap_err();
    assert_eq!(code(&refused), "second_step_needed");
    phone
        .sign_in_with_code("mia", PASSWORD, Some(&codes[0]))
        .await
        .unwrap();
    assert!(matches!(
        phone.account().await.unwrap(),
        AccountView::Joining { .. }
    ));
    let logins = mia.list_logins().await.unwrap();
    assert_eq!(logins.iter().filter(|login| login.current).count(), 1);
    mia.end_second_step().await.unwrap();
    assert!(!mia.second_step().await.unwrap().on);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_recovery_key_needs_no_code_and_what_it_opens_may_switch_the_second_step_off() {
    let server = Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let mia = mia(&server, &folder).await;
    let begun = mia.begin_second_step().await.unwrap();
    let secret = Secret::try_from_base32(&begun.secret).unwrap();
    let app = Builder::new().with_secret(secret).build().unwrap();
    let shown = app.generate(server.clock.now().0 / 1000).to_string();
    mia.confirm_second_step(&shown).await.unwrap();
    let words = mia.recovery_words().await.unwrap().join(" ");

    let found = device(&server, &folder, "found");
    found.recover("mia", &words, NEW_PASSWORD, false).await.unwrap();
    found.wait_until_online(Duration::from_secs(20)).await.unwrap();
    assert!(found.second_step().await.unwrap().on);
    found.end_second_step().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strong_new_password_opens_the_history_where_the_old_one_did_and_a_weak_one_does_not() {
    let server = Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let mia = mia(&server, &folder).await;
    settled(&mia).await;
    mia.set_history_password(Some(PASSWORD), None).await.unwrap();
    assert!(settled(&mia).await.password);

    mia.change_password(NEW_PASSWORD, true, None, true).await.unwrap();
    assert!(settled(&mia).await.password);
    mia.sign_out().await.unwrap();
    let old = mia.sign_in("mia", PASSWORD).await.unwrap_err();
    assert_eq!(code(&old), "wrong_credentials");
    mia.sign_in("mia", NEW_PASSWORD).await.unwrap();

    server.clock.shift(11 * 60 * 1000);
    let late = mia.change_password("nur sieben", false, None, false).await;
    assert_eq!(code(&late.unwrap_err()), "fresh_sign_in_needed");
    mia.prove_password(NEW_PASSWORD, None).await.unwrap();
    mia.change_password("nur sieben", false, None, false)
        .await
        .unwrap();
    let mut ways = settled(&mia).await;
    for _ in 0..200 {
        if !ways.password {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        ways = settled(&mia).await;
    }
    assert!(!ways.password);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_its_owner_ends_is_forgotten_by_the_device() {
    let server = Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let mia = mia(&server, &folder).await;
    let ben = device(&server, &folder, "ben");
    let invite = mia.make_invite_for(2, 3).await.unwrap();
    ben.register("ben", PASSWORD, &invite.token).await.unwrap();
    ben.wait_until_online(Duration::from_secs(20)).await.unwrap();
    assert_eq!(mia.list_invites().await.unwrap()[0].uses, 1);
    mia.set_registration("open").await.unwrap();
    let zoe = device(&server, &folder, "zoe");
    zoe.register("zoe", PASSWORD, "open").await.unwrap();
    ben.close_account().await.unwrap();
    assert!(matches!(ben.account().await.unwrap(), AccountView::None));
    let taken = ben.register("ben", PASSWORD, &invite.token).await.unwrap_err();
    assert_eq!(code(&taken), "username_taken");
    let page = mia.list_accounts("ben", None).await.unwrap();
    assert!(page.accounts[0].closed);
    let acts: Vec<String> = mia
        .list_audit(0)
        .await
        .unwrap()
        .lines
        .into_iter()
        .map(|line| line.act)
        .collect();
    assert_eq!(acts, ["invite made", "registration set", "account closed"]);
}
