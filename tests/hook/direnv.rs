//! direnv beside the hook: both in one shell, and `use clauth PROFILE` in an `.envrc`.

use std::path::Path;

use crate::support::finished::Finished;
use crate::support::session::Session;
use crate::support::shell::skip;
use crate::support::syntax::UNSET;
use crate::support::world::{PLAIN_CLAUDE, World, entered, left};
use crate::support::{Shell, Startup, Terminal};

/// What `claude` says where `use clauth` came to nothing.
const REFUSED: &str = "ENOTDIR: not a directory, mkdir '/dev/null/run-clauth-status'";

/// Runs the body in each shell that direnv knows, with the line that hooks it; a visible skip where there is no direnv.
fn each_with_direnv(mut body: impl FnMut(&Shell, &str)) {
    if which::which("direnv").is_err() {
        skip("no direnv on PATH", "CLAUTH_REQUIRE_SHELLS");
        return;
    }
    Shell::each(|shell| match shell.language.name() {
        "bash" => body(shell, r#"eval "$(direnv hook bash)""#),
        "zsh" => body(shell, r#"eval "$(direnv hook zsh)""#),
        "fish" => body(shell, "direnv hook fish | source"),
        _ => {} // only newer ones know PowerShell
    });
}

/// Writes an `.envrc`, and allows it.
fn envrc(world: &World, directory: &Path, text: &str) {
    world.write(directory.join(".envrc"), text);
    let mut allow = world.command("direnv");
    allow.arg("allow").current_dir(directory);
    Finished::run(allow).success();
}

/// Puts `use clauth` where direnv finds it, as the README says.
fn install(world: &World) {
    let function = world.clauth(&["hook", "direnv"]).success();
    world.write("home/.config/direnv/lib/clauth.sh", function.stdout());
}

/// The three ways to have direnv's hook: alone, before clauth's and after it.
fn orders(direnv: &str) -> [Startup; 3] {
    let orders = [Startup::bare().before(direnv), Startup::hooked().before(direnv), Startup::hooked().after(direnv)];
    orders.map(|order| order.variable("DIRENV_LOG_FORMAT", "")) // an empty one silences direnv
}

#[test]
fn direnv_beside_the_hook_works_in_both_orders() {
    each_with_direnv(|shell, direnv| {
        for order in &orders(direnv)[1..] {
            let world = World::new();
            let (bound, other) = (world.bind("home/w", "work"), world.bind("home/a", "acme"));
            envrc(&world, &bound, "export FROM_DIRENV=yes ANTHROPIC_API_KEY=sk-direnv\n");
            let mut terminal = Terminal::start(&world, shell, order);
            for _ in 0..2 {
                assert_eq!(terminal.run(&shell.cd(&bound)), entered("work"));
                assert_eq!(terminal.run(&shell.show_exported("FROM_DIRENV")), "yes");
                assert_eq!(terminal.run("claude"), world.claude("work"));
                assert_eq!(terminal.run(&shell.cd(&other)), entered("acme"));
                assert_eq!(terminal.run(&shell.show_exported("FROM_DIRENV")), UNSET);
                assert_eq!(terminal.run("claude"), world.claude("acme"), "the key of the other directory is direnv's, and gone with it");
                assert_eq!(terminal.run(&shell.cd(world.plain())), left("acme"));
                terminal.run(&shell.exit_with(3));
                assert_eq!(terminal.run(&shell.show_status()), "3");
                assert_eq!(terminal.run("claude"), PLAIN_CLAUDE);
            }
        }
    });
}

#[test]
fn an_envrc_chooses_a_profile_with_and_without_the_hook() {
    each_with_direnv(|shell, direnv| {
        for order in orders(direnv) {
            let world = World::new();
            install(&world);
            let (project, other) = (world.mkdir("home/p"), world.mkdir("home/q"));
            let below = world.mkdir("home/p/below");
            envrc(&world, &project, "use clauth work\n");
            envrc(&world, &other, "use clauth acme\n");
            let order = order.variable("CLAUDE_CONFIG_DIR", "/srv/mine").variable("ANTHROPIC_API_KEY", "sk-own");
            let mut terminal = Terminal::start(&world, shell, &order);
            for _ in 0..2 {
                for (directory, profile) in [(&project, "work"), (&below, "work"), (&other, "acme")] {
                    terminal.run(&shell.cd(directory));
                    assert_eq!(terminal.run("claude"), world.claude(profile), "{}", terminal.transcript());
                    terminal.run("");
                    assert_eq!(terminal.run("claude"), world.claude(profile), "{}", terminal.transcript());
                }
                assert!(Session::of(&world, "acme").leases().contains_key(&terminal.pid()));
                terminal.run(&shell.cd(world.plain()));
                assert_eq!(terminal.run("claude"), "claude config_dir=/srv/mine key=sk-own args=", "{}", terminal.transcript());
                assert_eq!(terminal.run(&shell.show("CLAUTH_PROFILE")), UNSET);
            }
        }
    });
}

#[test]
fn an_envrc_in_a_worktree_is_nearer_than_the_file_of_the_main_checkout() {
    each_with_direnv(|shell, direnv| {
        let world = World::new();
        let Some(repository) = world.repository("home/src/main") else { return };
        world.bind(&repository, "work");
        let tree = world.worktree(&repository, "home/tree");
        let mut terminal = Terminal::start(&world, shell, &orders(direnv)[1]);
        for (text, expected) in
            [("export X=1\n", world.claude("work")), ("export CLAUDE_CONFIG_DIR=/srv/own\n", "claude config_dir=/srv/own key=none args=".into())]
        {
            terminal.run(&shell.cd(world.plain()));
            envrc(&world, &tree, text);
            terminal.run(&shell.cd(&tree));
            terminal.run(""); // direnv's own hook of fish is a prompt late
            assert_eq!(terminal.run("claude"), expected, "{}", terminal.transcript());
        }
    });
}

#[test]
fn what_an_envrc_sets_ends_with_its_directory() {
    each_with_direnv(|shell, direnv| {
        for order in &orders(direnv)[1..] {
            for own in [None, Some(("/srv/mine", "sk-own"))] {
                let world = World::new();
                let bound = world.bind("home/work", "work");
                let (client, free) = (world.mkdir("home/work/client"), world.mkdir("home/free"));
                envrc(&world, &client, "export CLAUDE_CONFIG_DIR=/srv/client\n");
                envrc(&world, &free, "export CLAUDE_CONFIG_DIR=/srv/free ANTHROPIC_API_KEY=sk-free\n");
                let order = own.map_or_else(
                    || order.clone(),
                    |(directory, key)| order.clone().variable("CLAUDE_CONFIG_DIR", directory).variable("ANTHROPIC_API_KEY", key),
                );
                let (directory, key) = own.unwrap_or(("none", "none"));
                let plain = format!("claude config_dir={directory} key={key} args=");
                let mut terminal = Terminal::start(&world, shell, &order);
                let mut expect = |place: &Path, expected: &str| {
                    terminal.run(&shell.cd(place));
                    terminal.run(""); // direnv's own hook of fish is a prompt late
                    assert_eq!(terminal.run("claude"), expected, "in {}: {}", place.display(), terminal.transcript());
                };
                for _ in 0..2 {
                    expect(&bound, &world.claude("work"));
                    expect(&client, &format!("claude config_dir=/srv/client key={key} args="));
                    expect(&bound, &world.claude("work"));
                    expect(&client, &format!("claude config_dir=/srv/client key={key} args="));
                    expect(&world.plain(), &plain);
                    expect(&bound, &world.claude("work"));
                    expect(&free, "claude config_dir=/srv/free key=sk-free args=");
                    expect(&world.plain(), &plain);
                    expect(&client, &format!("claude config_dir=/srv/client key={key} args="));
                    expect(&world.plain(), &plain);
                }
            }
        }
    });
}

#[test]
fn an_envrc_and_a_binding_work_side_by_side() {
    each_with_direnv(|shell, direnv| {
        for order in &orders(direnv)[1..] {
            let world = World::new();
            install(&world);
            let (bound, inner) = (world.bind("home/a", "acme"), world.mkdir("home/a/inner"));
            envrc(&world, &inner, "use clauth work\n");
            let mut terminal = Terminal::start(&world, shell, &order.clone().variable("ANTHROPIC_API_KEY", "sk-own"));
            for _ in 0..2 {
                assert_eq!(terminal.run(&shell.cd(&bound)), entered("acme"));
                let said = terminal.run(&shell.cd(&inner)) + &terminal.run("");
                assert_eq!(terminal.run("claude"), world.claude("work"), "{}", terminal.transcript());
                let told = "direnv has loaded work, though this directory asks for acme; take `use clauth` out of its .envrc";
                assert_eq!(said.matches(told).count(), 1, "{said}");
                let status = terminal.run("clauth status");
                assert!(status.contains("decided by  direnv: `use clauth` in an .envrc"), "{status}");
                terminal.run(&shell.cd(&bound));
                terminal.run("");
                assert_eq!(terminal.run("claude"), world.claude("acme"), "{}", terminal.transcript());
                terminal.run(&shell.cd(world.plain()));
                assert_eq!(terminal.run("claude"), "claude config_dir=none key=sk-own args=", "{}", terminal.transcript());
            }
        }
    });
}

#[test]
fn an_envrc_that_asks_for_what_there_is_not_gets_no_account() {
    each_with_direnv(|shell, direnv| {
        for order in orders(direnv) {
            let world = World::new();
            install(&world);
            let project = world.mkdir("home/p");
            envrc(&world, &project, "use clauth later\n");
            let mut terminal = Terminal::start(&world, shell, &order.variable("ANTHROPIC_API_KEY", "sk-own"));
            let said = terminal.run(&shell.cd(&project));
            assert!(said.contains("there is no profile `later`"), "{said}");
            assert_eq!(terminal.run("claude"), REFUSED);
            world.clauth(&["add", "later"]).success();
            terminal.run("");
            assert_eq!(terminal.run("claude"), world.claude("later"), "{}", terminal.transcript());
        }
    });
}

#[test]
fn an_envrc_gets_no_account_from_a_program_that_gives_no_answer() {
    each_with_direnv(|shell, direnv| {
        for script in ["", "#!/bin/sh\necho 'export CLAUDE_CONFIG_DIR=/half'; kill -KILL $$\n"] {
            let world = World::new();
            install(&world);
            let project = world.mkdir("home/project");
            envrc(&world, &project, "use clauth work\n");
            if script.is_empty() {
                world.remove_program();
            } else {
                world.replace_program(script);
            }
            let mut terminal = Terminal::start(&world, shell, &orders(direnv)[0]);
            terminal.run(&shell.cd(&project));
            assert_eq!(terminal.run("claude"), REFUSED, "{script:?}");
        }
    });
}

#[test]
fn a_record_of_direnv_counts_only_where_its_envrc_is() {
    each_with_direnv(|shell, direnv| {
        let world = World::new();
        install(&world);
        let (project, bound) = (world.mkdir("home/p"), world.bind("home/a", "acme"));
        envrc(&world, &project, "use clauth work\n");
        let nested = shell.nested_in(&world, &bound);
        let mut terminal = Terminal::start(&world, shell, &Startup::hooked().after(direnv).variable("DIRENV_LOG_FORMAT", ""));
        terminal.run(&shell.cd(&project));
        // A shell with clauth's hook and without direnv, below one that has loaded the `.envrc`.
        Startup::hooked().write_rc(&world, shell);
        terminal.run(&nested);
        assert_eq!(terminal.run("claude"), world.claude("acme"), "{}", terminal.transcript());
        terminal.run(&shell.cd(world.plain()));
        assert_eq!(terminal.run("claude"), PLAIN_CLAUDE);
    });
}

#[test]
fn the_shim_follows_an_envrc() {
    each_with_direnv(|shell, direnv| {
        let world = World::new();
        install(&world);
        let (project, bound) = (world.mkdir("home/p"), world.bind("home/a", "acme"));
        envrc(&world, &project, "use clauth work\n");
        world.clauth(&["shim", "install"]).success();
        let mut terminal = Terminal::start(&world, shell, &orders(direnv)[0]);
        terminal.run(&shell.cd(&project));
        let shim = world.path("home/.clauth/bin/claude").display().to_string();
        assert_eq!(terminal.run(&shim), world.claude("work"));
        let elsewhere = format!("cd '{}' && exec '{shim}'", bound.display());
        assert_eq!(terminal.run(&shell.call(&["/bin/sh", "-c", &elsewhere])), world.claude("acme"));
    });
}
