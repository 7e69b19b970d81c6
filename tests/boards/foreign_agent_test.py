# SPDX-License-Identifier: Apache-2.0
"""The agent of another architecture under qemu-user, against a real `latchkey up`: provisioned, restarted with its identity,
revoked and back. Needs neither root nor a kernel that runs foreign programs.

    foreign_agent_test.py --bin FOLDER_OF_LATCHKEY --agent PROGRAM --emulator QEMU --sysroot FOLDER

SYSROOT is what `scripts/cmake/fetch-sysroot ARCH` made. Waits for conditions, bounded; ends only the processes that it
started. Exit status 0 when all was seen, 77 when this machine cannot have the folder."""
import argparse
import base64
import hashlib
import hmac
import json
import os
import pathlib
import sys
import tempfile

from hub import Failure, Hub, Process, expect, left_out, wait_for

DEVICE = "pi-2"


class Agent:
    def __init__(self, command, hub, folder):
        self.hub, self.folder, self.process = hub, folder, None
        self.status_file, self.log = folder / "status.json", folder / "agent.log"
        group = base64.b64decode(pathlib.Path(hub.endpoints["enrollmentKeyFile"]).read_text())
        self.key = base64.b64encode(hmac.new(group, DEVICE.encode(), hashlib.sha256).digest()).decode()
        key_file = folder / "onboarding.key"
        with open(os.open(key_file, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(self.key)
        (folder / "state").mkdir(mode=0o700)
        self.command = [*command, "--registration-id", DEVICE, "--id-scope", hub.endpoints["idScope"],
                        "--dps", hub.endpoints["dps"], "--ca", hub.endpoints["caFile"], "--key-file", key_file,
                        "--state", folder / "state", "--status-file", self.status_file,
                        "--retry-initial-ms", "200", "--slow-retry-ms", "2000"]

    def start(self):
        self.status_file.unlink(missing_ok=True)
        self.process = Process(self.command, self.folder, self.log)

    def stop(self):
        if self.process is None:
            return None
        self.process.end()
        status, self.process = self.process.process.returncode, None
        return status

    def connects(self, generation):
        def probe():
            if not self.process.running():
                raise Failure("the agent ended")
            status = json.loads(self.status_file.read_text()) if self.status_file.exists() else {}
            return status if status.get("connected") and status["generation"] == generation else None
        return wait_for(f"connected with generation {generation}", probe)


def steps(agent):
    agent.start()
    first = agent.connects(1)
    yield f"provisioned, connected to {first['hub']} with serial {first['serial']}"
    expect(agent.stop() == 0, "SIGTERM ends it in order")
    agent.start()
    again = agent.connects(1)
    expect(again["serial"] == first["serial"] and again["provisioned_count"] == 0, f"a restart keeps the identity: {again}")
    yield "restarted: connected with the identity of before"
    agent.hub.cli("device", "revoke", "-n", DEVICE, "-y")
    back = agent.connects(2)
    expect(back["serial"] != first["serial"] and back["last_refusal"]["connack"] == 5, f"refused with CONNACK 5: {back}")
    yield f"revoked, refused with CONNACK 5, back with serial {back['serial']}"


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--bin", type=pathlib.Path, required=True)
    options.add_argument("--agent", type=pathlib.Path, required=True)
    options.add_argument("--emulator", required=True)
    options.add_argument("--sysroot", type=pathlib.Path, required=True)
    options = options.parse_args()
    left_out(options.sysroot)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)  # a broker started by root runs as another user
        hub = Hub(options.bin.resolve(), folder, "ec-p256")
        agent = Agent([options.emulator, "-L", options.sysroot.resolve(), options.agent.resolve()], hub, folder)
        try:
            for line in steps(agent):
                print(line, flush=True)
            log = agent.log.read_text(errors="replace")
            expect(agent.key not in log and "PRIVATE" not in log and "SharedAccessSignature" not in log, "no secret is logged")
        except Failure as failure:
            print(f"FAILED: {failure}", file=sys.stderr)
            if agent.log.exists():
                print(agent.log.read_text(errors="replace"), file=sys.stderr)
            return 1
        finally:
            agent.stop()
            hub.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
