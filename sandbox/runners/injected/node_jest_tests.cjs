'use strict';
// jest's own way of running test files, but always in processes of their own, and with the canaries put in.
const { runner, canary } = globalThis[Symbol.for('redgreen.jest')];
const loaded = require(runner);
const Runner = loaded.default || loaded;

function withCanary(test) {
  const config = test.context.config;
  const after = [...(config.setupFilesAfterEnv || []), canary];
  return { ...test, context: { ...test.context, config: { ...config, setupFilesAfterEnv: after } } };
}

module.exports = class extends Runner {
  runTests(tests, watcher, ...rest) {
    const options = { ...rest.pop(), serial: false };
    return super.runTests(tests.map(withCanary), watcher, ...rest, options);
  }
};
