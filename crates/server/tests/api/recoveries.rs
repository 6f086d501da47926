//! Coming back with the recovery key alone.

use conclave_auth::client::{ClientLogin, ClientRegistration};
use conclave_auth::statements::{recovery_proof_statement, recovery_statement};
use conclave_protocol::limits::PENDING_LOGIN_LIFE_MS;
use conclave_protocol::logins::{LoggedIn, LoginStart, LoginStarted};
use conclave_protocol::recoveries::{
    RecoveryFinish, RecoveryProof, RecoveryProved, RecoveryStart, RecoveryStarted,
};
use conclave_protocol::{Bytes, DeviceId, ErrorCode, Token};
use conclave_sigchain::{AccountBody, AccountChain, Author};
use ed25519_dalek::{Signer, SigningKey};
use getrandom::SysRng;
use rand_core::UnwrapErr;

use crate::harness::{Answer, FreshDevice, Person, Server, random};

const PASSWORD: &str = "quite another password";

async fn begin(server: &Server, name: &str) -> RecoveryStarted {
    let start = RecoveryStart {
        username: name.parse().unwrap(),
    };
    server.post("/api/v1/recoveries/start", None, &start).await.json()
}

/// The second step, by some key.
async fn prove(server: &Server, name: &str, key: &SigningKey) -> (Answer, ClientRegistration, Token) {
    let started = begin(server, name).await;
    let (registration, request) =
        ClientRegistration::start(PASSWORD.as_bytes(), &mut UnwrapErr(SysRng)).unwrap();
    let statement = recovery_proof_statement(name, started.attempt.as_str());
    let proof = RecoveryProof {
        attempt: started.attempt.clone(),
        signature: Bytes(key.sign(&statement).to_bytes().to_vec()),
        opaque: Bytes(request),
    };
    let answer = server.post("/api/v1/recoveries/prove", None, &proof).await;
    (answer, registration, started.attempt)
}

/// A recovery up to its last step.
struct Recovery {
    proved: RecoveryProved,
    fresh: FreshDevice,
    upload: Vec<u8>,
}

impl Recovery {
    async fn begin(server: &Server, person: &Person) -> Self {
        let (answer, registration, _) = prove(server, &person.name, &person.recovery).await;
        let proved: RecoveryProved = answer.json();
        let upload = registration
            .finish(
                PASSWORD.as_bytes(),
                proved.opaque.as_slice(),
                &mut UnwrapErr(SysRng),
            )
            .unwrap()
            .message;
        Self {
            proved,
            fresh: FreshDevice::new(),
            upload,
        }
    }

    fn chain(&self) -> AccountChain {
        let entries = self.proved.entries.iter().map(Bytes::as_slice);
        AccountChain::verify(self.proved.account, entries).unwrap()
    }

    fn body(&self, server: &Server, recovery: &SigningKey, body: AccountBody) -> RecoveryFinish {
        let entry = self
            .chain()
            .next_entry(Author::Recovery, server.clock.now(), body)
            .signed_with(|bytes| recovery.sign(bytes).to_bytes())
            .to_bytes();
        let statement = recovery_statement(self.proved.token.as_str(), &entry, &self.upload);
        RecoveryFinish {
            token: self.proved.token.clone(),
            entry: Bytes(entry),
            opaque: Bytes(self.upload.clone()),
            signature: Bytes(self.fresh.key.sign(&statement).to_bytes().to_vec()),
            native: true,
        }
    }

    fn added(&self, server: &Server, person: &Person) -> RecoveryFinish {
        self.body(server, &person.recovery, self.fresh.added_to(person.account))
    }
}

async fn finish(server: &Server, body: &RecoveryFinish) -> Answer {
    server.post("/api/v1/recoveries/finish", None, body).await
}

#[tokio::test]
async fn the_recovery_key_alone_brings_a_person_back_with_a_new_password() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let old_pending = mia.pending(&server).await;
    let (old_attempt, old_proof) = mia.password_shown(&server).await;

    let recovery = Recovery::begin(&server, &mia).await;
    let chain = recovery.chain();
    assert_eq!(chain.recovery(), &mia.recovery.verifying_key().to_bytes());
    let vault = server.get("/api/v1/vault", Some(&recovery.proved.token)).await;
    assert!(vault.status.is_success(), "the token opens the vault for reading");
    let body = recovery.added(&server, &mia);
    let logged_in: LoggedIn = finish(&server, &body).await.json();
    assert_eq!(
        (logged_in.account, logged_in.device, logged_in.username.as_str()),
        (mia.account, DeviceId(1), "mia")
    );
    assert!(logged_in.administrator);
    let devices = server.get("/api/v1/devices", Some(&logged_in.access_token)).await;
    assert!(devices.status.is_success());

    // The old password opens nothing: not anew, not where it was under way, not by what it gave before.
    let (login, request) = ClientLogin::start(mia.password.as_bytes(), &mut UnwrapErr(SysRng)).unwrap();
    let start = LoginStart {
        username: "mia".parse().unwrap(),
        opaque: Bytes(request),
    };
    let started: LoginStarted = server.post("/api/v1/logins/start", None, &start).await.json();
    assert!(
        login
            .finish(
                mia.password.as_bytes(),
                started.opaque.as_slice(),
                &mut UnwrapErr(SysRng)
            )
            .is_err()
    );
    let under_way = conclave_protocol::logins::PendingLogin {
        code: None,
        attempt: old_attempt,
        opaque: old_proof,
    };
    let answer = server.post("/api/v1/logins/pending", None, &under_way).await;
    assert_eq!(answer.code(), ErrorCode::WrongCredentials);
    let answer = server.get("/api/v1/vault", Some(&old_pending.token)).await;
    assert_eq!(answer.code(), ErrorCode::SignInNeeded);

    // The new one signs in; the devices that were there stay.
    let again = Person {
        password: PASSWORD.to_owned(),
        ..mia
    };
    assert!(
        again
            .sign_in(&server, true, DeviceId(0))
            .await
            .status
            .is_success()
    );
}

