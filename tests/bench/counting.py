"""How many processes real prompts start, counted by strace at a shell in a terminal."""

import fcntl
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import termios
import time

import shells

PROMPT = "=bench=> "
CALLS = "trace=clone,clone3,fork,vfork,execve,execveat"
RC_FILES = {
    "bash": (".bashrc", f"unset PROMPT_COMMAND\nPS1='{PROMPT}'\n", ["--noprofile", "-i"]),
    "zsh": (".zshrc", f"unsetopt prompt_sp prompt_cr\nPS1='{PROMPT}'\n", ["-d", "-i"]),
    "fish": (".config/fish/config.fish", f"function fish_prompt; echo -n '{PROMPT}'; end\nfunction fish_title; end\n", ["-i"]),
    "pwsh": (".config/powershell/profile.ps1", f"function prompt {{ '{PROMPT}' }}\n", ["-NoLogo"]),
}
QUIET = {"POWERSHELL_TELEMETRY_OPTOUT": "1", "POWERSHELL_UPDATECHECK": "Off"}


def strace():
    """Returns strace where it works: some containers have it and forbid it."""
    program = shutil.which("strace")
    works = program and subprocess.run([program, "-f", "-o", "/dev/null", "/bin/true"], stderr=subprocess.DEVNULL, check=False).returncode == 0
    return program if works else None


class Traced:
    """A shell in a terminal under strace."""

    def __init__(self, language, world):
        name, text, arguments = RC_FILES[language.name]
        rc_file = world.home / name
        rc_file.parent.mkdir(parents=True, exist_ok=True)
        rc_file.write_text(text + shells.CLAUTH.line(language, world) + "\n")
        # Without this directory the first fish of a HOME reads all manual pages of the machine.
        (world.home / ".local/share/fish/generated_completions").mkdir(parents=True, exist_ok=True)
        self.log = world.base / f"strace.{language.name}"
        # strace as a detached grandchild: the shell, not strace, is what is started.
        command = [strace(), "-DDD", "-f", "-qq", "-e", CALLS, "-e", "signal=none", "-o", str(self.log), language.program, *arguments]
        self.serial = 0
        self.shown = b""
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(world.home)
            os.execve(command[0], command, {**world.env, **QUIET})
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 1000, 0, 0))
        self.wait_for(PROMPT)

    def wait_for(self, text):
        deadline = time.monotonic() + 20
        while text.encode() not in self.shown:
            if time.monotonic() > deadline or not select.select([self.terminal], [], [], 20)[0]:
                raise TimeoutError(f"no {text!r} in {self.shown!r}")
            part = os.read(self.terminal, 4096)
            self.shown += part
            if b"\x1b[c" in part or b"\x1b[0c" in part:
                os.write(self.terminal, b"\x1b[?62c")  # fish 4 asks what kind of terminal this is
            for _ in range(part.count(b"\x1b[6n")):
                os.write(self.terminal, b"\x1b[1;1R")  # PowerShell asks where the cursor is

    def line(self, text=""):
        """Types a line and waits for the prompt behind what it prints; an editor that redraws the line shows it as it was typed."""
        self.serial += 1
        self.shown = b""
        os.write(self.terminal, f"{text}{'; ' if text else ''}echo en''d{self.serial}.\r".encode())
        self.wait_for(f"end{self.serial}.")
        self.shown = self.shown.split(f"end{self.serial}.".encode(), 1)[1]
        self.wait_for(PROMPT)

    def processes(self, lines):
        """Returns how many processes a number of lines started."""
        before = len(self.log.read_bytes())
        for text in lines:
            self.line(text)
        started = self.log.read_bytes()[before:].decode(errors="replace")
        calls = re.findall(r"^\d+ +(?:clone3?|v?fork)\(.*", started, re.M)
        return sum("CLONE_THREAD" not in call for call in calls)

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.terminal)


def count(language, world, depth):
    """Returns the processes of 20 unchanged prompts bound and unbound, and of 20 changes between directories with no binding."""
    shell = Traced(language, world)
    try:
        shell.line(f"cd '{world.directory(world.bound, depth)}'")
        bound = shell.processes([""] * 20)
        one = world.directory(world.base, depth)
        other = one.parent / "e"
        other.mkdir(exist_ok=True)
        shell.line(f"cd '{one}'")
        unbound = shell.processes([""] * 20)
        moved = shell.processes([f"cd '{other}'", f"cd '{one}'"] * 10)
        # Counting nothing at all would look the same: a bound directory must cost its evaluation.
        if shell.processes([f"cd '{world.bound}'"]) == 0:
            raise RuntimeError(f"strace sees no evaluation in {language.name}")
    finally:
        shell.close()
    return bound, unbound, moved


def syscalls(world, cwd, pid):
    """Returns how many system calls one `clauth export` makes."""
    command = [world.program, "export", "bash", "--pid", str(pid)]
    return _calls(world, command, cwd)


def instructions(world, cwd, pid):
    """Returns how many instructions one `clauth export` takes, in thousands, by valgrind."""
    return _collected(world, [world.program, "export", "bash", "--pid", str(pid)], cwd)


def per_prompt(language, world, depth, prologue):
    """Returns the processes, system calls and instructions (in thousands) of one unchanged prompt, bound: what a shell does that has 100 of them more."""
    counts = []
    handler = shells.CLAUTH.handlers[language.name]
    for prompts in (100, 200):
        script = world.base / f"count.{'ps1' if language.name == 'pwsh' else language.name}"
        script.write_text(prologue + f"cd '{world.directory(world.bound, depth)}'\n{handler}\n{language.repeat(prompts, handler)}\n")
        command = [language.program, *language.arguments, script]
        started = _calls(world, command, world.home, "trace=clone,clone3,fork,vfork") if strace() else None
        counts.append((started, _calls(world, command, world.home) if strace() else None, _collected(world, command, world.home)))
    return [None if None in pair else (pair[1] - pair[0]) / 100 for pair in zip(*counts)]


def _calls(world, command, cwd, calls="trace=all"):
    # A log for each process, and only that of the first one counts: the evaluation at the beginning is not an unchanged prompt's.
    log = world.base / "strace.one"
    for old in world.base.glob("strace.one*"):
        old.unlink()
    with subprocess.Popen(
        [strace(), "-qq", "-e", "signal=none", "-e", calls, "-o", log, *command], env=world.env, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as traced:
        if traced.wait():
            raise RuntimeError(f"{command} ended with status {traced.returncode}")
    # A thread is not a process: .NET starts one when it likes.
    return sum("CLONE_THREAD" not in line for line in log.read_text().splitlines())


def _collected(world, command, cwd):
    valgrind = shutil.which("valgrind")
    if not valgrind:
        return None
    command = [valgrind, "--tool=callgrind", "--trace-children=no", "--callgrind-out-file=/dev/null", *command]
    done = subprocess.run(command, env=world.env, cwd=cwd, check=False, capture_output=True, text=True)
    # A process that a shell forks reports itself, too; the shell is the last to end.
    collected = re.findall(r"Collected : (\d+)", done.stderr)
    return int(collected[-1]) / 1000 if collected else None
