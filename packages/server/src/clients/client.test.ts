/** The rules for changing a client. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ClientChange, changeClient, newClient } from './client.ts';

const born = '2026-01-01T00:00:00.000Z';
const later = '2026-01-02T00:00:00.000Z';
const fresh = newClient('client', born);
const full = changeClient(
  fresh,
  {
    name: 'billing',
    description: 'Reads policies.',
    scopes: ['policy:read'],
    grantable_scopes: ['rule:read'],
    access_token_ttl_seconds: 60,
  },
  born,
);

const names = fc.array(fc.constantFrom('policy:read', 'rule:read', 'client:create'));
const change: fc.Arbitrary<ClientChange> = fc.record(
  {
    name: fc.option(fc.string()),
    description: fc.option(fc.string()),
    scopes: names,
    grantable_scopes: fc.option(names),
    enabled: fc.boolean(),
    access_token_ttl_seconds: fc.option(fc.nat()),
  },
  { requiredKeys: [] },
);

describe('a change', () => {
  test('sets what it names and leaves the rest', () => {
    fc.assert(
      fc.property(change, (wanted) => {
        const after = changeClient(full, wanted, later);
        const { grantable_scopes: grantable = full.grantableScopes } = wanted;
        expect(after).toEqual({
          ...full,
          name: 'name' in wanted ? wanted.name : full.name,
          description: 'description' in wanted ? wanted.description : full.description,
          scopes: new Set(wanted.scopes ?? full.scopes),
          grantableScopes: grantable === null ? null : new Set(grantable),
          enabled: wanted.enabled ?? true,
          accessTokenTtlSeconds:
            'access_token_ttl_seconds' in wanted ? wanted.access_token_ttl_seconds : full.accessTokenTtlSeconds,
          generation: wanted.enabled === false ? 1 : 0,
          updatedAt: later,
        });
      }),
    );
  });

  test('of nothing but null goes back to what a new client has', () => {
    const nothing = {
      name: null,
      description: null,
      grantable_scopes: null,
      access_token_ttl_seconds: null,
      scopes: [],
    };
    expect(changeClient(full, nothing, born)).toEqual(fresh);
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
    expect(generations).toEqual([1, 1, 1, 1, 2, 2]);
  });
});
