'use strict';
// In each test file's context, after the project's own set-up. The names come from a file beside this one.
const { test, expect, beforeAll } = require('@jest/globals');
const names = require('./names.json');
const canary = require('./node_canary.cjs');

const noted = canary.begin(expect);
test(names.pass, () => canary.mustPass(expect));
test(names.fail, () => canary.mustFail(expect));
test(names.watch, () => {
  const changed = noted.changed();
  if (changed.length) throw new Error('changed: ' + JSON.stringify(changed));
});

// jest-circus: the canary that must fail and the watch go last, and count where a file has tests marked `only`.
beforeAll(() => {
  globalThis[Symbol.for('RETRY_TIMES')] = 0;
  const symbol = Object.getOwnPropertySymbols(globalThis).find((one) => String(one).includes('JEST_STATE_SYMBOL'));
  const state = symbol && globalThis[symbol];
  const root = state && state.rootDescribeBlock;
  if (!root) return;
  for (const key of ['children', 'tests']) {
    const list = root[key];
    if (!Array.isArray(list)) continue;
    for (const name of [names.fail, names.watch]) {
      const index = list.findIndex((one) => one.name === name);
      if (index >= 0) list.push(...list.splice(index, 1));
    }
    if (state.hasFocusedTests) for (const one of list) if (Object.values(names).includes(one.name)) one.mode = 'only';
  }
});
