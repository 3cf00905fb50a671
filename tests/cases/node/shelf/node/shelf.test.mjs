import assert from 'node:assert/strict';
import { test } from 'node:test';
import books from '../src/books.js';

test('a shelf is sorted by key', () => {
  assert.deepEqual(['The Trial', 'Emma'].map(books.titleKey).sort(), ['emma', 'trial']);
});
