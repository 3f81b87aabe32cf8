/**
 * What receivers are told of each kind of event in the log: one table, in which every kind has a row, so that whoever adds a
 * kind must decide. CAEP 1.0 §3, OAuth Event Types 1.0 §3. Pure.
 *
 * Whatever ends or narrows a token is a `session-revoked` for receivers that know CAEP, and an event of OAuth for those that
 * know these. Narrowed counts as ended, for there is no event that says less: a receiver asks again, or looks at `revocation`.
 */
import { streamUpdatedEvent, toWireNames, verificationEvent, type WireNamed } from '@postern/protocol';
import { serverActor } from '../events/actor.ts';
import type { EventKind, LoggedEvent } from '../events/event.ts';
import { type FeedEntry, feedEntryOf, isOfFeedKey } from '../revocation/feed-entry.ts';
import {
  clientCredentialChanged,
  clientDisabled,
  clientEnabled,
  credentialChange,
  sessionRevoked,
  tokenRevoked,
  tokensRevoked,
} from './event-types.ts';
import { keyOf, type SimpleSubject, type Subject } from './subject.ts';

/** One event for receivers: what a SET says. */
export interface Signal {
  /** The URI of its type. */
  readonly type: string;
  readonly subject: Subject;
  /** The keys of the subjects by which a receiver can want it or not; undefined if it concerns everybody. */
  readonly about: readonly string[] | undefined;
  /** The only stream that delivers it; undefined for all. */
  readonly streamId: string | undefined;
  /** The members of the event. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** The entry of the revocation feed that says the same exactly, for guards. docs/revocation-feed.md. */
  readonly revocation: WireNamed<FeedEntry> | undefined;
}

type About = Pick<Signal, 'subject' | 'about'>;
type Claims = Signal['claims'];
type Told = readonly [type: string, about: About, claims?: Claims];

/** What is told of an event, and why, for the administrators of the receiver. */
interface Telling {
  /** CAEP 1.0 §2: `reason_admin`. */
  readonly reason: string;
  readonly signals: readonly Told[];
}

type Tell = (event: LoggedEvent, issuer: string) => Telling | undefined;

const clientSubject = (issuer: string, clientId: string) =>
  ({ format: 'iss_sub', iss: issuer, sub: clientId }) as const satisfies Subject;

const exactly = (...subjects: readonly [SimpleSubject, ...SimpleSubject[]]): About => ({
  subject: subjects[0],
  about: subjects.map(keyOf),
});

const aboutClient = (issuer: string, clientId: string) => exactly(clientSubject(issuer, clientId));

/** The server, and so everybody. */
const aboutAll = (issuer: string): About => ({ subject: { format: 'uri', uri: issuer }, about: undefined });

const endedTokens = (about: About): Told[] => [
  [tokensRevoked, about, { reason: 'issuer' }],
  [sessionRevoked, about],
];

const endedClient =
  (reason: string): Tell =>
  ({ subject }, issuer) => {
    const about = aboutClient(issuer, subject);
    return { reason, signals: [[clientDisabled, about], ...endedTokens(about)] };
  };

const revokedClient =
  (reason: string): Tell =>
  ({ subject }, issuer) => ({ reason, signals: endedTokens(aboutClient(issuer, subject)) });

const changedCredential =
  (reason: string, changeType: 'create' | 'delete' | 'update'): Tell =>
  ({ subject }, issuer) => ({ reason, signals: credentialSignals(issuer, subject, 'password', changeType) });

/** CAEP 1.0 §3.3, OAuth Event Types 1.0 §3.6. */
const credentialSignals = (issuer: string, clientId: string, type: string, changeType: string): Told[] => {
  const about = aboutClient(issuer, clientId);
  return [
    [credentialChange, about, { credential_type: type, change_type: changeType }],
    [clientCredentialChanged, about],
  ];
};

