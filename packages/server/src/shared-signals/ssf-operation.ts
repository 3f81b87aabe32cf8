/** Describes a route of the management API of streams: what is invalid there is a 400. SSF 1.0 §8.1, RFC 8936 §2.6. */
import { operationsOf } from '@postern/http-api';

export const ssfOperation = operationsOf('Shared Signals', { invalid: 400 });
