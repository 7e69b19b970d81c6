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
from hub import Failure, NotSeen, expect


# On a machine that is too slow a server gives a session up before its handshake is done. The wire is gone with it, and has
# no way to tell: the board is started anew with another one, and is waited for longer each time.
PATIENCE_S = (60, 60, 120, 240, 480, 960)


def provisions(board, generation):
    for patience in PATIENCE_S:
        # A device that was restarted tries the hub first; with this wire that is in vain
        board.start(board.hub.endpoints["dps"], {"failures-before-provisioning": 1})
        seen = tries(board, rf"assigned to (\S+), stored generation {generation}$|dps: unreachable", patience)
        board.stop()
        if seen and seen.group(1):
            return seen.group(1)
    raise Failure("not provisioned")


def connects(board, wire, pattern):
    for patience in PATIENCE_S:
        board.start(wire)
        seen = tries(board, rf"{pattern}|hub: unreachable", patience)
        if seen and "unreachable" not in seen.group():
            return
        board.stop()
    raise Failure(f"not seen: {pattern!r}")


def tries(board, pattern, patience_s):
    try:
        return board.sees(pattern, patience_s)
    except NotSeen:
        return None


def steps(_, board):
    """What has to be seen, in this order; yields one line a step."""
    hub = provisions(board, 1)
    yield f"provisioned over the wire to DPS: assigned to {hub}"
    connects(board, hub, r"connected to .* with generation 1")
    first = board.figures()
    yield f"connected over the wire to the hub, by mutual TLS: {first}"

    board.stop()
    connects(board, hub, r"connected to .* with generation 1")
    again = board.figures()
    expect(again["flash_writes"] == 0, f"a plain reconnect writes nothing: {again}")
    yield "restarted, connected with what lay in flash, no write"

    board.stop()
    board.hub.cli("device", "revoke", "-n", board.device, "-y")
    connects(board, hub, r"refused by .*\(code 5\)")
    board.stop()
    provisions(board, 2)
    connects(board, hub, r"connected to .* with generation 2")
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
