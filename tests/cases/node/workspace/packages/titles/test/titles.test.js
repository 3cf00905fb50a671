'use strict';

const assert = require('node:assert');
const test = require('node:test');
const { padded, titleKey } = require('..');

test('an article does not count', () => {
  assert.strictEqual(titleKey('The Trial'), 'trial');
});

test('wide characters take two columns', () => {
  assert.strictEqual(padded('雪国', 6), '雪国  ');
});
