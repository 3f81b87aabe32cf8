/** Who may hand out which scope, as pure rules. What comes of sequences of calls: `test/delegation.test.ts`. */
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

const granter = (scopes: Iterable<string>, grantable: Iterable<string> | null = null): Delegator => ({
  isRoot: false,
  scopes: new Set(scopes),
  grantableScopes: grantable === null ? null : new Set(grantable),
});
const assignable = (who: Delegator, rules: DelegationRules, token: ReadonlySet<string> = who.scopes) =>
  [...assignableScopes(who, token, rules)].toSorted();

const scopes = fc.subarray(all).map((names) => new Set(names));
const granters = fc.record({
  isRoot: fc.constant(false),
  scopes,
  grantableScopes: fc.option(scopes),
});
const rules = fc.constantFrom(byRegistry, byHeld);

describe('the scopes that a client may assign', () => {
  test('root: all', () => {
    expect(assignable({ ...granter([]), isRoot: true }, byHeld)).toEqual([...all, futureScopes].toSorted());
  });

  test('with client:create and no grantable_scopes: every scope that does not administer Postern', () => {
    expect(assignable(granter(['client:create']), byRegistry)).toEqual(
      [...registry.ordinaryNames, futureScopes].toSorted(),
    );
  });

  test('the same with POSTERN_DELEGATION=held: those of its token that do not administer Postern', () => {
    expect(assignable(granter(['client:create', 'policy:read']), byHeld)).toEqual(['policy:read']);
    expect(assignable(granter(['client:create']), byHeld)).toEqual([]);
  });

  test('without client:create and grantable_scopes: those of its token that do not administer Postern', () => {
    expect(assignable(granter(['client:update', 'policy:read']), byRegistry)).toEqual(['policy:read']);
  });

  test('with grantable_scopes: those, and those of its token', () => {
    const who = granter(['client:create', 'policy:read'], ['rule:read']);
    for (const mode of [byRegistry, byHeld]) {
      expect(assignable(who, mode)).toEqual(['client:create', 'policy:read', 'rule:read']);
      expect(assignable(who, mode, new Set(['client:create']))).toEqual(['client:create', 'rule:read']);
    }
    expect(assignable(granter(['client:create'], []), byRegistry)).toEqual(['client:create']);
  });

  test('never more by a token of fewer scopes', () => {
    fc.assert(
      fc.property(granters, fc.infiniteStream(fc.boolean()), rules, (who, coins, by) => {
        const fewer = new Set([...who.scopes].filter(() => coins.next().value));
        expect(assignableScopes(who, fewer, by).isSubsetOf(assignableScopes(who, who.scopes, by))).toBe(true);
      }),
    );
  });

  test('never one that administers Postern, unless grantable_scopes were given', () => {
    expect(administrative).toContain('client:create');
    fc.assert(
      fc.property(scopes, rules, (held, by) => {
        expect(assignableScopes(granter(held), held, by).isDisjointFrom(new Set(administrative))).toBe(true);
      }),
    );
  });
});

describe('what a client can be made into', () => {
  test('is never able to do or to hand out more than whoever may make it', () => {
    fc.assert(
      fc.property(granters, granters, rules, (maker, made, by) => {
        const limit = assignableScopes(maker, maker.scopes, by);
        const reach = reachOf(made, by);
        if (reach.isSubsetOf(limit)) {
          expect(() => requireAssignable(made, limit, by)).not.toThrow();
        } else {
          expect(() => requireAssignable(made, limit, by)).toThrow(
            expect.objectContaining({ code: 'access_denied', reason: 'grant_exceeded' }),
          );
        }
      }),
    );
  });

  test('reach is all that it holds and all that it could assign', () => {
    expect(reachOf(granter(['client:create', 'policy:read'], ['rule:read']), byHeld)).toEqual(
      new Set(['client:create', 'policy:read', 'rule:read']),
    );
    expect(reachOf(granter(['client:create']), byRegistry)).toEqual(
      registry.ordinaryNames.union(new Set(['client:create', futureScopes])),
    );
  });

  test('is not able to hand out scopes that are added later where its maker is not', () => {
    const open = granter(['client:create']);
    const maker = granter(['client:create'], registry.ordinaryNames);
    const limit = assignableScopes(maker, maker.scopes, byRegistry);
    expect(() => requireAssignable(open, limit, byRegistry)).toThrow(
      /^The client could hand out the scope that is added next, which you may not assign: narrow/,
    );
    expect(() =>
      requireAssignable(granter(['client:create'], registry.ordinaryNames), limit, byRegistry),
    ).not.toThrow();
    expect(() => requireAssignable(open, limit, byHeld)).not.toThrow();
    const root = assignableScopes({ ...granter([]), isRoot: true }, new Set(), byRegistry);
    expect(() => requireAssignable(open, root, byRegistry)).not.toThrow();
  });

  test('a refusal names the scope that is too much', () => {
    const limit = new Set(['policy:read', 'client:create']);
    expect(() => requireAssignable(granter(['policy:read', 'rule:read']), limit, byRegistry)).toThrow(/rule:read/);
    expect(() => requireAssignable(granter(['client:create']), limit, byRegistry)).toThrow(
      /narrow its grantable_scopes/,
    );
    expect(() => requireAssignable(granter([], ['user:create']), limit, byRegistry)).toThrow(/user:create/);
  });
});
