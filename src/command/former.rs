//! The login that a sign-in is about to replace: kept in a directory of its own until it is known who signed in.
//!
//! 1. Before the sign-in, [`Former::keep`] asks and copies the login to `rescued/`. A long-lived token is shown once in its life, and no other copy exists.
//! 2. After it, [`Former::settle`] removes the copy if nothing was replaced, or only by a newer login of the same account, and otherwise says where the
//!    copy is. A command that is killed in between leaves the copy.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::account::{Credentials, Place, Standing};
use crate::claude_code::{CREDENTIALS, STATE};
use crate::context::Context;
use crate::io;
use crate::profile::Profile;
use crate::shell::command_line;

/// A login that was there before a sign-in.
pub struct Former {
    standing: Standing,
    credentials: Option<Credentials>,
    /// Where the copy is: a config directory that `clauth import` takes.
    kept: PathBuf,
}

impl Former {
    /// Asks whether the profile's login may be replaced, and copies it; `None` where there is none, or one that has ended.
    pub fn keep(context: &Context, profile: &Profile, yes: bool) -> Result<Option<Self>> {
        let layout = context.layout.writable()?;
        let place = Place::of(&profile.config_dir);
        let store = place.store(&layout);
        let standing = Standing::of(&layout, &profile.name, &profile.config_dir);
        let is_empty = standing.login.is_none() && standing.other.is_none() && standing.trouble.is_none();
        if is_empty || standing.has_ended {
            return Ok(None);
        }
        let kept = io::unused(layout.rescue(&profile.name)); // another command may have kept something within this second
        let former = Self { credentials: store.read().ok().flatten(), kept, standing };
        if former.standing.trouble.is_none() {
            io::confirm(&format!("{} is signed in ({}); sign in again?", profile.name, former.who()), yes)?;
        }
        if !store.file().exists() && store.held_by()?.is_none() {
            return Ok(Some(former)); // a Console account: Claude Code asks for nothing that is shown only once
        }
        io::create_dir(&former.kept)?;
        store.copy_to(&former.kept.join(CREDENTIALS))?;
        // An account that cannot be read is shown by no client either; the login is what counts.
        let account = place.account().unwrap_or_default();
        io::write_durably(&former.kept.join(STATE), &io::pretty_json(&account)?)?;
        Ok(Some(former))
    }

    /// Says what became of it, after the sign-in or after one that failed.
    pub fn settle(&self, context: &Context, profile: &Profile) -> Result<()> {
        let store = Place::of(&profile.config_dir).store(&context.layout);
        let is_there_still = self.credentials.is_some() && store.read().ok().flatten() == self.credentials;
        let now = Standing::of(&context.layout, &profile.name, &profile.config_dir);
        let is_renewed = !self.is_token() && now.login.is_some() && now.account().is_some() && now.account() == self.standing.account();
        if !fs::exists(&self.kept).unwrap_or(true) {
            return Ok(());
        }
        if is_there_still || is_renewed {
            return fs::remove_dir_all(&self.kept).with_context(|| format!("could not remove {}", self.kept.display()));
        }
        let free = if now.login.is_some() { "NAME" } else { profile.name.as_str() };
        let back = command_line(["clauth".as_ref(), "import".as_ref(), self.kept.as_os_str(), free.as_ref()]);
        io::say(format_args!("{} was {}; that login is kept: `{back}` makes it a profile again", profile.name, self.who()));
        Ok(())
    }

    fn is_token(&self) -> bool {
        self.standing.login.as_ref().is_some_and(|login| login.refresh_token.reveal().is_empty())
    }

    fn who(&self) -> String {
        match self.standing.summary().account {
            _ if self.is_token() => "a long-lived token, which cannot be shown again".into(),
            Some(account) => account,
            None if self.standing.other.is_some() => "a Console account".into(),
            None => "an unknown account".into(),
        }
    }
}
