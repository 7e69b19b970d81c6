# SPDX-License-Identifier: Apache-2.0
"""idle.py BINARIES [SECONDS]: what a hub process and its two brokers hold and use while nobody is there."""
import sys
import time

import live_hub
from live_report import Report

SETTLE_S = 10  # of what a start leaves to be done


def main():
    binaries, seconds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 30
    report = Report("idle")
    with live_hub.Hub(binaries) as hub:
        time.sleep(SETTLE_S)
        pids = hub.pids()
        begun = time.monotonic()
        before = {name: live_hub.run_ns(pid) for name, pid in pids.items()}
        time.sleep(seconds)
        passed = time.monotonic() - begun
        used = {name: 100 * (live_hub.run_ns(pid) - before[name]) / 1e9 / passed for name, pid in pids.items()}
        held = {name: live_hub.memory_kib(pid) / 1024 for name, pid in pids.items()}
    for name in pids:
        report.row(process=name, **{"RSS, MiB": held[name], "CPU, %": used[name]})
    report.check("memory of hub process and brokers (RSS)", sum(held.values()), "MiB", "<", 60)
    report.check("CPU of hub process and brokers, of one core", sum(used.values()), "%", "<", 1)
    report.finish()


if __name__ == "__main__":
    main()
