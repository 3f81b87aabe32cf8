/** Where the endpoints of the transmitter are. SSF 1.0 §7.1. */
import { deliveryMethods, type Stream } from './stream.ts';

const basePath = '/api/v1/ssf';

/** The paths of the endpoints. */
export const ssfPaths = {
  configuration: `${basePath}/stream`,
  status: `${basePath}/status`,
  addSubject: `${basePath}/subject/add`,
  removeSubject: `${basePath}/subject/remove`,
  verification: `${basePath}/verify`,
  poll: `${basePath}/poll`,
} as const;

/** How a stream delivers. Whoever reads it does not see the header that the receiver wants. */
export function deliveryView(issuer: string, { id, delivery }: Pick<Stream, 'id' | 'delivery'>) {
  return {
    method: deliveryMethods[delivery.method],
    endpoint_url: delivery.method === 'push' ? delivery.endpointUrl : `${issuer}${ssfPaths.poll}/${id}`,
  };
}
