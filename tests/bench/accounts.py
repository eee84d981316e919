"""What accounts cost: the limits of ten of them, asked for and from the cache, and how long a new login is only in memory.

The service is a stand-in on loopback; nothing else is asked.
"""

import json
import os
import shutil
import statistics
import subprocess
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PROFILES = [f"account{number}" for number in range(10)]
DELAY = 0.3
ROUNDS = 200


class Service(BaseHTTPRequestHandler):
    """Tells everybody the same limits, late, and gives everybody new tokens, at once."""

    answered = 0.0
    number = 0

    def send(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
        Service.answered = time.time()

    def do_GET(self):
        time.sleep(DELAY)
        self.send({"five_hour": {"utilization": 42.0, "resets_at": None}, "seven_day": {"utilization": 17.0, "resets_at": None}})

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        Service.number += 1
        self.send({"access_token": f"sk-ant-oat01-{Service.number}", "refresh_token": f"sk-ant-ort01-{Service.number}", "expires_in": 28800})

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 64  # all ten at once; else some would be told to come back a second later


class World:
    """Ten profiles that are signed in, in a HOME of their own, and the service that they ask."""

    def __init__(self, program):
        self.program = program
        self.home = Path(tempfile.mkdtemp(prefix="clauth-accounts-", dir=os.path.realpath("/tmp")))
        (self.home / ".claude").mkdir()
        self.service = Server(("127.0.0.1", 0), Service)
        threading.Thread(target=self.service.serve_forever, daemon=True).start()
        self.env = {"PATH": "/usr/bin:/bin", "HOME": str(self.home), "LANG": "C.UTF-8",
                    "CLAUTH_SERVICES": f"http://127.0.0.1:{self.service.server_port}"}
        for name in PROFILES:
            self.clauth("add", name)
            self.clauth("exec", name, "--", "true")
            identity = {"accountUuid": name, "organizationUuid": "org", "emailAddress": f"{name}@example.test", "organizationName": "org"}
            login = {"accessToken": f"sk-ant-oat01-{name}", "refreshToken": f"sk-ant-ort01-{name}", "expiresAt": 4102444800000,
                     "scopes": ["user:inference", "user:profile"], "subscriptionType": "max", "accountUuid": name}
            (self.runtime(name) / ".claude.json").write_text(json.dumps({"oauthAccount": identity}))
            self.login(name).write_text(json.dumps({"claudeAiOauth": login}))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.service.shutdown()
        shutil.rmtree(self.home)

    def runtime(self, name):
        return self.home / ".clauth" / "profiles" / name / "runtime"

    def login(self, name):
        return self.runtime(name) / ".credentials.json"

    def command(self, *arguments):
        return [str(self.program), *arguments]

    def clauth(self, *arguments):
        return subprocess.run(self.command(*arguments), cwd=self.home, env=self.env, check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True).stdout


def taken(command, world, directory=None):
    """Starts a program and returns how long it took, in milliseconds."""
    began = time.perf_counter()
    subprocess.run(command, cwd=directory or world.home, env=world.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - began) * 1000


def limits(report, world):
    report.section(f"The limits of {len(PROFILES)} accounts; the service answers after {DELAY * 1000:.0f} ms")
    asked = []
    for _ in range(5):
        shutil.rmtree(world.home / ".clauth" / "usage", ignore_errors=True)
        began = time.perf_counter()
        told = world.clauth("usage")
        asked.append((time.perf_counter() - began) * 1000)
        assert told.count(" 42 %") == len(PROFILES), told
    report.row("asked for, median", statistics.median(asked), 450, " ms", digits=0)
    pairs = [(taken(world.command("usage"), world), taken(["/bin/true"], world)) for _ in range(ROUNDS)]
    cached, true = (statistics.median(column) for column in zip(*pairs))
    report.row("from the cache, ratio to /bin/true", cached / true, 2.0)
    for_prompts(report, world)


def for_prompts(report, world):
    """What a prompt's theme asks for, with a `.claude.json` as it is at first and as it is after a year."""
    bound = world.home / "bound"
    bound.mkdir()
    world.clauth("use", PROFILES[0], "--dir", str(bound))
    command = world.command("status", "--format", "{profile} {5h}")
    file = world.runtime(PROFILES[0]) / ".claude.json"
    state = json.loads(file.read_text())
    for projects in (0, 5000):
        project = {"hasTrustDialogAccepted": True, "allowedTools": ["ls", "cat"], "lastCost": 0.25, "history": ["x" * 130]}
        # The account stands behind what is large, and is written as the client writes it.
        file.write_text(json.dumps({"projects": {f"/srv/project-{number}": project for number in range(projects)}, **state}, indent=2))
        told = subprocess.run(command, cwd=bound, env=world.env, check=True, capture_output=True, text=True).stdout
        assert told == f"{PROFILES[0]} 42%\n", told
        pairs = [(taken(command, world, bound), taken(["/bin/true"], world, bound)) for _ in range(ROUNDS)]
        size = f"{file.stat().st_size / 1e6:.1f} MB" if projects else f"{file.stat().st_size} bytes"
        report.row(f"status --format '{{profile}} {{5h}}', .claude.json of {size}, ratio", statistics.median(one / other for one, other in pairs), 2.0)


def window(report, world):
    report.section("A refresh: from the answer's last byte to the new login on the disk")
    windows = []
    for _ in range(30):
        world.clauth("refresh", PROFILES[0], "--force")
        kept = json.loads(world.login(PROFILES[0]).read_text())
        assert kept["claudeAiOauth"]["refreshToken"] == f"sk-ant-ort01-{Service.number}", kept
        # The new file's name is put in its place right after it was made safe; its own time is that of its last write.
        windows.append((world.login(PROFILES[0]).stat().st_ctime - Service.answered) * 1000)
    report.row("median", statistics.median(windows), unit=" ms", digits=1)
    report.row("longest of 30", max(windows), unit=" ms", digits=1)
