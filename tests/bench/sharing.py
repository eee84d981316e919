"""How fast a change reaches the other profiles, whether an append wakes their helpers, and what those hold in memory meanwhile."""

import json
import os
import random
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from world import is_alive, private, settle, switches, wait_until

PROFILES = ["one", "two", "three", "four"]
ROUNDS = 40


class Household:
    """Four profiles in use at once, in a HOME of their own; closing it ends what was started and removes it all."""

    def __init__(self, program, claude_json_bytes):
        self.program = program
        self.base = Path(tempfile.mkdtemp(prefix="clauth-watchdog-", dir=os.path.realpath("/tmp")))
        self.home = self.base / "home"
        for name in ["projects/-srv", "plugins", "commands"]:
            (self.home / ".claude" / name).mkdir(parents=True)
        (self.home / ".claude" / "settings.json").write_text("{}\n")
        projects = {}
        text = ""
        while len(text) < claude_json_bytes:
            for _ in range(50):
                projects[f"/srv/project-{len(projects)}"] = {"hasTrustDialogAccepted": True, "allowedTools": ["ls", "cat"], "lastCost": 0.25}
            text = json.dumps({"theme": "dark", "projects": projects}, indent=2)
        self.hub = self.home / ".claude.json"
        self.hub.write_text(text)
        self.env = {"PATH": f"{program.parent}:/usr/bin:/bin", "HOME": str(self.home), "LANG": "C.UTF-8"}
        self.holders = []
        for name in PROFILES:
            directory = self.home / name
            directory.mkdir()
            self.clauth("add", name)
            self.clauth("use", name, cwd=directory)
            holder = subprocess.Popen(["sleep", "3600"], env=self.env)
            self.holders.append(holder)
            self.clauth("export", "bash", "--pid", str(holder.pid), "--first", cwd=directory)
        self.helpers = [self.helper(name) for name in PROFILES]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for holder in self.holders:
            holder.kill()
            holder.wait()
        wait_until(lambda: not any(is_alive(helper) for helper in self.helpers))
        shutil.rmtree(self.base)

    def clauth(self, *arguments, cwd=None):
        subprocess.run([self.program, *arguments], cwd=cwd or self.home, env=self.env, check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def helper(self, name):
        (note,) = (self.home / ".clauth" / "run").glob(f"*/{name}/helper")
        return int(note.read_text().split()[0])

    def own(self, name, relative=".claude.json"):
        return self.home / ".clauth" / "profiles" / name / "runtime" / relative

    def edit(self, file, key, value):
        """Changes a file as the client does, and returns when its new text was in place."""
        lock = Path(f"{file}.lock")
        while True:
            try:
                lock.mkdir()
                break
            except FileExistsError:
                time.sleep(0.0002)
        state = json.loads(file.read_text())
        state[key] = value
        temp = file.with_name(f"{file.name}.tmp.bench")
        temp.write_text(json.dumps(state, indent=2))
        os.rename(temp, file)
        renamed = time.perf_counter()
        lock.rmdir()
        return renamed


def propagation(report, program):
    with Household(program, 100_000) as household:
        settle(household.helpers)
        report.section(f".claude.json of {household.hub.stat().st_size // 1000} KB, {len(PROFILES)} profiles in use")
        taken = []
        for number in range(ROUNDS):
            source = household.own(PROFILES[number % len(PROFILES)])
            targets = [household.hub] + [household.own(name) for name in PROFILES if household.own(name) != source]
            inodes = [target.stat().st_ino for target in targets]
            began = household.edit(source, "round", number)
            # A look at the inode costs the helpers nothing; the text is read once, at the end.
            waiting = list(zip(targets, inodes))
            while waiting:
                waiting = [(target, inode) for target, inode in waiting if target.stat().st_ino == inode]
                time.sleep(0.0003)
            ended = time.perf_counter()
            for target in targets:
                wait_until(lambda: json.loads(target.read_text()).get("round") == number)
            taken.append((ended - began) * 1000)
            time.sleep(random.uniform(0.02, 0.05))  # the next change comes to helpers that sleep
        report.row("a change in the hub and every other profile, median", statistics.median(taken), 50, " ms", digits=1)
        report.row("the slowest of them", max(taken), unit=" ms", digits=1)

        report.section("History")
        taken = []
        for number in range(ROUNDS):
            source, target = (household.own(name, f"projects/-srv/{number}.jsonl") for name in random.sample(PROFILES, 2))
            began = time.perf_counter()
            source.write_text('{"type": "user"}\n')
            taken.append((wait_until(target.exists) - began) * 1000)
            time.sleep(0.01)
        report.row("a new transcript in another profile, median", statistics.median(taken), 20, " ms", digits=1)
        settle(household.helpers)
        before = [switches(helper) for helper in household.helpers]
        with household.own("one", "projects/-srv/0.jsonl").open("a") as transcript:
            for number in range(100):
                transcript.write(f'{{"number": {number}}}\n')
                transcript.flush()
        time.sleep(1)
        after = [switches(helper) for helper in household.helpers]
        report.row("wake-ups of four helpers by 100 appends", sum(after) - sum(before), 0)
        seen = household.own("two", "projects/-srv/0.jsonl").read_text().count("\n")
        report.row("lines of them that another profile lacks", 101 - seen, 0)

        before = [switches(helper) for helper in household.helpers]
        time.sleep(1)
        report.row("wake-ups of four helpers in an idle second", sum(map(switches, household.helpers)) - sum(before), 0)


def memory(report, program):
    with Household(program, 1_500_000) as household:
        report.section(f".claude.json of {household.hub.stat().st_size / 1e6:.1f} MB")
        settle(household.helpers)
        began = household.edit(household.own("one"), "round", 1)
        for name in PROFILES[1:]:
            wait_until(lambda: '"round"' in household.own(name).read_text())
        report.row("a change in the hub and every other profile", (time.perf_counter() - began) * 1000, unit=" ms", digits=1)
        time.sleep(1)
        most = max(private(helper) for helper in household.helpers)
        report.row("private memory of a helper one second later", most, 3, " MB", digits=2)
