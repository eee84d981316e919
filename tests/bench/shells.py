"""What a prompt costs, measured inside real shells.

One shell process runs everything of one tool in rounds: fork+exec of /bin/true, then the tool's hook in each directory. A figure is the median,
over the rounds, of the ratio within one round, so that a machine that slows down slows both sides of it; tools are compared by these ratios. The
shell marks where a part begins and ends by a line on stdout, and the clock is this process's: fish 3 and bash 3.2 have none that needs no process.
"""

import shutil
import statistics
import subprocess
import time

DEPTHS = (3, 10, 30)
ROUNDS = 7
TRUES = 200
BESIDE = 5


class Language:
    """Says the few things that differ between shells."""

    def __init__(self, name, arguments):
        self.name = name
        self.program = shutil.which(name)
        self.arguments = arguments

    def repeat(self, count, command):
        if self.name == "fish":
            return f"for i in $numbers[1..{count}]; {command}; end"
        if self.name == "pwsh":
            return f"for ($i = 0; $i -lt {count}; $i++) {{ {command} }}"
        return f"for ((i = 0; i < {count}; i++)); do {command}; done"

    def timed(self, label, count, command):
        return f"echo '@ {label} {count}'\n{self.repeat(count, command)}\necho '@'\n"

    def expect(self, variable, wanted):
        """Ends the script where a hook did not do its work: one that fails at once would be fast."""
        if self.name == "pwsh":
            return f"if (\"$env:{variable}\" -ne '{wanted}') {{ echo \"! {variable} is $env:{variable}\" }}\n"
        if self.name == "fish":
            return f"test \"${variable}\" = '{wanted}'; or echo \"! {variable} is ${variable}\"\n"
        return f"[[ ${{{variable}-}} == '{wanted}' ]] || echo \"! {variable} is ${{{variable}-}}\"\n"


class Tool:
    """A program that changes the environment by the directory: clauth, or one of its kind."""

    def __init__(self, name, lines, handlers, variable, counts):
        self.name = name
        self.lines = lines
        self.handlers = handlers
        self.variable = variable
        self.prompts, self.changes = counts

    def program(self, world):
        return str(world.program) if self.name == "clauth" else shutil.which(self.name)

    def line(self, language, world):
        """Returns the line that a user has in the rc file."""
        program = self.program(world)
        text = self.lines.replace("TOOL", program).replace("SHELL", language.name)
        if language.name == "fish":
            return f"{text} | source"
        return f". ([scriptblock]::Create((& {text}) -join \"`n\"))" if language.name == "pwsh" else f'eval "$({text})"'

    def prepare(self, world):
        """Makes the bound tree one of the tool's own; returns what its variable says there."""
        if self.name == "direnv":
            (world.bound / ".envrc").write_text("export BENCH=1\n")
            world.run(self.program(world), "allow", world.bound)
        if self.name == "mise":
            (world.bound / "mise.toml").write_text('[env]\nBENCH = "1"\n')
            world.run(self.program(world), "trust", world.bound / "mise.toml")
        return world.runtime if self.name == "clauth" else "1"

    def prologue(self, language, world):
        """Returns the lines that a script begins with: the hook as at the first prompt, and the handler known by its name."""
        handler = self.handlers[language.name]
        if language.name == "fish":
            begin = "__clauth_begin\n" if self.name == "clauth" else ""
            return f"set numbers (seq {max(self.prompts, TRUES)})\n{self.line(language, world)}\n{begin}functions -q {handler}; or echo '! no {handler}'\n"
        if language.name == "pwsh":
            # What PowerShell calls before a prompt lies in a module; this is all of it.
            whole = "$clauth_prompt = & $__clauth { { __clauth_hook; try { __clauth_attach } catch { } } }\n"
            return f"{self.line(language, world)}\n{whole}{handler}\n"
        return f"{self.line(language, world)}\ntypeset -f {handler} >/dev/null || echo '! no {handler}'\n{handler}\n"


