# SPDX-License-Identifier: Apache-2.0
"""Makes one Markdown table of what the benchmarks wrote: summary.py FOLDER [NAME ...]. Standard output."""
import json
import pathlib
import sys


def figure(value):
    """Four significant digits, and no more zeros than a reader needs."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def table(bench):
    lines = [f"## {bench['name']}", ""]
    versions = ", ".join(f"{what} {which}" for what, which in sorted(bench["versions"].items()) if which)
    lines += [f"Keys: {bench['key_profile']}. {versions}.", "", "| What | Measured | Goal | |", "|---|---:|---|---|"]
    for check in bench["checks"]:
        unit = "" if check["unit"] == "ratio" else " " + check["unit"]
        verdict = "" if check["goal"] is None else "reached" if check["ok"] else "**missed**"
        lines.append(f"| {check['name']} | {figure(check['value'])}{unit} | {check['goal'] or ''} | {verdict} |")
    return "\n".join(lines)


def main():
    folder = pathlib.Path(sys.argv[1])
    names = sys.argv[2:] or sorted(path.stem for path in folder.glob("*.json"))
    benches = [json.loads((folder / f"{name}.json").read_text()) for name in names]
    machine = benches[0]["machine"]
    print(f"{machine['cores']} cores of {machine['cpu']}, {machine['memory_mb'] // 1024} GiB, {machine['system']}, "
          f"kernel {machine['kernel']}.")
    for bench in benches:
        print("\n" + table(bench))


if __name__ == "__main__":
    main()
