'use strict';

const assert = require('assert');
const { titleKey } = require('../src/books');

it('a shelf is sorted by key', () => {
  assert.deepStrictEqual(['The Trial', 'Emma'].map(titleKey).sort(), ['emma', 'trial']);
});
