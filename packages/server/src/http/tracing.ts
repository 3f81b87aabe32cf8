/**
 * Traces for OpenTelemetry: a span for each request, part of the caller's trace if the request names one (W3C Trace
 * Context), sent by OTLP over HTTP. The SDK is loaded only if an endpoint is configured.
 */
import type { FastifyInstance } from 'fastify';
import { StartError } from '../start-error.ts';

/** The packages to install. They are optional, since most servers do not send traces. */
const packages = ['api', 'core', 'exporter-trace-otlp-http', 'resources', 'sdk-trace'].map(
  (name) => `@opentelemetry/${name}`,
);

/**
 * Traces the requests of `app` from here on. `endpoint` is the base URL of a collector. Throws `StartError` if the SDK is
 * not installed.
 */
export async function useTracing(app: FastifyInstance, endpoint: string): Promise<void> {
  const { api, core, exporter, resources, sdk } = await loadSdk();
  core.setGlobalErrorHandler((error) => app.log.warn({ err: error }, 'traces lost: the collector did not accept them'));
  const provider = new sdk.TracerProvider({
    resource: resources
      .defaultResource()
      .merge(resources.resourceFromAttributes({ 'service.name': 'postern' }))
      .merge(resources.detectResources({ detectors: [resources.envDetector] })),
    spanProcessors: [
      new sdk.BatchSpanProcessor({ exporter: new exporter.OTLPTraceExporter({ url: `${endpoint}/v1/traces` }) }),
    ],
  });
  app.addHook('onClose', () => provider.shutdown());
  const tracer = provider.getTracer('postern');
  const propagator = new core.W3CTraceContextPropagator();

  app.addHook('onRequest', (request, reply, done) => {
    const { method, url: route } = request.routeOptions;
    const name = route === undefined ? request.method : `${method} ${route}`;
    // Only the ids of the caller's trace: a `tracestate` is any text, which would be exported.
    const { traceparent } = request.headers;
    const parent = propagator.extract(api.ROOT_CONTEXT, { traceparent }, api.defaultTextMapGetter);
    const attributes = { 'http.request.method': request.method, 'http.route': route };
    const span = tracer.startSpan(name, { kind: api.SpanKind.SERVER, attributes }, parent);
    reply.raw.once('close', () => {
      const { statusCode } = reply;
      span.setAttribute('http.response.status_code', statusCode);
      if (request.refusal !== undefined) {
        span.setAttribute('error.type', request.refusal.code);
      }
      // By the semantic conventions, the span of a server is not an error if the caller caused the status.
      if (statusCode >= 500) {
        span.setStatus({ code: api.SpanStatusCode.ERROR });
      }
      span.end();
    });
    done();
  });
}

async function loadSdk() {
  try {
    const [api, core, exporter, resources, sdk] = await Promise.all([
      import('@opentelemetry/api'),
      import('@opentelemetry/core'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
      import('@opentelemetry/sdk-trace'),
    ]);
    return { api, core, exporter, resources, sdk };
  } catch (cause) {
    throw new StartError(
      `POSTERN_OTLP_ENDPOINT: needs packages that are not installed. Example: npm install ${packages.join(' ')}`,
      { cause },
    );
  }
}
