/** How a client authenticates, what its tokens are bound to, and what it may give to others. RFC 7591 §2. */
import { type Client, type ClientBody, operations } from '@postern/admin';
import { parseKeys } from '../api/parse-keys.ts';
import { Lacks } from '../session/requires.tsx';
import { useSession } from '../session/session-context.tsx';
import { useEdit } from '../session/use-admin.ts';
import { Form, useForm } from '../shapes/form.tsx';
import { listOrNull, textOrNull, toLines, toList } from '../shapes/lines.ts';
import { CheckboxField, SelectField, TextField } from '../ui/fields.tsx';
import { Section } from '../ui/page.tsx';

const methods = [
  { value: '', label: 'A secret (client_secret_basic or client_secret_post)' },
  { value: 'client_secret_basic', label: 'A secret, by HTTP Basic only' },
  { value: 'client_secret_post', label: 'A secret, in the form only' },
  { value: 'private_key_jwt', label: 'A private key (private_key_jwt)' },
  { value: 'tls_client_auth', label: 'A certificate of a CA (tls_client_auth)' },
  { value: 'self_signed_tls_client_auth', label: 'A certificate of its own (self_signed_tls_client_auth)' },
  { value: 'spiffe_jwt', label: 'A JWT-SVID of SPIFFE (spiffe_jwt)' },
  { value: 'spiffe_x509', label: 'An X.509-SVID of SPIFFE (spiffe_x509)' },
  { value: 'none', label: 'A workload token from a trusted issuer' },
];

/** The names in a certificate, of which tls_client_auth needs one. RFC 8705 §2.1.2. */
const certificateNames = {
  tls_client_auth_subject_dn: 'Subject',
  tls_client_auth_san_dns: 'DNS name',
  tls_client_auth_san_uri: 'URI',
  tls_client_auth_san_ip: 'IP address',
  tls_client_auth_san_email: 'E-mail address',
} as const;

const quotas = [
  ['quota', 'Tokens per minute', ''],
  ['dayQuota', 'Tokens per day', ' in a day, which ends at midnight UTC'],
  ['monthQuota', 'Tokens per month', ' in a month of the calendar, in UTC'],
] as const;

export function ClientAuthentication({ client }: { readonly client: Client }) {
  return useSession().may('client:update') ? (
    <Section
      title="Authentication and limits"
      description="How it authenticates, what its tokens are bound to, and what it may give to other clients."
    >
      <AuthenticationForm client={client} />
    </Section>
  ) : (
    <Lacks scope="client:update" to="change this" />
  );
}

