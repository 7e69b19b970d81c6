# SPDX-License-Identifier: Apache-2.0
"""What goes wrong, and when: a schedule that a seed decides, and faults that are recorded while they last."""
import random
import time

from history import now_us

# kind: how long it lasts at least and at the most; longer than the lease of 8 s and the fence of 10 s where it matters
LASTS_S = {"restart": (0.1, 1), "kill-hub": (0.5, 4), "kill-broker": (0.1, 1), "pause-hub": (10, 14),
           "pause-broker": (11, 15), "pause-node": (10, 14), "clock": (5, 10), "disk-full": (4, 8), "cut": (10, 18),
           "kill-primary": (1, 2)}
LASTS_S["old-registry"] = (5, 8)  # only when asked for: it breaks the rules, and the checker has to see it
PAUSE_S = (4, 9)


def schedule(seed, seconds, kinds, targets):
    """(at, lasts, kind, target): every kind comes before any comes twice, one fault at a time."""
    dice, plan, at = random.Random(f"{seed}-nemesis"), [], 0.0
    waiting = []
    while True:
        if not waiting:
            waiting = sorted(kinds)
            dice.shuffle(waiting)
        kind = waiting.pop()
        at += dice.uniform(*PAUSE_S)
        lasts, target = dice.uniform(*LASTS_S[kind]), dice.randrange(targets)
        if at + lasts > seconds:
            return plan
        plan.append((round(at, 1), round(lasts, 1), kind, target))
        at += lasts


class Nemesis:
    """Runs a schedule; `between` is called again and again while it waits."""

    def __init__(self, recorder, nodes, database, leased, between):
        self.recorder, self.nodes, self.database, self.between = recorder, nodes, database, between
        self.leased = leased
        self.dice = random.Random(1)

    def wait_until(self, moment):
        while time.monotonic() < moment:
            self.between()
            time.sleep(min(0.2, max(0.0, moment - time.monotonic())))

    def run(self, plan):
        begin = time.monotonic()
        for at, lasts, kind, target in plan:
            self.wait_until(begin + at)
            node = self.nodes[target]
            print(f"  {time.monotonic() - begin:6.1f} s: {kind} {node.name} for {lasts:g} s", flush=True)
            getattr(self, kind.replace("-", "_"))(node, lambda lasts=lasts: self.wait_until(time.monotonic() + lasts))

    def note(self, what, node, begun, ended=None, **more):
        self.recorder.record("fault", what=what, target=node.name, start=begun, end=ended or now_us(), **more)

    def severed(self, node):
        """A member for a fault in which this node surely learns nothing of the registry, where a lease must end it."""
        return {"severs": node.fingerprint} if self.leased and node.fingerprint else {}

    def restart(self, node, last):
        """As for an upgrade: it is asked to end, and ends its brokers."""
        begun = now_us()
        node.stop()
        last()
        node.start()
        node.wait_ready()
        self.note("restart", node, begun)

    def kill_hub(self, node, last):
        node.kill()
        begun = now_us()
        last()
        self.note("kill-hub", node, begun, **self.severed(node))
        node.start()
        node.wait_ready()

    def kill_broker(self, node, last):
        pids, begun = node.broker_pids(), now_us()
        if pids:
            node.signal([self.dice.choice(pids)], 9)
        last()
        self.note("kill-broker", node, begun)

    def pause_hub(self, node, last):
        node.pause([node.process.pid])
        begun = now_us()
        last()
        self.note("pause-hub", node, begun, **self.severed(node))
        node.go_on()

    def pause_broker(self, node, last):
        pids = node.broker_pids()
        begun = now_us()
        node.pause(pids[-1:])  # the hub's
        last()
        self.note("pause-broker", node, begun)
        node.go_on()

    def pause_node(self, node, last):
        pids = node.broker_pids()
        node.pause([node.process.pid, *pids])
        begun = now_us()
        last()
        self.note("pause-node", node, begun)
        node.go_on()

    def clock(self, node, last):
        begun = now_us()
        node.set_clock(self.dice.choice((-3600, -120, 120, 3600)))
        last()
        node.set_clock(0)
        self.note("clock", node, begun)

    def disk_full(self, node, last):
        owner = self.database.primary if self.database else self.nodes[0]
        begun = now_us()
        owner.fill_disk()
        last()
        owner.free_disk()
        self.note("disk-full", owner, begun)

    def old_registry(self, node, last):
        """A node whose registry goes back in time: no fault that it could withstand."""
        begun = now_us()
        node.kill()
        saved = {file: file.read_bytes() for file in node.data.glob("registry.db*")}
        node.start()
        node.wait_ready()
        last()
        node.kill()
        for file in node.data.glob("registry.db*"):
            file.unlink()
        for file, content in saved.items():
            file.write_bytes(content)
            file.chmod(0o600)
        self.note("old-registry", node, begun)
        node.start()
        node.wait_ready()

    def cut(self, node, last):
        for server in self.database.servers:
            node.machine.cut_off(server.machine.address)
        begun = now_us()
        last()
        self.note("cut", node, begun, **self.severed(node))
        node.machine.heal()

    def kill_primary(self, _, last):
        if not self.database.is_safe():
            return  # what is acknowledged now stands nowhere else
        begun, old = now_us(), self.database.primary
        old.kill()
        last()
        self.database.promote()
        self.note("kill-primary", old, begun)
        self.database.rebuild(old)
