"""The rows of the report: what was measured, its limit, and whether it was reached."""


class Report:
    """Prints each row as it comes and remembers whether one missed its limit."""

    def __init__(self):
        self.missed = []

    def section(self, title, direnv=False):
        print(f"\n{title}", "" if not direnv else "(direnv beside it where it is installed)", flush=True)

    def row(self, what, value, limit=None, unit="", beside=None, digits=3):
        """Prints one figure; one that is None could not be measured on this machine."""
        if value is None:
            print(f"  {what:<58} not measured here", flush=True)
            return
        shown = f"{value:.{digits}f}{unit}" if isinstance(value, float) else f"{value}{unit}"
        verdict = ""
        if limit is not None:
            reached = value <= limit
            verdict = f"limit {limit}{unit}".ljust(16) + ("ok" if reached else "MISSED")
            if not reached:
                self.missed.append(what)
        aside = "" if beside is None else f"   direnv {beside:.2f}"
        print(f"  {what:<58} {shown:>12}   {verdict}{aside}".rstrip(), flush=True)

    def note(self, text):
        print(f"  {text}", flush=True)

    def end(self):
        """Prints the verdict and returns the exit status."""
        print()
        if self.missed:
            print(f"{len(self.missed)} MISSED: " + "; ".join(self.missed))
            return 1
        print("every limit was reached")
        return 0
