//! Files: of a project, of the user, of the client, of a session.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

use super::{assert_sane, cases};
use crate::support::files::{replace, text};
use crate::support::finished::Finished;
use crate::support::mirror::Shared;
use crate::support::session::{evaluation, in_use};
use crate::support::{Holder, Sandbox, World, wait_until};
use crate::sync::household::take_lock;

/// Returns the profile that a binding asks for, by a parser that is not clauth's code: `None` where it must be refused.
fn asked_for(bytes: &[u8]) -> Option<String> {
    let table: toml::Table = toml::from_str(std::str::from_utf8(bytes).ok().filter(|text| text.len() <= 4096)?).ok()?;
    let name = table.get("profile")?.as_str()?;
    (table.len() == 1).then(|| name.to_owned())
}

#[test]
fn a_binding_of_any_bytes_selects_what_it_says_or_is_refused() {
    let world = World::new();
    world.write("home/.clauth/config.toml", "trusted = [\"~/project\"]\n");
    let directory = world.mkdir("home/project");
    let holder = Holder::start(&world);
    let seeds: [&[u8]; 6] = [
        b"profile = \"work\"\n",
        b"# ours\nprofile = 'acme' # team\n",
        b"profile = \"default\"",
        b"\"profile\" = \"\"\"work\"\"\"",
        b"profile = \"w\\u006frk\"\n",
        b"[profile]\nname = \"work\"\n",
    ];
    for case in cases(&seeds, 50, 20_000) {
        fs::write(directory.join(".clauth.toml"), &case).unwrap();
        let said = Finished::run(evaluation(&world, &directory, holder.pid()));
        assert_sane(&said, &case);
        assert!(said.code() == Some(0) && said.stdout().ends_with(": clauth-end\n"), "{said:?}");
        let wanted = match asked_for(&case).as_deref() {
            Some("default") => "${HOME-} == \"${__clauth_seen_directories-}\"".to_owned(), // what the shell has of its own
            Some(name @ ("work" | "acme")) => format!("export CLAUDE_CONFIG_DIR='{}'", world.config_dir(name)),
            _ => format!("export CLAUDE_CONFIG_DIR='{}'", world.refused_config_dir()),
        };
        assert!(said.stdout().contains(&wanted), "{:?}: {said:?}", String::from_utf8_lossy(&case));
    }
}

#[test]
fn settings_of_any_bytes_are_followed_or_refused() {
    let world = World::new();
    let work = world.bind("home/work", "work");
    let holder = Holder::start(&world);
    let seeds: [&[u8]; 4] = [
        b"default_profile = \"acme\"\ntrusted = [\"~/work\"]\nkeep_env = [\"ANTHROPIC_BASE_URL\"]\nquiet = true\n",
        b"claude_home = \"~/.claude\"\n[aliases]\nteam = \"work\"\n[[rule]]\ndir = \"~/work\"\nprofile = \"acme\"\n",
        b"[[rule]]\ndir = \"/\"\nprofile = \"default\"\n[[rule]]\ndir = \"~\"\nprofile = \"nobody\"\n",
        b"statusline = \"cat\"\n",
    ];
    for case in cases(&seeds, 20, 10_000) {
        fs::write(world.path("home/.clauth/config.toml"), &case).unwrap();
        for command in [["status", "--json"], ["doctor", "--json"]] {
            assert_sane(&world.clauth_in(&work, &command), &case);
        }
        let said = Finished::run(evaluation(&world, &work, holder.pid()));
        assert_sane(&said, &case);
        let is_right = said.stdout().contains(&world.config_dir("work")) || said.stdout().contains(&world.refused_config_dir());
        assert!(is_right && said.stdout().ends_with(": clauth-end\n"), "{:?}: {said:?}", String::from_utf8_lossy(&case));
    }
}

