//! The record, as a parent process may hand it down.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use super::{assert_sane, cases};
use crate::support::finished::Finished;
use crate::support::session::evaluation;
use crate::support::{Holder, World};

#[test]
fn a_record_of_any_bytes_sets_nothing_but_what_it_may() {
    let world = World::new();
    let plain = world.plain();
    let holder = Holder::start(&world);
    let seeds: [&[u8]; 4] = [
        br#"{"config_dir":"/srv/x","aside":["ANTHROPIC_API_KEY"],"passing":["ANTHROPIC_API_KEY"],"chosen":"hook"}"#,
        br#"{"chosen":"hand"}"#,
        br#"{"aside":["PATH","LD_PRELOAD","HOME; touch hit"],"chosen":"hook"}"#,
        br#"{"config_dir":"'; touch hit; '","chosen":"hook"}"#,
    ];
    let cases: Vec<_> = cases(&seeds, 60, 20_000).into_iter().filter(|case| !case.contains(&0)).collect();
    // What a shell makes of the answers: no other variable than those that are clauth's to set, and nothing is run. Some hundred to a shell: it ends soon.
    for cases in cases.chunks(200) {
        let mut script = String::from("cd \"$HOME/plain\" || exit 9\nbefore=$(env -u CLAUDE_CONFIG_DIR -u _ | sort)\n");
        for (count, case) in cases.iter().enumerate() {
            let mut command = evaluation(&world, &plain, holder.pid());
            command.env("CLAUDE_CONFIG_DIR", world.config_dir("work")).env("CLAUTH_STATE", OsStr::from_bytes(case));
            let said = Finished::run(command).success();
            assert_sane(&said, case);
            assert!(said.stdout().contains("export CLAUDE_CONFIG_DIR=") || said.stdout().contains("unset CLAUDE_CONFIG_DIR"), "{said:?}");
            script += &format!(
                "(\n{}\nafter=$(env -u CLAUDE_CONFIG_DIR -u CLAUTH_STATE -u CLAUTH_PROFILE -u _ | sort)\n[ \"$before\" = \"$after\" ] || echo {count}\n) 2>/dev/null\n",
                said.stdout()
            );
        }
        let mut bash = world.command("bash");
        bash.args(["--noprofile", "--norc"]).arg(world.write("answers.bash", script));
        assert_eq!(Finished::run(bash).success().stdout(), "", "the answers with these numbers set something else: {cases:?}");
    }
    assert!(!plain.join("hit").exists());
}
