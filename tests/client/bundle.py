"""The JavaScript inside a client, as modules.

Everything is found by strings and by what the code does, never by minified names: those change with
every version. An offset counts in the text of `Bundle.js`, which `review --js FILE` saves.
"""

import functools
import mmap
import re

IDENTIFIER = r"[\w$]+"
STRING = r'"(?:[^"\\\n]|\\.)*"'
# The arguments of a call, with at most two levels of brackets inside.
ARGUMENTS = (
    r"\(((?:[^()\[\]{}\"'`]|" + STRING + r"|`[^`]{0,120}`"
    r"|\((?:[^()]|\([^()]*\))*\)){1,300})\)"
)
ARGUMENT = re.compile(
    r"(?:" + STRING + r"|`[^`]*`|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)|[^,\"`(])+"
)
IMPORT = re.compile(r'import(?: ?\*? ?(?:as )?([\w$]+) ?|\{([^{}]*)\})from"([^"]*)"')
MODULE_HEAD = b"// @bun @bytecode\n// (c)"
SAVED_HEAD = b"\n//####"


class ClientError(Exception):
    """A file that cannot be reviewed. The text is a whole message to the user."""


def tidy(text):
    """Puts one `*` for whatever is computed."""
    text = re.sub(r"\$\{(?:[^{}]|\{[^{}]*\})*\}", "*", text)
    return re.sub(r"\*+", "*", re.sub("/+", "/", text))


def read_bundle(path):
    """Returns the code of a native client, or of a file that `--js` saved."""
    try:
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            js = data[:] if data[: len(SAVED_HEAD)] == SAVED_HEAD else cut_out(data)
    except (OSError, ValueError) as err:  # an empty file cannot be mapped: ValueError
        reason = err.strerror if isinstance(err, OSError) else "the file is empty"
        raise ClientError(f"cannot read {path}: {reason}") from err
    if not js:
        raise ClientError(
            f"{path} holds no embedded JavaScript: it is not a native Claude Code client, "
            "or one from before they were built so"
        )
    return Bundle(path, js.decode("latin-1"))


def cut_out(data):
    """Returns every module of a native client, each after a line with its offset in the file."""
    parts, at = [], data.find(MODULE_HEAD)
    while at >= 0:
        end = data.find(b"\0", at)
        end = len(data) if end < 0 else end
        parts += [b"\n//#### %d\n" % at, data[at:end]]
        at = data.find(MODULE_HEAD, end)
    return b"".join(parts)


class Module:
    """One file of the bundle: what it imports and exports, its constants, its joinings of paths."""

    def __init__(self, text, base):
        self.text, self.base = text, base
        self.imports, self.joins = {}, set()
        for at in IMPORT.finditer(text):
            self.add_import(*at.groups())
        exported = re.findall(r"export\{([^}]*)\}", text[-40000:])
        pairs = (pair for block in exported for pair in block.split(","))
        self.exports = {pair.split(" as ")[0] for pair in pairs}
        self.imports.update({name: name for name in self.exports})

    def add_import(self, whole, names, source):
        for name, _, alias in (pair.strip().partition(" as ") for pair in (names or "").split(",")):
            alias = alias or name
            if source in ("path", "node:path"):
                if name in ("join", "resolve"):
                    self.joins.add(alias)
            elif name:
                inside = source[:1] in "/B"  # another module of the bundle
                self.imports[alias] = name if inside else f"{source.replace('node:', '')}.{name}"
        if whole and source in ("path", "node:path"):
            self.joins |= {whole + ".join", whole + ".resolve"}

    @functools.cached_property
    def constants(self):
        """The names that stand for one string."""
        found = r"(?<![\w$.])(" + IDENTIFIER + r")=(" + STRING + r")(?=[,;)}])"
        return dict(re.findall(found, self.text))

    @functools.cached_property
    def join(self):
        """Matches the name of a function that joins paths."""
        names = "|".join(map(re.escape, sorted(self.joins)))
        return r"(?<![\w$.])(?:" + names + ")" if names else "(?!)"

    @functools.cached_property
    def joinings(self):
        """Every joining: where, the function or variable that its value goes to, its arguments."""
        goes_to = re.compile(
            r"(?:function (" + IDENTIFIER + r")\([^)]{0,60}\)\{(?:[^{}]{0,80}[;}])?return "
            r"|(?<![\w$.])(" + IDENTIFIER + r")=(" + IDENTIFIER + r"\(\(\)=>|\([^)]{0,40}\)=>)?)$"
        )
        if not self.joins:
            return []
        return [
            (at.start(), goes_to.search(self.text, max(0, at.start() - 160), at.start()),
             ARGUMENT.findall(at[1]))
            for at in re.finditer(self.join + ARGUMENTS, self.text)
        ]


class Bundle:
    """The code of one client."""

    def __init__(self, path, js):
        self.path, self.js = path, js
        cuts = [at.start() for at in re.finditer(r"\n//#### \d+\n", js)] + [len(js)]
        self.modules = [Module(js[start:end], start) for start, end in zip(cuts, cuts[1:])]
        self.exporters = {}
        for module in self.modules:
            for name in module.exports:
                self.exporters.setdefault(name, []).append(module)

    @property
    def version(self):
        found = re.search(r"\n// Version: (\d+\.\d+\.\d+\S*)", self.js[:100000])
        return found[1] if found else "of an unknown version"

    @functools.cached_property
    def lists(self):
        """The client's own lists of strings, with where they begin."""
        lists, last = [], -9
        for at in re.finditer(r'(?<=[\[,])"([\w./-]+)"(?=[,\]])', self.js):
            if at.start() - last > 12:
                lists.append((at.start(), []))
            lists[-1][1].append(at[1])
            last = at.end()
        return lists

    def module_with(self, text):
        """Returns the module that does something that only one does."""
        for module in self.modules:
            if text in module.text:
                return module
        raise self.outdated(text)

    def constant(self, name):
        """Returns the string that an exported name stands for, in quotes."""
        found = (module.constants.get(name) for module in self.exporters.get(name, ()))
        return next(filter(None, found), None)

    def search(self, pattern):
        """Returns the first match of a pattern that every client must have."""
        found = re.search(pattern, self.js)
        if not found:
            raise self.outdated(pattern[:60])
        return found

    def outdated(self, what):
        return ClientError(
            f"{self.path}: the code of this client is written otherwise ({what!r} is not in it): "
            "the review itself must be taken up to it"
        )
