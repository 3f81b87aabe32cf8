/** What a rule may be, and what a change leaves of it. */
import { describe, expect, test } from 'vitest';
import type { StorageConfig } from '../storage/storage-config.ts';
import type { MaskingStrategy } from './masking-strategy.ts';
import { changeRule, type RuleSettings, requireTargetedOnce, withTarget } from './rule.ts';

const storageDestination: StorageConfig = { key: 'files', name: 'Files', type: 'local', format: 'json', details: {} };
const maskingStrategy: MaskingStrategy = { strategy: 'null_rewrite', configuration: {} };
const access: RuleSettings = { name: 'Access', actionType: 'access', storageDestination, maskingStrategy: null };
const erasure: RuleSettings = { name: 'Erase', actionType: 'erasure', storageDestination: null, maskingStrategy };

describe('changeRule', () => {
  test('makes rules of both actions', () => {
    expect(changeRule(undefined, { name: 'Access', actionType: 'access', storageDestination })).toEqual(access);
    expect(changeRule(undefined, { name: 'Erase', actionType: 'erasure', maskingStrategy })).toEqual(erasure);
  });

  test.each([
    ['a name', { actionType: 'access', storageDestination }, 'name: is required'],
    ['an action', { name: 'x', storageDestination }, 'action_type: is required'],
    ['a destination to access', { name: 'x', actionType: 'access' }, 'storage_destination_key: is required'],
    ['a strategy to erase', { name: 'x', actionType: 'erasure' }, 'masking_strategy: is required'],
  ] as const)('needs %s', (_what, change, message) => {
    expect(() => changeRule(undefined, change)).toThrow(message);
  });

  test('has no use for a strategy in access and for a destination in erasure', () => {
    expect(() => changeRule(access, { maskingStrategy })).toThrow(
      'masking_strategy: does not apply to an access rule.',
    );
    expect(() => changeRule(erasure, { storageDestination })).toThrow(
      'storage_destination_key: does not apply to an erasure rule.',
    );
  });

  test('leaves what is not sent', () => {
    expect(changeRule(access, {})).toEqual(access);
    expect(changeRule(erasure, { name: 'Other' })).toEqual({ ...erasure, name: 'Other' });
  });

  test('does not let go of what the action needs', () => {
    expect(() => changeRule(access, { storageDestination: null })).toThrow('is required for an access rule');
    expect(() => changeRule(erasure, { maskingStrategy: null })).toThrow('is required for an erasure rule');
  });

  test('leaves behind what only the old action had a use for', () => {
    expect(changeRule(access, { actionType: 'erasure', maskingStrategy })).toEqual({ ...erasure, name: 'Access' });
    expect(changeRule(erasure, { actionType: 'access', storageDestination })).toEqual({ ...access, name: 'Erase' });
  });

  test.each([
    [{ strategy: 'aes_encrypt', configuration: { mode: 'GCM', format_preservation: { suffix: '@x' } } }, undefined],
    [{ strategy: 'hash', configuration: { algorithm: 'SHA-512' } }, undefined],
    [{ strategy: 'hmac', configuration: { algorithm: 'SHA-256' } }, undefined],
    [{ strategy: 'random_string_rewrite', configuration: { length: 20 } }, undefined],
    [{ strategy: 'string_rewrite', configuration: { rewrite_value: '' } }, undefined],
    [{ strategy: 'string_rewrite', configuration: {} }, 'configuration.rewrite_value: is required'],
    [{ strategy: 'null_rewrite', configuration: { length: 20 } }, 'configuration.length: does not apply to'],
    [{ strategy: 'hash', configuration: { mode: 'GCM' } }, 'configuration.mode: does not apply to'],
  ] as const)('of the masking strategy %j says %j', (strategy, fault) => {
    const change = () => changeRule(erasure, { maskingStrategy: strategy });
    if (fault === undefined) {
      expect(change().maskingStrategy).toEqual(strategy);
    } else {
      expect(change).toThrow(`masking_strategy.${fault}`);
    }
  });
});

test('a rule has a category once, also after a change of one of its targets', () => {
  const email = { key: 'email', name: 'email', dataCategory: 'user.contact.email' };
  const rule = { ...access, key: 'rule', targets: [email] };
  expect(() => requireTargetedOnce(withTarget(rule, { ...email, name: 'renamed' }))).not.toThrow();
  expect(() => requireTargetedOnce(withTarget(rule, { ...email, key: 'again' }))).toThrow(
    'the rule rule has the target user.contact.email already',
  );
});
