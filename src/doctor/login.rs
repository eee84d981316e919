//! Whose login lies where.

use std::path::PathBuf;

use super::Finding;
use crate::account::{Identity, Login, Store};
use crate::context::Context;
use crate::profile;

/// One place of a login.
struct Place {
    called: String,
    login: Login,
    config_dir: PathBuf,
}

pub fn examine(context: &Context) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut places: Vec<Place> = Vec::new();
    let mut look = |called: String, config_dir: PathBuf| match Store::of(&config_dir).read() {
        Ok(credentials) => places.extend(credentials.and_then(|credentials| credentials.login()).map(|login| Place { called, login, config_dir })),
        Err(error) => found.push(Finding::problem(
            format!("the login of {called} cannot be read: {error:#}"),
            "the client cannot use it either",
            "sign in again by running `claude` there",
        )),
    };
    for name in profile::names(&context.layout) {
        // One that cannot be loaded is told by `tree`.
        if let Ok(profile) = profile::load(&context.layout, &name) {
            look(name.to_string(), profile.config_dir);
        }
    }
    if let Ok(hub) = context.config().and_then(|config| context.hub(&config)) {
        look(hub.directory.display().to_string(), hub.directory);
    }
    for (index, place) in places.iter().enumerate() {
        for other in places[..index].iter().filter(|other| other.login.refresh_token == place.login.refresh_token) {
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
