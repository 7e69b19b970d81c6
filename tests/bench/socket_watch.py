# SPDX-License-Identifier: Apache-2.0
"""When a server had closed the last of the connections that stood before an act, by the kernel's word alone.

A connection is known by its socket's inode. The two addresses would not do: a client that comes back takes a port of
which the kernel has many thousands, and among ten thousand clients many get one that another had a moment ago, so that
a new connection looks like an old one. The kernel is asked over netlink (sock_diag(7)): for ten thousand sockets that
takes a fifth of what reading /proc/net/tcp takes, which is a quarter of a core when it is done ten times a second."""
import socket
import struct
import threading
import time

SOCK_DIAG_BY_FAMILY = 20
REQUEST, DUMP = 0x1, 0x300
ERROR, DONE = 2, 3
HEADER = struct.Struct("=IHHII")
ESTABLISHED = 1 << 1
INODE_AT = HEADER.size + 68  # idiag_inode of struct inet_diag_msg


def established(port):
    """Inodes of the established TCP sockets over IPv4 whose own port that is: a server's end, not its clients'."""
    body = struct.pack("=BBBBI", socket.AF_INET, socket.IPPROTO_TCP, 0, 0, ESTABLISHED)
    body += struct.pack("!HH", port, 0) + bytes(32) + struct.pack("=III", 0, 0xffffffff, 0xffffffff)
    inodes = set()
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4) as asking:
        asking.send(HEADER.pack(HEADER.size + len(body), SOCK_DIAG_BY_FAMILY, REQUEST | DUMP, 1, 0) + body)
        while True:
            told, at = asking.recv(1 << 16), 0
            while at < len(told):
                size, kind = struct.unpack_from("=IH", told, at)
                if kind == DONE:
                    return inodes
                if kind == ERROR:
                    raise OSError(-struct.unpack_from("=i", told, at + HEADER.size)[0], "sock_diag")
                inodes.add(struct.unpack_from("=I", told, at + INODE_AT)[0])
                at += (size + 3) & ~3


class SocketWatch(threading.Thread):
    """Looks `after_s` from its start which sockets stand, and then until none of these is left or `process` ends."""

    EVERY_S = 0.05

    def __init__(self, port, process, after_s):
        super().__init__(daemon=True)
        self.port, self.process, self.after_s = port, process, after_s
        self.watched = 0  # sockets
        self.gone = None  # Unix time of the first look that found none of them
        self.cpu_s = 0.0  # that the looks took, of the machine that is measured

    def run(self):
        begin = time.monotonic() + self.after_s
        while self.process.poll() is None and time.monotonic() < begin:
            time.sleep(self.EVERY_S)
        before = established(self.port)
        self.watched = len(before)
        looked_s = time.thread_time()
        while self.process.poll() is None and before:
            if not before & established(self.port):
                self.gone, self.cpu_s = time.time(), time.thread_time() - looked_s
                return
            time.sleep(self.EVERY_S)