function AuthenticationForm({ client }: { readonly client: Client }) {
  const { values, field } = useForm(valuesOf(client));
  const save = useEdit(
    client,
    () => operations.clients.get(client.client_id),
    (admin, guarded) => admin.send(guarded(operations.clients.update(client.client_id, toBody(values)))),
    { notice: 'Authentication and limits saved' },
  );
  const { method } = values;
  const hasKeys = method === 'private_key_jwt' || method === 'self_signed_tls_client_auth';
  const hasDocument = method === 'private_key_jwt' && values.document;
  return (
    <Form call={save} action="Save authentication" className="panel card stack form-page">
      <SelectField label="Authenticates by" {...field('method')} options={methods} />
      {method === 'private_key_jwt' && client.client_id.startsWith('https://') && (
        <CheckboxField
          label="Its public keys are in its client ID metadata document"
          description="The client publishes it at its id, and rotates its keys there by itself."
          {...field('document')}
        />
      )}
      {hasKeys && !hasDocument && (
        <>
          <TextField
            label="Public keys"
            {...field('jwks')}
            mono
            rows={6}
            description="A JSON Web Key Set, by value. Keys of which the client still has the private half, and new ones."
          />
          <TextField
            label="URL of its public keys"
            {...field('jwks_uri')}
            mono
            placeholder="https://billing.example.com/jwks.json"
            description="Instead of keys by value: the client publishes them there, and rotates them by itself."
          />
        </>
      )}
      {method === 'private_key_jwt' && (
        <CheckboxField label="Its assertions may name the token endpoint as their audience" {...field('audience')} />
      )}
      {method.startsWith('spiffe_') && (
        <>
          <TextField
            label="SPIFFE ID"
            {...field('spiffe_id')}
            mono
            placeholder="spiffe://example.org/ns/billing/sa/worker"
            description="Of its workload. One that ends with /* stands for all below it."
          />
          <TextField
            label="URL of the SPIFFE bundle"
            {...field('spiffe_bundle_endpoint')}
            mono
            placeholder="https://spire.example.org/bundle"
            description="The bundle endpoint of the trust domain."
          />
          <TextField
            label="SPIFFE bundle"
            {...field('spiffe_bundle')}
            mono
            rows={6}
            description="Instead of the URL: the bundle by value, as JSON."
          />
        </>
      )}
      {method === 'spiffe_jwt' && (
        <CheckboxField
          label="A JWT-SVID may be used more than once"
          description="Until it expires, as SPIRE agents need, which give the same one to all workloads."
          {...field('svidReuse')}
        />
      )}
      {method === 'tls_client_auth' &&
        Object.entries(certificateNames).map(([member, label]) => (
          <TextField
            key={member}
            label={`${label} in its certificate`}
            {...field(member as keyof typeof certificateNames)}
            mono
          />
        ))}
      <CheckboxField
        label="Bind every token to the certificate of its TLS connection"
        description="A stolen token cannot be used without the private key of the certificate."
        {...field('certificateBound')}
      />
      <TextField
        label="Networks from which it may authenticate"
        {...field('networks')}
        mono
        rows={2}
        placeholder="203.0.113.0/24"
        description="One per line, in CIDR notation; 203.0.113.7/32 is one address. If empty: from anywhere. Tokens that it has are valid everywhere."
      />
      <TextField
        label="Fixed claims"
        {...field('claims')}
        mono
        rows={4}
        placeholder='{ "tenant": "acme" }'
        description="A JSON object of claims that each of its tokens has. Changing or removing one revokes the tokens that it has. If empty: none."
      />
      <TextField
        label="Grant types"
        {...field('grantTypes')}
        mono
        rows={2}
        placeholder="client_credentials"
        description="One per line. If empty: client_credentials."
      />
      <TextField
        label="Client that may act for it"
        {...field('mayAct')}
        mono
        description="The id of the one client that may exchange tokens of this one (may_act). If empty: none."
      />
      <TextField
        label="Types of authorization details"
        {...field('detailsTypes')}
        mono
        rows={2}
        description="Those that it may request, one per line."
      />
      <TextField
        label="Scopes that it may assign to other clients"
        {...field('grantable')}
        mono
        rows={3}
        description="One per line. If empty: the default, which follows from its own scopes."
      />
      <CheckboxField label="It may assign no scope at all" {...field('grantsNothing')} />
      {quotas.map(([name, label, period]) => (
        <TextField
          key={name}
          label={label}
          {...field(name)}
          inputMode="numeric"
          pattern="[0-9]*"
          description={`The most that it may get${period}. If empty: no limit of its own.`}
        />
      ))}
      <CheckboxField label="It must meet the FAPI 2.0 Security Profile" {...field('fapi2')} />
    </Form>
  );
}

type Values = ReturnType<typeof valuesOf>;

