//! Refreshing a login: its access token is good for hours, and its refresh token for one request that brings new ones of both.
//!
//! A refresh token that is sent twice ends the login, and so does a new one that is lost. So, in this order: the profile's `rotation.lock`, for clauth's
//! own processes; the two locks that Claude Code takes around a refresh; another look at the login, since whoever held them may have refreshed it; disk
//! space for the new one; a connection; a durable note that this token is being sent; the request. Its answer is kept first, so that whoever comes next
//! can finish what is interrupted now; then, under the lock that Claude Code takes around a write, the new tokens go into what lies there, if that is
//! still the login that was asked for. Signals wait from the first lock to the last, and
//! what came before the request was sent is obeyed instead of sending it.
//!
//! What failed before anything was sent is tried again. What was sent and not answered is never sent again by clauth: the token may be spent. Claude
//! Code will see; if the login is lost, it was so when the answer was.

mod answer;
mod renewed;
mod spent;

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, anyhow, bail};

use self::answer::{Grant, Verdict};
use self::renewed::Renewed;
use self::spent::{Fate, Spent};
use super::{Console, Credentials, Login, Services, Store};
use crate::claude_code::{self, CREDENTIALS};
use crate::env::Env;
use crate::error::Mistake;
use crate::io::http::{Answer, Outcome};
use crate::io::{self, ClientLock, FileLock, Purpose};
use crate::layout::{Layout, Writable};
use crate::name::ProfileName;
use crate::sys::HeldSignals;

/// Claude Code refreshes when fewer than these are left, and clocks differ by less.
const SOON: Duration = Duration::from_secs(5 * 60);

/// The pauses between tries of what was not sent, or could not be written.
const PAUSES: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(1)];

/// What a refresh came to.
#[derive(Debug, PartialEq, Eq)]
pub enum Refreshed {
    /// There are new tokens, good for so long.
    Renewed(Duration),
    /// Nothing was sent: the login is good for so much longer.
    NotDue(Duration),
    /// Another program was faster.
    ByAnother,
    /// What an earlier refresh brought is in its place now.
    Finished,
}

/// One refresh of one profile.
pub struct Refresh<'a> {
    /// Where the profile lies.
    pub layout: Writable<'a>,
    /// The profile.
    pub name: &'a ProfileName,
    /// Its config directory.
    pub config_dir: &'a Path,
    /// Who is asked.
    pub services: &'a Services,
    /// By which proxy, and whom to trust.
    pub env: &'a Env,
    /// Whether to refresh a login that is good for longer.
    pub force: bool,
}

