"""What a prompt costs, measured inside real shells.

One shell process runs everything in rounds: fork+exec of /bin/true, then the hook in each directory. A figure is the median, over
the rounds, of the ratio within one round, so that a machine that slows down slows both sides of it. The shell marks where a part
begins and ends by a line on stdout, and the clock is this process's: fish 3 and bash 3.2 have none that needs no process.
"""

import shutil
import statistics
import subprocess
import time

DEPTHS = (3, 30)
ROUNDS = 7
TRUES = 300
HOOKS = 2000
PEERS = 60


class Language:
    """Says the few things that differ between shells."""

    def __init__(self, name, arguments, hook_line, prompt, peer_line, peer_hook):
        self.name = name
        self.program = shutil.which(name)
        self.arguments = arguments
        self.hook_line = hook_line
        self.prompt = prompt
        self.peer_line = peer_line
        self.peer_hook = peer_hook

    def repeat(self, count, command):
        if self.name == "fish":
            return f"for i in $numbers[1..{count}]; {command}; end"
        return f"for ((i = 0; i < {count}; i++)); do {command}; done"

    def timed(self, label, count, command):
        return f"echo '@ {label} {count}'\n{self.repeat(count, command)}\necho '@'\n"

    def prologue(self):
        """Returns the lines that a script begins with: the hook as at the first prompt, and the handler known by its name."""
        if self.name != "fish":
            return f"{self.hook_line}\n{self.prompt}\n"
        known = f"functions -q {self.prompt}; or echo '! no {self.prompt}'"
        return f"set numbers (seq {HOOKS})\n{self.hook_line}\n__clauth_begin\n{known}\n"


LANGUAGES = [
    Language("bash", ["--noprofile", "--norc"], 'eval "$(clauth hook bash)"', "__clauth_hook", 'eval "$(DIRENV hook bash)"', "_direnv_hook"),
    Language("zsh", ["-f"], 'eval "$(clauth hook zsh)"', "__clauth_hook", 'eval "$(DIRENV hook zsh)"', "_direnv_hook"),
    Language("fish", [], "clauth hook fish | source", "__clauth_hook", "DIRENV hook fish | source", "__direnv_export_eval"),
]


def found():
    """Returns the shells of this machine."""
    return [language for language in LANGUAGES if language.program]


def run_timed(language, script, world):
    """Runs a script and returns, for each label, the seconds of one repetition in each round."""
    path = world.base / f"script.{language.name}"
    path.write_text(script)
    with subprocess.Popen(
        [language.program, *language.arguments, path],
        env=world.env,
        cwd=world.home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
    ) as shell:
        times = {}
        label, count, begin = None, 0, 0.0
        pending = b""
        while chunk := shell.stdout.read(4096):
            now = time.perf_counter()
            pending += chunk
            *lines, pending = pending.split(b"\n")
            for line in lines:
                words = line.decode().split()
                if words == ["@"]:
                    times.setdefault(label, []).append((now - begin) / count)
                elif words[:1] == ["@"]:
                    label, count, begin = words[1], int(words[2]), now
                elif words[:1] == ["!"]:
                    raise RuntimeError(f"{language.name}: {line.decode()}")
    if shell.returncode:
        raise RuntimeError(f"{language.name} ended with status {shell.returncode}")
    return times


def ratios(times, base="true"):
    """Returns each label's median ratio to the base, taken round by round."""
    return {label: statistics.median(a / b for a, b in zip(series, times[base])) for label, series in times.items() if label != base}


def expect(language, wanted):
    """Ends the script where the hook did not do its work: a hook that fails at once would be fast."""
    if language.name == "fish":
        return f"test \"$CLAUDE_CONFIG_DIR\" = '{wanted}'; or echo \"! config dir $CLAUDE_CONFIG_DIR\"\n"
    return f"[[ ${{CLAUDE_CONFIG_DIR-}} == '{wanted}' ]] || echo \"! config dir ${{CLAUDE_CONFIG_DIR-}}\"\n"


def peer(world):
    """Returns direnv, with the bound tree made one of its own, or None."""
    direnv = shutil.which("direnv")
    if direnv:
        (world.bound / ".envrc").write_text("export BENCH=1\n")
        subprocess.run([direnv, "allow", world.bound], env=world.env, check=True, stderr=subprocess.DEVNULL)
    return direnv


def prompts(language, world):
    """Returns the times of an unchanged prompt, bound and unbound, shallow and deep, and of direnv's."""
    direnv = peer(world)
    script = language.prologue()
    if direnv:
        script += language.peer_line.replace("DIRENV", direnv) + "\n"
    for _ in range(ROUNDS):
        script += language.timed("true", TRUES, "/bin/true")
        for root, state, config_dir in [(world.bound, "bound", world.runtime), (world.base, "unbound", "")]:
            for depth in DEPTHS:
                script += f"cd '{world.directory(root, depth)}'\n{language.prompt}\n" + expect(language, config_dir)
                script += language.timed(f"{state}-{depth}", HOOKS, language.prompt)
                if direnv:
                    script += f"{language.peer_hook}\n" + language.timed(f"direnv-{state}-{depth}", PEERS, language.peer_hook)
    return run_timed(language, script, world)


def directories(language, world):
    """Returns the times of `cd` and prompt between directories with no binding."""
    script = language.prologue()
    for _ in range(ROUNDS):
        script += language.timed("true", TRUES, "/bin/true")
        for depth in DEPTHS:
            one = world.directory(world.base, depth)
            other = one.parent / "e"
            other.mkdir(exist_ok=True)
            script += f"cd '{one}'\n{language.prompt}\n"
            # In zsh and fish `cd` itself calls the hook.
            step = language.prompt if language.name == "bash" else ":"
            script += language.timed(f"cd-{depth}", 200, f"cd '{other}'; {step}; cd '{one}'; {step}")
    return run_timed(language, script, world)


def evaluations(language, world):
    """Returns the times of one `clauth export` with the helper alive, by itself and as the hook calls it, and of `direnv export`."""
    direnv = peer(world)
    script = language.prologue()
    command = f"'{world.program}' export bash --pid $$ --said '' --pin '' ''"
    for _ in range(ROUNDS):
        script += language.timed("true", 200, "/bin/true >/dev/null")
        for root, state in [(world.bound, "bound"), (world.base, "unbound")]:
            for depth in DEPTHS:
                script += f"cd '{world.directory(root, depth)}'\n{language.prompt}\n"
                script += language.timed(f"export-{state}-{depth}", 100, f"{command} >/dev/null")
                if direnv:
                    script += f'eval "$({direnv} export bash)"\n'
                    script += language.timed(f"direnv-{state}-{depth}", 30, f"{direnv} export bash >/dev/null")
        script += f"cd '{world.directory(world.bound, 3)}'\n{language.prompt}\n"
        script += language.timed("hook", 100, "__clauth_at=\"$$ \"; __clauth_hook")
    return run_timed(language, script, world)
