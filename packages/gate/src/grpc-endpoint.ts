/** Answers Envoy, which asks by gRPC: `envoy.service.auth.v3.Authorization`. RFC 9110 §15. */
import { fileURLToPath } from 'node:url';
import {
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { Gate } from './gate.ts';
import type { Address } from './gate-file.ts';
import type { GatewayCheck } from './gateway-check.ts';

/** Bytes of a request: all headers of a caller, without a body. */
const maxRequestBytes = 262_144;

interface CheckRequest {
  readonly attributes?: {
    readonly request?: {
      readonly http?: {
        readonly method: string;
        readonly host: string;
        readonly path: string;
        /** Names are in lower case, and repeated headers joined with commas. */
        readonly headers: Readonly<Record<string, string>>;
      };
    };
  };
}

export interface GrpcEndpoint {
  /** Rejects if the address cannot be used. */
  listen(address: Address): Promise<void>;
  /** Finishes the calls in flight. */
  close(): Promise<void>;
  closeAtOnce(): void;
}

export function createGrpcEndpoint(gate: Gate, isGateway: GatewayCheck): GrpcEndpoint {
  const server = new Server({ 'grpc.max_receive_message_length': maxRequestBytes });
  server.addService(authorizationService(), {
    Check(call: ServerUnaryCall<CheckRequest, object>, answer: sendUnaryData<object>) {
      if (!isGateway(addressOf(call.getPeer()))) {
        answer({ code: status.PERMISSION_DENIED, details: 'This address is not one of the gateways.' });
        return;
      }
      void check(gate, call.request).then((response) => answer(null, response));
    },
  });
  return {
    listen: ({ host, port }) =>
      new Promise((resolve, reject) => {
        const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
        server.bindAsync(address, ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve()));
      }),
    close: () => new Promise((resolve) => server.tryShutdown(() => resolve())),
    closeAtOnce: () => server.forceShutdown(),
  };
}

function authorizationService(): ServiceDefinition {
  const file = fileURLToPath(new URL('./ext-authz.proto', import.meta.url));
  return loadSync(file, { keepCase: true, defaults: true })['envoy.service.auth.v3.Authorization'] as ServiceDefinition;
}

async function check(gate: Gate, { attributes }: CheckRequest): Promise<object> {
  const { method = '', host = '', path = '', headers = {} } = attributes?.request?.http ?? {};
  const verdict = await gate.decide({ method, host, target: path, headers: new Map(Object.entries(headers)) });
  if (verdict.passes) {
    const present = Object.entries(verdict.headers).filter(([, value]) => value !== '');
    const absent = Object.entries(verdict.headers).filter(([, value]) => value === '');
    return {
      status: { code: status.OK },
      ok_response: { headers: present.map(toOption), headers_to_remove: absent.map(([name]) => name) },
    };
  }
  const { status: code, headers: answered, body } = verdict.answer;
  return {
    status: { code: code === 401 ? status.UNAUTHENTICATED : status.PERMISSION_DENIED },
    denied_response: { status: { code }, headers: Object.entries(answered).map(toOption), body },
  };
}

/** Envoy replaces the headers of the request by these, unless told to append them. */
function toOption([key, value]: [string, string]): object {
  return { header: { key, value } };
}

/** The address in `address:port`, which may be IPv6 in brackets. */
function addressOf(peer: string): string {
  return peer.slice(0, peer.lastIndexOf(':')).replace(/^\[(.*)\]$/, '$1');
}
