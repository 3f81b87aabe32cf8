/** Whether a connection is from one of the gateways, which alone may ask. They say which certificate a caller has. RFC 9440 §4. */
import { createAddressCheck } from '@postern/guard/node';
import type { Gate } from './gate.ts';

export type GatewayCheck = (address: string | undefined) => boolean;

/** The check follows the configuration of the gate. */
export function createGatewayCheck(gate: Gate): GatewayCheck {
  let { gateways } = gate.config();
  let isGateway = createAddressCheck(gateways);
  let known: string | undefined;
  return (address) => {
    if (gate.config().gateways !== gateways) {
      gateways = gate.config().gateways;
      isGateway = createAddressCheck(gateways);
      known = undefined;
    }
    // Most requests are from the gateway that asked last.
    if (address === undefined || (address !== known && !isGateway(address))) {
      return false;
    }
    known = address;
    return true;
  };
}
