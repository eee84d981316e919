"""The room's five tables, the names that are of no concern, and which names either explains."""

import fnmatch
import re
from pathlib import Path

from bundle import ClientError

# A kind of name, and the files that explain it: `<stem>.tsv` in the room, `<stem>.txt` beside this.
KINDS = {
    "name": "names",
    "state key": "state-keys",
    "variable": "variables",
    "settings key": "settings-keys",
    "lock": "locks",
}
HEAD = re.compile(r"# Checked against Claude Code (\S+)\n")
# Below such a row nothing is shared, so that a new name there cannot lead to another account.
KEPT_APART = ("private", "never-touch")


def read(path):
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as err:
        raise ClientError(f"cannot read {path}: {getattr(err, 'strerror', None) or err}") from err


class Table:
    """What explains the names of one kind."""

    def __init__(self, kind, room, looked_at):
        self.kind, stem = kind, KINDS[kind]
        self.path = room / f"{stem}.tsv"
        lines = read(self.path).splitlines(keepends=True)
        head = HEAD.fullmatch(lines[0]) if lines else None
        if not head:
            raise ClientError(f"{self.path}: the first line does not name the client it was checked against")
        self.version = head[1]
        cells = [line.rstrip("\n").split("\t") for line in lines[2:]]
        self.rows = {row[0]: row[1] for row in cells}
        self.no_concern, self.unseen = read_looked_at(looked_at / f"{stem}.txt")
        twice = self.rows.keys() & self.no_concern
        if twice:
            raise ClientError(f"{looked_at / stem}.txt: {min(twice)} is a row of the table, too")
        if wrong := self.unseen.keys() - self.rows.keys():
            raise ClientError(f"{looked_at / stem}.txt: {min(wrong)} is not a row of the table")


def read_looked_at(path):
    """Returns the names of no concern, and the rows that the review cannot see: `True` for one
    whose word must be in the code, `False` for one of earlier clients, which is not looked for.

    A line `== why` begins a group; the lines below it hold its names, with a space between two."""
    no_concern, unseen, group = set(), {}, None
    for number, line in enumerate(read(path).splitlines() if path.exists() else (), 1):
        if line.startswith("== "):
            group = line
        elif line.strip() and not line.startswith("#"):
            if group is None:
                raise ClientError(f"{path}:{number}: a name before the first `== why`")
            for name in line.split():
                if name in no_concern or name in unseen:
                    raise ClientError(f"{path}:{number}: {name} is there twice")
                if group.startswith(("== unseen: ", "== earlier: ")):
                    unseen[name] = group.startswith("== unseen: ")
                else:
                    no_concern.add(name)
    return no_concern, unseen


def pattern(name):
    """A row as a pattern of paths: `<…>` and `*` stand for what is computed."""
    return re.sub(r"<[^>]*>", "*", name)


def below_config(path):
    """Returns a found path as the tables write it, or `None` where all of it is computed."""
    path = path.removeprefix("CFG/CFG/").rstrip("/\\")
    path = path if path.startswith(("CFG/", "SEC/", "HOME/")) else "CFG/" + path
    root, _, rest = path.partition("/")
    if root == "HOME":
        return "~/" + rest if "/" in rest else None
    return rest if rest != "CFG" and re.search("[A-Za-z]", rest) else None


def is_spelled(row, js):
    """Whether the longest word of the last part of a name is anywhere in the code."""
    parts = (re.findall(r"[A-Za-z][\w-]+\w", part) for part in pattern(row).split("/"))
    words = [words for words in parts if words]
    return bool(words) and max(words[-1], key=len) in js


def meets(found, row):
    """Whether two names are one: whatever is computed in either may be what the other says."""
    return fnmatch.fnmatchcase(found, literal(row)) or fnmatch.fnmatchcase(row, literal(found))


def literal(name):
    return name.replace("[", "[[]").replace("?", "[?]")


class NameTable(Table):
    """Explains paths, with what stands above and below them."""

    def __init__(self, kind, room, looked_at):
        super().__init__(kind, room, looked_at)
        self.patterns = [(pattern(row).split("/"), how) for row, how in self.rows.items()]
        self.patterns += [(name.split("/"), "looked at") for name in self.no_concern]

    def explains(self, path):
        # What is always in the home has a row with `~/`, or one that says so.
        names = {path, path.removeprefix("~/.claude/")}
        return any(self.is_explained(name.split("/")) for name in names)

    def is_explained(self, parts):
        """Whether a row or a name of no concern is this path, or is below it, or is above it and
        keeps all below it apart."""
        spelled = [at for at, part in enumerate(parts) if re.search("[A-Za-z]", part)]
        for row, how in self.patterns:
            if len(parts) > len(row) and how not in KEPT_APART:
                continue
            # Where the beginning is computed, what is spelled out must be so in the row, too.
            shared = spelled if spelled[0] else spelled[:1]
            if any(at >= len(row) or not re.search("[A-Za-z]", row[at]) for at in shared):
                continue
            if all(map(meets, parts, row)):
                return True
        return False

    def gone(self, paths, parts, locks):
        """The rows that no path shows, nor the parts of the path by themselves."""
        paths = {path.removeprefix("~/.claude/") for path in paths} | paths
        parts = parts | locks | {".claude", ".config", ".local"}
        parts |= {part for path in paths for part in path.split("/")}
        ends = {part.lstrip("*") for part in parts if re.match(r"\*?\.[a-z]", part)}
        begun = [part for part in parts if re.match(r"[\w.]{3,}.*\*", part)]
        text = "\n".join(parts)

        def is_there(part, is_base=False):
            if part in parts or not part.strip("*."):
                return True
            if "*" in part and re.search("(?m)^" + re.escape(part).replace(r"\*", ".*") + "$", text):
                return True
            if any(fnmatch.fnmatchcase(part, one) for one in begun):
                return True
            # A known name with a known ending.
            return not is_base and any(
                part.endswith(end) and is_there(part[: -len(end)], True)
                for end in ends if len(end) < len(part))

        def is_found(row):
            whole = any(path == row or path.startswith(row + "/") for path in paths)
            return whole or all(map(is_there, row.removeprefix("~/").split("/")))

        gone = {row for row in self.rows if not is_found(pattern(row))}
        return gone | (self.no_concern - paths)


def gone_locks(table, locks, paths, parts):
    """A lock is there where its name or ending is, or the name of what it locks."""
    known = locks | parts | {part for path in paths for part in path.split("/")}
    known |= {"*" + one for one in known if one.startswith(".")}

    def is_found(row):
        name = pattern(row).split("/")[-1]
        bases = {name, name.removesuffix(".lock"), name.removesuffix(".lock.lock")}
        return any(meets(base, one) for base in bases for one in known if base.strip("*"))

    return {row for row in table.rows if not is_found(row)} | (table.no_concern - locks)


def unexplained_locks(table, names, locks):
    """A lock is explained by a row of its own, or by one of the names."""
    rows = {pattern(row).split("/")[-1] for row in (*table.rows, *names.rows)} - {"*"}
    named = {lock: lock.split("/")[-1] for lock in locks}
    return {
        lock for lock, name in named.items()
        if lock not in table.no_concern and name not in (".lock", "*.lock")
        and not any(meets(name, row) for row in rows)
    }
