# SPDX-License-Identifier: Apache-2.0
"""haproxy_test.py BINARIES: what `latchkey up --print-haproxy` prints, run by a real HAProxy before two nodes that are
played: whoever says that it is not ready gets nothing new and keeps what it has, and nobody gets anything when none is.
"""
import http.server
import pathlib
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

HAPROXY = shutil.which("haproxy") or "/usr/sbin/haproxy"
LATCHKEY = pathlib.Path(sys.argv.pop(1)).resolve() / "latchkey" if len(sys.argv) > 1 else None
PATIENCE_S = 120


def free_port():
    """Below those that the kernel gives to outgoing connections: until HAProxy listens, one of them could take it."""
    while True:
        port = random.randrange(16384, 32768)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class Endpoint:
    """Says its name to whoever comes, and then whatever it hears."""

    def __init__(self, name):
        self.name = name
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(connection,), daemon=True).start()

    def talk(self, connection):
        with connection:
            try:
                connection.sendall(self.name.encode() + b"\n")
                while data := connection.recv(100):
                    connection.sendall(data)
            except OSError:
                pass


class Node:
    def __init__(self, name):
        self.name, self.ready = name, True
        self.dps, self.hub = Endpoint(f"{name}-dps"), Endpoint(f"{name}-hub")
        node = self

        class Health(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200 if node.ready and self.path == "/healthz" else 503)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.health = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Health)
        threading.Thread(target=self.health.serve_forever, daemon=True).start()

    def option(self):
        return f"{self.name}={self.dps.address},{self.hub.address},127.0.0.1:{self.health.server_address[1]}"


class Balanced(unittest.TestCase):
    def setUp(self):
        self.nodes = {name: Node(name) for name in ("a", "b")}
        self.dps, self.hub = free_port(), free_port()
        told = subprocess.run([LATCHKEY, "up", "--dps", f"127.0.0.1:{self.dps}", "--hub", f"127.0.0.1:{self.hub}",
                               *(part for node in self.nodes.values() for part in ("--print-haproxy", node.option()))],
                              capture_output=True, text=True, check=True)
        self.folder = tempfile.TemporaryDirectory(prefix="latchkey-haproxy-test-")
        self.addCleanup(self.folder.cleanup)
        file = pathlib.Path(self.folder.name) / "haproxy.cfg"
        file.write_text(told.stdout)
        checked = subprocess.run([HAPROXY, "-c", "-f", file], capture_output=True, text=True, check=False)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        process = subprocess.Popen([HAPROXY, "-db", "-f", file], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.eventually("both nodes are used", lambda: self.who_answers(self.hub, 8) == {"a-hub", "b-hub"})

    def connect(self, port):
        """A connection and who is at its other end; None: closed."""
        try:
            connection = socket.create_connection(("127.0.0.1", port), 30)
            self.addCleanup(connection.close)
            return connection, connection.makefile().readline().strip() or None
        except OSError:
            return None, None

    def who_answers(self, port, times):
        return {self.connect(port)[1] for _ in range(times)} - {None}

    def eventually(self, what, done):
        give_up = time.monotonic() + PATIENCE_S
        while not done():
            self.assertLess(time.monotonic(), give_up, f"waited in vain: {what}")
            time.sleep(0.1)

    def test_endpoints_do_not_mix(self):
        self.eventually("DPS is there", lambda: self.who_answers(self.dps, 8) == {"a-dps", "b-dps"})

    def test_node_that_drains_keeps_what_it_has_and_gets_nothing_new(self):
        kept, name = self.connect(self.hub)
        draining, other = self.nodes[name[0]], {"a": "b-hub", "b": "a-hub"}[name[0]]
        draining.ready = False
        self.eventually("only the other node is used", lambda: self.who_answers(self.hub, 8) == {other})
        kept.sendall(b"still here\n")
        self.assertEqual(kept.makefile().readline(), "still here\n")
        draining.ready = True
        self.eventually("it is used again", lambda: len(self.who_answers(self.hub, 8)) == 2)

    def test_nobody_is_given_anything_when_no_node_is_ready(self):
        for node in self.nodes.values():
            node.ready = False
        self.eventually("nobody answers", lambda: not self.who_answers(self.hub, 8))
        self.nodes["b"].ready = True
        self.eventually("b answers", lambda: self.who_answers(self.hub, 2) == {"b-hub"})

    def test_node_that_is_gone_is_passed_over(self):
        gone = self.nodes["a"]
        gone.hub.listener.shutdown(socket.SHUT_RDWR)
        gone.hub.listener.close()
        gone.health.shutdown()
        gone.health.server_close()
        self.eventually("only b is used", lambda: self.who_answers(self.hub, 8) == {"b-hub"})


class Refused(unittest.TestCase):
    def test_bad_nodes_are_refused_with_a_word(self):
        for node in ("", "a", "a=1.1.1.1:1,1.1.1.1:2", "a=host:1,1.1.1.1:2,1.1.1.1:3"):
            told = subprocess.run([LATCHKEY, "up", "--print-haproxy=" + node], capture_output=True, text=True,
                                  check=False)
            self.assertEqual((told.returncode, told.stdout), (2, ""), told)
            self.assertTrue(told.stderr.strip())


if __name__ == "__main__":
    unittest.main()
