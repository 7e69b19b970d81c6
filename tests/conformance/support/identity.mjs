// SPDX-License-Identifier: Apache-2.0
// Keys, certificates and signing requests, made by OpenSSL.
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export function openssl(args, input) {
  return execFileSync('openssl', args, { input, stdio: ['pipe', 'pipe', 'pipe'] });
}

function inFolder(work) {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-'));
  try {
    return work((name) => join(folder, name));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function newKey() {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' });
}

// A PKCS#10 request for that CN: base64 of its DER, as it goes on the wire.
export function newCsr(key, commonName) {
  return inFolder((file) => {
    writeFileSync(file('key.pem'), key, { mode: 0o600 });
    return openssl(['req', '-new', '-key', file('key.pem'), '-subj', `/CN=${commonName}`, '-outform', 'DER']).toString('base64');
  });
}

// A self-signed certificate, as an individual enrollment may name it.
export function selfSigned(commonName) {
  return inFolder((file) => {
    const key = newKey();
    writeFileSync(file('key.pem'), key, { mode: 0o600 });
    const cert = openssl(['req', '-x509', '-key', file('key.pem'), '-subj', `/CN=${commonName}`, '-days', '30',
      '-addext', 'basicConstraints=critical,CA:FALSE', '-addext', 'extendedKeyUsage=clientAuth']).toString();
    return { key, cert };
  });
}

export const pem = (base64) =>
  `-----BEGIN CERTIFICATE-----\n${base64.match(/.{1,64}/g).join('\n')}\n-----END CERTIFICATE-----\n`;

// What a device shows at the hub: its key, and leaf and issuing CA.
export function identityOf(key, chain) {
  return { key, cert: pem(chain[0]) + pem(chain[1]), chain };
}

// `openssl verify` with nothing switched off, the root as the only anchor.
export function verify(chain) {
  return inFolder((file) => {
    chain.forEach((one, i) => writeFileSync(file(`${i}.pem`), pem(one)));
    return openssl(['verify', '-purpose', 'sslclient', '-CAfile', file('2.pem'), '-untrusted', file('1.pem'), file('0.pem')]).toString();
  });
}

export const certificateText = (base64) => openssl(['x509', '-noout', '-text'], pem(base64)).toString();
