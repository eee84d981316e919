"""Which variables, settings keys, state keys and locks the code of a client knows."""

import re

from bundle import IDENTIFIER, tidy

# What a name must begin with to be taken for a variable where it is only read of some object or
# stands in quotes: others are constants of libraries.
PREFIXES = (
    "AGENT_PROXY ANTHROPIC AWS AZURE CCR CLAUDE CLOUDSDK CLOUD_ML GCE GCLOUD GOOGLE "
    "METADATA MCP_CLIENT MCP_XAA NODE SELF_HOSTED SSL USE_LOCAL USE_STAGING XDG"
).split()


def variables(bundle):
    """The variables that the client declares, reads of `process.env`, or has in its lists."""
    home = bundle.module_with("CLAUDE_CONFIG_DIR:()=>")
    found = {}
    for at in re.finditer(r"[{,](_?[A-Z][A-Z0-9_]{3,}):\(\)=>", home.text):
        found.setdefault(at[1], home.base + at.start())
    for at in re.finditer(r'process\.env(?:\.|\[")([A-Za-z_]\w*)', bundle.js):
        found.setdefault(at[1], at.start())
    named = r'(?:"|(?<![\w$.])[\w$]{1,3}\.)(_?(?:' + "|".join(PREFIXES) + r')_[A-Z0-9_]*[A-Z0-9])(?!\w)'
    for at in re.finditer(named, bundle.js):
        found.setdefault(at[1], at.start())
    for start, items in bundle.lists:  # such as HTTPS_PROXY and APPDATA, in lists of variables
        if sum(item in found for item in items) > len(items) * 0.7 and len(items) > 4:
            for item in items:
                if re.fullmatch(r"_?[A-Z][A-Z0-9_]{3,}", item):
                    found.setdefault(item, start)
    # What ends so is the beginning of names, in a comparison.
    return {name: at for name, at in found.items() if not name.endswith("_")}


def settings(bundle):
    """The keys of the schema of `settings.json`."""
    home = bundle.module_with("apiKeyHelper:()=>")
    found = re.finditer(r"[{,]([$a-z][\w$]+):\(\)=>", home.text)
    return {at[1]: home.base + at.start() for at in found}


def locks(bundle):
    """The endings and names by which the client calls its locks."""
    ends = r"\.lock|\.v5-lock-anchor|\.lock\.owner|\.holder\.json|\.takeover\.json"
    other = (
        r"[(,;=]|package|yarn|[Cc]argo|bun\.|oetry|git|config\.|uv\.|[Gg]em|Pod|conan|console"
    )  # programs whose lock files the client knows
    found = {}
    for at in re.finditer(r'["`]([^"`\s]{0,40}?(?:' + ends + r'))["`]', bundle.js):
        if not re.search(other, at[1]):
            found.setdefault(tidy(at[1]), at.start())
    return found


