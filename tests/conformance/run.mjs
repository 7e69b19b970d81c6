// SPDX-License-Identifier: Apache-2.0
// Runs the suite against one hub: node run.mjs [file ...]. LATCHKEY_BIN names the folder of the hub's programs.
//
// The provisioning SDK has no option for trust anchors of one's own: Node.js reads them at its start. So the hub comes
// first, and the tests run in a process that was told of its CA.
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startHub } from './support/hub.mjs';
import { within } from './support/waiting.mjs';

// Tests that neither pass nor fail are ended; ctest would do so without a word of which hub and which broker.
const limit = 1000 * Number(process.env.LATCHKEY_CONFORMANCE_LIMIT_S ?? 540);
const here = dirname(fileURLToPath(import.meta.url));
const named = process.argv.slice(2);
const all = ['sdk', 'checker'].flatMap((folder) =>
  readdirSync(join(here, folder)).filter((name) => name.endsWith('.test.mjs')).map((name) => join(here, folder, name)));

const started = await startHub();
let status = 1;
try {
  // A group of its own, so that what it started ends with it.
  const tests = spawn(process.execPath, ['--test', ...(named.length > 0 ? named : all)], {
    stdio: 'inherit',
    detached: true,
    env: { ...process.env, LATCHKEY_ENDPOINTS: started.endpoints, NODE_EXTRA_CA_CERTS: started.hub.caFile },
  });
  const over = new Promise((resolve) => tests.once('exit', (code) => resolve(code ?? 1)));
  const end = (signal) => { try { process.kill(-tests.pid, signal); } catch { /* nobody is left of it */ } };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => end(signal));
  status = await within(over, 'the end of the tests', limit).catch(async (late) => {
    console.error(`conformance: FAILED: ${late.message}; they are ended`);
    end('SIGTERM');
    await within(over, 'the end of the tests', 20_000).catch(() => {});
    end('SIGKILL');
    return 1;
  });
} finally {
  await started.stop();
}
process.exit(status);