#[test]
fn a_login_of_any_bytes_is_told_without_a_secret_and_left_as_it_is() {
    let sandbox = Sandbox::with_profiles(&["work"]);
    sandbox.sign_in("work", "me@work.example");
    let runtime = sandbox.runtime("work");
    let (login, identity) = (runtime.join(".credentials.json"), runtime.join(".claude.json"));
    let state: Value = serde_json::from_slice(&fs::read(&identity).unwrap()).unwrap();
    // As the client writes it, too.
    let pretty = serde_json::to_vec_pretty(&state).unwrap();
    let seeds = [fs::read(&login).unwrap(), fs::read(&identity).unwrap(), pretty, b"{\"claudeAiOauth\": null}".to_vec()];
    let seeds: Vec<&[u8]> = seeds.iter().map(Vec::as_slice).collect();
    for case in cases(&seeds, 15, 10_000) {
        for file in [&login, &identity] {
            fs::write(file, &case).unwrap();
        }
        for command in [&["list"][..], &["list", "--json"], &["doctor"], &["usage", "work", "--json"], &["status", "--format", "{account} {5h}"]] {
            let mut told = sandbox.command("clauth");
            told.args(command).env("CLAUTH_SERVICES", "http://127.0.0.1:9");
            assert_sane(&Finished::run(told), &case);
        }
        assert_eq!(fs::read(&login).unwrap(), case);
    }
}

/// Writes as the client does: under its lock.
fn locked(file: &Path, body: impl FnOnce()) {
    let lock = take_lock(file);
    body();
    fs::remove_dir(lock).unwrap();
}

#[test]
fn a_claude_json_of_any_bytes_is_never_damaged() {
    let shared = Shared::live(&["work"]);
    let (own, hub) = (shared.own("work", ".claude.json"), shared.sandbox.path("home/.claude.json"));
    let good = r#"{"theme": "dark", "projects": {"/a": {"allowedTools": ["x"]}}, "oauthAccount": {"emailAddress": "me@hub.example"}, "n": 1.50}"#;
    wait_until("the first pass is over", || own.exists());
    let parse = |text: &str| serde_json::from_str::<Map<String, Value>>(text).ok();
    for (number, case) in cases(&[good.as_bytes(), b"{}", b""], 15, 3000).into_iter().enumerate() {
        let account = format!("own-{number}@example");
        let mine = format!(r#"{{"oauthAccount": {{"emailAddress": "{account}"}}, "mine": {number}}}"#);
        locked(&own, || replace(&own, &mine));
        locked(&hub, || replace(&hub, &case));
        shared.settle();
        let shown = String::from_utf8_lossy(&case);
        // The profile's own account stays its own; what it wrote stays unless a whole file of the hub's, which was merged before, is without it.
        let state = parse(&text(&own).unwrap()).unwrap_or_else(|| panic!("{shown:?} made {:?}", text(&own)));
        let address = state.get("oauthAccount").map(|account| &account["emailAddress"]);
        assert_eq!(address, Some(&account.as_str().into()), "{number}, {shown:?}: {state:?}");
        assert!(parse(&shown).is_some() || state.get("mine") == Some(&number.into()), "{number}, {shown:?}: {state:?}");
        match parse(&shown) {
            // Both are whole: the helper may be at it still, and what was the hub's own account stays there.
            Some(before) => {
                let after = parse(&text(&hub).unwrap()).unwrap_or_else(|| panic!("{shown:?} became {:?}", text(&hub)));
                assert_eq!(after.get("oauthAccount"), before.get("oauthAccount"), "{shown:?}");
            }
            None if std::str::from_utf8(&case).is_ok() && !case.trim_ascii().is_empty() => assert_eq!(fs::read(&hub).unwrap(), case, "{shown:?}"),
            None => {}
        }
        locked(&hub, || replace(&hub, good)); // whole again, for the next
    }
    assert!(!shared.log("work").contains("panicked"), "{}", shared.log("work"));
}

#[test]
fn leases_of_any_bytes_and_names_neither_end_a_helper_nor_keep_it() {
    let world = World::new();
    let (work, session, holder) = in_use(&world);
    let helper = session.assert_serves(holder.pid());
    let own = fs::read(session.lease(holder.pid())).unwrap();
    let names = ["1", "2", "0", "-1", "4294967295", "4294967296", "007", "x", ".4711.1.tmp", "99999"];
    for (number, case) in cases(&[&own, b"1 shell\n", b"123 exec", b" shell"], 100, 10_000).into_iter().enumerate() {
        let temp = session.directory().join("forged");
        fs::write(&temp, &case).unwrap();
        fs::rename(&temp, session.directory().join("leases").join(names[number % names.len()])).unwrap();
        if number % 10 == 0 {
            assert_sane(&world.clauth_in(&work, &["status"]), &case);
            assert_eq!(session.assert_serves(holder.pid()), helper);
        }
    }
    drop(holder);
    wait_until("the helper has ended", || session.helper().is_none());
    assert!(!session.log().contains("panicked"), "{}", session.log());
}
