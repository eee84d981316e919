"""Which names below the config directory, the directory of the login and the home a client uses."""

import re

from bundle import ARGUMENT, IDENTIFIER, STRING, tidy

CONFIG, LOGIN, HOME = "CFG", "SEC", "HOME"  # how a found path begins
# Names that the client's own lists of such names hold: a list with two of them is one.
KNOWN = frozenset(
    "session-env shell-snapshots file-history policy-limits.json .credentials.json usage-data "
    "mcp-discovery-cache paste-cache backups history.jsonl rules output-styles plans projects "
    "tasks memory todos logs .session-aliases .last-cleanup".split()
)


class Paths:
    """Evaluates every joining of paths, from the getters of the directories on."""

    def __init__(self, bundle):
        self.bundle = bundle
        getter = bundle.search(
            r"(?<![\w$.])(" + IDENTIFIER + r")=" + IDENTIFIER + r"\(\(\)=>\(" + IDENTIFIER
            + r"\(\)\?\?" + IDENTIFIER + r"\(" + IDENTIFIER + r'\(\),"\.claude"\)\)'
        )[1]
        # The exported functions that return such a path, with what they return.
        self.roots = {getter: CONFIG}
        function = r"function (" + IDENTIFIER + r")\(\)\{"
        for shape, root in (
            (r"return " + IDENTIFIER + r"\(\)\?null:" + re.escape(getter) + r"\(\)\}", CONFIG),
            (r"let \w=process\.env\.CLAUDE_SECURESTORAGE_CONFIG_DIR;if\(\w!==void 0\)return", LOGIN),
        ):
            self.roots.update({at[1]: root for at in re.finditer(function + shape, bundle.js)})
        self.found = {}

    def value(self, text, module, known, at, depth=0):
        """Returns what an argument of a joining stands for, with `*` for what is computed."""
        text = text.strip()
        if re.fullmatch(STRING, text):
            return text[1:-1]
        if text[:1] == text[-1:] == "`":
            part = lambda inner: self.value(inner[1], module, known, at, depth + 1)
            return re.sub(r"\$\{([^{}]*)\}", part, text[1:-1])
        joined = re.match(module.join + r"\(", text) if depth < 4 and text.endswith(")") else None
        if joined:
            inner = ARGUMENT.findall(text[joined.end() : -1])
            return "/".join(self.value(one, module, known, at, depth + 1) for one in inner)
        call = re.match(r"(" + IDENTIFIER + r")(\(|$)", text)
        if not call or call[2] and not text.endswith(")"):
            return "*"
        name = call[1]
        if call[2]:
            return known.get(name + "()") or self.roots.get(module.imports.get(name), "*")
        for place, value in reversed(known.get(name, ())):
            # The variable as it was set last, unless something else was put into it since.
            if at - 4000 < place < at and module.text.rfind(name + "=", place + 1, at) <= place + 40:
                return value
        imported = self.bundle.constant(module.imports.get(name, ""))
        return (module.constants.get(name) or imported or '"*"')[1:-1]

    def evaluate(self):
        """Returns every path below those directories, with where it is joined."""
        before = 0
        while before < len(self.roots):  # a function found in one round is called in the next
            before = len(self.roots)
            for module in self.bundle.modules:
                self.evaluate_module(module)
        ours = re.compile(r"(CFG|SEC)/|HOME/\.c(laude|onfig/anthropic)")
        tidied = ((tidy(path), at) for path, at in self.found.items())
        return {
            path: at for path, at in tidied
            if ours.match(path) and len(path) < 110 and not re.search(r"[\s:|\0]", path)
        }

    def evaluate_module(self, module):
        known = {name + "()": self.roots[source]
                 for name, source in module.imports.items() if source in self.roots}
        if '".claude"' in module.text:
            known.update({name + "()": HOME
                          for name, source in module.imports.items() if source == "os.homedir"})
        if not known:
            return
        carriers = "|".join(re.escape(name[:-2]) for name in known)
        plain = (
            r"(?:function (" + IDENTIFIER + r")\(\)\{return |(?<![\w$.])(" + IDENTIFIER + r")=)"
            r"((?:" + carriers + r")\([^()]{0,40}\))"
        )
        calls = module.joinings + [
            (at.start(), at, [at[3]]) for at in re.finditer(plain, module.text)]
        for at, goes_to, arguments in calls * 3:  # a value may be used before it is set in the text
            value = "/".join(self.value(one, module, known, at) for one in arguments)
            if value.startswith((CONFIG, LOGIN, HOME)):
                self.keep(value, at, goes_to, module, known)
        for at in re.finditer(r"`\$\{(" + IDENTIFIER + r"(?:\([^()]*\))?)\}([^`]{1,60})`", module.text):
            value = self.value(at[1], module, known, at.start()) + at[2]
            self.found.setdefault(value, module.base + at.start())

    def keep(self, value, at, goes_to, module, known):
        name = goes_to and (goes_to[1] or goes_to[2])
        if name:
            if goes_to[2] and not (goes_to[3] or "").endswith("=>"):
                known.setdefault(name, []).append((at, value))
            else:
                known.setdefault(name + "()", value)
            if name in module.exports:
                self.roots.setdefault(name, value)
        self.found.setdefault(value, module.base + at)

    def parts(self):
        """Names and endings of files that the same modules use without a path to be seen, and the
        client's own lists of such names. Call `evaluate` first."""
        found = {}
        for module in self.bundle.modules:
            if self.roots.keys() & set(module.imports.values()):
                found |= self.parts_of(module)
        for at, items in self.bundle.lists:
            if len(KNOWN & set(items)) > 1:
                found |= {part: at for item in items for part in item.split("/") if part not in found}
        named = (
            r'="(\.[a-z][\w.-]{4,}|\w+(?:-\w+)+(?:\.json)?|\w+[-_][\w-]+[.-])"'
            r"|`((?:\$\{[^{}`]+\})?\.[a-z][\w.~-]*(?:\$\{[^`]{1,60})?)`"
            r'|includes\("(\.[a-z][\w.-]+)"'
        )
        for at in re.finditer(named, self.bundle.js):
            goes_on = (at[1] or "")[-1:] in (".", "-") or at[3]
            found.setdefault(tidy(at[1] or at[2] or at[3]) + "*" * bool(goes_on), at.start())
        odd = r"[\s:|\0(){}<>=;,?'\"]"
        return {part for part in found if re.search(r"[A-Za-z]{2}", part) and not re.search(odd, part)}

    def parts_of(self, module):
        found = {}
        for at, _, arguments in module.joinings:
            for one in arguments:
                for part in self.value(one, module, {}, at).split("/"):
                    found[tidy(part)] = module.base + at
        for at in re.finditer(r'"(\.?[\w.-]+)"|`([^`\s]{2,70})`', module.text):
            if at[2]:
                fits = re.search(r"\.\w+(~|$|\$\{)|^[\w-]+-\$\{", at[2])
            else:
                fits = re.search(r"[a-z]\.(json|jsonl|md|lock|log|key|owner)$|^\.[a-z][\w.-]+$", at[1])
            if fits:
                found.setdefault(tidy(at[1] or at[2]).split("/")[-1], module.base + at.start())
        return found
