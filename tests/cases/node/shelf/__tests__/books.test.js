'use strict';

const { titleKey, dueDay } = require('../src/books');

describe('titleKey', () => {
  test.each([
    ['Emma', 'emma'],
    ['The Trial', 'trial'],
    ['A Room', 'room'],
  ])('of %s is %s', (title, key) => {
    expect(titleKey(title)).toBe(key);
  });

  describe('of one word', () => {
    test('keeps it', () => {
      expect(titleKey('The')).toBe('the');
    });
  });

  test.todo('of a title in another language');
});

describe('loans', () => {
  test('end after their days', () => {
    expect(dueDay(100, 14)).toBe(114);
  });

  test('cannot end before they begin', () => {
    expect(() => dueDay(100, -1)).toThrow(RangeError);
  });

  test.skip('can be renewed', () => {
    expect(true).toBe(false);
  });
});
