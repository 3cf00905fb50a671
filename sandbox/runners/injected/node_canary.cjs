'use strict';
// The canaries' bodies, the same for every runner. `begin` notes what a suite of checks relies on; `watch`, run after
// the tests' modules have loaded, says what of it is another by then.
const assert = require('assert');
const is = Object.is;
const keys = Object.keys;

function parts(expect) {
  const found = {};
  for (const [label, owner] of [['assert', assert], ['assert.strict', assert.strict]]) {
    for (const name of keys(owner)) if (typeof owner[name] === 'function') found[label + '.' + name] = [owner, name];
  }
  if (expect) {
    const store = globalThis[Symbol.for('$$jest-matchers-object')];
    const matchers = store && store.matchers;
    if (matchers) for (const name of keys(matchers)) found['expect.' + name] = [matchers, name];
    for (const name of ['extend', 'assertions', 'anything']) if (expect[name]) found['expect.' + name] = [expect, name];
  }
  for (const name of ['describe', 'it', 'test', 'expect', 'beforeEach', 'suite']) {
    if (typeof globalThis[name] === 'function') found[name] = [globalThis, name];
  }
  return found;
}

function begin(expect) {
  const before = parts(expect);
  const values = {};
  for (const name of keys(before)) values[name] = before[name][0][before[name][1]];
  return {
    changed() {
      return keys(before).filter((name) => !is(before[name][0][before[name][1]], values[name]));
    },
  };
}

const raises = (check) => {
  try {
    check();
  } catch (error) {
    return error;
  }
  return null;
};

// Throws, unless one of the ways in which tests fail has been made deaf.
function mustFail(expect) {
  const checks = [
    () => assert.strictEqual(2 + 2, 5),
    () => assert.deepStrictEqual({ a: [1] }, { a: [2] }),
    () => assert.equal(2 + 2, 5),
    () => assert.ok(false),
    () => assert.throws(() => {}),
  ];
  if (expect) {
    checks.push(
      () => expect({ a: [1] }).toEqual({ a: [2] }),
      () => expect(1).toBeUndefined(),
      () => expect(() => {}).toThrow(),
      () => expect([1]).toContain(2),
      () => expect(2 + 2).toBe(5),
    );
  }
  let last = null;
  for (const check of checks) {
    last = raises(check);
    if (!last) return;
  }
  throw last;
}

function mustPass(expect) {
  assert.strictEqual(2 + 2, 4);
  if (expect) expect(2 + 2).toBe(4);
}

module.exports = { begin, mustFail, mustPass };
