'use strict';
// Canaries for a suite of node-tap's, which are a file of their own: `tap` is found through a link beside this file.
const tap = require('tap');
const names = require('./names.json');

tap.test(names.pass, (t) => {
  t.equal(2 + 2, 4);
  t.end();
});
tap.test(names.fail, (t) => {
  t.equal(2 + 2, 5);
  t.end();
});
