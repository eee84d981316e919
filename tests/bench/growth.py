"""How costs grow: with the files in `~/.claude`, the shells of a profile, the size of `.claude.json`, the directories above the shell's."""

import json
import os
import shutil
import statistics
import subprocess

import counting
import shells
from lifecycle import Holder, watched
from world import World, private, ran, settle, wait_for_end, wait_until

FILES = (10, 100, 1_000, 10_000, 100_000)
SHELLS = (1, 10, 100, 1_000)
SIZES = (10, 100, 1_000, 20_000)  # KB
ANCESTORS = (3, 10, 30, 100, 200)
REPEATED = 15


def files(report, program):
    """Transcripts in `~/.claude/projects`, 100 in a directory."""
    report.section("Growth: files in ~/.claude")
    built, checked, evaluated, news, run, memory, watches = ([] for _ in range(7))
    for count in FILES:
        with World(program) as world:
            for number in range(count):
                directory = world.home / ".claude" / "projects" / f"project-{number // 100}"
                if number % 100 == 0:
                    directory.mkdir(parents=True)
                (directory / f"{number}.jsonl").write_text(f'{{"number": {number}}}\n' * 20)
            # What comes last in its order is carried across when all else is done.
            last = world.home / ".claude" / "tasks"
            last.mkdir()
            for name, figures in [("first", built), ("second", checked)]:
                (last / name).write_text("news")
                with subprocess.Popen([shutil.which("sleep"), "1000"], env=world.env) as holder:
                    began = wait_until(lambda: True)
                    helper = world.lease_for(holder.pid)
                    figures.append((count, (wait_until((world.runtime / "tasks" / name).exists) - began) * 1000))
                    holder.kill()
                wait_for_end(helper)
            if counting.strace() and count == 10_000:
                report.row("files opened by a check without changes", opened(world, last), 0)
            with Holder(world) as holder:
                settle([holder.helper])
                evaluated.append((count, evaluation(world, holder.process.pid)))
                before, times = ran(holder.helper), []
                for number in range(REPEATED):
                    file = f"projects/project-0/news-{number}"
                    began = wait_until(lambda: True)
                    (world.home / ".claude" / file).write_text("news")
                    times.append((wait_until((world.runtime / file).exists) - began) * 1000)
                news.append((count, statistics.median(times)))
                settle([holder.helper])
                run.append((count, (ran(holder.helper) - before) / REPEATED))
                memory.append((count, private(holder.helper)))
                watches.append((count, watched(holder.helper)[1]))
    report.growth("a session's first build", built, " ms")
    report.growth("a session's check of all, unchanged", checked, " ms")
    report.growth("an evaluation, helper alive", evaluated, " ms", 0.2)
    report.growth("a new file in another place", news, " ms", 0.2)
    report.growth("processor time of the helper for it", run, " ms", 0.2)
    report.growth("private memory of the helper", memory, " MB")
    report.growth("inotify watches", watches, "")


