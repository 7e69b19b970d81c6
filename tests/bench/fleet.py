# SPDX-License-Identifier: Apache-2.0
"""fleet.py BINARIES [DEVICES]: what a fleet of real agents costs beside its hub on the same machine.

All devices arrive at once and provision; then the network goes for a moment, and all connect again with the certificates
that they have: nothing but full mutual handshakes, as fast as fleet and hub can. Beside it stands what OpenSSL alone
takes for such handshakes, both ends, on all cores (bench_crypto_bound), before and after: through memory, which is what
the goal is about and no connection can reach, and over TCP, which is where the limit of a real one lies.
"""
import sys

import live_hub
from live_report import Report

GONE_S = 0.3  # less than a device waits before its first attempt


def scenario(devices, bound):
    """The network stays long enough for everybody's first certificate, on a machine that is busy otherwise, too."""
    us = bound["us"]
    provisioned_s = devices * (live_hub.provisioning_us(us) + live_hub.mutual_us(us)) / bound["cores"] / 1e6
    connected_s = devices * live_hub.mutual_us(us) / bound["cores"] / 1e6
    cut_s = round(20 + 3 * provisioned_s)
    return {"name": "fleet", "devices": devices, "durationSeconds": cut_s + round(15 + 4 * connected_s),
            "arrival": {"curve": "at-once"}, "telemetry": {"everySeconds": 30, "bytes": 64},
            "networkCuts": [{"atSeconds": cut_s, "forSeconds": GONE_S, "share": 1}]}, cut_s


def reconnect(fleet, cut_s):
    """(connected, begun, done): of those that connect again, from the first attempt to the last CONNACK; Unix times."""
    times = {"connecting": [], "connected": []}
    for record in fleet.records():
        if record["k"] in times and record["service"] == "hub" and record["t"] >= cut_s * 1_000_000:
            times[record["k"]].append(record["t"])
    zero = fleet.started()
    begun = min(times["connecting"], default=0)
    return len(times["connected"]), zero + begun / 1e6, zero + max(times["connected"], default=begun) / 1e6


def main():
    binaries, devices = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
    report = Report("fleet")
    before = live_hub.crypto_bound(binaries)
    with live_hub.Hub(binaries) as hub:
        document, cut_s = scenario(devices, before)
        fleet = live_hub.Fleet(hub, document)
        figures = fleet.wait()
        connected, begun, done = reconnect(fleet, cut_s)
        violations, told = fleet.violations()
        restarts = hub.restarts()
    bound = live_hub.mean_bound(before, live_hub.crypto_bound(binaries))

    seconds = done - begun
    used = fleet.cpu_between(begun, done)
    mutual_us = live_hub.mutual_us(bound["us"])
    allowed = bound["cores"] * 1e6 / mutual_us
    report.versions["openssl"] = bound["openssl"]
    report.row(**{"what": "connects of all at once", "devices": devices, "connected": connected, "seconds": seconds,
                  **{f"CPU of {name}, us": 1e6 * spent / max(connected, 1) for name, spent in used.items()}})
    report.row(what="OpenSSL alone", **{f"{name}, us": us for name, us in bound["us"].items()})
    report.check("devices", devices, "agents")
    report.check("memory of the fleet's processes for each agent, at most", fleet.most_pss_kib / devices, "KiB", "<", 56)
    report.check("agents stalled or lost", devices - figures["end"]["connected"] + violations, "agents", "<=", 0)
    report.check("brokers that had to be started anew", restarts, "brokers", "<=", 0)
    report.check("connect rate, hub on the same cores", connected / seconds if seconds else 0, "1/s")
    report.check("what both ends' handshakes allow, through memory", allowed, "1/s")
    report.check("connect rate over what handshakes allow", connected / seconds / allowed if seconds else 0, "ratio",
                 ">=", 0.8)
    report.check("CPU of a connect over both ends' handshake",
                 sum(used.values()) / max(mutual_us * connected / 1e6, 1e-9), "ratio")
    over_tcp_us = bound["us"]["mutualOverTcp"]
    report.check("CPU of both ends' handshake over TCP, over that through memory", over_tcp_us / mutual_us, "ratio")
    report.check("CPU of a connect over both ends' handshake over TCP",
                 sum(used.values()) / max(over_tcp_us * connected / 1e6, 1e-9), "ratio")
    report.finish()
    if violations:
        print(told, file=sys.stderr)


if __name__ == "__main__":
    main()
