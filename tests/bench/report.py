"""The rows of the report: what was measured, its limit, and whether it was reached; the same as JSON."""

import json
import math
import statistics


class Report:
    """Prints each row as it comes and remembers it, and whether one missed its limit."""

    def __init__(self):
        self.missed = []
        self.rows = []
        self._section = ""

    def section(self, title):
        self._section = title
        print(f"\n{title}", flush=True)

    def row(self, what, value, limit=None, unit="", digits=3, least=None):
        """Prints one figure beside the most or the least it may be; one that is None could not be measured on this machine."""
        reached = None
        if value is not None and (limit is not None or least is not None):
            reached = value <= limit if limit is not None else value >= least
        self.rows.append(
            {"section": self._section, "what": what, "value": value, "unit": unit.strip(), "most": limit, "least": least, "reached": reached}
        )
        if value is None:
            print(f"  {what:<66} not measured here", flush=True)
            return
        shown = f"{value:.{digits}f}{unit}" if isinstance(value, float) else f"{value}{unit}"
        verdict = ""
        if reached is not None:
            bound = f"≤ {limit}" if limit is not None else f"≥ {least}"
            verdict = f"{bound}{unit}".ljust(12) + ("ok" if reached else "MISSED")
        if reached is False:
            self.missed.append(f"{self._section}: {what}")
        print(f"  {what:<66} {shown:>12}   {verdict}".rstrip(), flush=True)

    def growth(self, what, points, unit, most=None):
        """Prints how a figure grows: each value, its ratio to the first, and the slope in logarithms (0: it does not grow, 1: in proportion)."""
        if any(value is None for _, value in points):
            self.row(f"{what}, slope", None)
            return
        first = points[0][1]
        told = ", ".join(f"{size}: {value:.2f}{unit} (×{value / first:.2f})" for size, value in points)
        print(f"  {what}: {told}", flush=True)
        slope = statistics.linear_regression([math.log(size) for size, _ in points], [math.log(max(value, 1e-9)) for _, value in points]).slope
        self.row(f"{what}, slope", slope, most, digits=2)
        self.rows[-1]["points"] = [[size, value] for size, value in points]

    def note(self, text):
        print(f"  {text}", flush=True)

    def write(self, path, about):
        """Writes all rows as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"schema": 1, **about, "missed": self.missed, "rows": self.rows}, indent=1, ensure_ascii=False) + "\n")
        print(f"\n{path}")

    def end(self):
        """Prints the verdict and returns the exit status."""
        print()
        if self.missed:
            print(f"{len(self.missed)} MISSED: " + "; ".join(self.missed))
            return 1
        print("every limit was reached")
        return 0
