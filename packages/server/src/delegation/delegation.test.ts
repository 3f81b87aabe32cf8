/** Who may assign which scope: the pure rules. `test/delegation.test.ts` tests sequences of calls. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { defaultScopes } from '../scopes/default-scopes.ts';
import { createScopeRegistry } from '../scopes/scope-registry.ts';
import {
  assignableScopes,
  type DelegationRules,
  type Delegator,
  futureScopes,
  reachOf,
  requireAssignable,
} from './delegation.ts';

const registry = createScopeRegistry(defaultScopes);
const byRegistry: DelegationRules = { mode: 'registry', registry };
const byHeld: DelegationRules = { mode: 'held', registry };
const all = [...registry.names];
const administrative = all.filter((name) => !registry.ordinaryNames.has(name));

const delegator = (scopes: Iterable<string>, grantable: Iterable<string> | null = null): Delegator => ({
  isRoot: false,
  scopes: new Set(scopes),
  grantableScopes: grantable === null ? null : new Set(grantable),
});
const assignable = (who: Delegator, rules: DelegationRules, token: ReadonlySet<string> = who.scopes) =>
  [...assignableScopes(who, token, rules)].toSorted();

const scopes = fc.subarray(all).map((names) => new Set(names));
const delegators = fc.record({
  isRoot: fc.constant(false),
  scopes,
  grantableScopes: fc.option(scopes),
});
const rules = fc.constantFrom(byRegistry, byHeld);

describe('the scopes that a client may assign', () => {
  test('root: all', () => {
    expect(assignable({ ...delegator([]), isRoot: true }, byHeld)).toEqual([...all, futureScopes].toSorted());
  });

  test('with client:create and no grantable_scopes: every scope that does not administer Postern', () => {
    expect(assignable(delegator(['client:create']), byRegistry)).toEqual(
      [...registry.ordinaryNames, futureScopes].toSorted(),
    );
  });

  test('the same with POSTERN_DELEGATION=held: those of its token that do not administer Postern', () => {
    expect(assignable(delegator(['client:create', 'policy:read']), byHeld)).toEqual(['policy:read']);
    expect(assignable(delegator(['client:create']), byHeld)).toEqual([]);
  });

  test('without client:create and grantable_scopes: those of its token that do not administer Postern', () => {
    expect(assignable(delegator(['client:update', 'policy:read']), byRegistry)).toEqual(['policy:read']);
  });

  test('with grantable_scopes: those, and those of its token', () => {
    const who = delegator(['client:create', 'policy:read'], ['rule:read']);
    for (const mode of [byRegistry, byHeld]) {
      expect(assignable(who, mode)).toEqual(['client:create', 'policy:read', 'rule:read']);
      expect(assignable(who, mode, new Set(['client:create']))).toEqual(['client:create', 'rule:read']);
    }
    expect(assignable(delegator(['client:create'], []), byRegistry)).toEqual(['client:create']);
  });

  test('never more by a token of fewer scopes', () => {
    fc.assert(
      fc.property(delegators, fc.infiniteStream(fc.boolean()), rules, (who, coins, by) => {
        const fewer = new Set([...who.scopes].filter(() => coins.next().value));
        expect(assignableScopes(who, fewer, by).isSubsetOf(assignableScopes(who, who.scopes, by))).toBe(true);
      }),
    );
  });

  test('never one that administers Postern, unless it has grantable_scopes', () => {
    expect(administrative).toContain('client:create');
    fc.assert(
      fc.property(scopes, rules, (held, by) => {
        expect(assignableScopes(delegator(held), held, by).isDisjointFrom(new Set(administrative))).toBe(true);
      }),
    );
  });
});

describe('a client that is created or changed', () => {
  test('never holds or may assign more than its creator may assign', () => {
    fc.assert(
      fc.property(delegators, delegators, rules, (creator, created, by) => {
        const limit = assignableScopes(creator, creator.scopes, by);
        const reach = reachOf(created, by);
        if (reach.isSubsetOf(limit)) {
          expect(() => requireAssignable(created, limit, by)).not.toThrow();
        } else {
          expect(() => requireAssignable(created, limit, by)).toThrow(
            expect.objectContaining({ code: 'access_denied', reason: 'grant_exceeded' }),
          );
        }
      }),
    );
  });

  test('reach is all that it holds and all that it could assign', () => {
    expect(reachOf(delegator(['client:create', 'policy:read'], ['rule:read']), byHeld)).toEqual(
      new Set(['client:create', 'policy:read', 'rule:read']),
    );
    expect(reachOf(delegator(['client:create']), byRegistry)).toEqual(
      registry.ordinaryNames.union(new Set(['client:create', futureScopes])),
    );
  });

  test('may not assign scopes that are added later if its creator may not', () => {
    const open = delegator(['client:create']);
    const creator = delegator(['client:create'], registry.ordinaryNames);
    const limit = assignableScopes(creator, creator.scopes, byRegistry);
    expect(() => requireAssignable(open, limit, byRegistry)).toThrow(
      /^The client could assign the scope that is added next, which you may not assign: narrow/,
    );
    expect(() =>
      requireAssignable(delegator(['client:create'], registry.ordinaryNames), limit, byRegistry),
    ).not.toThrow();
    expect(() => requireAssignable(open, limit, byHeld)).not.toThrow();
    const root = assignableScopes({ ...delegator([]), isRoot: true }, new Set(), byRegistry);
    expect(() => requireAssignable(open, root, byRegistry)).not.toThrow();
  });

  test('an error names the excess scope', () => {
    const limit = new Set(['policy:read', 'client:create']);
    expect(() => requireAssignable(delegator(['policy:read', 'rule:read']), limit, byRegistry)).toThrow(
      /right to assign the scope rule:read/,
    );
    expect(() => requireAssignable(delegator(['client:create']), limit, byRegistry)).toThrow(
      /narrow its grantable_scopes/,
    );
    expect(() => requireAssignable(delegator([], ['user:create']), limit, byRegistry)).toThrow(/user:create/);
  });
});
