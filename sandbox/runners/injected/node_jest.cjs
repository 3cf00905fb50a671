'use strict';
// Starts the tree's own jest. Arguments: the channel's descriptor. The reporter is in this process; every test file runs
// in a worker process (never in this one: `node_jest_tests.cjs` sees to it), with the canaries put in after its set-up.
const path = require('path');
const { createRequire } = require('module');
const channel = require('./node_channel.cjs');

const { request, send } = channel.open(Number(process.argv[2]));
const tree = createRequire(path.join(request.root, request.package, 'package.json'));

function from(owner, name) {
  return createRequire(owner).resolve(name);
}

function locate() {
  const jest = tree.resolve('jest/package.json');
  const cli = from(jest, 'jest-cli/package.json');
  let config;
  try {
    config = from(cli, 'jest-config/package.json');
  } catch (error) {
    config = from(from(cli, '@jest/core/package.json'), 'jest-config/package.json');
  }
  return { cli: from(jest, 'jest-cli'), runner: from(config, 'jest-runner') };
}

class Reporter {
  getLastError() {}
  onTestResult(test, result) {
    const error = result.testExecError;
    if (result.failureMessage) console.log(`${result.testFilePath}\n${result.failureMessage}`);
    const bare = result.testResults.length === 0 && Boolean(result.failureMessage);
    send({
      kind: 'file',
      file: result.testFilePath,
      error: error || bare ? { message: result.failureMessage || String((error && error.message) || '') } : null,
      tests: result.testResults.map((one) => ({
        names: [...one.ancestorTitles, one.title],
        status: one.status === 'passed' || one.status === 'failed' ? one.status : 'skipped',
        seconds: (one.duration || 0) / 1000,
        failure: one.status === 'failed' ? { text: (one.failureMessages || []).join('\n') } : null,
      })),
    });
  }
  onRunComplete(contexts, results) {
    send({ kind: 'end', passed: results.numPassedTests, failed: results.numFailedTests });
  }
}

function hand(name, value) {
  Object.defineProperty(globalThis, Symbol.for(name), { value });
}

let given = false;
hand('redgreen.reporter', () => {
  if (given) send({ kind: 'sign', text: "the runner's reporter" });
  given = true;
  return Reporter;
});
const found = locate();
hand('redgreen.jest', Object.freeze({ runner: found.runner, canary: path.join(__dirname, 'node_jest_canary.cjs') }));
const args = [
  ...request.args,
  ...request.files,
  `--reporters=${path.join(__dirname, 'node_reporter.cjs')}`,
  `--runner=${path.join(__dirname, 'node_jest_tests.cjs')}`,
];
process.argv.splice(1, 2, found.cli, ...args);
require(found.cli).run(args);
