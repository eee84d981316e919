//! `clauth refresh`: new tokens in their place, and nothing lost, whatever the service, the locks, the disk or a signal do.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::locks;
use crate::support::Sandbox;
use crate::support::finished::Finished;
use crate::support::service::{Account, Request, Service};

mod answers;
mod due;
mod failing;
mod held;
mod killed;
mod real_client;
mod secrets;
mod signals;
mod tls;

/// A profile `work` whose login a service on loopback knows.
pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) account: Arc<Account>,
    pub(crate) service: Service,
}

impl World {
    /// A service that does what it should.
    pub(crate) fn new() -> Self {
        Self::with(|request, account| account.renew(request))
    }

    /// A service that answers like this.
    fn with(answer: impl Fn(&Request, &Account) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let account = Arc::<Account>::default();
        let known = Arc::clone(&account);
        Self::on(Service::start(move |request| answer(request, &known)), account)
    }

    /// A service that may do anything with a connection, and is in no hurry.
    pub(crate) fn on(service: Service, account: Arc<Account>) -> Self {
        let mut sandbox = Sandbox::with_profiles(&["work"]);
        sandbox.set_variable("CLAUTH_SERVICES", service.url());
        let world = Self { sandbox, account, service };
        world.sign_in(0, 60);
        world
    }

    /// Puts the login of a number into the profile, which ends in so many seconds.
    pub(crate) fn sign_in(&self, number: usize, seconds: i64) {
        self.sandbox.write(self.file(), login(number, &json!(milliseconds(seconds))).to_string());
        fs::set_permissions(self.file(), fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// The file of the login.
    fn file(&self) -> PathBuf {
        self.sandbox.runtime("work").join(".credentials.json")
    }

    /// The text of the login.
    pub(crate) fn text(&self) -> String {
        self.sandbox.read(self.file())
    }

    /// The number of the tokens in the login; both of them.
    #[track_caller]
    pub(crate) fn number(&self) -> usize {
        let login: Value = serde_json::from_str(&self.text()).unwrap();
        let login = &login["claudeAiOauth"];
        let refresh = login["refreshToken"].as_str().unwrap();
        let number = refresh.rsplit('-').nth(1).unwrap().parse().unwrap();
        assert_eq!((&login["accessToken"], refresh), (&json!(Account::access(number)), Account::refresh(number).as_str()));
        number
    }

    /// Runs `clauth refresh` to its end.
    pub(crate) fn refresh(&self, arguments: &[&str]) -> Finished {
        Finished::run(self.command(arguments))
    }

    /// Starts `clauth refresh`.
    fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.sandbox.command("clauth");
        command.arg("refresh").args(arguments);
        command
    }

    /// How often the service was asked.
    fn asked(&self) -> usize {
        self.service.requests().len()
    }

    /// Asserts that everything is as it should be afterwards: the login is the one that the service takes, no token came twice, and no lock or file of
    /// the refresh is left.
    #[track_caller]
    fn assert_good(&self) {
        assert_eq!((self.number(), self.account.refused()), (self.account.number(), Vec::new()));
        self.assert_tidy();
    }

    /// Asserts that no lock or file of a refresh is left.
    #[track_caller]
    pub(crate) fn assert_tidy(&self) {
        assert_eq!(locks(&self.sandbox), Vec::<PathBuf>::new());
        let left = |name: &String| Path::new(name).extension().is_some_and(|extension| extension == "tmp") || name == "room";
        for directory in [self.sandbox.runtime("work"), self.sandbox.path("home/.clauth/profiles/work")] {
            let names = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
            assert_eq!(names.filter(left).collect::<Vec<_>>(), Vec::<String>::new(), "{}", directory.display());
        }
    }
}

/// A login as Claude Code writes it, among other things, and with what another version may add.
fn login(number: usize, expires_at: &Value) -> Value {
    json!({
        "mcpOAuth": {"example": {"accessToken": "mcp-SECRET", "expiresAt": 1.50}},
        "claudeAiOauth": {
            "later": {"b": [], "a": null}, "accessToken": Account::access(number), "refreshToken": Account::refresh(number), "expiresAt": expires_at,
            "refreshTokenExpiresAt": 4_102_444_800_000_u64, "scopes": ["user:inference", "user:profile"], "subscriptionType": "max",
        },
        "zuletzt": "ü",
    })
}

/// A time so many seconds from now, in milliseconds since 1970.
fn milliseconds(seconds: i64) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(i64::try_from(now.as_millis()).unwrap() + seconds * 1000).unwrap()
}
