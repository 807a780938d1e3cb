// ./dev demo, without the building; two at once, since neither may use a fixed port or path.
import assert from 'node:assert/strict';
import {fileURLToPath} from 'node:url';

import {binary, daemon_test, run} from './support.mjs';

const demo = fileURLToPath(new URL('../../docs/demo/demo.mjs', import.meta.url));

daemon_test('two demos at once both end well', async () => {
  const both = await Promise.all([0, 1].map(() => run(process.execPath, [demo, binary], {within_ms: 60_000})));
  for (const {code, text} of both) {
    assert.equal(code, 0, text);
    assert.match(text, /All of it arrived: 12 greetings, counted in order, and 4 reminders\./);
  }
}, 90_000);
