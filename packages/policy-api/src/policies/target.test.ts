/** Keys and names of targets. */
import { showName } from '@postern/protocol';
import { describe, expect, test } from 'vitest';
import { dataCategories } from '../taxonomy/data-categories.ts';
import { changeTarget } from './target.ts';

describe('changeTarget', () => {
  const dataCategory = 'user.contact.email';

  test('takes what is sent', () => {
    const sent = { key: 'k', name: 'N', dataCategory };
    expect(changeTarget(undefined, sent, 'rule')).toEqual(sent);
  });

  test('fills in key and name', () => {
    const both = { key: 'rule-user.contact.email', name: 'rule-user.contact.email', dataCategory };
    expect(changeTarget(undefined, { dataCategory }, 'rule')).toEqual(both);
    expect(changeTarget(undefined, { dataCategory, name: 'The E-Mail' }, 'rule')).toMatchObject({ key: 'the_e_mail' });
    expect(changeTarget(undefined, { dataCategory, key: 'k' }, 'rule')).toMatchObject({ name: 'k' });
  });

  test('leaves what is not sent', () => {
    const before = { key: 'k', name: 'N', dataCategory };
    expect(changeTarget(before, { key: 'k' }, 'rule')).toEqual(before);
    expect(changeTarget(before, { key: 'k', dataCategory: 'user.name' }, 'rule')).toEqual({
      ...before,
      dataCategory: 'user.name',
    });
  });

  test('needs a category of the taxonomy', () => {
    expect(() => changeTarget(undefined, { name: 'N' }, 'rule')).toThrow(
      'data_category: is required for a new target.',
    );
    for (const unknown of ['user.provided.identifiable', 'User', 'user.', '', '__proto__', 'constructor']) {
      expect(() => changeTarget(undefined, { dataCategory: unknown }, 'rule')).toThrow(
        `data_category: the Fides taxonomy has no category ${showName(unknown)}.`,
      );
    }
  });

  test('asks for a key where it cannot make one', () => {
    const add = (ruleKey: string) => changeTarget(undefined, { dataCategory: 'user' }, ruleKey).key;
    expect(add('r'.repeat(195))).toHaveLength(200);
    expect(() => add('r'.repeat(196))).toThrow('key: is required here');
  });

  test('gives no two rules and categories the same key', () => {
    const rules = ['a', 'a-user', 'a.b', 'a_b', 'a-user.contact'];
    const keys = rules.flatMap((rule) =>
      [...dataCategories].map((category) => changeTarget(undefined, { dataCategory: category }, rule).key),
    );
    expect(new Set(keys).size).toBe(rules.length * dataCategories.size);
  });
});