class StateKeys:
    """Collects the keys of the global state, or those of a project's record in it: what is read of
    the getter's value, what the setters write, and the client's own lists of keys."""

    def __init__(self, bundle, of_project):
        self.bundle, self.of_project, self.found = bundle, of_project, {}
        setter = "saveCurrentProjectConfig" if of_project else "saveGlobalConfig"
        self.home = bundle.module_with(f'"{setter}"')
        text = self.home.text
        before = text[: text.index(f'"{setter}"')]
        core = re.findall(r"function (" + IDENTIFIER + r")\(", before)[-1]
        function = r"function (" + IDENTIFIER + r")"
        if of_project:
            self.getters = re.findall(
                function + r"\(\)\{(?:return|if\()[^}]{0,120}?\.projects\b", text
            )
            self.setters = re.findall(
                function + r"\(\w\)\{let \w=" + IDENTIFIER + r"\(\);if\(" + IDENTIFIER
                + r"\(\)&&\w\.unhandledWritesInMemory", text)
        else:
            self.getters = re.findall(
                function + r"\(\)\{let \w+=" + IDENTIFIER + r"\(\),\w+=\w+\.readCache\(\)", text
            ) + ["readGlobalConfig"]
            self.setters = ["saveGlobalConfig"]
        self.setters += [core]
        self.setters += re.findall(function + r"\([^)]*\)\{return " + re.escape(core) + r"\(", text)

    def collect(self):
        for module in self.bundle.modules:
            self.add_reads(module)
            self.add_writes(module)
            if not self.of_project:
                self.add_sign_out(module)
        for start, items in self.bundle.lists:
            known = sum(key in self.found for key in items)
            if len(items) > 6 and known * (3 if self.of_project else 2) > len(items):
                self.add(",".join(items), start)
        self.add_defaults()
        return self.found

    def add(self, names, at):
        for key in re.findall(r"(?:^|,)([a-z]\w{2,})(?=[:,=]|$)", names or ""):
            self.found.setdefault(key, at)

    def local(self, names, module):
        """Matches what a module calls these functions."""
        inside = module is self.home
        called = [re.escape(a) for a, source in module.imports.items() if source in names]
        called += [re.escape(name) for name in names if inside or "lobalConfig" in name]
        return "|".join(called)

    def add_reads(self, module):
        getters = self.local(self.getters, module)
        if not getters:
            return
        inside = r"|projects\?\.\[\w\]" if self.of_project and module is self.home else ""
        call = r"(?<![\w$])(?:(?:" + getters + r")\(\)" + inside + ")"
        reads = (
            call + r"\??\.(" + IDENTIFIER + r")(?![\w$(])"
            r"|(?<![\w$.])(" + IDENTIFIER + r")=(?:\w+\??\.)*" + call
            # A variable that one key's value goes to has that value's fields, not other keys.
            + r"(?:\??\.(" + IDENTIFIER + r")(?![\w$(])|(?!\??\.))"
            r"|\{([^{}]*)\}=" + call + r"(?!\??\.)"
        )
        for at in re.finditer(reads, module.text):
            self.add(at[1] or at[3] or at[4], module.base + at.start())
            if at[2] and not at[3]:
                self.add_uses(at[2], module, at.end(), function_end(module.text, at.end(), 2600))

    def add_writes(self, module):
        setters = self.local(self.setters, module)
        if not setters:
            return
        writes = (
            r"(?<![\w$])(?:" + setters + r")\((?:async)?"
            r"(?:\(?(" + IDENTIFIER + r")\)?=>|\(\{([^}]*)\}\)=>)"
        )
        for at in re.finditer(writes, module.text):
            self.add(at[2], module.base + at.start())
            if at[1]:
                self.add_uses(at[1], module, at.end(), function_end(module.text, at.end(), 1300))

    def add_sign_out(self, module):
        """What a sign-out empties, and what else is done to a whole state."""
        done = r"\.(?:oauthAccount=void 0|speculationEnabled===void 0|cachedGrowthBookFeatures\?\?|autoCompactOffer,)"
        for at in re.finditer(done, module.text):
            start = max(0, at.start() - 300)
            function = re.search(
                r"function " + IDENTIFIER + r"\((" + IDENTIFIER + r")[^)]*\)\{"
                r"(?:let (" + IDENTIFIER + r")=\1;)?(?!.*function )",
                module.text[start : at.start()])
            if function:
                end = function_end(module.text, at.start(), 2600)
                self.add_uses(function[2] or function[1], module, start + function.start(), end)

    def add_uses(self, name, module, start, end):
        """Adds the fields that are read of a variable or written beside its own."""
        name, part, base = re.escape(name), module.text[start:end], module.base + start
        uses = (
            r"(?<![\w$.])" + name + r"\??\.(" + IDENTIFIER + r")(?![\w$(])"
            r"|\{\.\.\." + name + r"(?=[,}])|\{([^{}]*)\}=" + name + r"(?![\w$.(])"
        )
        for use in re.finditer(uses, part):
            self.add(use[1] or use[2], base + use.start())
            if use[0].startswith("{..."):
                self.add_fields(part, use.end(), base)

    def add_fields(self, part, at, base):
        """Adds the fields that follow `{...state` up to the closing bracket."""
        depth, limit = 0, min(at + 900, len(part))
        field = re.compile(r",(?:\.\.\.[^{}]{0,80}?\{)?(" + IDENTIFIER + r")(?=[:,}])")
        while at < limit and depth > -1:
            if depth < 2 and (key := field.match(part, at, at + 140)):
                self.add(key[1], base + at)
            depth += (part[at] in "([{") - (part[at] in ")]}")
            at += 1

    def add_defaults(self):
        start = self.bundle.js.find("={allowedTools:[]" if self.of_project else "{return{numStartups:0")
        if start < 0:
            raise self.bundle.outdated("the defaults of the state")
        block = re.split("};" if self.of_project else "}}", self.bundle.js[start : start + 1000])[0]
        for at in re.finditer(r"[{,](" + IDENTIFIER + r"):", block):
            self.add(at[1], start + at.start())


def function_end(text, at, size):
    """Returns where the function around `at` ends, at a guess."""
    ends = (text.find(word, at, at + size) for word in ("}function ", "}async function "))
    return min((end for end in ends if end >= 0), default=min(at + size, len(text)))


def state_keys(bundle):
    """The keys of `.claude.json`, those of a project's record after `projects[*].`."""
    found = StateKeys(bundle, False).collect()
    of_project = StateKeys(bundle, True).collect()
    return found | {"projects[*]." + key: at for key, at in of_project.items()}
