/** A client that is created for one API: its tokens are for that API. RFC 8707 §2. */
import type { NewClientBody } from './operations.ts';

/** Returns the body with its only resource as its `default_resource`, unless it names one, or null. */
export function withDefaultResource(body: NewClientBody): NewClientBody {
  const [only, ...others] = body.resources ?? [];
  return only === undefined || others.length > 0 || body.default_resource !== undefined
    ? body
    : { ...body, default_resource: only };
}
