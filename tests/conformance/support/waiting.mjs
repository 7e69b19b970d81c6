// SPDX-License-Identifier: Apache-2.0
// Waiting for what will happen, with limits that only a hang reaches.
export const generous = 60_000;

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// True once `done()` is; false after the limit.
export async function until(done, limit = generous) {
  const end = Date.now() + limit;
  for (;;) {
    if (await done()) return true;
    if (Date.now() >= end) return false;
    await pause(50);
  }
}

// The promise's outcome, or an Error that says what did not happen.
export function within(promise, what, limit = generous) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing after ${limit / 1000} s`)), limit);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// The next event of that name.
export function event(emitter, name, limit = generous) {
  return within(new Promise((resolve) => emitter.once(name, (...args) => resolve(args))), `event ${name}`, limit);
}
