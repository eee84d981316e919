"""What sharing costs: the first build, one changed key, long lists, deep trees, and what `busy` measures."""

import json
import os
import random
import shutil
import statistics
import subprocess
import time
from pathlib import Path

import busy
from house import Cost, House, edit, has, look, memory_of, peak, rest, state_of, used, woken, written
from world import memory, wait_until

DIRECTORIES = 500
DEPTH = 400
ENTRIES = 60_000


def measure(report, program, parser, files, long):
    """All of it; `files` are those of the first build, and `parser` is what parses a JSON file so many times."""
    first_build(report, program, files)
    reference = Reference(parser)
    for size, profiles, times, limits in [
        (20_000_000, 1, 3, {"parses": 1.5, "peak": 5.0}),
        (1_000_000, 8, 5, {"parses": 1.5, "latency": 60.0}),
        (100_000, 4, 20, {"latency": 15.0}),
    ]:
        one_key(report, program, reference, size, profiles, times, limits)
    slopes(report, program)
    lists(report, program)
    deep(report, program)
    busy.client(report, program, 42 if long else 14)
    busy.failures(report, program)


def first_build(report, program, count):
    """Files of 1 to 4 KB in 500 projects, and a profile that never saw them.

    In memory where that is possible: ext4 goes round recently removed inodes at each new one, and after a test suite removed its
    thousands of files `cp -a` itself took ten times as long.
    """
    report.section(f"First build of {count} files in {DIRECTORIES} projects{', in memory' * bool(memory())}")
    parent = memory() or "/tmp"
    with House(program, 1, parent) as house:
        house.start("p0")
        rest(house.helpers)
        empty, quick = memory_of(house.helpers[0]), statistics.median(house.prompt("p0") for _ in range(15)) * 1000
        house.leave()
    with House(program, 1, parent) as house:
        made = random.Random(1)
        for number in range(count):
            directory = house.claude(f"projects/-srv-project-{number % DIRECTORIES}")
            directory.mkdir(exist_ok=True)
            (directory / f"0c1a4f00-0000-4000-8000-{number:012}.jsonl").write_text(f'{{"n": {number:08}}}\n' * made.randrange(64, 256))
        copied = subprocess.Popen(["cp", "-a", house.claude("projects"), house.world.base / "copy"])
        cp = os.wait4(copied.pid, 0)[2]
        cp = (cp.ru_utime + cp.ru_stime) * 1000
        copied.returncode = 0
        shutil.rmtree(house.world.base / "copy")
        os.sync()  # or the disk would still be busy with what was only prepared
        began = time.perf_counter()
        first = house.start("p0") * 1000
        helper = house.helpers[0]
        prompts = []
        while not rest(house.helpers, patience=0.01, quiet=0.1):
            prompts.append(house.prompt("p0") * 1000)
            if time.perf_counter() - began > 600:
                raise TimeoutError("the first build does not end")
        took, cost = time.perf_counter() - began, used(helper)
        rest(house.helpers)
        there = sum(len(files) for _, _, files in os.walk(house.own("p0", "projects")))
        if there != count:
            raise RuntimeError(f"{there} files of {count} arrived")
        report.row("seconds until all are there", took, digits=1)
        report.row("processor time, for each 100,000 files", cost / count * 100_000, 2500.0, " ms", digits=0)
        report.row("  as a ratio to that of cp -a", cost / cp, digits=2)
        report.row("private memory at rest, a file, beyond that with none", (memory_of(helper) - empty) / count, 60.0, " bytes", digits=1)
        report.row("peak of resident memory", peak(helper) / 1e6, None, " MB", digits=1)
        report.row("bytes written, as a ratio to those of the files", written(helper) / size_of(house.own("p0", "projects")), digits=3)
        report.row("the prompt that starts it, as a ratio to one at rest with none", first / quick, None, digits=2)
        if prompts:
            report.row("prompts meanwhile, median, as a ratio to one at rest with none", statistics.median(prompts) / quick, 2.0, digits=2)
            report.row("  the slowest of them", max(prompts), None, " ms", digits=1)
        else:
            report.note("it was over before a prompt could be asked meanwhile")
        before = woken(helper)
        time.sleep(5)
        report.row("wake-ups in 5 idle seconds", woken(helper) - before, 0)
        house.leave()
        house.start("p0")
        rest(house.helpers)
        report.row("processor time of the next session's first look, 100,000 files", used(house.helpers[0]) / count * 100_000, None, " ms", digits=0)


def size_of(directory):
    return sum(Path(base, name).stat().st_size for base, _, files in os.walk(directory) for name in files)