impl Refresh<'_> {
    /// Refreshes the login, if it is due.
    pub fn run(&self) -> Result<Refreshed> {
        if self.layout.renewed(self.name).exists() {
            let _rotation = self.rotation()?;
            let _signals = hold_signals()?;
            if finish(self.layout, self.name, self.config_dir)? {
                return Ok(Refreshed::Finished);
            }
        }
        let before = self.login()?;
        if let Some(left) = self.time_left(&before) {
            return Ok(Refreshed::NotDue(left));
        }
        let _rotation = self.rotation()?;
        let signals = hold_signals()?;
        let locks = self.lock(&signals)?;
        let login = self.login()?;
        if login.access_token != before.access_token {
            return Ok(Refreshed::ByAnother);
        }
        io::forget_unfinished(&self.layout.profile(self.name));
        io::forget_unfinished_of(self.store().file());
        let spent = Spent::new(self.layout.spent(self.name));
        match spent.fate(&login.refresh_token)? {
            None => {}
            Some(Fate::Refused) => bail!(self.ended()),
            Some(Fate::Sent) => bail!(self.unknown("it was sent earlier, and no answer came")),
        }
        self.store().refuse_full()?;
        let room = Room::make(self.layout.room(self.name), self.store().file())?;
        let (asked, answer) = self.ask(&login, &spent, &locks, &signals)?;
        match answer::judge(&answer) {
            Verdict::Renewed(body) => {
                let grant = Grant::parse(&body).context("could not read the new tokens")?;
                if !grant.spends(&login.refresh_token) {
                    let _ = spent.forget(&login.refresh_token); // it would be refused when it is next due: no reason to lose what came
                }
                self.keep(&Renewed::new(&login.refresh_token, asked, body), grant.lifetime(), room)
            }
            Verdict::Ended => self.end(&login, &spent),
            Verdict::Unknown(reason) => bail!(self.unknown(reason)),
            Verdict::Refused => {
                spent.forget(&login.refresh_token)?;
                let time = answer.retry_after.map_or("later".into(), |wait| format!("in {} s", wait.as_secs()));
                bail!(Mistake::RefreshRefused { name: self.name.to_string(), status: answer.status.to_string(), time })
            }
        }
    }

    /// Keeps every other refresh of the profile out, and its removal.
    fn rotation(&self) -> Result<FileLock> {
        let Some(lock) = FileLock::exclusive_within(&self.layout.rotation_lock(self.name), self.patience() * 3)? else { bail!(self.busy()) };
        if !self.layout.profile_file(self.name).exists() {
            bail!(Mistake::UnknownProfile { name: self.name.to_string(), hint: String::new() });
        }
        Ok(lock)
    }

    fn store(&self) -> Store {
        Store::of(&self.layout, self.config_dir)
    }

    /// Reads the login, which must be one that can be refreshed.
    fn login(&self) -> Result<Login> {
        let name = self.name.to_string();
        self.store().refuse_overflow()?;
        let credentials = self.store().read()?;
        if credentials.as_ref().is_some_and(Credentials::has_organization) {
            bail!(Mistake::OrganizationLogin { place: self.config_dir.display().to_string() });
        }
        let Some(login) = credentials.and_then(|credentials| credentials.login()) else {
            if Console::of(&self.layout, self.config_dir).is_some() {
                bail!(Mistake::ConsoleNeedsNoRefresh { name });
            }
            bail!(Mistake::NotSignedIn { name })
        };
        if login.refresh_token.reveal().is_empty() {
            bail!(Mistake::TokenNeedsNoRefresh { name });
        }
        Ok(login)
    }

    /// How much longer the login is good; `None` when it is to be refreshed.
    fn time_left(&self, login: &Login) -> Option<Duration> {
        // Where nobody says when it ends, one refresh makes it known.
        let left = login.expires_at.map(|ends| Duration::from_millis(ends.saturating_sub(now())))?;
        (left >= SOON && !self.force).then_some(left)
    }

    /// Takes the two locks that Claude Code takes around a refresh, in its order; they are dropped in the reverse one.
    fn lock(&self, signals: &HeldSignals) -> Result<(Option<ClientLock>, ClientLock)> {
        let deadline = Instant::now() + self.patience();
        let is_over = || Instant::now() > deadline || signals.has_come();
        let busy = || if signals.has_come() { interrupted() } else { self.busy().into() };
        let wait = |directory: &Path| ClientLock::wait(directory, Purpose::Refreshing, &is_over);
        let (inside, beside) = claude_code::refresh_locks(self.config_dir, &io::resolved(self.config_dir));
        let inside = wait(&inside)?.ok_or_else(busy)?;
        let beside = wait(&beside).ok().map(|lock| lock.ok_or_else(busy)).transpose()?;
        Ok((beside, inside))
    }

    /// Asks for new tokens, more than once where nothing was sent; returns when it did, too.
    fn ask(&self, login: &Login, spent: &Spent, locks: &(Option<ClientLock>, ClientLock), signals: &HeldSignals) -> Result<(u64, Answer)> {
        let request = answer::request(login).to_string();
        let client = self.services.client(self.env);
        let mut pauses = PAUSES.into_iter();
        loop {
            if signals.has_come() {
                return Err(interrupted());
            }
            if !locks.1.is_held() || locks.0.as_ref().is_some_and(|beside| !beside.is_held()) {
                bail!(self.busy());
            }
            let (asked, token, spent) = (now(), login.refresh_token.clone(), spent.clone());
            let error = match client.post(&self.services.token(), request.as_bytes(), move || spent.note(&token, Fate::Sent)) {
                Outcome::Answer(answer) => return Ok((asked, answer)),
                Outcome::Unknown(error) => bail!(self.unknown(&format!("{error:#}"))),
                Outcome::NotSent(error) => error,
            };
            match pauses.next() {
                Some(pause) if matches!(error.downcast_ref(), Some(Mistake::ServiceUnreachable { .. })) => thread::sleep(pause),
                _ => return Err(error),
            }
        }
    }

    /// Writes the new tokens, as hard as it goes: they are nowhere else, and the old ones are worth nothing any more.
    fn keep(&self, renewed: &Renewed, lifetime: Duration, room: Room) -> Result<Refreshed> {
        let file = self.layout.renewed(self.name);
        let mut room = Some(room);
        let mut pauses = PAUSES.into_iter();
        loop {
            let kept = renewed.write(&file);
            let error = match renewed.settle(&file, &self.store(), self.config_dir) {
                Ok(is_put) => return Ok(if is_put { Refreshed::Renewed(lifetime) } else { Refreshed::ByAnother }),
                Err(error) => error,
            };
            drop(room.take());
            let Some(pause) = pauses.next() else {
                let (name, reason) = (self.name.to_string(), format!("{error:#}"));
                bail!(match kept {
                    Ok(()) => Mistake::LoginMisplaced { name, reason, file: file.display().to_string() },
                    Err(_) => Mistake::LoginLost { name, reason },
                });
            };
            thread::sleep(pause);
        }
    }

    /// Notes that the login is over, and keeps what it was: Claude Code empties it when it next asks. Until then its access token may be good.
    fn end(&self, login: &Login, spent: &Spent) -> Result<Refreshed> {
        // A lock that was taken away, and somebody who refreshed under it: then the token was refused because it was spent.
        if self.login().is_ok_and(|now| now.access_token != login.access_token) {
            return Ok(Refreshed::ByAnother);
        }
        spent.note(&login.refresh_token, Fate::Refused)?;
        let rescue = self.layout.rescue(self.name);
        io::create_dir(&rescue)?;
        self.store().copy_to(&rescue.join(CREDENTIALS))?;
        bail!(self.ended())
    }

    /// How long to wait for another refresh: as long as one may take, and some.
    fn patience(&self) -> Duration {
        self.services.patience() * 4 / 3
    }

    fn busy(&self) -> Mistake {
        Mistake::RefreshBusy { name: self.name.to_string() }
    }

    fn ended(&self) -> Mistake {
        Mistake::LoginEnded { name: self.name.to_string() }
    }

    fn unknown(&self, reason: &str) -> Mistake {
        Mistake::RefreshUnknown { name: self.name.to_string(), reason: reason.into() }
    }
}