/** A client can be disabled, enabled, narrowed and given other keys in one change. */
const changedClient: Tell = ({ subject, data }, issuer) => {
  const about = aboutClient(issuer, subject);
  const { status, changed_credentials: credentials = [] } = data as {
    readonly status?: { readonly enabled: boolean };
    readonly changed_credentials?: readonly string[];
  };
  const isDisabled = status?.enabled === false;
  const isNarrowed = data['narrowed'] === true;
  return {
    reason: isDisabled
      ? 'The client was disabled.'
      : isNarrowed
        ? 'The client may do less: its tokens have lost scopes, resources or types of authorization details.'
        : 'The client was changed.',
    signals: [
      ...credentials.flatMap((type) => credentialSignals(issuer, subject, type, 'update')),
      ...(isDisabled ? [[clientDisabled, about] as const] : []),
      ...(data['reenabled'] === true ? [[clientEnabled, about] as const] : []),
      ...(isDisabled || isNarrowed ? endedTokens(about) : []),
    ],
  };
};

/** A client that replaces the keys in its metadata document. */
const changedDocument: Tell = ({ subject, data }, issuer) => {
  const { added_keys: added, removed_keys: removed } = data as Readonly<Record<string, readonly string[]>>;
  return {
    reason: 'The metadata document of the client says something else.',
    signals: added?.length || removed?.length ? credentialSignals(issuer, subject, 'public-key', 'update') : [],
  };
};

const revokedToken: Tell = ({ subject: jti, data }, issuer) => {
  const token = { format: 'jwt_id', iss: issuer, jti } as const;
  const clientId = data['client_id'] as string | undefined;
  const client = clientId === undefined ? undefined : clientSubject(issuer, clientId);
  // A token that was revoked by its id alone may be of any client, so every stream is told.
  const about = client === undefined ? { subject: token, about: undefined } : exactly(token, client);
  return {
    reason: 'The token was revoked.',
    signals: [
      [tokenRevoked, about, { reason: 'api', ...(client !== undefined && { token_subject: client }) }],
      [sessionRevoked, about],
    ],
  };
};

const endedSession: Tell = ({ subject: id, data }, issuer) => {
  const user = clientSubject(issuer, data['client_id'] as string);
  const session = { format: 'opaque', id } as const;
  const about = { subject: { format: 'complex', session, user }, about: [keyOf(session), keyOf(user)] } as const;
  return { reason: 'The session was ended, and its tokens with it.', signals: [[sessionRevoked, about]] };
};

const revokedAll =
  (reason: string): Tell =>
  (_event, issuer) => ({ reason, signals: endedTokens(aboutAll(issuer)) });

const ofStream =
  (type: string, claimsOf: (data: LoggedEvent['data']) => Claims): Tell =>
  ({ subject: id, data }) => ({
    reason: '',
    signals: [[type, { subject: { format: 'opaque', id }, about: undefined }, claimsOf(data)]],
  });

/** Why receivers are not told. */
interface Untold {
  readonly untold: string;
}

const untold = (reason: string): Untold => ({ untold: reason });

const noTokenOfIt = untold(
  'No token depends on it, or the clients that lose something by it have events of their own.',
);
const hostedData = untold('It is data of an API that is hosted here.');
const peopleOnly = untold('The tokens of people are for Postern alone, which follows the log itself.');
const ownKeys = untold('The JWKS has the keys, and nothing that they signed ends.');