LANGUAGES = [Language("bash", ["--noprofile", "--norc"]), Language("zsh", ["-f"]), Language("fish", []), Language("pwsh", ["-NoProfile", "-File"])]
HANDLERS = {**dict.fromkeys(["bash", "zsh", "fish"], "__clauth_hook"), "pwsh": "& $clauth_prompt"}
CLAUTH = Tool("clauth", "TOOL hook SHELL", HANDLERS, "CLAUDE_CONFIG_DIR", (1500, 40))
PEERS = [
    Tool("direnv", "TOOL hook SHELL", {"bash": "_direnv_hook", "zsh": "_direnv_hook", "fish": "__direnv_export_eval"}, "BENCH", (40, 10)),
    Tool("mise", "TOOL activate SHELL", {"bash": "_mise_hook", "zsh": "_mise_hook", "fish": "__mise_env_eval"}, "BENCH", (40, 10)),
]


def found():
    """Returns the shells of this machine."""
    return [language for language in LANGUAGES if language.program]


def peers(language):
    """Returns the other tools of this machine that have a hook for a shell."""
    return [tool for tool in PEERS if shutil.which(tool.name) and language.name in tool.handlers]


def run_timed(language, script, world):
    """Runs a script and returns, for each label, the seconds of one repetition in each round."""
    path = world.base / f"script.{'ps1' if language.name == 'pwsh' else language.name}"
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


def prompts(language, tool, world, rounds=ROUNDS):
    """Returns the times of a tool's prompt: unchanged, bound and not; between directories without a binding; on entering and leaving one."""
    value = tool.prepare(world)
    handler = tool.handlers[language.name]
    # In zsh, fish and pwsh `cd` itself calls the hook.
    step = handler if language.name == "bash" else ":" if language.name != "pwsh" else "$null"
    script = tool.prologue(language, world)
    for _ in range(rounds):
        script += language.timed("true", TRUES, "/bin/true")
        for depth in DEPTHS:
            bound, plain = world.directory(world.bound, depth), world.directory(world.base, depth)
            other = plain.parent / "e"
            other.mkdir(exist_ok=True)
            for state, directory, wanted in [("bound", bound, value), ("unbound", plain, "")]:
                script += f"cd '{directory}'\n{handler}\n" + language.expect(tool.variable, wanted)
                script += language.timed(f"{state}-{depth}", tool.prompts, handler)
            script += language.timed(f"cd-{depth}", tool.changes, f"cd '{other}'; {step}; cd '{plain}'; {step}")
            script += language.timed(f"entry-{depth}", tool.changes, f"cd '{bound}'; {step}; cd '{plain}'; {step}")
    return run_timed(language, script, world)


def evaluations(world, programs):
    """Returns the times of one `clauth export` of each program by name, with the helper alive, and of the whole hook of bash around it."""
    bash = LANGUAGES[0]
    script = CLAUTH.prologue(bash, world)
    for _ in range(ROUNDS):
        for depth in DEPTHS:
            for state, root in [("bound", world.bound), ("unbound", world.base)]:
                script += f"cd '{world.directory(root, depth)}'\n__clauth_hook\n"
                for name, program in list(programs.items()) * BESIDE:
                    # Each beside its own base: on a busy machine a tenth of a second is another time.
                    script += bash.timed(f"true-{name}-{state}-{depth}", 20, "/bin/true >/dev/null")
                    script += bash.timed(f"export-{name}-{state}-{depth}", 20, f"'{program}' export bash --pid $$ --said '' --pin '' '' >/dev/null")
        script += f"cd '{world.bound}'\n__clauth_hook\n"
        script += bash.timed("true-hook", 100, "/bin/true >/dev/null") + bash.timed("hook", 100, '__clauth_at="$$ "; __clauth_hook')
    times = run_timed(bash, script, world)
    measured = [label for label in times if not label.startswith("true-")]
    base = {label: times[f"true-{label.removeprefix('export-')}"] for label in measured}
    return {label: statistics.median(a / b for a, b in zip(times[label], base[label])) for label in measured}


def startups(language, world):
    """Returns the times of a shell that starts and ends, without the hook, and with it and its first prompt, and of /bin/true."""
    plain, hooked = (world.base / f"start{number}.{'ps1' if language.name == 'pwsh' else language.name}" for number in range(2))
    plain.write_text("")
    hooked.write_text(CLAUTH.prologue(language, world))
    times = {"true": [], "plain": [], "hooked": []}
    for _ in range(ROUNDS * 3):
        for label, command in [("true", ["/bin/true"]), ("plain", [language.program, *language.arguments, plain])]:
            times[label].append(world.spawn(command))
        times["hooked"].append(world.spawn([language.program, *language.arguments, hooked]))
    return times