function valuesOf(client: Client) {
  return {
    method: (client.token_endpoint_auth_method ?? '') as string,
    jwks: client.jwks ? JSON.stringify(client.jwks, null, 2) : '',
    jwks_uri: client.jwks_uri ?? '',
    document: client.client_id_metadata_document === true,
    audience: client.token_endpoint_audience_allowed === true,
    spiffe_id: client.spiffe_id ?? '',
    spiffe_bundle_endpoint: client.spiffe_bundle_endpoint ?? '',
    spiffe_bundle: client.spiffe_bundle ? JSON.stringify(client.spiffe_bundle, null, 2) : '',
    svidReuse: client.spiffe_jwt_reuse_allowed === true,
    tls_client_auth_subject_dn: client.tls_client_auth_subject_dn ?? '',
    tls_client_auth_san_dns: client.tls_client_auth_san_dns ?? '',
    tls_client_auth_san_uri: client.tls_client_auth_san_uri ?? '',
    tls_client_auth_san_ip: client.tls_client_auth_san_ip ?? '',
    tls_client_auth_san_email: client.tls_client_auth_san_email ?? '',
    certificateBound: client.tls_client_certificate_bound_access_tokens === true,
    grantTypes: toLines(client.grant_types),
    mayAct: client.may_act ?? '',
    detailsTypes: toLines(client.authorization_details_types),
    grantable: client.grantable_scopes === null ? '' : toLines(client.grantable_scopes),
    grantsNothing: client.grantable_scopes?.length === 0,
    claims: client.fixed_claims ? JSON.stringify(client.fixed_claims, null, 2) : '',
    networks: toLines(client.allowed_networks),
    quota: client.token_quota_per_minute?.toString() ?? '',
    dayQuota: client.token_quota_per_day?.toString() ?? '',
    monthQuota: client.token_quota_per_month?.toString() ?? '',
    fapi2: client.security_profile === 'fapi2',
  };
}

/** Members that do not belong to the method are removed. Throws if the keys or the claims are not JSON. */
function toBody(values: Values): ClientBody {
  const { method } = values;
  const hasDocument = method === 'private_key_jwt' && values.document;
  const hasKeys = !hasDocument && (method === 'private_key_jwt' || method === 'self_signed_tls_client_auth');
  const isSpiffe = method.startsWith('spiffe_');
  const names = Object.keys(certificateNames).map((member) => [
    member,
    method === 'tls_client_auth' ? textOrNull(values[member as keyof typeof certificateNames]) : null,
  ]);
  const grantable = toList(values.grantable);
  return {
    token_endpoint_auth_method: textOrNull(method) as NonNullable<ClientBody['token_endpoint_auth_method']> | null,
    jwks: hasKeys && values.jwks.trim() !== '' ? parseKeys(values.jwks) : null,
    jwks_uri: hasKeys ? textOrNull(values.jwks_uri) : null,
    client_id_metadata_document: hasDocument,
    token_endpoint_audience_allowed: method === 'private_key_jwt' && values.audience,
    spiffe_id: isSpiffe ? textOrNull(values.spiffe_id) : null,
    spiffe_bundle_endpoint: isSpiffe ? textOrNull(values.spiffe_bundle_endpoint) : null,
    spiffe_bundle: isSpiffe && values.spiffe_bundle.trim() !== '' ? parseKeys(values.spiffe_bundle) : null,
    spiffe_jwt_reuse_allowed: method === 'spiffe_jwt' && values.svidReuse,
    ...Object.fromEntries(names),
    tls_client_certificate_bound_access_tokens: values.certificateBound,
    grant_types: listOrNull(toList(values.grantTypes)) as NonNullable<ClientBody['grant_types']> | null,
    may_act: textOrNull(values.mayAct),
    authorization_details_types: listOrNull(toList(values.detailsTypes)),
    grantable_scopes: values.grantsNothing ? [] : listOrNull(grantable),
    fixed_claims: parseClaims(values.claims),
    allowed_networks: listOrNull(toList(values.networks)),
    token_quota_per_minute: numberOrNull(values.quota),
    token_quota_per_day: numberOrNull(values.dayQuota),
    token_quota_per_month: numberOrNull(values.monthQuota),
    security_profile: values.fapi2 ? 'fapi2' : null,
  };
}

/** Throws if the text is not JSON; the server validates everything else. */
function parseClaims(text: string): NonNullable<ClientBody['fixed_claims']> | null {
  try {
    return text.trim() === '' ? null : JSON.parse(text);
  } catch {
    throw new Error('The fixed claims are not JSON.');
  }
}

const numberOrNull = (text: string) => (text === '' ? null : Number(text));