/** By kind of event. */
export const tellings: Readonly<Record<EventKind, Tell | Untold>> = {
  'client.created': untold('A client begins without tokens.'),
  'client.updated': changedClient,
  'client.revoked': revokedClient('All tokens of the client were revoked.'),
  'client.deleted': endedClient('The client was deleted.'),
  'client_document.requested': untold('Nobody has approved it as a client.'),
  'client_document.approved': untold('Its client begins without tokens.'),
  'client_document.rejected': untold('It is no client.'),
  'client_document.changed': changedDocument,
  'client_policy.saved': noTokenOfIt,
  'client_policy.deleted': noTokenOfIt,
  'root.changed': ({ subject }, issuer) => ({
    reason: 'The root client has another secret, or was enabled.',
    signals: [
      ...credentialSignals(issuer, subject, 'password', 'update'),
      ...endedTokens(aboutClient(issuer, subject)),
    ],
  }),
  'root.disabled': endedClient('The root client was disabled.'),
  'root.replaced': endedClient('Another root client has replaced this one.'),
  'secret.created': changedCredential('The client has got a new secret.', 'create'),
  'secret.rehashed': untold('The secret is the same; only its digest was replaced.'),
  'secret.deleted': changedCredential('A secret of the client was deleted.', 'delete'),
  'token.revoked': revokedToken,
  'all_tokens.revoked': revokedAll('All tokens of all clients were revoked.'),
  'role.saved': peopleOnly,
  'role.deleted': peopleOnly,
  'person.saved': peopleOnly,
  'session.started': untold('A session begins.'),
  'session.ended': endedSession,
  'history.lost': untold(
    'Which tokens were revoked in what was lost is not known; receivers have been told of these already.',
  ),
  'scope.saved': noTokenOfIt,
  'scope.deleted': noTokenOfIt,
  'resource.saved': noTokenOfIt,
  'resource.deleted': noTokenOfIt,
  'issuer.saved': noTokenOfIt,
  'issuer.deleted': noTokenOfIt,
  'authorization_details_type.saved': noTokenOfIt,
  'authorization_details_type.deleted': noTokenOfIt,
  'initial_access_token.created': noTokenOfIt,
  'initial_access_token.deleted': noTokenOfIt,
  'registration_access_token.rotated': untold('It changes with every use, and gets no access token.'),
  'registration_access_token.ended': untold('It gets no access token.'),
  'master_key.added': ownKeys,
  'master_key.removed': ownKeys,
  'key.created': ownKeys,
  'key.deleted': ownKeys,
  'key.revoked': (event, issuer) =>
    isOfFeedKey(event)
      ? undefined
      : revokedAll('A signing key was revoked, and all tokens that it signed with it.')(event, issuer),
  'key.resumed': ownKeys,
  'stream.saved': untold('Its receiver has asked for it.'),
  'stream.deleted': untold('There is no stream any more that could deliver it.'),
  'stream.paused': ofStream(streamUpdatedEvent, ({ reason }) => ({ status: 'paused', reason })),
  'stream.verification_requested': ofStream(verificationEvent, ({ state }) => (state === undefined ? {} : { state })),
  'policy.saved': hostedData,
  'policy.deleted': hostedData,
  'rule.saved': hostedData,
  'rule.deleted': hostedData,
  'rule_target.saved': hostedData,
  'rule_target.deleted': hostedData,
  'storage_config.saved': hostedData,
  'storage_config.deleted': hostedData,
};

/** Returns what receivers are told of an event, in order; nothing for most events. */
export function signalsOf(event: LoggedEvent, issuer: string): readonly Signal[] {
  const tell = tellings[event.kind];
  const telling = typeof tell === 'function' ? tell(event, issuer) : undefined;
  if (telling === undefined) {
    return [];
  }
  const { reason, signals } = telling;
  const isOfStream = event.kind.startsWith('stream.');
  const entry = feedEntryOf(event);
  const common = isOfStream
    ? {}
    : {
        event_timestamp: Math.floor(event.occurredAt / 1000),
        initiating_entity: event.actor === serverActor ? 'system' : 'admin',
        reason_admin: { en: reason },
      };
  return signals.map(([type, { subject, about }, claims = {}]) => ({
    type,
    subject,
    about,
    streamId: isOfStream ? event.subject : undefined,
    claims: { ...common, ...claims },
    revocation: entry && (toWireNames(entry) as WireNamed<FeedEntry>),
  }));
}
