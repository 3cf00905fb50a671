'use strict';
// A name for a runner to resolve: the reporter is made by the program that starts the runner, and given out once.
module.exports = globalThis[Symbol.for('redgreen.reporter')]();
