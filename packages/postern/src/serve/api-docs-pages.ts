/** The pages of the API documentation: `/openapi.json`, from the schemas of all routes, and Swagger UI. */
import { readFileSync } from 'node:fs';
import { type FastifyDynamicSwaggerOptions, fastifySwagger, formatParamUrl } from '@fastify/swagger';
import fastifySwaggerUi from '@fastify/swagger-ui';
import { issuerPathOf } from '@postern/server';
import type { FastifyInstance, FastifySchema, RouteOptions } from 'fastify';
import manifest from '../../package.json' with { type: 'json' };
import { nameSchemas } from './named-schemas.ts';

const introduction = `Every operation except tokens, discovery, health and metrics requires an access token with the scope that its
description names.

To try an operation here, get a token with \`POST /api/v1/oauth/token\`, press **Authorize** and paste it. The page keeps
it until it is closed or reloaded.`;

const documentation = {
  openapi: {
    openapi: '3.1.0',
    info: {
      title: 'Postern',
      summary: 'Issues OAuth 2.0 access tokens to machines, and lets APIs trust them.',
      description: introduction,
      version: manifest.version,
      license: { name: manifest.license, identifier: manifest.license },
    },
    tags: [
      { name: 'OAuth', description: 'Access tokens, clients, scopes and their administration.' },
      { name: 'Sessions', description: 'Sign-in to the web console and the command.' },
      { name: 'Shared Signals', description: 'Event streams, for their receivers.' },
      { name: 'Policy', description: 'Privacy policies, their rules and targets, and where results are stored.' },
      { name: 'Discovery', description: 'Metadata that verifiers and client libraries read.' },
      { name: 'Operation', description: 'Health and metrics of the server.' },
    ],
    components: {
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'An access token from `POST /api/v1/oauth/token`.',
        },
      },
    },
  },
  convertConstToEnum: false,
  transform: ({ schema, url, route }) => ({ schema: describeOperation(schema, url, route), url }),
  transformObject: (document) =>
    'openapiObject' in document ? nameSchemas(describeBodies(document.openapiObject)) : {},
} satisfies FastifyDynamicSwaggerOptions;

interface ObjectSchema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, { readonly default?: unknown }>>;
  readonly required?: readonly string[];
}

const form = 'application/x-www-form-urlencoded';

/** Operation ids have the form of FastAPI, which the documentation of Fidesops links to. */
function describeOperation(schema: FastifySchema = {}, url: string, route: RouteOptions): FastifySchema {
  const { operationId, description, body, consumes, querystring, response } = schema;
  const scope = route.config?.scope;
  const requirement = scope === undefined ? undefined : `Requires the scope \`${scope}\`.`;
  const path = formatParamUrl(url);
  return {
    ...schema,
    operationId: `${operationId}${path}_${String(route.method).toLowerCase()}`.replaceAll(/\W/g, '_'),
    description: [description, requirement].filter((text) => text !== undefined).join('\n\n'),
    // An empty list says that none is needed, where nothing would leave it open.
    security: scope === undefined ? (schema.security ?? []) : [{ bearer: [scope] }],
    ...(querystring !== undefined && { querystring: withoutDefaults(querystring) }),
    ...(body !== undefined && { body: consumes?.includes(form) ? describeForm(body) : withoutDefaults(body) }),
    response: describeSuccess(response),
  };
}

interface DescribedOperation {
  readonly requestBody?: {
    required?: boolean;
    readonly content: Readonly<Record<string, { readonly schema: ObjectSchema }>>;
  };
}

/** The body of a POST of which no member is required may be left out. */
function describeBodies<D extends { readonly paths?: object | undefined }>(document: D): D {
  for (const methods of Object.values(document.paths ?? {})) {
    const { requestBody } = (methods as { readonly post?: DescribedOperation }).post ?? {};
    if (requestBody !== undefined) {
      requestBody.required = Object.values(requestBody.content).some(({ schema }) => !isOptional(schema));
    }
  }
  return document;
}

function isOptional({ type, required = [] }: ObjectSchema): boolean {
  return type === 'object' && required.length === 0;
}

/** Members and parameters with a default are not required of a caller. */
function withoutDefaults(sent: unknown): ObjectSchema {
  const schema = sent as ObjectSchema;
  const { properties = {}, required } = schema;
  return required === undefined
    ? schema
    : { ...schema, required: required.filter((name) => properties[name]?.default === undefined) };
}

/** Gives each field an empty example: without one, Swagger UI fills in the word "string". */
function describeForm(body: unknown): ObjectSchema {
  const schema = body as ObjectSchema;
  const fields = Object.entries(schema.properties ?? {}).map(([name, field]) => [name, { examples: [''], ...field }]);
  return { ...schema, properties: Object.fromEntries(fields) };
}

/** Adds a description to successful answers, since OpenAPI requires one for each answer. */
function describeSuccess(response: unknown): Record<string, unknown> {
  const answers = Object.entries((response ?? { 200: {} }) as Record<string, object>);
  return Object.fromEntries(
    answers.map(([status, schema]) => [
      status,
      status.startsWith('2') && !('description' in schema)
        ? { 'x-response-description': 'Success', ...schema }
        : schema,
    ]),
  );
}

const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">
<path fill="#3b4151" d="M1 1h14v14h-3V8a4 4 0 0 0-8 0v7H1z"/><path fill="#49cc90" d="M5.5 15V8a2.5 2.5 0 0 1 5 0v7z"/></svg>`;

/**
 * Adds the pages to an app that serves nothing else. `routes`: what they describe. `issuer`: its path is before every path that a
 * browser sees.
 */
export async function addApiDocs(app: FastifyInstance, routes: readonly RouteOptions[], issuer: string): Promise<void> {
  const issuerPath = issuerPathOf(issuer);
  await app.register(fastifySwagger, {
    ...documentation,
    openapi: { ...documentation.openapi, servers: [{ url: issuer }] },
  });
  // They are here to be described: nobody calls them.
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => JSON.stringify);
  for (const { method, url, schema, config } of routes) {
    app.route({ method, url, ...(schema && { schema }), ...(config && { config }), handler: async () => {} });
  }
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  await app.register(fastifySwaggerUi, {
    routePrefix: '/api',
    indexPrefix: issuerPath,
    // The page calls the server that it came from, also if that has another name than the issuer, where its policy would stop it.
    transformSpecification: (description) => ({ ...description, servers: [{ url: issuerPath || '/' }] }),
    uiConfig: {
      // This layout has no bar that asks for the URL of another description.
      layout: 'BaseLayout',
      // Swagger UI has other fragments for operations. `api-docs-links.js` opens ours.
      deepLinking: false,
      docExpansion: 'list',
      defaultModelsExpandDepth: -1,
      displayRequestDuration: true,
    },
    theme: {
      title: 'Postern API',
      css: [{ filename: 'colors.css', content: readFileSync(new URL('./api-docs.css', import.meta.url), 'utf8') }],
      js: [
        { filename: 'links.js', content: readFileSync(new URL('./api-docs-links.js', import.meta.url), 'utf8') },
        { filename: 'names.js', content: readFileSync(new URL('./api-docs-names.js', import.meta.url), 'utf8') },
      ],
      favicon: [{ filename: 'icon.svg', rel: 'icon', type: 'image/svg+xml', sizes: 'any', content: icon }],
    },
  });
}
