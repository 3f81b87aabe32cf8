/** The rules for changing a client. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ClientChange, changeClient, newClient } from './client.ts';

const createdAt = Date.UTC(2026, 0, 1);
const later = Date.UTC(2026, 0, 2);
const fresh = newClient('client', createdAt);
const full = changeClient(
  fresh,
  {
    name: 'billing',
    description: 'Reads policies.',
    scopes: ['policy:read'],
    grantableScopes: ['rule:read'],
    accessTokenTtlSeconds: 60,
  },
  createdAt,
);

const names = fc.array(fc.constantFrom('policy:read', 'rule:read', 'client:create'));
const change: fc.Arbitrary<ClientChange> = fc.record(
  {
    name: fc.option(fc.string()),
    description: fc.option(fc.string()),
    scopes: names,
    grantableScopes: fc.option(names),
    enabled: fc.boolean(),
    accessTokenTtlSeconds: fc.option(fc.nat()),
  },
  { requiredKeys: [] },
);

describe('a change', () => {
  test('sets what it names and leaves the rest', () => {
    fc.assert(
      fc.property(change, (wanted) => {
        const after = changeClient(full, wanted, later);
        const { grantableScopes: grantable = full.grantableScopes } = wanted;
        expect(after).toEqual({
          ...full,
          name: 'name' in wanted ? wanted.name : full.name,
          description: 'description' in wanted ? wanted.description : full.description,
          scopes: new Set(wanted.scopes ?? full.scopes),
          grantableScopes: grantable === null ? null : new Set(grantable),
          enabled: wanted.enabled ?? true,
          accessTokenTtlSeconds:
            'accessTokenTtlSeconds' in wanted ? wanted.accessTokenTtlSeconds : full.accessTokenTtlSeconds,
          generation: wanted.enabled === false ? later : 0,
          updatedAt: later,
        });
      }),
    );
  });

  test('of nothing but null goes back to what a new client has', () => {
    const nothing = {
      name: null,
      description: null,
      grantableScopes: null,
      accessTokenTtlSeconds: null,
      scopes: [],
    };
    expect(changeClient(full, nothing, createdAt)).toEqual(fresh);
  });
});

describe('the generation', () => {
  test('rises each time that a client is disabled, and never falls', () => {
    const states = [false, false, true, true, false, true];
    const generations: number[] = [];
    let client = full;
    for (const enabled of states) {
      client = changeClient(client, { enabled }, later);
      generations.push(client.generation);
    }
    expect(generations).toEqual([later, later, later, later, later + 1, later + 1]);
  });
});
