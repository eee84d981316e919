//! Editors without an editor: programs on the Agent SDK and the ACP adapter that start the real client as panels do.
//!
//! `CLAUTH_SDK` names a directory with both packages in its `node_modules`; the programs lie in `../shared/rig/editors`.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::rig::Rig;
use super::shell::skip;

/// The PATH that an editor has when a dock or a menu started it.
pub(crate) const SHORT: &str = "/usr/bin:/bin";

/// What starts clients in a rig.
pub(crate) struct Panels {
    node: PathBuf,
    programs: PathBuf,
    /// The client that the extension brings.
    pub(crate) bundled: PathBuf,
}

impl Panels {
    /// Prepares them in a rig; `None` where there is no node or there are no packages.
    pub(crate) fn of(rig: &Rig) -> Option<Self> {
        let packages = std::env::var_os("CLAUTH_SDK").map(PathBuf::from);
        let (Some(packages), Ok(node)) = (packages, which("node")) else {
            skip("no node, or no Agent SDK and ACP adapter (CLAUTH_SDK names no directory with them)", "CLAUTH_REQUIRE_SDK");
            return None;
        };
        let programs = rig.sandbox.mkdir("editors");
        // Their modules are found beside them.
        symlink(packages.join("node_modules"), programs.join("node_modules")).unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/rig/editors");
        for name in ["panel.mjs", "acp.mjs"] {
            fs::copy(source.join(name), programs.join(name)).unwrap();
        }
        let bundled = fs::read_link(rig.sandbox.path("bin/claude")).unwrap();
        Some(Self { node, programs, bundled })
    }

    /// Returns a panel's session in a folder: the extension's own client, or that behind a wrapper.
    pub(crate) fn panel(&self, rig: &Rig, folder: impl AsRef<Path>, wrapper: Option<&Path>) -> Command {
        let mut command = self.program(rig, "panel.mjs", folder.as_ref());
        command.args(wrapper).env("BUNDLED", &self.bundled);
        command
    }

    /// Returns a session by ACP in a folder, with the program that the adapter should run.
    pub(crate) fn acp(&self, rig: &Rig, folder: impl AsRef<Path>, executable: &Path) -> Command {
        let mut command = self.program(rig, "acp.mjs", folder.as_ref());
        command.env("CLAUDE_CODE_EXECUTABLE", executable);
        command
    }

    fn program(&self, rig: &Rig, name: &str, folder: &Path) -> Command {
        let mut command = rig.sandbox.command(&self.node);
        command.arg(self.programs.join(name)).arg(folder).env("PATH", SHORT).current_dir("/");
        command
    }
}

fn which(name: &str) -> Result<PathBuf, std::env::VarError> {
    let path = std::env::var("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(name)).find(|found| found.is_file()).ok_or(std::env::VarError::NotPresent)
}
