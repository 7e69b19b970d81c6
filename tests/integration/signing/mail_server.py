# SPDX-License-Identifier: Apache-2.0
"""A mail server for tests, by aiosmtpd: each e-mail that it takes becomes a JSON file in FOLDER.

    mail_server.py PORT-FILE FOLDER [--port N] [--user NAME --password P] [--tls|--starttls CERTIFICATE KEY]
                   [--refuse ADDRESS] [--later]

PORT-FILE gets the port once it listens."""
import argparse
import asyncio
import json
import os
import ssl

from aiosmtpd.smtp import SMTP, AuthResult


class Handler:
    def __init__(self, options):
        self.options = options
        self.taken = 0

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        if address == self.options.refuse:
            return "550 no such mailbox"
        if self.options.later:
            return "451 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.taken += 1
        name = os.path.join(self.options.folder, f"{self.taken:03}.json")
        with open(name + "~", "w") as out:
            json.dump({"from": envelope.mail_from, "to": envelope.rcpt_tos, "starttls": session.ssl is not None,
                       "text": envelope.content.decode("ascii")}, out)
        os.rename(name + "~", name)
        return "250 OK"


def authenticator(options):
    def check(server, session, envelope, mechanism, data):
        good = (data.login.decode(), data.password.decode()) == (options.user, options.password)
        return AuthResult(success=good, handled=good)
    return check


async def main(options):
    files = options.tls or options.starttls
    context = None
    if files:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*files)
    handler = Handler(options)
    words = {"hostname": "localhost", "require_starttls": bool(options.starttls)}
    if options.starttls:
        words["tls_context"] = context
    if options.user:
        words.update(auth_required=True, auth_require_tls=False, authenticator=authenticator(options))
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(handler, loop=loop, **words), "127.0.0.1", options.port,
                                      ssl=context if options.tls else None)
    with open(options.port_file + "~", "w") as out:
        out.write(str(server.sockets[0].getsockname()[1]))
    os.rename(options.port_file + "~", options.port_file)
    await server.serve_forever()


parser = argparse.ArgumentParser()
parser.add_argument("port_file")
parser.add_argument("folder")
parser.add_argument("--port", type=int, default=0)
parser.add_argument("--user")
parser.add_argument("--password")
parser.add_argument("--tls", nargs=2)
parser.add_argument("--starttls", nargs=2)
parser.add_argument("--refuse")
parser.add_argument("--later", action="store_true")
asyncio.run(main(parser.parse_args()))
