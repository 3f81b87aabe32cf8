/** The checker, on histories made by hand: what it must report, and what it must not. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { checkHistory, type Violation } from './check.ts';
import type {
  ChangeRecord,
  CredentialRecord,
  DatabaseRecord,
  HistoryRecord,
  OutageRecord,
  ProbeRecord,
  TokenRecord,
} from './history.ts';
import { promises } from './promises.ts';

const day = 86_400_000;

const start: HistoryRecord[] = [
  { type: 'start', process: 'node-1', at: 0 },
  { type: 'start', process: 'guard-1', at: 0 },
  { type: 'route', guard: 'guard-1', node: 'node-1', at: 0 },
];
const token = (more: Partial<TokenRecord> = {}): TokenRecord => ({
  type: 'token',
  id: 't',
  clientId: 'c',
  node: 'node-1',
  kid: 'k',
  scopes: ['policy:read'],
  resources: ['api'],
  parents: [],
  expiresAt: 8 * day,
  sentAt: 990,
  at: 1_000,
  ...more,
});
const change = (at: number, more: Partial<ChangeRecord> = {}): ChangeRecord => ({
  type: 'change',
  what: 'revoke the token t',
  node: 'node-1',
  outcome: 'acknowledged',
  ends: [{ jti: 't' }],
  sentAt: at - 20,
  at,
  ...more,
});
const probe = (sentAt: number, verdict: ProbeRecord['verdict'], more: Partial<ProbeRecord> = {}): ProbeRecord => ({
  type: 'probe',
  id: 't',
  observer: 'guard-1',
  how: 'guard',
  verdict,
  detail: '',
  sentAt,
  at: sentAt + 10,
  ...more,
});
const outage = (of: string, from: number, to: number): OutageRecord => ({ type: 'outage', of, cause: '', from, to });
const database = (at: number, mayHaveLost: boolean, active: string[], clientless: string[] = []): DatabaseRecord => ({
  type: 'database',
  cause: 'restored',
  at,
  mayHaveLost,
  active,
  clientless,
});
const secret: CredentialRecord = { type: 'credential', id: 's', clientId: 'c', sentAt: 500, at: 500 };

function kindsOf(...records: HistoryRecord[]): Violation['kind'][] {
  return checkHistory([...start, ...records], promises).violations.map(({ kind }) => kind);
}

test('a token that is accepted later than a second after its end was acknowledged is reported', () => {
  expect(kindsOf(token(), change(5_000), probe(6_001, 'accepted'))).toEqual(['dead accepted']);
  expect(kindsOf(token(), change(5_000), probe(5_999, 'accepted'))).toEqual([]);
  expect(kindsOf(token(), change(5_000), probe(6_001, 'refused'))).toEqual([]);
  expect(kindsOf(token(), change(5_000), probe(6_001, 'unavailable'))).toEqual([]);
});

test('every kind of end is known', () => {
  for (const end of [
    { clientId: 'c' },
    { clientId: 'c', scope: 'policy:read' },
    { clientId: 'c', resource: 'api' },
    { kid: 'k' },
    { kid: 'parent-key' },
    { all: true } as const,
    { clientId: 'parent-client' },
    { jti: 'parent' },
  ]) {
    const exchanged = token({ parents: [{ jti: 'parent', kid: 'parent-key', clientId: 'parent-client' }] });
    expect(kindsOf(exchanged, change(5_000, { ends: [end] }), probe(7_000, 'accepted'))).toEqual(['dead accepted']);
  }
  for (const end of [
    { clientId: 'other' },
    { clientId: 'c', scope: 'rule:read' },
    { clientId: 'c', resource: 'other' },
    { kid: 'other' },
    { credentialsOf: 'c' },
  ]) {
    expect(kindsOf(token(), change(5_000, { ends: [end] }), probe(7_000, 'accepted'))).toEqual([]);
    expect(kindsOf(token(), change(5_000, { ends: [end] }), probe(7_000, 'refused'))).toEqual(['live refused']);
  }
});

test('a secret that is accepted after it was replaced is reported, and the new one is not', () => {
  const replaced = change(5_000, { ends: [{ credentialsOf: 'c' }] });
  const next: CredentialRecord = { ...secret, id: 'next', sentAt: 5_000, at: 5_000 };
  const tried = { observer: 'node-1', how: 'token request' } as const;
  expect(
    kindsOf(
      secret,
      replaced,
      next,
      probe(7_000, 'accepted', { id: 's', ...tried }),
      probe(7_000, 'accepted', { id: 'next', ...tried }),
    ),
  ).toEqual(['dead accepted']);
  expect(kindsOf(secret, replaced, next, probe(7_000, 'refused', { id: 'next', ...tried }))).toEqual(['live refused']);
});

test('a live token that is refused, or not answered for, without a cause is reported', () => {
  expect(kindsOf(token(), probe(5_000, 'refused'))).toEqual(['live refused']);
  expect(kindsOf(token(), probe(5_000, 'unavailable'))).toEqual(['live refused']);
  expect(kindsOf(token(), probe(5_000, 'accepted'))).toEqual([]);
  expect(kindsOf(token(), change(4_000, { outcome: 'refused' }), probe(5_000, 'refused'))).toEqual(['live refused']);
});

test('a change without an answer makes either answer right, and one that is acknowledged later counts', () => {
  const unanswered = change(5_000, { outcome: 'unknown' });
  expect(kindsOf(token(), unanswered, probe(7_000, 'accepted'), probe(7_100, 'refused'))).toEqual([]);
  expect(kindsOf(token(), unanswered, change(8_000), probe(9_100, 'accepted'))).toEqual(['dead accepted']);
  // It may be made so late that it ends what was issued meanwhile.
  const issuedLater = token({ sentAt: 9_000, at: 9_010 });
  expect(kindsOf(issuedLater, unanswered, probe(12_000, 'refused'))).toEqual([]);
});

test('without news a process may accept what ended for as long as it is configured to, and no longer', () => {
  const cut = outage('link of guard-1', 4_500, 60_000);
  const closedAt = 5_000 + promises.guardStalenessMs + promises.stalenessSlackMs;
  expect(kindsOf(token(), cut, change(5_000), probe(closedAt - 100, 'accepted'))).toEqual([]);
  expect(kindsOf(token(), cut, change(5_000), probe(closedAt + 100, 'accepted'))).toEqual(['dead accepted']);
  expect(kindsOf(token(), cut, change(5_000), probe(closedAt + 100, 'unavailable'))).toEqual([]);
});

test('what breaks between a guard and the database counts for the guard, as long as it is connected with that node', () => {
  const cut = outage('link of node-1', 4_500, 60_000);
  expect(kindsOf(token(), cut, change(5_000), probe(7_000, 'accepted'))).toEqual([]);
  const moved = { type: 'route', guard: 'guard-1', node: 'node-2', at: 2_000 } as const;
  expect(kindsOf(token(), moved, cut, change(5_000), probe(7_000, 'accepted'))).toEqual(['dead accepted']);
});

test('a process has a second of news after an outage, and must know then', () => {
  const cut = outage('link of node-1', 4_500, 5_500);
  const at = (sentAt: number) => probe(sentAt, 'accepted', { observer: 'node-1', how: 'introspection' });
  const known = 5_500 + promises.nodeRecoveryMs + promises.deadAfterMs;
  expect(kindsOf(token(), cut, change(5_000), at(known - 100))).toEqual([]);
  expect(kindsOf(token(), cut, change(5_000), at(known + 100))).toEqual(['dead accepted']);
});

test('an outage excuses an answer that says that it cannot tell, but not one that says no', () => {
  const cut = outage('database', 4_500, 20_000);
  const at = { observer: 'node-1', how: 'introspection' } as const;
  expect(kindsOf(token(), cut, probe(5_000, 'unavailable', at))).toEqual([]);
  expect(kindsOf(token(), cut, probe(5_000, 'refused', at))).toEqual(['live refused']);
  expect(kindsOf(token(), cut, probe(40_000, 'unavailable', at))).toEqual(['live refused']);
});

test('a guard that refuses everything before its news is too old is reported', () => {
  const cut = outage('link of guard-1', 10_000, 20_000);
  expect(kindsOf(token(), cut, probe(12_000, 'unavailable'))).toEqual(['live refused']);
  expect(kindsOf(token(), cut, probe(17_000, 'unavailable'))).toEqual([]);
});

test('a token that has expired by the clock of a process may be refused there, and nowhere else', () => {
  const ahead = { type: 'clock', process: 'guard-1', at: 4_000, offsetMs: 9 * day } as const;
  expect(kindsOf(token(), ahead, probe(6_000, 'refused'))).toEqual([]);
  expect(kindsOf(token(), ahead, probe(6_000, 'unavailable'))).toEqual(['live refused']);
  expect(kindsOf(token(), { ...ahead, offsetMs: 2 * 3_600_000 }, probe(6_000, 'refused'))).toEqual(['live refused']);
  expect(kindsOf(token(), ahead, { ...ahead, at: 5_000, offsetMs: 0 }, probe(9_000, 'refused'))).toEqual([
    'live refused',
  ]);
});

test('a guard may refuse tokens of a key that it cannot know yet, for a bounded time', () => {
  const next = token({ id: 'n', kid: 'next', sentAt: 10_000, at: 10_010 });
  const refused = (sentAt: number) => probe(sentAt, 'refused', { id: 'n' });
  const soon = 10_000 + promises.unknownKeyMs;
  expect(kindsOf(token(), next, refused(soon - 100), refused(soon + 100))).toEqual(['live refused']);
  const ahead = { type: 'clock', process: 'node-1', at: 9_000, offsetMs: 2 * 3_600_000 } as const;
  const late = 10_000 + promises.earlyKeyMs;
  expect(kindsOf(token(), ahead, next, refused(soon + 100), refused(late + 100))).toEqual(['live refused']);
});

test('a change that was acknowledged and is not in the database is reported', () => {
  expect(kindsOf(token(), change(5_000), database(9_000, false, ['t']))).toEqual(['acknowledgement lost']);
  expect(kindsOf(token(), change(5_000), database(9_000, false, []))).toEqual([]);
  expect(kindsOf(secret, database(9_000, false, []))).toEqual(['acknowledgement lost']);
  expect(kindsOf(secret, database(9_000, false, ['s']))).toEqual([]);
});

test('after a restore the database is right, and nodes must agree with it', () => {
  const at = { observer: 'node-1', how: 'introspection' } as const;
  const broken = outage('database', 8_500, 9_000);
  const isBack = [token(), change(5_000), broken, database(9_000, true, ['t'])];
  expect(kindsOf(...isBack, probe(20_000, 'accepted', at))).toEqual([]);
  expect(kindsOf(...isBack, probe(20_000, 'refused', at))).toEqual(['live refused']);
  const isGone = [token(), broken, database(9_000, true, [], ['t'])];
  expect(kindsOf(...isGone, probe(20_000, 'accepted', at))).toEqual(['dead accepted']);
  expect(kindsOf(...isGone, probe(20_000, 'refused', at))).toEqual([]);
});

test('after a restore a guard still refuses the tokens that it knew to be revoked', () => {
  const broken = outage('database', 8_500, 9_000);
  const lost = [broken, database(9_000, true, ['t'])];
  expect(kindsOf(token(), change(5_000), ...lost, probe(30_000, 'accepted'))).toEqual(['dead accepted']);
  expect(kindsOf(token(), change(5_000), ...lost, probe(30_000, 'refused'))).toEqual([]);
  // It may not have heard of this one, nor may one that was started later.
  expect(kindsOf(token(), change(8_400), ...lost, probe(30_000, 'accepted'))).toEqual([]);
  const restarted = { type: 'start', process: 'guard-1', at: 7_000 } as const;
  expect(kindsOf(token(), change(5_000), restarted, ...lost, probe(30_000, 'accepted'))).toEqual([]);
});

test('what was ended again after a restore has ended', () => {
  const lost = [outage('database', 8_500, 9_000), database(9_000, true, ['t'])];
  const history = [token(), change(5_000), ...lost, change(25_000)];
  expect(kindsOf(...history, probe(40_000, 'accepted', { observer: 'node-1' }))).toEqual(['dead accepted']);
});

test('what the harness itself saw go wrong is reported', () => {
  expect(kindsOf({ type: 'fault', at: 1, by: 'node-1', text: 'does not become ready' })).toEqual(['fault']);
});

test('docs/reliability.md states the bounds that are checked', () => {
  const page = readFileSync(new URL('../../../docs/reliability.md', import.meta.url), 'utf8');
  const bounds = [...page.matchAll(/\| \*\*(\d+) s\*\* \|$/gm)].map(([, seconds]) => Number(seconds) * 1_000);
  const { deadAfterMs, stalenessSlackMs, nodeRecoveryMs, guardRecoveryMs, unknownKeyMs, earlyKeyMs } = promises;
  expect(bounds).toEqual([deadAfterMs, stalenessSlackMs, nodeRecoveryMs, guardRecoveryMs, unknownKeyMs, earlyKeyMs]);
});
