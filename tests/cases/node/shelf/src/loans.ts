const ARTICLES: readonly string[] = ['a', 'the'];

/** What a title is sorted by: lower case, without a leading article. */
export function titleKey(title: string): string {
  const words = title.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length > 1 && ARTICLES.includes(words[0]!)) words.shift();
  return words.join(' ');
}

/** The day on which a loan ends. */
export function dueDay(today: number, days: number): number {
  if (days < 0) throw new RangeError('a loan cannot end before it begins');
  return today + days;
}
