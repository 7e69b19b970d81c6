// SPDX-License-Identifier: Apache-2.0
// A hub for the tests: started on free loopback ports in a folder of its own, driven by its command line.
import { execFile, spawn } from 'node:child_process';
import { chmodSync, closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHmac } from 'node:crypto';
import { until, within } from './waiting.mjs';

const bin = process.env.LATCHKEY_BIN;

export class Hub {
  // `endpoints`: what the hub wrote about itself.
  constructor(endpoints) {
    this.dps = endpoints.dps;
    this.address = endpoints.hub;
    this.idScope = endpoints.idScope;
    this.data = endpoints.data;
    this.pid = endpoints.pid;
    this.ca = readFileSync(endpoints.caFile, 'utf8');
    this.caFile = endpoints.caFile;
    this.groupKey = readFileSync(endpoints.enrollmentKeyFile, 'utf8').trim();
  }

  // The hub that run.mjs started for all.
  static shared() {
    return new Hub(JSON.parse(readFileSync(process.env.LATCHKEY_ENDPOINTS, 'utf8')));
  }

  // What the command line prints; an Error with its message and `exitStatus` when it fails.
  cli(...words) {
    return new Promise((resolve, reject) => {
      execFile(join(bin, 'latchkey'), ['--data', this.data, ...words], { timeout: 120_000 }, (error, out, err) => {
        if (!error) return resolve(out);
        reject(Object.assign(new Error(`latchkey ${words.join(' ')}: ${err || error.message}`), { exitStatus: error.code }));
      });
    });
  }
  async json(...words) {
    const out = await this.cli('-o', 'json', ...words);
    return out === '' ? null : JSON.parse(out);
  }

  // Documented: base64(HMAC-SHA256(base64-decoded group key, registration id)).
  deviceKey(registrationId) {
    return createHmac('sha256', Buffer.from(this.groupKey, 'base64')).update(registrationId).digest('base64');
  }
}

// A hub of one's own. `stop()` ends it and removes its folder; `restart()` ends the process by that signal and starts it
// anew, with another `hub`: after SIGKILL its brokers live on, and the connections that they hold.
export async function startHub(more = []) {
  const work = mkdtempSync(join(tmpdir(), 'latchkey-'));
  chmodSync(work, 0o711); // brokers started by root drop to a user of their own
  const endpoints = join(work, 'endpoints.json');
  const clock = join(work, 'clock.json');
  const log = join(work, 'hub.log');
  writeFileSync(clock, '{"offset": 0, "rate": 1.0}');
  let child, ended;
  async function start() {
    rmSync(endpoints, { force: true });
    const out = openSync(log, 'a');
    child = spawn(join(bin, 'latchkey'),
      ['--data', join(work, 'data'), 'up', '--dps', '127.0.0.1:0', '--hub', '127.0.0.2:0', '--retry-after', '1',
        '--endpoints-file', endpoints, '--rehearsal', '--clock', clock, ...more],
      { stdio: ['ignore', out, out] });
    closeSync(out);
    const started = child;
    ended = new Promise((resolve) => started.once('exit', resolve));
    const up = await until(() => existsSync(endpoints) || started.exitCode !== null, 120_000);
    if (up && started.exitCode === null) return new Hub(JSON.parse(readFileSync(endpoints, 'utf8')));
    started.kill('SIGTERM');
    throw new Error(`the hub does not come up:\n${readFileSync(log, 'utf8')}`);
  }
  async function end(signal) {
    child.kill(signal);
    await within(ended, `the end of the hub at ${signal}`).catch((late) => { child.kill('SIGKILL'); throw late; });
  }
  const own = {
    hub: await start(),
    endpoints,
    clock,
    async restart(signal) {
      await end(signal);
      own.hub = await start();
    },
    async stop() {
      await end('SIGTERM');
      rmSync(work, { recursive: true, force: true });
    },
  };
  return own;
}
