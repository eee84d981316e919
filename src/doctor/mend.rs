//! What `--fix` does.

use std::fs;

use anyhow::{Context as _, Result};

use super::Mend;
use crate::context::Context;
use crate::name::ProfileName;
use crate::profile;
use crate::sharing::{Tree, Use, first_few};
use crate::sys;

/// Does it, and returns what was done.
pub fn mend(context: &Context, mend: &Mend) -> Result<String> {
    context.layout.writable()?;
    match mend {
        Mend::MakePrivate(paths) => {
            for path in paths {
                sys::make_private(path).with_context(|| format!("could not change the permissions of {}", path.display()))?;
            }
            Ok(format!("{} paths are the user's alone", paths.len()))
        }
        Mend::RemoveLock(lock) => {
            fs::remove_dir(lock).with_context(|| format!("could not remove {}", lock.display()))?;
            Ok(format!("{} is removed", lock.display()))
        }
        Mend::MakeTree(name) => {
            // As if somebody used it: no name may be missing for a moment, since a client may start.
            let troubles = tree(context, name)?.prepare(Use::InUse)?;
            troubles.into_iter().next().map_or_else(|| Ok(format!("{name} is shared as it should be")), Err)
        }
        Mend::AcceptDeletions(name) => {
            let keys = tree(context, name)?.accept_deletions()?;
            let keys: Vec<_> = keys.into_values().flatten().collect();
            Ok(format!("{} may go from {name}, and from every profile in use", first_few(&keys)))
        }
    }
}

fn tree(context: &Context, name: &ProfileName) -> Result<Tree> {
    Ok(Tree::new(context, context.hub(&context.config()?)?, &profile::load(&context.layout, name)?))
}
