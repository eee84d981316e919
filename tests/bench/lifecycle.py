"""What a helper is while it waits, how soon it goes, and what starting things costs."""

import os
import shutil
import statistics
import subprocess
import time
from pathlib import Path

from world import PROFILE, SHARED_ENTRIES, private, ran, settle, status, switches, wait_for_end

DEATHS = 50
ENTRIES = 20
LAUNCHES = 40
EVENTS = 20


class Holder:
    """A process that holds a lease and does nothing."""

    def __init__(self, world):
        self.process = subprocess.Popen([shutil.which("sleep"), "1000"], env=world.env)
        self.helper = world.lease_for(self.process.pid)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        if self.helper:
            wait_for_end(self.helper)


def idle(world, seconds):
    """Returns the helper's context switches over idle seconds, its memory in MB, its descriptors and its threads."""
    with Holder(world) as holder:
        pid = holder.helper
        settle([pid])
        before = switches(pid)
        time.sleep(seconds)
        switched = switches(pid) - before
        fields = status(pid)
        memory = {name: int(fields[name].split()[0]) * 1024 / 1e6 for name in ("VmRSS", "RssAnon", "RssFile")}
        memory["private"] = private(pid)
        descriptors = {}
        for entry in sorted(os.listdir(f"/proc/{pid}/fd"), key=int):
            descriptors[int(entry)] = os.readlink(f"/proc/{pid}/fd/{entry}").replace(str(world.home), "~")
        return switched, memory, descriptors, int(fields["Threads"])


def watched(pid):
    """Returns how many inotify instances a process has, and how many watches."""
    directory = Path(f"/proc/{pid}/fd")
    instances = [entry.name for entry in directory.iterdir() if os.readlink(entry) == "anon_inode:inotify"]
    watches = sum(Path(f"/proc/{pid}/fdinfo/{name}").read_text().count("inotify wd:") for name in instances)
    return len(instances), watches


class Profiles:
    """So many profiles in use, each by one process; closing it ends those, and with them the helpers."""

    def __init__(self, world, count):
        self.holders = []
        self.directories = [world.bind(f"p{count}-{number}") for number in range(count)]
        for directory in self.directories:
            holder = subprocess.Popen([shutil.which("sleep"), "1000"], env=world.env)
            self.holders.append((holder, world.lease_for(holder.pid, directory, directory.name)))
        self.helpers = [helper for _, helper in self.holders]
        settle(self.helpers)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for holder, _ in self.holders:
            holder.kill()
            holder.wait()
        for helper in self.helpers:
            wait_for_end(helper)


def crowd(world, count, seconds):
    """Returns, for so many profiles in use: the context switches of all helpers over idle seconds, the private memory of the largest and the sum, in MB,
    the inotify instances and watches of all, and the processor time in milliseconds that one more shell costs its helper, and the others."""
    with Profiles(world, count) as profiles:
        before = [switches(helper) for helper in profiles.helpers]
        time.sleep(seconds)
        switched = sum(switches(helper) for helper in profiles.helpers) - sum(before)
        memory = [private(helper) for helper in profiles.helpers]
        watches = [watched(helper) for helper in profiles.helpers]
        ran_before = [ran(helper) for helper in profiles.helpers]
        for _ in range(EVENTS):
            with subprocess.Popen([shutil.which("sleep"), "1000"], env=world.env) as shell:
                world.lease_for(shell.pid, profiles.directories[0], profiles.directories[0].name)
                shell.kill()
        settle(profiles.helpers)
        cost = [after - before for before, after in zip(ran_before, map(ran, profiles.helpers))]
        return switched, max(memory), sum(memory), sum(one for one, _ in watches), sum(two for _, two in watches), cost[0] / EVENTS, sum(cost[1:])


def deaths(world):
    """Returns the milliseconds from the last holder's SIGKILL to the helper's end, for each of many times."""
    times = []
    for _ in range(DEATHS):
        with Holder(world) as holder:
            begin = time.perf_counter()
            holder.process.kill()
            wait_for_end(holder.helper)
            times.append((time.perf_counter() - begin) * 1000)
    return times


def no_helper(world):
    """Waits until the helper has retired, if there is one."""
    helper = world.helper()
    if helper:
        wait_for_end(helper)


def first_entries(world):
    """Returns the median ratios of a first entry to fork+exec of /bin/true: with the whole tree to link, and with the tree there.

    A bash starts both, as everywhere here; each entry is for a process of its own, so that its end brings the helper's.
    """
    script = world.base / "entries.bash"
    command = f"'{world.program}' export bash --pid \"$pid\" --first >/dev/null"
    trues = "for ((i = 0; i < 10; i++)); do /bin/true >/dev/null; done"
    script.write_text(f"while read -r pid; do echo entry; {command}; echo; echo true; {trues}; echo; done\n")
    with subprocess.Popen(
        [shutil.which("bash"), script], env=world.env, cwd=world.bound, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
    ) as bash:

        def took(label):
            if bash.stdout.readline() != label + b"\n":
                raise RuntimeError("the shell of the entries ended early")
            begin = time.perf_counter()
            bash.stdout.readline()
            return time.perf_counter() - begin

        results = []
        for fresh in (True, False):
            ratios = []
            for number in range(ENTRIES):
                no_helper(world)
                if fresh and world.runtime.exists():
                    # Moved and not removed: for minutes ext4 goes round the inodes of removed files, one by one.
                    world.runtime.rename(world.runtime.with_name(f"runtime-{number}"))
                with subprocess.Popen([shutil.which("sleep"), "1000"], env=world.env) as holder:
                    bash.stdin.write(b"%d\n" % holder.pid)
                    entry = took(b"entry")
                    ratios.append(entry / (took(b"true") / 10))
                    links = sum(path.is_symlink() for path in world.runtime.iterdir())
                    holder.kill()
                if links < SHARED_ENTRIES:
                    raise RuntimeError(f"only {links} entries are linked")
            results.append(statistics.median(ratios))
        bash.stdin.close()
    return results


def launches(world):
    """Returns the milliseconds that `exec`, `start`, the shim and the wrapper add, with the helper alive and with none, by name."""
    world.clauth("shim", "install")
    true = shutil.which("true")
    commands = {
        "exec": [str(world.program), "exec", PROFILE, "--", true],
        "start": [str(world.program), "start", PROFILE],
        "shim": [str(world.home / ".clauth" / "bin" / "claude")],
        "wrapper": [str(world.home / ".clauth" / "bin" / "claude-wrapper"), true],
    }
    os.chdir(world.bound)
    added = {}

    def measure(name, label):
        differences = []
        for _ in range(LAUNCHES):
            if label == "helper started":
                no_helper(world)
            with_profile = world.spawn(commands[name])
            differences.append(with_profile - world.spawn([true]))
        added[f"{name}, {label}"] = statistics.median(differences) * 1000

    with Holder(world):
        for name in commands:
            measure(name, "helper alive")
    for name in commands:
        measure(name, "helper started")
    no_helper(world)
    os.chdir("/")
    return added
