/** Describes a route of the management API. */
import { operationsOf } from '@postern/http-api';

export const operation = operationsOf('OAuth');
