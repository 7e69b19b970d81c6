// SPDX-License-Identifier: Apache-2.0
// Tests that end. What a failed test leaves open would keep its process alive for ever, and the failure unseen.
import nodeTest from 'node:test';

const open = new Set();

// `end()` is called when the test that is running now is over; calling it for what has ended does no harm.
export function endWithTest(end) { open.add(end); }

// As node:test's, for tests that run one after the other: whatever the outcome, what it opened is ended.
export function test(name, work) {
  return nodeTest(name, async (context) => {
    const before = new Set(open);
    try {
      await work(context);
    } finally {
      for (const end of [...open].filter((one) => !before.has(one))) {
        open.delete(end);
        await Promise.resolve().then(end).catch(() => {}); // the test has said what there is to say
      }
    }
  });
}
