//! Steps that began and are not over: they stop only the commands that need them, so nobody else would tell.

use super::Finding;
use crate::account;
use crate::context::Context;
use crate::error::Mistake;
use crate::io;
use crate::profile::{self, removal};
use crate::shell::command_line;

/// More than any path has, in bytes.
const LIMIT: usize = 64 * 1024;

pub fn examine(context: &Context) -> Vec<Finding> {
    let layout = &context.layout;
    let begun = removal::unfinished(layout).into_iter().map(|name| {
        let mistake = Mistake::RemovalUnfinished { name: name.to_string(), why: String::new() };
        Finding::of(&mistake, "`claude` refuses where it is bound, and files of it may not be shared yet")
    });
    let importing = profile::names(layout).into_iter().filter_map(|name| {
        let directory = io::read_regular(&layout.importing(&name), LIMIT).ok()??;
        let directory = String::from_utf8_lossy(&directory);
        let again = command_line(["clauth", "import", &directory, name.as_str()]);
        let directory = io::terminal_safe(&directory);
        Some(Finding::problem(
            format!("the import of {directory} into {name} was interrupted"),
            "some of its files are in ~/.claude, and some are still there",
            format!("run `{again}`, which goes on with it"),
        ))
    });
    let written = removal::remains(layout).into_iter().map(|name| {
        Finding::note(
            format!("something was written to {} after the profile {name} was removed", layout.profile(&name).display()),
            "nobody shares it, and a client with that CLAUDE_CONFIG_DIR has no profile",
            format!("close that client, then `clauth remove {name}` moves it to ~/.claude and ~/.clauth/rescued"),
        )
    });
    let moved = account::unsettled(layout).map(|left| {
        let [from, to] = left.places.map(|place| place.display().to_string());
        let Some(reason) = left.remains else {
            let reason = context.settle_transfer().err().map_or_else(|| "a client runs there".into(), |error| format!("{error:#}"));
            let mistake = Mistake::LoginUnsettled { place: to, reason };
            return Finding::of(&mistake, "until then `claude` refuses at both places, since a login in two of them ends at the first refresh");
        };
        Finding::note(
            format!("the login of {from} moved to {to}, and its account is still named at the old place ({reason})"),
            "a client there shows an account that it has no login of",
            "make that file replaceable (a bind mount of it is not), then run `clauth list`, which removes the name",
        )
    });
    let unreadable = if moved.is_some() { None } else { context.settle_transfer().err() };
    let unreadable = unreadable.map(|error| {
        let remedy = format!("look at the two places that {} names, and remove it once the login is in one of them", layout.transfer().display());
        Finding::problem(
            format!("the move of a login is not finished ({error:#})"),
            "its login may be in two places, and no other can be moved",
            remedy,
        )
    });
    begun.chain(importing).chain(written).chain(moved).chain(unreadable).collect()
}