/// Puts what an interrupted refresh brought into its place; false when there is nothing, or it is of no use any more. The caller holds `rotation.lock`.
pub fn finish(layout: Writable<'_>, name: &ProfileName, config_dir: &Path) -> Result<bool> {
    let file = layout.renewed(name);
    let Some(renewed) = Renewed::read(&file)? else { return Ok(false) };
    renewed.settle(&file, &Store::of(&layout, config_dir), config_dir)
}

/// The same for whoever does not hold the lock; while somebody else does, nothing is left to finish.
pub fn finish_interrupted(layout: Writable<'_>, name: &ProfileName, config_dir: &Path) -> Result<()> {
    if !layout.renewed(name).exists() {
        return Ok(());
    }
    let Some(_rotation) = FileLock::exclusive_within(&layout.rotation_lock(name), Duration::ZERO)? else { return Ok(()) };
    finish(layout, name, config_dir).map(drop)
}

/// Whether a profile's login is over, and only a new sign-in helps: Claude Code emptied it, or its refresh was refused.
pub fn has_ended(layout: &Layout, name: &ProfileName, credentials: &Credentials) -> bool {
    match credentials.login() {
        None => credentials.is_emptied(),
        Some(login) => Spent::new(layout.spent(name)).fate(&login.refresh_token).is_ok_and(|fate| fate == Some(Fate::Refused)),
    }
}

fn hold_signals() -> Result<HeldSignals> {
    HeldSignals::hold().context("could not hold back signals")
}

fn interrupted() -> anyhow::Error {
    anyhow!("interrupted before anything was sent")
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

/// Disk space that is there when a new login needs it, or there is none to begin with: then nothing is asked for.
struct Room(PathBuf);

impl Room {
    fn make(path: PathBuf, login: &Path) -> Result<Self> {
        /// New tokens may be longer than the old ones.
        const MORE: u64 = 16 * 1024;
        let length = fs::metadata(login).map_or(0, |meta| meta.len()) + MORE;
        let room = Self(path);
        io::write_durably(&room.0, &vec![b'-'; usize::try_from(length)?])?;
        Ok(room)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0); // the next refresh writes over it
    }
}
