# SPDX-License-Identifier: Apache-2.0
"""soak_test.py BINARIES: half a minute of soak passes, and the same recordings, tampered with, do not.

Memory is not judged of a run so short; the rule about it is asked of samples that are made up.
"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
VIOLATED = 4  # exit status of verify


class Recording:
    """A copy of a run's histories that may be changed, and the checker's word on it."""

    def __init__(self, binaries, run, work):
        self.binaries, self.folder = binaries, pathlib.Path(tempfile.mkdtemp(dir=work)) / "run"
        shutil.copytree(run, self.folder)

    def records(self, worker):
        return [json.loads(line) for line in self.file(worker).read_text().splitlines()]

    def file(self, worker):
        return self.folder / f"history-{worker:03}.jsonl"

    def write(self, worker, records):
        self.file(worker).write_text("".join(json.dumps(record, separators=(",", ":")) + "\n" for record in records))

    def verify(self, *options):
        return subprocess.run([self.binaries / "latchkey", "fleet", "verify", self.folder, *options],
                              capture_output=True, text=True, check=False)


def expect(truth, what):
    if not truth:
        sys.exit(f"soak_test: {what}")


def expect_violation(recording, rule, *options):
    told = recording.verify(*options)
    expect(told.returncode == VIOLATED and f"\n{rule}: " in "\n" + told.stdout,
           f"{rule} was not found:\n{told.stdout}{told.stderr}")


def lose_a_session(recording):
    """The last session of all is lost, long after anybody asked for anything."""
    records = recording.records(1)
    connected = max((r for r in records if r["k"] == "connected" and r["service"] == "hub"), key=lambda r: r["t"])
    device = connected["d"]
    ends = max(r["t"] for r in records)
    late = ends + 60_000_000
    for worker in (0, 1):
        changed = recording.records(worker)
        changed[-1]["t"] = late + 1_000_000
        if worker == 1:
            changed.insert(-1, {"k": "ended", "t": late, "d": device, "service": "hub", "was_connected": True,
                                "why": "lost"})
        recording.write(worker, changed)


def let_a_condemned_one_in(recording):
    """Whoever came back with a new certificate is said to have shown its first one."""
    records = recording.records(1)
    last = max((r for r in records if r["k"] == "connected" and r["service"] == "hub"), key=lambda r: r["t"])
    expect(last["generation"] > 1, "nobody has come back")
    last["generation"] = 1
    recording.write(1, records)


def repeat_a_serial_number(recording):
    records = recording.records(1)
    stored = [r for r in records if r["k"] == "stored"]
    stored[-1]["serial"] = stored[0]["serial"]
    recording.write(1, records)


def tell_processes(recording, growth):
    """Samples every five seconds of one process, which grows by that share in the end."""
    records = [r for r in recording.records(0) if r["k"] != "process"]
    end = records.pop()
    samples = [{"k": "process", "t": number * 5_000_000, "name": "hub process", "pid": 4711,
                "memory_kib": round(50_000 * (1 + growth * (number > 80))), "cpu_ms": 1} for number in range(101)]
    end["t"] = 500_000_000
    recording.write(0, sorted([*records, *samples], key=lambda record: record["t"]) + [end])


def main():
    binaries = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory(prefix="latchkey-soak-test-") as work:
        run = pathlib.Path(work) / "out"
        soak = subprocess.run([sys.executable, HERE / "soak.py", binaries, "--devices", "20", "--minutes", "0.5",
                               "--seed", "1", "--flat", "0", "--out", run], capture_output=True, text=True, check=False)
        print(soak.stdout, soak.stderr)
        expect(soak.returncode == 0 and soak.stdout.rstrip().endswith("PASSED"), "the soak did not pass")

        fresh = lambda: Recording(binaries, run, work)
        expect(fresh().verify().returncode == 0, "an unchanged copy is not taken")
        for tamper, rule in ((lose_a_session, "lost"), (let_a_condemned_one_in, "let-in"),
                             (repeat_a_serial_number, "serial")):
            recording = fresh()
            tamper(recording)
            expect_violation(recording, rule)
        memory = ("--flat", "3", "--warm-up", "100")
        for growth, is_flat in ((0.0, True), (0.02, True), (0.05, False)):
            recording = fresh()
            tell_processes(recording, growth)
            if is_flat:
                told = recording.verify(*memory)
                expect(told.returncode == 0, f"a process that is flat is not taken:\n{told.stdout}")
            else:
                expect_violation(recording, "memory", *memory)
    print("soak_test: passed")


if __name__ == "__main__":
    main()
