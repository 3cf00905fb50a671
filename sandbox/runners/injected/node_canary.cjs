'use strict';
// The canaries' bodies, the same for every runner. `begin` notes what a suite of checks relies on; `watch`, run after
// the tests' modules have loaded, says what of it is another by then.
const assert = require('assert');
const Module = require('module');
const is = Object.is;
const keys = Object.keys;

function parts(expect, more) {
  const found = { ...more };
  for (const [label, owner] of [['Module', Module], ['Module.prototype', Module.prototype]]) {
    for (const name of ['_load', '_resolveFilename', 'require', '_compile']) {
      if (owner && typeof owner[name] === 'function') found[label + '.' + name] = [owner, name];
    }
  }
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

// `more`: other things to watch, `{ label: [owner, name] }`.
function begin(expect, more) {
  const before = parts(expect, more);
  const values = {};
  for (const name of keys(before)) values[name] = before[name][0][before[name][1]];
  return {
    changed() {
      return keys(before).filter((name) => !is(before[name][0][before[name][1]], values[name]));
    },
  };
}

// The assertion libraries that the repository says it uses. They are the very modules that its tests get: the directory
// of installed packages is linked beside this file.
const used = require('./libraries.json').reduce((found, name) => {
  try {
    found[name] = require(name);
  } catch (error) {
    // not installed, or not for this kind of module
  }
  return found;
}, {});

function libraryChecks() {
  const checks = [];
  const { chai, should } = used;
  const plain = used.expect || used['expect.js'];
  if (chai && chai.expect) {
    checks.push(
      () => chai.expect(2 + 2).to.equal(5),
      () => chai.expect({ a: [1] }).to.deep.equal({ a: [2] }),
      () => chai.expect(false).to.be.ok,
      () => chai.expect(() => {}).to.throw(),
      () => chai.assert.strictEqual(2 + 2, 5),
      () => chai.assert.ok(false),
    );
  }
  if (typeof should === 'function') checks.push(() => should(2 + 2).equal(5), () => should({ a: 1 }).eql({ a: 2 }));
  const expect = typeof plain === 'function' ? plain : plain && plain.expect;
  if (typeof expect === 'function') {
    checks.push(() => (expect(4).toBe ? expect(4).toBe(5) : expect(4).to.be(5)));
    checks.push(() => (expect(4).toEqual ? expect([4]).toEqual([5]) : expect([4]).to.eql([5])));
  }
  return checks;
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
  checks.unshift(...libraryChecks());
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
