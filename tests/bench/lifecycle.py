"""What a helper is while it waits, how soon it goes, and what starting things costs."""

import os
import shutil
import statistics
import subprocess
import time
from pathlib import Path

from world import PROFILE, SHARED_ENTRIES, wait_for_end

DEATHS = 50
ENTRIES = 20
LAUNCHES = 40


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


def status(pid):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, value in (line.split(":", 1) for line in lines)}


def switches(pid):
    fields = status(pid)
    return int(fields["voluntary_ctxt_switches"]) + int(fields["nonvoluntary_ctxt_switches"])


def idle(world, seconds):
    """Returns the helper's context switches over idle seconds, its memory in MB, its descriptors and its threads."""
    with Holder(world) as holder:
        pid = holder.helper
        time.sleep(0.2)  # it may still be on its way to its first wait
        before = switches(pid)
        time.sleep(seconds)
        switched = switches(pid) - before
        fields = status(pid)
        memory = {name: int(fields[name].split()[0]) * 1024 / 1e6 for name in ("VmRSS", "RssAnon", "RssFile")}
        descriptors = {}
        for entry in sorted(os.listdir(f"/proc/{pid}/fd"), key=int):
            descriptors[int(entry)] = os.readlink(f"/proc/{pid}/fd/{entry}").replace(str(world.home), "~")
        return switched, memory, descriptors, int(fields["Threads"])


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


def spawn(world, command):
    """Runs a program to its end and returns the seconds that took."""
    null = os.open("/dev/null", os.O_RDWR)
    actions = [(os.POSIX_SPAWN_DUP2, null, descriptor) for descriptor in range(3)]
    begin = time.perf_counter()
    pid = os.posix_spawn(command[0], command, world.env, file_actions=actions)
    _, code = os.waitpid(pid, 0)
    took = time.perf_counter() - begin
    os.close(null)
    if code:
        raise RuntimeError(f"{command} ended with wait status {code}")
    return took


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
            for _ in range(ENTRIES):
                no_helper(world)
                if fresh:
                    shutil.rmtree(world.runtime, ignore_errors=True)
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
    """Returns the milliseconds that `exec`, `start` and the shim add, with the helper alive and with none, by name."""
    world.clauth("shim", "install")
    true = shutil.which("true")
    commands = {
        "exec": [str(world.program), "exec", PROFILE, "--", true],
        "start": [str(world.program), "start", PROFILE],
        "shim": [str(world.home / ".clauth" / "bin" / "claude")],
    }
    os.chdir(world.bound)
    added = {}

    def measure(name, label):
        differences = []
        for _ in range(LAUNCHES):
            if label == "helper started":
                no_helper(world)
            with_profile = spawn(world, commands[name])
            differences.append(with_profile - spawn(world, [true]))
        added[f"{name}, {label}"] = statistics.median(differences) * 1000

    with Holder(world):
        for name in commands:
            measure(name, "helper alive")
    for name in commands:
        measure(name, "helper started")
    no_helper(world)
    os.chdir("/")
    return added
