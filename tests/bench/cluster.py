# SPDX-License-Identifier: Apache-2.0
"""cluster.py BINARIES [OPTIONS]: several hub nodes on one PostgreSQL with a synchronous standby.

Nodes, servers and clients share this machine and, as root, one network namespace, whose loopback they are on;
everything syncs to the disk below TMPDIR. What is a ratio was measured in turns. In each row stands the load of the
machine (the mean number of runnable threads of the minute before), for figures by the clock are worth what the machine
was free.

Issuance against SQLite is bench_store's, failover is tests/cluster/node_failover.py's; both run here, by themselves.
"""
import argparse
import concurrent.futures
import http.client
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).parent
sys.path.append(str(HERE.parent / "cluster"))

import live_hub  # noqa: E402
from live_report import Report  # noqa: E402
import device  # noqa: E402
import operators  # noqa: E402
from database import Pair  # noqa: E402
from ground import Ground, wait_for  # noqa: E402
from history import Recorder, now_us  # noqa: E402
from nodes import Node, options_of, sharing  # noqa: E402

LEASE_S = 8
REVOKED = 20_000  # devices that are revoked in turn
# Rows as their creation leaves them; the audit of it and the changes, which no new node reads, are left out.
PLANT = """INSERT INTO devices (uuid, namespace, id, credential_id, enabled, policy, registration_id, version, created,
updated, last_revoked) SELECT decode(md5('uuid' || i), 'hex'), namespace, 'device-' || lpad(i::text, 7, '0'),
decode(md5('credential' || i), 'hex'), 1, policy, registration_id, 1, created, updated, 0
FROM generate_series({first}, {last}) i, (SELECT * FROM devices WHERE id = 'device-0000001') AS one"""
READY_S = 120


def load():
    return round(os.getloadavg()[0], 1)


def percentile(values, fraction):
    values = sorted(values)
    return values[min(len(values) - 1, int(fraction * len(values)))] if values else 0.0