def opened(world, last):
    """Returns how many mirrored files a helper opens while it checks."""
    holder = Holder(world)
    # Killed, it leaves the lease: the next helper follows it too, and can be started under strace.
    os.kill(holder.helper, 9)
    wait_for_end(holder.helper)
    log = world.base / "strace.check"
    (last / "third").write_text("news")
    command = [counting.strace(), "-qq", "-y", "-e", "trace=open,openat", "-o", log, world.program, "helper", "work"]
    with subprocess.Popen(command, env=world.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
        wait_until((world.runtime / "tasks" / "third").exists)
        holder.kill()
    return sum(".jsonl" in line for line in log.read_text().splitlines())


def evaluation(world, pid):
    """Returns the milliseconds of one `clauth export` that only has to look, the median of many."""
    os.chdir(world.bound)
    world.env["CLAUDE_CONFIG_DIR"] = str(world.runtime)  # as in a shell that has entered
    try:
        return statistics.median(world.spawn([world.program, "export", "bash", "--pid", pid]) for _ in range(REPEATED)) * 1000
    finally:
        del world.env["CLAUDE_CONFIG_DIR"]
        os.chdir("/")


def many_shells(report, program):
    """Shells of one profile."""
    report.section("Growth: shells of one profile")
    entered, evaluated, run, left, memory = ([] for _ in range(5))
    with World(program) as world, Holder(world) as first:
        holders = [first.process]
        settle([first.helper])
        for count in SHELLS:
            while len(holders) < count:
                holders.append(subprocess.Popen([shutil.which("sleep"), "1000"], env=world.env))
                world.lease_for(holders[-1].pid)
            settle([first.helper])
            evaluated.append((count, evaluation(world, first.process.pid)))
            before, times, ends = ran(first.helper), [], []
            for _ in range(REPEATED):
                with subprocess.Popen([shutil.which("sleep"), "1000"], env=world.env) as one:
                    began = wait_until(lambda: True)
                    world.lease_for(one.pid)
                    times.append((wait_until(lambda: True) - began) * 1000)
                    lease = world.leases() / str(one.pid)
                    began = wait_until(lease.exists)
                    one.kill()
                    ends.append((wait_until(lambda: not lease.exists()) - began) * 1000)
            settle([first.helper])
            entered.append((count, statistics.median(times)))
            left.append((count, statistics.median(ends)))
            run.append((count, (ran(first.helper) - before) / REPEATED))
            memory.append((count, private(first.helper)))
        for holder in holders[1:]:
            holder.kill()
            holder.wait()
    report.growth("one more shell registers", entered, " ms", 0.2)
    report.growth("an evaluation", evaluated, " ms", 0.2)
    report.growth("a lease is gone after its shell's death", left, " ms", 0.2)
    report.growth("processor time of the helper for a shell that comes and goes", run, " ms", 0.2)
    report.growth("private memory of the helper", memory, " MB", 1)


def claude_json(report, program):
    """Projects in `.claude.json`."""
    report.section("Growth: .claude.json in KB")
    carried, evaluated, memory = [], [], []
    for size in SIZES:
        with World(program) as world:
            project = {"hasTrustDialogAccepted": True, "allowedTools": ["ls", "cat"], "lastCost": 0.25}
            state = {"theme": "dark", "projects": {f"/srv/project-{number}": project for number in range(size * 1000 // 110)}}
            hub = world.home / ".claude.json"
            hub.write_text(json.dumps(state))
            with Holder(world) as holder:
                own = world.runtime / ".claude.json"
                wait_until(own.exists)
                settle([holder.helper])
                times = []
                for number in range(5):
                    state["numStartups"] = number
                    temp = hub.with_name(".claude.json.tmp")
                    temp.write_text(json.dumps(state))
                    before = own.stat().st_ino
                    began = wait_until(lambda: True)
                    os.rename(temp, hub)
                    times.append((wait_until(lambda: own.stat().st_ino != before) - began) * 1000)
                settle([holder.helper])
                if json.loads(own.read_text()).get("numStartups") != 4:
                    raise RuntimeError("the last change did not arrive")
                carried.append((size, statistics.median(times)))
                evaluated.append((size, evaluation(world, holder.process.pid)))
                memory.append((size, private(holder.helper)))
    report.growth("a change of the hub's is the profile's", carried, " ms", 1.1)
    report.growth("an evaluation", evaluated, " ms", 0.2)
    report.growth("private memory of the helper at rest", memory, " MB", 0.1)


def ancestors(report, program):
    """Directories above the shell's."""
    report.section("Growth: directories above the shell's, as ratios to fork+exec of /bin/true")
    with World(program) as world, Holder(world):
        for language in shells.found():
            script = shells.CLAUTH.prologue(language, world)
            for _ in range(5):
                script += language.timed("true", 100, "/bin/true")
                for depth in ANCESTORS:
                    for root, state in [(world.bound, "bound"), (world.base, "unbound")]:
                        handler = shells.CLAUTH.handlers[language.name]
                        script += f"cd '{world.directory(root, depth)}'\n{handler}\n" + language.timed(f"{state}-{depth}", 300, handler)
            ratios = shells.ratios(shells.run_timed(language, script, world))
            for state in ("bound", "unbound"):
                report.growth(f"{language.name}, unchanged, {state}", [(depth, ratios[f"{state}-{depth}"]) for depth in ANCESTORS], "", 1.2)
        script = shells.CLAUTH.prologue(shells.found()[0], world)
        for _ in range(5):
            script += shells.found()[0].timed("true", 100, "/bin/true >/dev/null")
            for depth in ANCESTORS:
                command = f"'{program}' export bash --pid $$ >/dev/null"
                script += f"cd '{world.directory(world.bound, depth)}'\n__clauth_hook\n" + shells.found()[0].timed(f"{depth}", 30, command)
        ratios = shells.ratios(shells.run_timed(shells.found()[0], script, world))
        report.growth("an evaluation", [(depth, ratios[str(depth)]) for depth in ANCESTORS], "", 0.5)
