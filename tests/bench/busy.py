"""What sharing costs while a client works, and while a step fails."""

import json
import os
import random
import shutil
import statistics
import subprocess
import time
from pathlib import Path

from house import Cost, House, has, rest
from world import memory, wait_until

# What `sharing.md` measured for its prototype while a client made 12 tool calls in 42 seconds: 57 appends and 66 switches.
CLIENT = {"seconds": 42, "calls": 12, "appends": 57, "switches": 66}


def client(report, program, seconds):
    """A client that works in one profile while another is in use: what its writes cost, and how soon they are everywhere."""
    share = seconds / CLIENT["seconds"]
    report.section(f"A client at work, {seconds} seconds: {round(CLIENT['calls'] * share)} tool calls, {round(CLIENT['appends'] * share)} appends")
    with House(program, 2) as house:
        project, session = "projects/-srv-work", "0c1a4f00-0000-4000-8000-000000000001"
        for name in (project, f"tasks/{session}"):
            house.own("p0", name).mkdir(parents=True, exist_ok=True)
        log = f"{project}/{session}.jsonl"
        house.own("p0", log).write_text('{"type":"first"}\n')
        house.enter()
        (house.own("p0", "sessions") / f"{house.holders['p0'].pid}.json").parent.mkdir(exist_ok=True)
        (house.own("p0", "sessions") / f"{house.holders['p0'].pid}.json").write_text(
            json.dumps({"pid": house.holders["p0"].pid, "sessionId": session, "cwd": "/srv/work"})
        )
        rest(house.helpers)
        each = Cost(house.helpers[:1]), Cost(house.helpers[1:])
        appends = round(CLIENT["appends"] * share)
        calls = round(CLIENT["calls"] * share)
        lines, began = 1, time.perf_counter()
        for call in range(calls):
            for _ in range(appends * (call + 1) // calls - appends * call // calls):
                append(house.own("p0", log), lines, 6000)
                lines += 1
                time.sleep(0.05)
            task(house.own("p0", f"tasks/{session}"), call % 3)
            time.sleep(max(0.0, began + (call + 1) * seconds / calls - time.perf_counter()))
        rest(house.helpers)
        report.row("wake-ups of its helper", each[0].wakes(), round(CLIENT["switches"] * share))
        report.row("processor time of its helper, in percent of a processor", each[0].milliseconds() / seconds / 10, 0.1, " %", digits=3)
        report.row("wake-ups of the other's", each[1].wakes())
        report.row("processor time of the other's", each[1].milliseconds() / seconds / 10, None, " %", digits=3)
        for place in house.places(log):
            wait_until(lambda: place.read_text().count("\n") == lines)
        left = [path for place in house.places("tasks") for path in place.rglob("*.lock")]
        report.row("lock directories left", len(left), 0)
        latencies(report, house, log, f"{project}/memory/note.md", lines)


def latencies(report, house, log, note, lines):
    house.own("p0", note).parent.mkdir(parents=True, exist_ok=True)
    house.own("p0", note).write_text("first")
    wait_until(lambda: all(has(place, "first") for place in house.places(note)))
    taken = []
    for number in range(30):
        source = house.places(note)[number % 3]
        temp = source.with_name(f"note.md.tmp.1.{number:x}")
        temp.write_text(f"edit {number} of the note")
        time.sleep(random.uniform(0.02, 0.1))
        os.rename(temp, source)
        began = time.perf_counter()
        wait_until(lambda: all(has(place, f"edit {number} of") for place in house.places(note)))
        taken.append((time.perf_counter() - began) * 1000)
    report.row("a memory edit is everywhere, median", statistics.median(taken), 5.0, " ms", digits=1)
    report.row("  the slowest", max(taken), None, " ms", digits=1)
    taken = []
    for number in range(12):
        time.sleep(random.uniform(0, 0.5))
        began = append(house.own("p0", log), lines + number, 600)
        wait_until(lambda: all(place.read_text().count("\n") == lines + number + 1 for place in house.places(log)))
        taken.append((time.perf_counter() - began) * 1000)
    report.row("a transcript line is everywhere, median", statistics.median(taken), None, " ms", digits=1)
    # The clock begins at the append, and a look a second begins where the last one ended.
    report.row("  the slowest", max(taken), 1050.0, " ms", digits=1)


def append(file, number, size):
    """Appends a line as the client does: opened, one write, closed."""
    handle = os.open(file, os.O_WRONLY | os.O_APPEND)
    os.write(handle, (json.dumps({"uuid": f"line-{number}", "text": "x" * size}) + "\n").encode())
    os.close(handle)
    return time.perf_counter()


def task(directory, number):
    """Writes a task as the client does: under a lock that is a directory, by rename."""
    lock = directory / f"{number}.json.lock"
    lock.mkdir()
    temp = directory / f"{number}.json.tmp.{time.monotonic_ns() & 0xFFFFFF:x}"
    temp.write_text(json.dumps({"id": str(number), "status": "in_progress", "at": time.monotonic_ns()}))
    os.rename(temp, directory / f"{number}.json")
    lock.rmdir()


def failures(report, program):
    """A step that fails says so and backs off; then nothing wakes the helper more than now and then."""
    report.section("Wake-ups in 2 seconds, from 4 seconds after a step failed")
    for what, spoil in FAILURES.items():
        with House(program, 1) as house:
            house.enter()
            mend = spoil(house)
            if mend is None:
                report.row(what, None, 1)
                continue
            try:
                time.sleep(4)
                cost = Cost(house.helpers)
                time.sleep(2)
                report.row(what, cost.wakes(), 1)
                report.row("  processor time", cost.milliseconds(), 2.0, " ms", digits=2)
            finally:
                mend()


def locked(make):
    """Has a change of the profile's wait for a lock of the hub's file that nobody gives back."""

    def spoil(house):
        make(Path(f"{house.hub}.lock"))
        file = house.own("p0")
        state = json.loads(file.read_text())
        file.write_text(json.dumps({**state, "news": True}, indent=2))
        return lambda: None

    return spoil


def fresh(lock):
    lock.mkdir()


def dated_ahead(lock):
    lock.mkdir()
    os.utime(lock, (time.time() + 3600, time.time() + 3600))


def read_only(house):
    root = house.claude("projects")
    if subprocess.run(["chattr", "+i", root], stderr=subprocess.DEVNULL, check=False).returncode:
        root.chmod(0o500)
        if os.access(root, os.W_OK):
            root.chmod(0o700)
            return None
    (house.own("p0", "projects") / "new.jsonl").write_text("{}\n")

    def mend():
        subprocess.run(["chattr", "-i", root], stderr=subprocess.DEVNULL, check=False)
        root.chmod(0o700)

    return mend


def elsewhere(house):
    """A directory of the profile's that cannot be renamed into a hub on another disk."""
    if not memory():
        return None
    house.leave()
    other = Path(memory(), f"clauth-bench-{os.getpid()}")
    shutil.rmtree(other, ignore_errors=True)
    shutil.move(house.claude(""), other)
    house.claude("").parent.joinpath(".claude").symlink_to(other)
    house.enter()
    house.own("p0", "agents").mkdir()

    def mend():
        house.leave(patience=5.0)
        shutil.rmtree(other)

    return mend


FAILURES = {
    "the hub's projects cannot be written": read_only,
    ".claude.json.lock that nobody gives back": locked(fresh),
    ".claude.json.lock dated an hour ahead": locked(dated_ahead),
    ".claude.json.lock that is a FIFO": locked(os.mkfifo),
    ".claude.json.lock that is a file": locked(lambda lock: lock.write_text("")),
    "a directory that belongs on another disk": elsewhere,
}
