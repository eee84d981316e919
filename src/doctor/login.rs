//! Whose login lies where.

use std::path::PathBuf;

use super::Finding;
use crate::account::{Identity, Login, Place};
use crate::context::Context;
use crate::error::Mistake;
use crate::profile;

/// One place of a login.
struct Found {
    called: String,
    login: Login,
    config_dir: PathBuf,
}

pub fn examine(context: &Context) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut places: Vec<Found> = Vec::new();
    let mut look = |called: String, place: Place| match place.store(&context.layout).read() {
        Ok(credentials) => {
            let login = credentials.and_then(|credentials| credentials.login());
            places.extend(login.map(|login| Found { called, login, config_dir: place.directory }));
        }
        Err(error) => {
            // The Keychain's own way out; any other login is as good as lost.
            let lost = || (format!("{error:#}"), "sign in again by running `claude` there".into());
            let (what, remedy) = error.downcast_ref().map_or_else(lost, Mistake::parts);
            found.push(Finding::problem(format!("the login of {called} cannot be read: {what}"), "the client cannot use it either", remedy));
        }
    };
    for name in profile::names(&context.layout) {
        // One that cannot be loaded is told by `tree`.
        if let Ok(profile) = profile::load(&context.layout, &name) {
            look(name.to_string(), Place::of(&profile.config_dir));
        }
    }
    if let Ok(hub) = context.config().and_then(|config| context.hub(&config)) {
        look(hub.directory.display().to_string(), Place { directory: hub.directory, claude_json: hub.claude_json });
    }
    for (index, place) in places.iter().enumerate() {
        for other in places[..index].iter().filter(|other| other.login.is_copy_of(&place.login)) {
            found.push(Finding::problem(
                format!("{} and {} have copies of one login", other.called, place.called),
                "the first to refresh it signs the other out",
                format!("sign in again in {}", place.called),
            ));
        }
        let shown = Identity::read(&place.config_dir).and_then(|identity| identity.account_uuid);
        if shown.zip(place.login.account_uuid.as_ref()).is_some_and(|(shown, token)| shown != *token) {
            found.push(Finding::problem(
                format!("{} shows one account, and its login is another's", place.called),
                "the client says one name and spends the other's usage",
                format!("sign in again in {}", place.called),
            ));
        }
    }
    found
}