def is_healthy(node):
    connection = http.client.HTTPConnection(*node.health, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def wait_healthy(node):
    def done():
        if node.process.poll() is not None:
            raise RuntimeError(f"{node.name} cannot start; see {node.log}")
        return is_healthy(node)
    wait_for(f"{node.name} to be healthy, see {node.log}", done, READY_S, 0.01)


def server_seconds(pid):
    """CPU of a server, of its children, and of those that it has had (proc(5), stat: cutime, cstime)."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return sum(map(int, fields[11:15])) / live_hub.TICK + sum(map(live_hub.cpu_seconds, children))


class Cluster:
    def __init__(self, binaries, ground, folder):
        self.binaries, self.ground, self.folder = binaries, ground, folder
        self.database = Pair(ground, folder, small_disks=False)
        self.known = options_of(binaries)
        self.nodes = {}
        ground.enter()
        os.environ |= self.database.environment()

    def start(self, names):
        for name in names:
            if name not in self.nodes:
                more = sharing(self.binaries, self.folder, self.database.address(), self.known)
                self.nodes[name] = Node(self.binaries, self.ground.add(name), self.folder,
                                        [*more, "--node", name, "--lease", str(LEASE_S)], self.database.environment(),
                                        True, clock=False)
            self.nodes[name].start()
        for name in names:
            wait_healthy(self.nodes[name])

    def stop(self, names):
        for name in names:
            self.nodes[name].stop()

    def load(self, *words):
        """What bench_cluster_load says."""
        done = subprocess.run([self.binaries / "bench_cluster_load", *map(str, words)], check=True, capture_output=True,
                              text=True)
        return json.loads(done.stdout)

    def pids(self, name):
        return [self.nodes[name].process.pid, *self.nodes[name].broker_pids()]

    def memory(self, name):
        """Of the hub process, and of its brokers; KiB."""
        hub, *brokers = map(live_hub.memory_kib, self.pids(name))
        return hub, sum(brokers)

    def size(self):
        return int(self.database.primary.sql("SELECT pg_database_size('latchkey')"))

    def cpu(self, names):
        """CPU seconds so far of nodes, and of the two servers."""
        return {"nodes": sum(live_hub.cpu_seconds(pid) for name in names for pid in self.pids(name)),
                "primary": server_seconds(self.database.primary.process.pid),
                "standby": server_seconds(self.database.standby.process.pid)}


class Sessions:
    """Devices that are connected at one node, and when their sessions ended."""

    def __init__(self, cluster, node, prefix, count):
        self.node = node
        wait_for(f"{node.name} to say where it is", node.endpoints_file.exists, READY_S)
        endpoints = node.endpoints()
        key = pathlib.Path(endpoints["enrollmentKeyFile"]).read_text().strip()
        self.place = device.Place([node.hub], [node.dps], endpoints["caFile"], endpoints["idScope"], key)
        self.folder = cluster.folder / prefix
        self.folder.mkdir(mode=0o700)
        self.recorder = Recorder(self.folder, prefix)
        self.context = device.client_context(self.place.ca_file)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            self.made = list(pool.map(self.connect, [f"{prefix}-{number:04}" for number in range(count)]))

    def connect(self, name):
        identity = device.provision(self.recorder, self.place, name, self.folder / f"{name}.pem", self.node.dps,
                                    self.context)
        link, _ = device.connect(self.recorder, self.place, name, identity, self.node.hub, name)
        if link is None:
            raise RuntimeError(f"{name} is not let in")
        return name, identity, link

    def revoke_each(self, by):
        """One after the other, at that node: from the request to the end of the session, and to the answer; ms."""
        cuts, answers, outlived, accepted = [], [], 0, 0
        for name, identity, link in self.made:
            ended = []
            watch = threading.Thread(target=self.watch, args=(link, ended))
            watch.start()
            asked = now_us()
            status, _ = operators.request(by.socket, "POST", f"/namespaces/default/devices/{name}/revoke", {})
            answered = now_us()
            watch.join()
            again, _ = device.connect(self.recorder, self.place, name, identity, self.node.hub, name + "-again")
            accepted += again is not None
            if status >= 300:
                raise RuntimeError(f"{name}: its revocation was answered {status}")
            outlived += not ended or ended[0] > answered + 1_000_000
            answers.append((answered - asked) / 1000)
            cuts += [(moment - asked) / 1000 for moment in ended]
        return cuts, answers, outlived, accepted

    @staticmethod
    def watch(link, ended):
        try:
            link.receive()
        except device.Lost as lost:
            if "timed out" not in str(lost):
                ended.append(now_us())


def measure_cut(report, cluster, options):
    far = Sessions(cluster, cluster.nodes["b"], "far", options.sessions)
    near = Sessions(cluster, cluster.nodes["a"], "near", max(1, options.sessions // 2))
    kept = again = 0
    for what, sessions in (("on node b", far), ("on node a", near)):
        began = load()
        cuts, answers, outlived, accepted = sessions.revoke_each(cluster.nodes["a"])
        kept, again = kept + outlived, again + accepted
        report.row(what=f"revoke on node a, session {what}", **{
            "cut p50 ms": percentile(cuts, 0.5), "cut p99 ms": percentile(cuts, 0.99),
            "answered p50 ms": percentile(answers, 0.5), "answered p99 ms": percentile(answers, 0.99),
            "of": len(cuts), "load": began})
        if sessions is far:
            report.check("revoke on node A, session on node B cut, p50", percentile(cuts, 0.5), "ms", "<", 15)
            report.check("revoke on node A, session on node B cut, p99", percentile(cuts, 0.99), "ms", "<", 100)
            report.check("revoke answered by three nodes, p50", percentile(answers, 0.5), "ms")
    report.check("sessions that outlived their revocation", kept, "sessions", "<=", 0)
    report.check("revoked certificates that were let in behind the answer", again, "connects", "<=", 0)


def measure_revokes(report, cluster, options):
    """Turns of three nodes and of one, whose others have left."""
    size, began = cluster.size(), load()
    made = cluster.load("devices", cluster.database.address(), 1, REVOKED)
    report.row(what=f"creation of {REVOKED} devices beside three nodes", **{
        "per s": REVOKED / made["seconds"], "load": began})
    report.check("database, bytes a device as it was created, with its audit", (cluster.size() - size) / REVOKED, "B")
    rates = {"three": [], "one": []}
    for turn in range(1, options.rounds + 1):
        for what, names in (("three", ["a", "b", "c"]), ("one", ["a"])):
            if what == "one":
                cluster.stop(["b", "c"])
            before, began, clock = cluster.cpu(names), load(), time.monotonic()
            told = cluster.load("revoke", options.seconds, options.in_progress, 0, REVOKED,
                                *(cluster.nodes[name].data for name in names))
            passed = time.monotonic() - clock
            used = {part: 1e6 * (cpu - before[part]) / max(1, told["revokes"])
                    for part, cpu in cluster.cpu(names).items()}
            if told["failed"]:
                raise RuntimeError(f"{told['failed']} revocations failed")
            rates[what].append(told["revokes"] / passed)
            report.row(what=f"revokes, {what} node(s)", round=turn, **{
                "per s": told["revokes"] / passed, "p50 ms": told["p50_ms"], "p99 ms": told["p99_ms"],
                **{f"CPU us, {part}": us for part, us in used.items()}, "load": began})
        cluster.start(["b", "c"])
    report.check("revokes a second, three nodes", statistics.median(rates["three"]), "1/s", ">=", 500)
    report.check("revokes a second, one node", statistics.median(rates["one"]), "1/s")
    report.check("revokes a second, three nodes over one",
                 statistics.median(three / one for three, one in zip(rates["three"], rates["one"])), "ratio", ">=", 0.5)


def measure_new_node(report, cluster, options):
    """The most of them are planted by SQL, of which running nodes hear nothing."""
    few = cluster.memory("c")
    cluster.stop(["b", "c"])
    cluster.database.primary.sql(PLANT.format(first=REVOKED + 1, last=options.devices), "latchkey")
    took = []
    for turn in range(1, options.rounds + 1):
        name, began, before, clock = f"new{turn}", load(), cluster.cpu([]), time.monotonic()
        try:
            cluster.start([name])
        except (RuntimeError, TimeoutError) as error:
            print(f"cluster: {error}", flush=True)
            cluster.stop([name])
            continue
        took.append(time.monotonic() - clock)
        used, memory = cluster.cpu([name]), cluster.memory(name)
        report.row(what="new node", round=turn, **{
            "ready after s": took[-1], "CPU s of it": used["nodes"], "primary": used["primary"] - before["primary"],
            "hub process MiB": memory[0] / 1024, "brokers MiB": memory[1] / 1024, "load": began})
        cluster.stop([name])
    cluster.start(["b"])
    report.check("new nodes that could not start", options.rounds - len(took), "nodes", "<=", 0)
    if took:
        report.check("memory of a node and its brokers, a device more", (sum(memory) - sum(few)) * 1024 /
                     (options.devices - REVOKED), "B")
        report.check(f"new node with {options.devices} devices: ready after", statistics.median(took), "s", "<", 5)


def measure_follower(report, cluster, options):
    """Nodes a and b: everything is asked of a, and b only follows."""
    for what, rate in (("idle", 0), ("follows", options.rate)):
        began = load()
        before = {pid: live_hub.cpu_seconds(pid) for pid in cluster.pids("b")}
        servers, clock = cluster.cpu([]), time.monotonic()
        done = 0
        if rate:
            told = cluster.load("revoke", options.seconds, 4 * options.in_progress, rate, REVOKED,
                                cluster.nodes["a"].data)
            done = told["revokes"]
        else:
            time.sleep(options.seconds)
        passed = time.monotonic() - clock
        used = [live_hub.cpu_seconds(pid) - cpu for pid, cpu in before.items()]
        spent = {part: cpu - servers[part] for part, cpu in cluster.cpu([]).items() if part != "nodes"}
        report.row(what=f"node b {what}", **{
            "changes per s": done / passed, "hub process, % of a core": 100 * used[0] / passed,
            "brokers, %": 100 * sum(used[1:]) / passed,
            **{f"{part}, %": 100 * seconds / passed for part, seconds in spent.items()}, "load": began})
        percent = 100 * sum(used) / passed
        if rate:
            report.check("changes a second that were followed", done / passed, "1/s", ">=", 0.95 * rate)
            report.check("node that only follows them, of a core", percent, "%", "<", 10)
            report.check("CPU of a change at a node that only follows", 1e6 * sum(used) / max(1, done), "us")
        else:
            report.check("node with nothing to do, of a core", percent, "%")


def measure_store(report, binaries, devices):
    """bench_store writes its own file; its figures stand here, too."""
    began = load()
    subprocess.run([binaries / "bench_store", str(devices)], check=True, stdout=subprocess.DEVNULL)
    told = json.loads(pathlib.Path("out/bench/store.json").read_text())
    for check in told["checks"]:
        goal, bound = (check["goal"].split() if check["goal"] else (None, 0))
        report.check(check["name"], check["value"], check["unit"], goal, float(bound))
    for row in told["rows"]:
        report.row(what="issuance", **row, load=began)


def measure_failover(report, binaries, options):
    with tempfile.TemporaryDirectory(prefix="latchkey-bench-failover-") as folder:
        figures = pathlib.Path(folder, "figures.json")
        began = load()
        done = subprocess.run([HERE.parent / "cluster" / "node_failover.py", binaries, "--failovers",
                               str(options.failovers), "--lease", str(LEASE_S), "--figures", figures, "--out", folder],
                              check=False)
        told = json.loads(figures.read_text())
    for number, one in enumerate(told["failovers"], 1):
        report.row(what="failover", round=number, **{
            "database s": one["database"], "nobody let in s": one["anywhere"],
            "let in again behind it s": one["let in again"], "no act s": one["acts"],
            **{f"{name} s": gap for name, gap in one["nodes"].items()}, "load": began})
    worst = max(max(one["nodes"].values()) for one in told["failovers"])
    report.check("failover: longest refusal of new connections by a node", worst, "s", "<", LEASE_S + 5)
    report.check("failover: longest time in which nobody was let in anywhere",
                 max(one["anywhere"] for one in told["failovers"]), "s", "<", LEASE_S + 5)
    report.check("failover: of it, until PostgreSQL took writes again",
                 max(one["database"] for one in told["failovers"]), "s")
    report.check("failover: rules of the checker that were broken", float(done.returncode != 0), "", "<=", 0)


def read_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binaries", type=pathlib.Path)
    parser.add_argument("--devices", type=int, default=1_000_000, help="that a new node has to learn")
    parser.add_argument("--sessions", type=int, default=200, help="that are cut")
    parser.add_argument("--seconds", type=float, default=8, help="of each turn")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--in-progress", type=int, default=32, help="revocations at one time")
    parser.add_argument("--rate", type=float, default=1000, help="changes a second that a node follows")
    parser.add_argument("--issuances", type=int, default=2000, help="of each kind, a round; 0: leave them out")
    parser.add_argument("--failovers", type=int, default=2, help="0: leave them out")
    options = parser.parse_args()
    if options.devices <= REVOKED or min(options.sessions, options.seconds, options.rounds, options.in_progress) <= 0:
        parser.error(f"more than {REVOKED} devices, and something to do")
    return options


def main():
    options = read_options()
    binaries = options.binaries.resolve()
    report = Report("cluster")
    if options.issuances:
        measure_store(report, binaries, options.issuances)
    if options.failovers:
        measure_failover(report, binaries, options)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="latchkey-bench-cluster-"))
    folder.chmod(0o755)  # the brokers' user has to get in
    print(f"cluster: in {folder}, which stays if this breaks off", flush=True)
    with Ground(folder, apart=False) as ground:
        cluster = Cluster(binaries, ground, folder)
        cluster.database.start()
        report.versions["postgresql"] = cluster.database.primary.sql("SHOW server_version")
        cluster.start(["a", "b", "c"])
        measure_cut(report, cluster, options)
        measure_revokes(report, cluster, options)
        measure_new_node(report, cluster, options)
        measure_follower(report, cluster, options)
        cluster.stop(["a", "b"])
    shutil.rmtree(folder)
    report.finish()


if __name__ == "__main__":
    main()