#[tokio::test]
async fn a_last_step_whose_answer_was_lost_is_repeated() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let recovery = Recovery::begin(&server, &mia).await;
    let body = recovery.added(&server, &mia);
    for _ in 0..2 {
        let logged_in: LoggedIn = finish(&server, &body).await.json();
        assert_eq!(logged_in.device, DeviceId(1));
    }
    assert_eq!(mia.chain(&server).await.head(), 1);
}

#[tokio::test]
async fn a_wrong_key_and_a_handle_that_nobody_has_are_refused_alike() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let stranger = SigningKey::from_bytes(&random());
    let (known, ..) = prove(&server, "mia", &stranger).await;
    let (unknown, ..) = prove(&server, "nobody", &stranger).await;
    let (by_device, ..) = prove(&server, "mia", &mia.key).await;
    assert_eq!(known.body, unknown.body);
    for answer in [known, unknown, by_device] {
        assert_eq!(answer.code(), ErrorCode::WrongCredentials);
    }
}

#[tokio::test]
async fn an_attempt_to_recover_is_used_up_by_its_proof() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let stranger = SigningKey::from_bytes(&random());
    let (_, _, attempt) = prove(&server, "mia", &stranger).await;
    let statement = recovery_proof_statement("mia", attempt.as_str());
    let (_, request) = ClientRegistration::start(PASSWORD.as_bytes(), &mut UnwrapErr(SysRng)).unwrap();
    let proof = RecoveryProof {
        attempt,
        signature: Bytes(mia.recovery.sign(&statement).to_bytes().to_vec()),
        opaque: Bytes(request),
    };
    let answer = server.post("/api/v1/recoveries/prove", None, &proof).await;
    assert_eq!(answer.code(), ErrorCode::WrongCredentials);
}

#[tokio::test]
async fn what_the_last_step_lacks_leaves_the_account_as_it_was() {
    let server = Server::start().await;
    let mut mia = server.administrator().await;
    let recovery = Recovery::begin(&server, &mia).await;
    let good = recovery.added(&server, &mia);

    let mut unsigned = good.clone();
    unsigned.signature = Bytes(vec![1; 64]);
    let mut invented = good.clone();
    invented.token = Token("invented".to_owned());
    let mut pending = good.clone();
    pending.token = mia.pending(&server).await.token;
    for body in [unsigned, invented, pending] {
        assert_eq!(finish(&server, &body).await.code(), ErrorCode::WrongCredentials);
    }
    let stranger = SigningKey::from_bytes(&random());
    for body in [
        recovery.body(&server, &stranger, recovery.fresh.added_to(mia.account)),
        recovery.body(&server, &mia.recovery, AccountBody::Close {}),
    ] {
        assert_eq!(finish(&server, &body).await.code(), ErrorCode::ChainRefused);
    }
    assert_eq!(mia.chain(&server).await.head(), 0);
    // The old password is still the one.
    let signed_in: LoggedIn = mia.sign_in(&server, true, DeviceId(0)).await.json();
    mia.access = signed_in.access_token;

    // The chain grew meanwhile: the proof has to be made again on the new one.
    mia.device_added(&server).await;
    assert_eq!(finish(&server, &good).await.code(), ErrorCode::ChainMoved);
    let again = Recovery::begin(&server, &mia).await;
    let logged_in: LoggedIn = finish(&server, &again.added(&server, &mia)).await.json();
    assert_eq!(logged_in.device, DeviceId(2));
}

#[tokio::test]
async fn a_proof_is_worth_something_for_a_quarter_of_an_hour() {
    let server = Server::start().await;
    let mia = server.administrator().await;
    let recovery = Recovery::begin(&server, &mia).await;
    server.clock.shift(i64::try_from(PENDING_LOGIN_LIFE_MS).unwrap());
    let late = finish(&server, &recovery.added(&server, &mia)).await;
    assert_eq!(late.code(), ErrorCode::WrongCredentials);
}

#[tokio::test]
async fn a_handle_that_was_only_asked_for_is_written_nowhere() {
    let server = Server::start().await;
    server.administrator().await;
    let stranger = SigningKey::from_bytes(&random());
    begin(&server, "nobody-of-the-hill").await;
    let (answer, ..) = prove(&server, "nobody-of-the-hill", &stranger).await;
    assert_eq!(answer.code(), ErrorCode::WrongCredentials);
    let contains = |bytes: &[u8], word: &[u8]| bytes.windows(word.len()).any(|window| window == word);
    let mut found_mia = false;
    for name in ["conclave.db", "conclave.db-wal"] {
        let Ok(bytes) = std::fs::read(server.folder.path().join(name)) else {
            continue;
        };
        found_mia |= contains(&bytes, b"mia");
        assert!(!contains(&bytes, b"nobody-of-the-hill"), "in {name}");
    }
    assert!(found_mia, "the right files were looked at");
}
