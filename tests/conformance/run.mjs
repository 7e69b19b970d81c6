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

const here = dirname(fileURLToPath(import.meta.url));
const named = process.argv.slice(2);
const all = ['sdk', 'checker'].flatMap((folder) =>
  readdirSync(join(here, folder)).filter((name) => name.endsWith('.test.mjs')).map((name) => join(here, folder, name)));

const started = await startHub();
let status = 1;
try {
  const tests = spawn(process.execPath, ['--test', ...(named.length > 0 ? named : all)], {
    stdio: 'inherit',
    env: { ...process.env, LATCHKEY_ENDPOINTS: started.endpoints, NODE_EXTRA_CA_CERTS: started.hub.caFile },
  });
  status = await new Promise((resolve) => tests.once('exit', (code) => resolve(code ?? 1)));
} finally {
  await started.stop();
}
process.exitCode = status;
