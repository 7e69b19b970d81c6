# SPDX-License-Identifier: Apache-2.0
"""The whole life of the emulated Cortex-M4 against a real `latchkey up`: provisioned with a key made on the device,
connected, restarted without a write, revoked and refused with CONNACK 5, back with a new certificate, renewed; with the plug
pulled in the middle of it; then renewed, revoked and back many times over, while the heap must not grow.

    cortex_m_test.py --bin FOLDER_OF_LATCHKEY --image ELF [--key-profile ec-p384] [--rounds N] [--figures FILE]

Waits for conditions, bounded; ends only the processes that it started. Exit status 0 when all was seen."""
import argparse
import json
import pathlib
import sys

from board import CortexM, run
from hub import expect, wait_for

LIFETIME_DAYS = 30
RENEW_AT_PERMILLE = 700
# Of a lifetime, how far the board's clock is ahead of the hub's in these rounds: late enough for each new certificate to be
# due for renewal, not so late that the board would doubt its clock (agent/core/time_bound.cpp: 11 of 16)
ROUNDS_RENEW_AT_PERMILLE, ROUNDS_AHEAD_PERMILLE = 400, 550


def lifetimes_s(permille):
    return LIFETIME_DAYS * 86400 * permille // 1000


def start(board, offset_s=0, renew_at_permille=RENEW_AT_PERMILLE):
    board.start({"renew-at-permille": renew_at_permille, "clock-offset-s": offset_s})


def rounds(hub, board, offset_s, count):
    """Renewed, revoked and back, again and again since one power-on; what the heap holds between sessions, each time."""
    board.stop()
    start(board, offset_s + lifetimes_s(ROUNDS_AHEAD_PERMILLE), ROUNDS_RENEW_AT_PERMILLE)
    board.sees(r"connected to ")
    seen = []
    for _ in range(count + 1):  # the first one for what is allocated once
        board.sees(r"renewed: stored generation")
        board.sees(r"proven: generation")
        renewed = board.figures()
        hub.cli("device", "revoke", "-n", board.device, "-y")
        board.sees(r"refused by .*\(code 5\)")
        board.sees(r"connected to ")
        back = board.figures()
        seen.append((renewed, back))
    return seen


def steps(hub, board, count):
    """What has to be seen, in this order; yields one line a step."""
    start(board)
    board.sees(r"off -> making-key: started.*provisioning")
    board.sees(r"-> dps-storing")
    board.sees(r"assigned to 127\.0\.0\.2:\d+, stored generation 1$")
    board.sees(r"-> hub-subscribing: proven: generation 1")
    first = board.figures()
    yield f"provisioned and connected: {first}"
    device = next(one for one in hub.cli("device", "list")["value"] if one["name"] == board.device)
    expect(first["flash_writes"] <= 3, f"first provisioning writes at most 3 records: {first}")
    yield f"the hub knows it: {device['name']}"

    board.stop()
    start(board)
    board.sees(r"off -> hub-connecting: started with slot ., generation 1")
    board.sees(r"connected to .* with generation 1")
    again = board.figures()
    expect(again["flash_writes"] == 0 and again["sectors_erased"] == 0, f"a plain reconnect writes nothing: {again}")
    yield f"restarted, connected with what lay in flash, no write: {again}"

    hub.cli("device", "revoke", "-n", board.device, "-y")
    board.sees(r"refused by .*\(code 5\)")
    board.sees(r"-> dps-storing")
    board.sees(r"stored generation 2$")
    board.sees(r"-> hub-subscribing: proven: generation 2")
    back = board.figures()
    returned = back["flash_writes"] - again["flash_writes"]
    expect(returned <= 3, f"a return writes at most 3 records: {returned}")
    yield f"revoked, refused with CONNACK 5, back with a new certificate: {back}"

    # Far enough that the renewal's point has passed, and the certificate not yet
    offset_s = lifetimes_s(RENEW_AT_PERMILLE + 50)
    board.stop()
    hub.set_clock(offset_s)
    wait_for("the hub goes by its clock", lambda: hub.clock_follows(offset_s))
    start(board, offset_s)
    board.sees(r"connected to .* with generation 2")
    before = board.figures()
    board.sees(r"renewing over the live session")
    board.sees(r"renewed: stored generation 3")
    board.sees(r"proven: generation 3")
    after = board.figures()
    writes = after["flash_writes"] - before["flash_writes"]
    expect(writes <= 3, f"a renewal writes at most 3 records: {writes}")
    yield f"renewed over the live session, {writes} writes, connected with the new certificate: {after}"

    for moment in (r"-> storing-key", r"-> dps-registering", r"-> dps-storing", r"-> hub-connecting"):
        hub.cli("device", "revoke", "-n", board.device, "-y")
        board.sees(r"refused by .*\(code 5\)")
        board.sees(moment)
        board.stop()
        start(board, offset_s)
        board.sees(r"connected to ")
        board.figures()
    yield "the plug pulled in the middle of provisioning, four times: back each time"

    figures = {"first": first, "reconnect": again, "revoked": back, "renewed": after, "renewal_writes": writes,
               "return_writes": returned, "rounds": count}
    if count > 0:
        seen = rounds(hub, board, offset_s, count)
        between = [each["heap_between_sessions"] for pair in seen for each in pair]
        growth = between[-1] - between[1]
        expect(growth == 0, f"the heap between sessions does not grow: {between}")
        figures |= {"last": seen[-1][1], "growth": growth, "between_sessions": between[-1]}
        yield f"renewed, revoked and back {count} times more since power-on: {growth} bytes more between sessions"
    yield "FIGURES " + json.dumps(figures)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--bin", type=pathlib.Path, required=True)
    options.add_argument("--image", type=pathlib.Path, required=True)
    options.add_argument("--key-profile", default="ec-p256", help="of the hub's CAs; ec-p384 needs an image with P-384")
    options.add_argument("--rounds", type=int, default=10, help="renewed, revoked and back in the end, without a restart")
    options.add_argument("--figures", type=pathlib.Path)
    options = options.parse_args()
    options.board, options.device = CortexM, "board-1"

    return run(options, lambda hub, board: steps(hub, board, options.rounds))


if __name__ == "__main__":
    sys.exit(main())
