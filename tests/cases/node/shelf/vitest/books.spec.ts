import { describe, expect, it } from 'vitest';
import { dueDay, titleKey } from '../src/loans.js';

describe('titleKey', () => {
  it.each([
    ['Emma', 'emma'],
    ['The Trial', 'trial'],
  ])('of %s is %s', (title: string, key: string) => {
    expect(titleKey(title)).toBe(key);
  });

  it.todo('of a title in another language');
});

describe('loans', () => {
  it('end after their days', () => {
    expect(dueDay(100, 14)).toBe(114);
  });

  it.skip('can be renewed', () => {
    expect(true).toBe(false);
  });
});