class Reference:
    """The milliseconds of processor time of one plain parse: serde_json to a `Value`, built as clauth is, the value dropped again."""

    def __init__(self, parser):
        self.parser = parser

    def of(self, file):
        times = max(3, 20_000_000 // file.stat().st_size)
        many, none = (min(self._run(file, count) for _ in range(3)) for count in (times, 0))
        return (many - none) / times

    def _run(self, file, times):
        running = subprocess.Popen([self.parser, file, str(times)])
        _, code, usage = os.wait4(running.pid, 0)
        running.returncode = code
        if code:
            raise RuntimeError(f"{self.parser} ended with {code}")
        return (usage.ru_utime + usage.ru_stime) * 1000


def changed(house, times):
    """Changes one key so many times, on each side in turn; returns the milliseconds until it is everywhere and the cost of each."""
    taken, costs, wrote, peaks = [], [], [], []
    for number in range(times):
        source = house.states()[number % len(house.states())]
        others = [file for file in house.states() if file != source]
        rest(house.helpers, quiet=0.1)
        before = [look(file) for file in others]
        cost = Cost(house.helpers)
        began = edit(source, 2000 + number)
        waiting = list(zip(others, before))
        deadline = time.perf_counter() + 120
        while waiting:
            waiting = [(file, old) for file, old in waiting if look(file) == old]
            if time.perf_counter() > deadline:
                raise TimeoutError(f"the change of {source} does not come to {[str(file) for file, _ in waiting]}")
            time.sleep(0.0003)
        taken.append((time.perf_counter() - began) * 1000)
        wait_until(lambda: all(f"{2000 + number}," in file.read_text()[:100_000] for file in others))
        rest(house.helpers, quiet=0.1)
        costs.append(cost.milliseconds())
        wrote.append(cost.bytes() - sum(file.stat().st_size for file in others))
        peaks.append(cost.peak())
    return taken, costs, wrote, peaks


def one_key(report, program, reference, size, profiles, times, limits):
    with House(program, profiles) as house:
        house.hub.write_text(state_of(size))
        size = house.hub.stat().st_size
        report.section(f"One changed key, .claude.json of {size / 1e6:.1f} MB, {profiles} profile{'s' * (profiles > 1)}")
        parse = reference.of(house.hub)
        report.row("a plain parse by serde_json (a Value, built as clauth is)", parse, None, " ms", digits=2)
        text = house.hub.read_text()
        began = time.process_time()
        for _ in range(times):
            json.loads(text)
        report.row("  json.loads of Python, for comparison", (time.process_time() - began) * 1000 / times, None, " ms", digits=2)
        house.enter()
        taken, costs, wrote, peaks = changed(house, times)
        cost = statistics.median(costs)
        report.row("processor time of all helpers", cost, None, " ms", digits=2)
        report.row("  in parses of the file, for each profile", cost / parse / profiles, limits.get("parses"), digits=2)
        report.row("peak of resident memory in sizes of the file", max(peaks) / size, limits.get("peak"), digits=1)
        report.row("until it is everywhere, median", statistics.median(taken), limits.get("latency"), " ms", digits=1)
        report.row("  the slowest", max(taken), None, " ms", digits=1)
        report.row("bytes written beyond the changed files once each", max(wrote) / 1024, 64.0, " KB", digits=1)


def slopes(report, program):
    report.section("How one changed key grows")
    sizes, profiles = [], []
    for size in (100_000, 1_000_000, 5_000_000):
        with House(program, 1) as house:
            house.hub.write_text(state_of(size))
            house.enter()
            sizes.append((size, statistics.median(changed(house, 4)[1])))
    for count in (1, 2, 4, 8):
        with House(program, count) as house:
            house.hub.write_text(state_of(200_000))
            house.enter()
            profiles.append((count, statistics.median(changed(house, 4)[1])))
    report.growth("processor time by bytes", sizes, " ms", 1.1)
    report.growth("processor time of all helpers by profiles", profiles, " ms", 1.1)


def lists(report, program):
    """A list that both sides have added to, while nobody looked and while a helper did."""
    report.section(f"Two sides with a list of {ENTRIES} entries")
    for what, common in [("all but one common", True), ("none common", False)]:
        with House(program, 1) as house:
            house.enter()
            house.leave()
            own = house.own("p0")
            for file, name in [(house.hub, "hub"), (own, "own")]:
                entries = [f"{'both' if common else name}-{number}" for number in range(ENTRIES)]
                state = json.loads(file.read_text())
                state["list"] = [*entries, f"last of {name}"]
                file.write_text(json.dumps(state, indent=2))
            house.start("p0")
            ended = rest(house.helpers, patience=200)
            told = used(house.helpers[0]) / 1000
            arrived = has(house.hub, "last of own") and has(own, "last of hub")
            report.row(f"{what}, seconds of processor time", told, 0.2, " s", digits=2)
            if not ended or not arrived:
                report.row(f"{what}, lists that lack an entry at the end", 1, 0)


def deep(report, program):
    report.section(f"A tree {DEPTH} deep")
    for depth in (10, DEPTH):
        with House(program, 1) as house:
            house.enter()
            house.leave()
            bottom = "/".join(["tasks", *["d"] * depth])
            house.claude(bottom).mkdir(parents=True)
            (house.claude(bottom) / "1.json").write_text("{}")
            house.start("p0")
            helper = house.helpers[0]
            limit = 50.0 if depth == DEPTH else None
            if not rest(house.helpers, patience=100):
                report.row(f"{depth}: the first pass, not over after 100 s, processor time", used(helper), limit, " ms", digits=0)
                continue
            if not house.own("p0", f"{bottom}/1.json").exists():
                report.row(f"{depth}: files at the bottom that did not arrive", 1, 0)
            report.row(f"{depth}: the first pass, processor time", used(helper), limit, " ms", digits=1)
            costs = []
            for number in range(3):
                cost = Cost(house.helpers)
                (house.claude(bottom) / f"new-{number}.json").write_text("{}")
                wait_until(house.own("p0", f"{bottom}/new-{number}.json").exists, 100)
                rest(house.helpers, patience=100)
                costs.append(cost.milliseconds())
            report.row(f"{depth}: a new file at the bottom, processor time", statistics.median(costs), limit, " ms", digits=1)
            house.leave()
            house.start("p0")
            rest(house.helpers, patience=100)
            report.row(f"{depth}: the next session's pass, processor time", used(house.helpers[0]), limit, " ms", digits=1)
