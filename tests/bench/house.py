"""Profiles in use beside a hub, and what the kernel says their helpers cost: processor time, bytes, peaks, wake-ups."""

import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

from world import World, is_alive, private, status, wait_for_end, wait_until

KEY = "numStartups"


class House:
    """A world with so many profiles; `enter` uses them all. Closing it ends what was started and removes it all."""

    def __init__(self, program, count, parent="/tmp"):
        self.world = World(program, parent)
        self.names = [f"p{number}" for number in range(count)]
        self.directories = {name: self.world.bind(name) for name in self.names}
        self.holders = {}
        self.helpers = []
        self.hub = self.world.home / ".claude.json"

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.leave(patience=5.0)
        self.world.__exit__(*error)

    def start(self, name):
        """Uses a profile by a new process, and returns the seconds that its prompt took."""
        holder = subprocess.Popen([shutil.which("sleep"), "10000"], env=self.world.env)
        self.holders[name] = holder
        began = time.perf_counter()
        helper = self.world.lease_for(holder.pid, self.directories[name], name)
        took = time.perf_counter() - began
        self.helpers.append(helper or wait_for_helper(self.world, name))
        return took

    def enter(self):
        for name in self.names:
            self.start(name)
        rest(self.helpers)

    def leave(self, patience=60.0):
        """Ends the processes that use the profiles, and waits for the helpers; one that does not end in time is killed."""
        for holder in self.holders.values():
            holder.kill()
            holder.wait()
        for helper in self.helpers:
            try:
                wait_for_end(helper, patience)
            except TimeoutError:
                os.kill(helper, 9)
                wait_for_end(helper)
        self.holders, self.helpers = {}, []

    def claude(self, relative):
        return self.world.home / ".claude" / relative

    def own(self, name, relative=".claude.json"):
        return self.world.home / ".clauth" / "profiles" / name / "runtime" / relative

    def places(self, relative):
        """Returns where a path is: in the hub and in every profile."""
        return [self.claude(relative)] + [self.own(name, relative) for name in self.names]

    def states(self):
        """Returns every `.claude.json`."""
        return [self.hub] + [self.own(name) for name in self.names]

    def prompt(self, name):
        """Evaluates the prompt of a profile's process, and returns the seconds."""
        began = time.perf_counter()
        self.world.clauth("export", "bash", "--pid", str(self.holders[name].pid), cwd=self.directories[name])
        return time.perf_counter() - began


def wait_for_helper(world, name):
    wait_until(lambda: world.helper(name))
    return world.helper(name)


def used(pid):
    """Returns the milliseconds of processor time of a process, all its threads: by the scheduler's own count where that knows more than the ticks."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    ticks = (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")
    exact = sum(int((task / "schedstat").read_text().split()[0]) for task in Path(f"/proc/{pid}/task").iterdir()) / 1e6
    # A tick may count for whoever runs at its end; a thread that ended is in the ticks alone.
    return max(exact, ticks - 20)


def woken(pid):
    """Returns how often a process went to sleep by itself, and so was woken."""
    return int(status(pid)["voluntary_ctxt_switches"])


def written(pid):
    """Returns the bytes that a process gave to write, sendfile and copy_file_range."""
    fields = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
    return int(fields["wchar"])


def forget_peak(pid):
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def peak(pid):
    """Returns the most bytes that a process had in memory since `forget_peak`."""
    return int(status(pid)["VmHWM"].split()[0]) * 1024


def rest(helpers, patience=120.0, quiet=0.4):
    """Waits until no helper was given the processor for a while; returns whether that came."""
    deadline = time.perf_counter() + patience
    before = None
    while before != (now := [(woken(helper), used(helper)) for helper in helpers if is_alive(helper)]):
        if time.perf_counter() > deadline:
            return False
        before = now
        time.sleep(quiet)
    return True


class Cost:
    """What some helpers cost from now on."""

    def __init__(self, helpers):
        self.helpers = helpers
        for helper in helpers:
            forget_peak(helper)
        self.began = self._now()

    def _now(self):
        return [(used(helper), woken(helper), written(helper)) for helper in self.helpers]

    def _since(self, index):
        return [after[index] - before[index] for before, after in zip(self.began, self._now())]

    def milliseconds(self):
        return sum(self._since(0))

    def wakes(self):
        return sum(self._since(1))

    def bytes(self):
        return sum(self._since(2))

    def peak(self):
        return max(map(peak, self.helpers))


def state_of(size):
    """Returns the text of a `.claude.json` of about so many bytes, spelled as the client spells it."""
    projects = {}
    entry = 0
    while entry * len(projects) < size:
        number = len(projects)
        projects[f"/home/me/src/project-{number}"] = {
            "allowedTools": ["Bash(git status)", "Bash(cargo test:*)"],
            "mcpContextUris": [],
            "mcpServers": {"files": {"type": "stdio", "command": "/usr/bin/server", "args": ["--root", f"/srv/{number}"], "env": {}}},
            "hasTrustDialogAccepted": True,
            "projectOnboardingSeenCount": 4,
            "lastCost": 0.25 + number,
            "lastDuration": 123456 + number,
            "lastSessionId": f"0c1a4f00-0000-4000-8000-{number:012}",
            "lastModelUsage": {"model": {"inputTokens": 12 * number, "outputTokens": 7 * number, "costUSD": 0.125}},
            "exampleFiles": [f"src/module-{number}/file-{file}.rs" for file in range(5)],
        }
        if number == 0:
            entry = len(json.dumps(projects, indent=2))
    return json.dumps({KEY: 1000, "theme": "dark", "projects": projects, "tipsHistory": {f"tip-{n}": n for n in range(40)}}, indent=2)


def edit(file, number):
    """Gives one key a new value as the client does: under the lock, by rename. Returns when the new text was in place."""
    lock = Path(f"{file}.lock")
    wait_until(lambda: made(lock))
    text, count = re.subn(rf'"{KEY}":(\s*)\d+', rf'"{KEY}":\g<1>{number}', file.read_text(), count=1)
    if count != 1:
        raise RuntimeError(f"{file} has no {KEY}")
    temp = file.with_name(f"{file.name}.tmp.bench")
    temp.write_text(text)
    os.rename(temp, file)
    placed = time.perf_counter()
    lock.rmdir()
    return placed


def made(directory):
    try:
        directory.mkdir()
        return True
    except FileExistsError:
        return False


def look(file):
    """Returns what tells one version of a file from another, without reading it."""
    try:
        stat = file.stat()
    except FileNotFoundError:
        return None
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def has(file, text):
    try:
        return text in file.read_text()
    except FileNotFoundError:
        return False


def memory_of(pid):
    return private(pid) * 1e6
