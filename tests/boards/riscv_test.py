# SPDX-License-Identifier: Apache-2.0
"""The agent on the emulated RV32IMC against a real `latchkey up`. The board has one wire, which leads to one endpoint a
start: it provisions over it with a key made on the device, and has its chain checked and stored; connects by mutual TLS;
is revoked, refused with CONNACK 5, and comes back.

    riscv_test.py --bin FOLDER_OF_LATCHKEY --image ELF [--figures FILE]

Waits for conditions, bounded; ends only the processes that it started. Exit status 0 when all was seen."""
import argparse
import json
import pathlib
import sys

from board import RiscV, run
from hub import expect


def provisions(board, generation):
    # A device that was restarted tries the hub first; with this wire that is in vain
    board.start(board.hub.endpoints["dps"], {"failures-before-provisioning": 1})
    board.sees(r"-> dps-registering")  # a key was made and stored, its request is out
    board.sees(r"-> dps-storing")      # the chain is for that key, and holds
    assigned = board.sees(rf"assigned to (\S+), stored generation {generation}$").group(1)
    board.stop()
    return assigned


def steps(_, board):
    """What has to be seen, in this order; yields one line a step."""
    hub = provisions(board, 1)
    yield f"provisioned over the wire to DPS: assigned to {hub}"
    board.start(hub)
    board.sees(r"connected to .* with generation 1")
    first = board.figures()
    yield f"connected over the wire to the hub, by mutual TLS: {first}"

    board.stop()
    board.start(hub)
    board.sees(r"connected to .* with generation 1")
    again = board.figures()
    expect(again["flash_writes"] == 0, f"a plain reconnect writes nothing: {again}")
    yield "restarted, connected with what lay in flash, no write"

    board.stop()
    board.hub.cli("device", "revoke", "-n", board.device, "-y")
    board.start(hub)
    board.sees(r"refused by .*\(code 5\)")
    board.stop()
    provisions(board, 2)
    board.start(hub)
    board.sees(r"connected to .* with generation 2")
    yield "revoked, refused with CONNACK 5, back with a new certificate"
    yield "FIGURES " + json.dumps({"first": first, "reconnect": again})


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--bin", type=pathlib.Path, required=True)
    options.add_argument("--image", type=pathlib.Path, required=True)
    options.add_argument("--figures", type=pathlib.Path)
    options = options.parse_args()
    options.board, options.device, options.key_profile = RiscV, "board-2", "ec-p256"

    return run(options, steps)


if __name__ == "__main__":
    sys.exit(main())
