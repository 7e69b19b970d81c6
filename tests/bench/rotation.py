# SPDX-License-Identifier: Apache-2.0
"""rotation.py BINARIES [DEVICES]: all devices are connected, their policy is revoked, and everybody is back.

The time until the last is back stands beside what the cryptography of it takes on all cores, by OpenSSL alone in the
same run (bench_crypto_bound): for each device the handshake at DPS, a key, the signatures of CSR and leaf and their
verifications, and the mutual handshake at the hub. MQTT 3.1.1 does not tell a device why it was cut: it tries once with
the old certificate, which is another mutual handshake; the bound is told with and without that.

Cut, in three ways, each counted from the moment when the operator's command is started: when the command has its
answer, which is when the last session was cut by the gate's own word; when the kernel has none of the sockets any more
that stood at the broker before (socket_watch.py, which looks 20 times a second); when the devices have noticed, which
share the cores.

The CPU of each process over the wave stands beside the cryptography that is its own part of a return, with the
refused attempt.
"""
import sys

import live_hub
from live_report import Report
from socket_watch import SocketWatch


def scenario(devices, bound):
    us = bound["us"]
    wave_s = devices * (live_hub.provisioning_us(us) + 2 * live_hub.mutual_us(us)) / bound["cores"] / 1e6
    revoke_s = round(15 + 3 * wave_s)
    return {"name": "rotation", "devices": devices, "durationSeconds": revoke_s + round(60 + 8 * wave_s),
            "endWhen": "all-back", "lingerSeconds": 2, "arrival": {"curve": "at-once"},
            "telemetry": {"everySeconds": 30, "bytes": 64},
            "acts": [{"atSeconds": revoke_s, "act": "revokePolicy", "name": "rotation"}]}, revoke_s


def own_cryptography(us):
    """Of a device's return, by process: what OpenSSL alone takes, us."""
    return {"hub broker": 2 * us["mutualServer"], "dps broker": us["serverAuthenticatedServer"],
            "hub process": us["verification"] + us["signature"],
            "fleet": (us["serverAuthenticatedClient"] + us["keyGeneration"] + us["signature"] + us["verification"] +
                      2 * us["mutualClient"])}


def main():
    binaries, devices = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
    report = Report("rotation")
    before = live_hub.crypto_bound(binaries)
    with live_hub.Hub(binaries) as hub:
        document, revoke_s = scenario(devices, before)
        fleet = live_hub.Fleet(hub, document)
        sockets = SocketWatch(hub.port("hub"), fleet.process, revoke_s - 1)
        sockets.start()
        figures = fleet.wait()
        sockets.join()
        started = fleet.started()
        violations, told = fleet.violations()
        restarts = hub.restarts()
    bound = live_hub.mean_bound(before, live_hub.crypto_bound(binaries))

    act = figures["acts"][0]
    begun = started + act["begun"]
    back_s = act["back"]["max"] or 0
    used = fleet.cpu_between(begun, begun + back_s)
    us = bound["us"]
    least = live_hub.provisioning_us(us) + live_hub.mutual_us(us)
    with_refusal = least + live_hub.mutual_us(us)
    bound_s = devices * least / bound["cores"] / 1e6
    told_s = devices * with_refusal / bound["cores"] / 1e6
    report.versions["openssl"] = bound["openssl"]
    report.row(**{"what": "a device's return", "devices": devices, "back": act["back"]["count"], "seconds": back_s,
                  **{f"CPU of {name}, us": 1e6 * spent / devices for name, spent in used.items()}})
    report.row(what="OpenSSL alone", **{f"{name}, us": each for name, each in us.items()})
    report.check("devices connected at the revoke", act["live"], "devices")
    report.check("devices that are not back", devices - act["back"]["count"], "devices", "<=", 0)
    report.check("rules of the checker that were violated", violations, "times", "<=", 0)
    report.check("brokers that had to be started anew", restarts, "brokers", "<=", 0)
    report.check("until all are back", back_s, "s")
    report.check("cryptography of a return, on all cores", bound_s, "s")
    report.check("the same with the refused attempt before it", told_s, "s")
    report.check("until all are back over their cryptography", back_s / bound_s, "ratio", "<=", 1.5)
    report.check("until all are back over their cryptography with the refused attempt", back_s / told_s, "ratio")
    report.check("CPU of a return over its cryptography with the refused attempt",
                 1e6 * sum(used.values()) / devices / with_refusal, "ratio")
    for name, least_us in own_cryptography(us).items():
        report.check(f"CPU of the {name} for a return over its cryptography", 1e6 * used[name] / devices / least_us,
                     "ratio")
    report.check("until the revoke was answered: the gate has cut every session", act["answered"] - act["begun"], "s",
                 "<", 0.6)
    if sockets.gone:
        report.check("until none of the broker's sockets of before was left", sockets.gone - begun, "s", "<", 0.6)
        report.check("sockets that were watched", sockets.watched, "sockets")
        report.check("CPU that watching them took", sockets.cpu_s, "s")
    report.check("until half of the devices had noticed", act["cut"]["p50"] or 0, "s")
    report.check("until the last device had noticed", act["cut"]["max"] or 0, "s")
    report.finish()
    if violations:
        print(told, file=sys.stderr)


if __name__ == "__main__":
    main()
