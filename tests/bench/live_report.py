# SPDX-License-Identifier: Apache-2.0
"""What a bench in Python writes: the same out/bench/NAME.json as report.h, and the same table on standard output."""
import json
import os
import pathlib


def field(path, key):
    """The value in the first line of a file that starts with `key`, or ""."""
    for line in pathlib.Path(path).read_text().splitlines():
        if line.startswith(key):
            return line[len(key):].strip(" \t:=\"")
    return ""


def machine():
    system = os.uname()
    return {"cpu": field("/proc/cpuinfo", "model name"), "cores": os.cpu_count(),
            "memory_mb": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // (1 << 20),
            "system": field("/etc/os-release", "PRETTY_NAME="), "kernel": system.release,
            "architecture": system.machine}


class Report:
    """A goal that was missed is a fact of the file, not of the exit status."""

    GOALS = {"<=": float.__le__, "<": float.__lt__, ">=": float.__ge__}

    def __init__(self, name, key_profile="ec-p256"):
        self.name, self.key_profile = name, key_profile
        self.versions, self.checks, self.rows = {}, [], []

    def check(self, name, value, unit, goal=None, bound=0):
        ok = goal is None or self.GOALS[goal](float(value), float(bound))
        self.checks.append({"name": name, "value": value, "unit": unit,
                            "goal": goal and f"{goal} {bound:g}", "ok": ok})

    def row(self, **columns):
        self.rows.append(columns)

    def finish(self, folder="out/bench"):
        print(self.name)
        for row in self.rows:
            print("  " + "  ".join(f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
                                   for name, value in row.items()))
        width = max(len(check["name"]) for check in self.checks)
        for check in self.checks:
            mark = "" if check["goal"] is None else "ok" if check["ok"] else "MISSED"
            print(f"  {check['name']:{width}}  {check['value']:>12,.4g} {check['unit']:10} {check['goal'] or '':12} {mark}")
        pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
        path = pathlib.Path(folder, self.name + ".json")
        path.write_text(json.dumps({"name": self.name, "machine": machine(), "versions": self.versions,
                                    "key_profile": self.key_profile, "checks": self.checks, "rows": self.rows},
                                   indent=2) + "\n")
        print(f"\nwritten: {path}")
