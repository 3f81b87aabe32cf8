/** What a policy may erase. */
import { describe, expect, test } from 'vitest';
import { changePolicy, getRule, type Policy, requireErasedOnce, withRule } from './policy.ts';
import type { Rule } from './rule.ts';

const rule = (key: string, actionType: Rule['actionType'], ...categories: string[]): Rule => ({
  key,
  name: key,
  actionType,
  storageDestination: null,
  maskingStrategy: null,
  targets: categories.map((dataCategory) => ({ key: `${key}-${dataCategory}`, name: '', dataCategory })),
});
const policy = (...rules: Rule[]): Policy => ({ key: 'policy', name: 'Policy', drpAction: null, rules });

describe('requireErasedOnce', () => {
  test('takes categories that share no data, and does not mind what access rules read', () => {
    const erase = rule('erase', 'erasure', 'user.contact.email', 'user.device.cookie');
    const more = rule('more', 'erasure', 'user.contact.url', 'user.device.cookie_id');
    expect(() => requireErasedOnce(policy(erase, more, rule('read', 'access', 'user', 'user.contact')))).not.toThrow();
  });

  test('refuses an ancestor, in one rule or in two', () => {
    const message = 'would erase user.contact.email and user.contact, one of which is part of the other';
    const inOne = policy(rule('erase', 'erasure', 'user.contact.email', 'user.contact'));
    const inTwo = policy(rule('erase', 'erasure', 'user.contact.email'), rule('more', 'erasure', 'user.contact'));
    expect(() => requireErasedOnce(inOne)).toThrow(message);
    expect(() => requireErasedOnce(inTwo)).toThrow(message);
  });

  test('refuses the same category in two rules', () => {
    const twice = policy(rule('erase', 'erasure', 'user.name'), rule('more', 'erasure', 'user.name'));
    expect(() => requireErasedOnce(twice)).toThrow('The policy policy would erase user.name twice.');
  });

  test('looks at a changed rule in the place of the old one', () => {
    const before = policy(rule('erase', 'erasure', 'user.name'), rule('read', 'access', 'user'));
    expect(() => requireErasedOnce(withRule(before, rule('erase', 'erasure', 'user.name.last')))).not.toThrow();
    expect(() => requireErasedOnce(withRule(before, rule('read', 'erasure', 'user')))).toThrow('user.name and user');
  });
});

describe('changePolicy', () => {
  test('needs a name at first, and leaves what is not sent', () => {
    expect(() => changePolicy(undefined, {})).toThrow('name: is required for a new policy.');
    const settings = changePolicy(undefined, { name: 'A', drpAction: 'access' });
    expect(settings).toEqual({ name: 'A', drpAction: 'access' });
    expect(changePolicy(settings, { name: 'B' })).toEqual({ name: 'B', drpAction: 'access' });
    expect(changePolicy(settings, { drpAction: null })).toEqual({ name: 'A', drpAction: null });
  });
});

test('getRule finds the rules of the policy and no other', () => {
  expect(getRule(policy(rule('a', 'access')), 'a').key).toBe('a');
  expect(() => getRule(policy(rule('a', 'access')), 'b')).toThrow('There is no rule b in the policy policy.');
});
