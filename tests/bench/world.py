"""A sealed world to measure in: its own HOME, a `~/.claude` of 60 shared entries, one bound tree and one unbound."""

import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

SHARED_ENTRIES = 60
BINDING_SIZE = 200
PROFILE = "work"


class World:
    """Holds the directories; to be closed, which ends what was started here and removes it all."""

    def __init__(self, program, parent="/tmp"):
        self.program = Path(program)
        # Directly below /tmp, so that a depth of 3 is possible. Two trees: above the unbound one nothing may stand.
        parent = os.path.realpath(parent)
        self.base = Path(tempfile.mkdtemp(prefix="clauth-bench-", dir=parent))
        self.bound = Path(tempfile.mkdtemp(prefix="clauth-bench-", dir=parent))
        self.home = self.base / "home"
        self.bin = self.base / "bin"
        self.bin.mkdir()
        self._settle_claude()
        os.symlink(shutil.which("true"), self.bin / "claude")
        path = [self.bin, self.program.parent, "/usr/bin", "/bin"]
        self.env = {"PATH": ":".join(map(str, path)), "HOME": str(self.home), "TERM": "xterm", "LANG": "C.UTF-8"}
        self.clauth("add", PROFILE)
        text = f'profile = "{PROFILE}"\n'
        (self.bound / ".clauth.toml").write_text("#" * (BINDING_SIZE - len(text) - 1) + "\n" + text)
        self.clauth("allow", cwd=self.bound)

    def _settle_claude(self):
        claude = self.home / ".claude"
        for name in ["plugins", "file-history", "session-env", "shell-snapshots", "commands", "skills", "projects"]:
            (claude / name).mkdir(parents=True)
        for name in ["settings.json", "history.jsonl", "CLAUDE.md"]:
            (claude / name).write_text("{}\n")
        linked = len(os.listdir(claude)) - 1  # projects is no link
        for number in range(SHARED_ENTRIES - linked):
            (claude / f"entry-{number}").write_text("x\n")
        projects = ",".join(f'"/srv/project-{n}": {{"hasTrustDialogAccepted": true, "allowedTools": []}}' for n in range(100))
        account = '"oauthAccount": {"emailAddress": "me@home.example", "accountUuid": "1"}'
        (self.home / ".claude.json").write_text(f'{{"theme": "dark", "projects": {{{projects}}}, {account}}}\n')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for note in (self.home / ".clauth" / "run").glob("*/*/helper"):
            helper = self.helper(note.parent.name)
            if helper:
                os.kill(helper, signal.SIGKILL)
                wait_for_end(helper)
        shutil.rmtree(self.base)
        shutil.rmtree(self.bound)

    def clauth(self, *arguments, cwd=None, **options):
        """Runs the program under measurement to its end."""
        options = {"check": True, "stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **options}
        return subprocess.run([self.program, *arguments], cwd=cwd or self.home, env=self.env, **options)

    def run(self, *command):
        """Runs another program in this world, to its end."""
        subprocess.run(command, env=self.env, cwd=self.home, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def spawn(self, command):
        """Runs a program to its end and returns the seconds that took."""
        return self.used(command)[0]

    def used(self, command):
        """The same, and the seconds of user and system time that it used."""
        null = os.open("/dev/null", os.O_RDWR)
        actions = [(os.POSIX_SPAWN_DUP2, null, descriptor) for descriptor in range(3)]
        begin = time.perf_counter()
        pid = os.posix_spawn(command[0], [str(word) for word in command], self.env, file_actions=actions)
        _, code, usage = os.wait4(pid, 0)
        took = time.perf_counter() - begin
        os.close(null)
        if code:
            raise RuntimeError(f"{command} ended with wait status {code}")
        return took, usage.ru_utime + usage.ru_stime

    def directory(self, root, depth):
        """Returns a directory so many levels below `/`, made below `root`."""
        path = root
        while len(path.parts) - 1 < depth:
            path = path / "d"
        path.mkdir(parents=True, exist_ok=True)
        return path

    @property
    def runtime(self):
        return self.home / ".clauth" / "profiles" / PROFILE / "runtime"

    def helper(self, profile=PROFILE):
        """Returns the pid of the live helper, or None."""
        for note in (self.home / ".clauth" / "run").glob(f"*/{profile}/helper"):
            words = note.read_text().split()
            if words and is_alive(int(words[0])):
                return int(words[0])
        return None

    def leases(self):
        """Returns the directory of the profile's leases."""
        (directory,) = (self.home / ".clauth" / "run").glob(f"*/{PROFILE}/leases")
        return directory

    def bind(self, profile):
        """Adds a profile with a directory of its own, and returns that."""
        directory = self.base / "bound" / profile
        directory.mkdir(parents=True)
        self.clauth("add", profile)
        self.clauth("use", profile, cwd=directory)
        return directory

    def lease_for(self, pid, directory=None, profile=PROFILE):
        """Takes a lease for a process, as a prompt of it would, and returns the helper's pid."""
        self.clauth("export", "bash", "--pid", str(pid), "--first", cwd=directory or self.bound)
        return self.helper(profile)


def wait_until(condition, patience=60.0):
    """Looks again and again until something is so, and returns when it was."""
    deadline = time.perf_counter() + patience
    while not condition():
        if time.perf_counter() > deadline:
            raise TimeoutError
        time.sleep(0.0003)
    return time.perf_counter()


def status(pid):
    """Returns what the kernel says about a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, value in (line.split(":", 1) for line in lines)}


def switches(pid):
    """Returns how often a process was given the processor, and with it how often it woke."""
    fields = status(pid)
    return int(fields["voluntary_ctxt_switches"]) + int(fields["nonvoluntary_ctxt_switches"])


def ran(pid):
    """Returns the milliseconds for which a process has had the processor."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e6


def private(pid):
    """Returns the megabytes that a process has for itself alone."""
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    return sum(int(fields[name].split()[0]) for name in ("Private_Clean", "Private_Dirty")) * 1024 / 1e6


def settle(pids):
    """Waits until every one of these processes has been without anything to do for a while: one that works hard is not always switched."""
    before = None
    while before != (now := [(switches(pid), ran(pid)) for pid in pids]):
        before = now
        time.sleep(0.3)


def memory():
    """Returns a directory that lies on no disk, or None."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return not Path("/proc/self").exists()


def wait_for_end(pid, patience=10.0):
    """Waits until a process that is not our child has ended, by the kernel's own event where there is one."""
    deadline = time.perf_counter() + patience
    if hasattr(os, "pidfd_open"):
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        try:
            if not select.select([handle], [], [], patience)[0]:
                raise TimeoutError(f"process {pid} does not end")
        finally:
            os.close(handle)
        return
    while is_alive(pid):
        if time.perf_counter() > deadline:
            raise TimeoutError(f"process {pid} does not end")
        time.sleep(0.0002)
