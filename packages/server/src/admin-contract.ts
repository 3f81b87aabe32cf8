/** The types of requests and answers of the management APIs, for their callers over HTTP. */
import type { ErrorAnswer as ErrorAnswerSchema, pageView } from '@postern/http-api';
import type { Static, TSchema } from 'typebox';
import type { TypeBody } from './authorization-details/authorization-details-types-endpoint.ts';
import type {
  ClientBody as ClientBodySchema,
  ClientView,
  CreatedView as CreatedClientView,
  NewClientBody as NewClientBodySchema,
} from './client-administration/clients-endpoint.ts';
import type { RotatedView, RotationBody, SecretView } from './client-administration/secrets-endpoint.ts';
import type { CheckpointView, EventPage } from './events/events-endpoint.ts';
import type { ExplanationView } from './explain/explain-endpoint.ts';
import type { IssuerBody } from './issuers/issuers-endpoint.ts';
import type { KeyView, RotateBody } from './keys/keys-endpoint.ts';
import type {
  InitialAccessTokenBody as InitialAccessTokenBodySchema,
  CreatedView as InitialAccessTokenCreatedView,
  View as InitialAccessTokenView,
} from './registration/initial-access-tokens-endpoint.ts';
import type { ResourceBody } from './resources/resources-endpoint.ts';
import type { FeedView } from './revocation/revocations-endpoint.ts';
import type { ScopeBody as ScopeBodySchema, ScopeView } from './scopes/scopes-endpoint.ts';
import type { StatisticsView } from './usage/statistics-endpoint.ts';
import type { ClientUsageView, UnusedScopesView } from './usage/usage-endpoint.ts';

/** One page of a list. `page` counts from 1; `pages` is 0 for an empty list. */
export type Page<Item> = Omit<Static<ReturnType<typeof pageView<TSchema>>>, 'items'> & { items: Item[] };

/** Every error of a management API: `error` for programs, `detail` for people. */
export type ErrorAnswer = Static<typeof ErrorAnswerSchema>;

/** The body of `PUT` and `PATCH` of a client, which change the members that are sent. */
export type ClientBody = Static<typeof ClientBodySchema>;
/** `POST /api/v1/oauth/client` takes the same, and an id. */
export type NewClientBody = Static<typeof NewClientBodySchema>;
export type Client = Static<typeof ClientView>;
export type CreatedClient = Static<typeof CreatedClientView>;

/** `POST /api/v1/oauth/client/{client_id}/secret`. */
export type SecretRotation = Static<typeof RotationBody>;
export type RotatedSecret = Static<typeof RotatedView>;
export type ClientSecret = Static<typeof SecretView>;

/** `GET /api/v1/oauth/scope?view=full` answers an array of these. */
export type Scope = Static<typeof ScopeView>;
/** `PUT /api/v1/oauth/scope` takes one or an array. */
export type ScopeBody = Static<typeof ScopeBodySchema>;

/** `GET /api/v1/oauth/client/{client_id}/usage`. */
export type ClientUsage = Static<typeof ClientUsageView>;
/** `GET /api/v1/oauth/usage/unused` answers pages of these. */
export type UnusedScopes = Static<typeof UnusedScopesView>;
/** `GET /api/v1/oauth/statistics`. */
export type Statistics = Static<typeof StatisticsView>;

/** The kinds of audit events. */
export type { EventKind } from './events/event.ts';
/** `GET /api/v1/oauth/events`. */
export type AuditPage = Static<typeof EventPage>;
export type AuditEvent = AuditPage['items'][number];
/** `GET /api/v1/oauth/events/checkpoint`. */
export type Checkpoint = Static<typeof CheckpointView>;

/** `PUT /api/v1/oauth/resource` takes what it answers. */
export type Resource = Static<typeof ResourceBody>;

export type TrustedIssuer = Static<typeof IssuerBody>;
type IssuerDefaults = 'max_age_seconds' | 'single_use';
/** `PUT /api/v1/oauth/issuer`. */
export type TrustedIssuerBody = Omit<TrustedIssuer, IssuerDefaults> & Partial<Pick<TrustedIssuer, IssuerDefaults>>;

export type SigningKey = Static<typeof KeyView>;
/** `POST /api/v1/oauth/key/rotate`. */
export type KeyRotation = Static<typeof RotateBody>;

/** `PUT /api/v1/oauth/authorization-details-type` takes what it answers. */
export type AuthorizationDetailsType = Static<typeof TypeBody>;

/** `POST /api/v1/oauth/initial-access-token`. */
export type InitialAccessTokenBody = Static<typeof InitialAccessTokenBodySchema>;
export type CreatedInitialAccessToken = Static<typeof InitialAccessTokenCreatedView>;
export type InitialAccessToken = Static<typeof InitialAccessTokenView>;

/** `GET /api/v1/oauth/revocations`. */
export type RevocationFeed = Static<typeof FeedView>;

/** `POST /api/v1/oauth/explain`. */
export type Explanation = Static<typeof ExplanationView>;
