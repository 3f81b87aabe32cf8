/** Puts a gate on its addresses, by HTTP and, if configured, by gRPC. */
import type { Server } from 'node:http';
import type { OAuthError } from '@postern/protocol';
import { createGate, type GateOptions } from './gate.ts';
import type { Address } from './gate-file.ts';
import { createGatewayCheck } from './gateway-check.ts';
import type { GrpcEndpoint } from './grpc-endpoint.ts';
import { createHttpEndpoint } from './http-endpoint.ts';
import { createGateMetrics } from './metrics.ts';
import type { GatewayRequest } from './rules/decide.ts';

export interface GateServerOptions extends GateOptions {
  /** Called with what the operator should know. */
  readonly onFault: (fault: Error) => void;
  /** Called with each refusal, for the log. Neither the error nor the path has a secret; headers have. */
  readonly onRefusal: (error: OAuthError, request: GatewayRequest) => void;
}

export interface GateServer {
  /** Decides by another configuration from now on. The addresses stay the same. */
  use(options: GateOptions): Promise<void>;
  /** Counts an attempt to use another configuration. */
  recordReload(isDone: boolean): void;
  /** Finishes the requests in flight. */
  close(): Promise<void>;
  /** Cuts off the requests in flight. Call `close` before. */
  closeAtOnce(): void;
}

/** Rejects if an address cannot be used: the error has `code`, and `member` names the one in the file. */
export async function serveGate(options: GateServerOptions): Promise<GateServer> {
  const { listen, grpc } = options.config;
  const metrics = createGateMetrics();
  const gate = createGate(options, { metrics, onFault: options.onFault, onRefusal: options.onRefusal });
  metrics.watchLag(() => {
    const lags = gate.guards().flatMap((guard) => guard.revocationLagSeconds() ?? []);
    return lags.length === 0 ? undefined : Math.max(...lags);
  });
  const isGateway = createGatewayCheck(gate);
  const http = createHttpEndpoint(gate, isGateway, metrics);
  let rpc: GrpcEndpoint | undefined;
  try {
    await naming('listen', () => listenOn(http, listen));
    if (grpc !== undefined) {
      // Most gateways ask by HTTP, and the library takes a fifth of a second to load.
      const { createGrpcEndpoint } = await import('./grpc-endpoint.ts');
      rpc = createGrpcEndpoint(gate, isGateway);
      await naming('grpc', () => (rpc as GrpcEndpoint).listen(grpc));
    }
  } catch (error) {
    http.close();
    await gate.close();
    throw error;
  }
  return {
    use: gate.use,
    recordReload: metrics.recordReload,
    async close() {
      const closed = new Promise((resolve) => http.close(resolve));
      http.closeIdleConnections();
      await Promise.all([closed, rpc?.close()]);
      await gate.close();
    },
    closeAtOnce() {
      http.closeAllConnections();
      rpc?.closeAtOnce();
    },
  };
}

function listenOn(server: Server, { host, port }: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function naming(member: 'listen' | 'grpc', work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw Object.assign(error as Error, { member });
  }
}
