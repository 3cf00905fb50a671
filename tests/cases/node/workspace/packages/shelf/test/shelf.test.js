'use strict';

const assert = require('node:assert');
const test = require('node:test');
const { labels, sorted } = require('..');

test('books stand in the order of their titles', () => {
  assert.deepStrictEqual(sorted(['The Trial', 'Emma']), ['Emma', 'The Trial']);
});

test('labels are of one width', () => {
  assert.deepStrictEqual(labels(['Emma'], 6), ['Emma  ']);
});
