//! Steps that began and are not over: they stop only the commands that need them, so nobody else would tell.

use super::Finding;
use crate::context::Context;
use crate::error::Mistake;
use crate::profile::removal;

pub fn examine(context: &Context) -> Vec<Finding> {
    let layout = &context.layout;
    let begun = removal::unfinished(layout).into_iter().map(|name| {
        let mistake = Mistake::RemovalUnfinished { name: name.to_string(), why: String::new() };
        Finding::of(&mistake, "`claude` refuses where it is bound, and files of it may not be shared yet")
    });
    let written = removal::remains(layout).into_iter().map(|name| {
        Finding::note(
            format!("something was written to {} after the profile {name} was removed", layout.profile(&name).display()),
            "nobody shares it, and a client with that CLAUDE_CONFIG_DIR has no profile",
            format!("close that client, then `clauth remove {name}` moves it to ~/.claude and ~/.clauth/rescued"),
        )
    });
    begun.chain(written).collect()
}
