/** The name and the description of a client, and how its tokens are issued. */
import { type Client, operations } from '@postern/admin';
import { useSession } from '../session/session-context.tsx';
import { useEdit } from '../session/use-admin.ts';
import { Form, useForm } from '../shapes/form.tsx';
import { CheckboxField, TextField } from '../ui/fields.tsx';
import { Facts, Section } from '../ui/page.tsx';
import { ExactTime, formatDuration } from '../ui/time.tsx';
import { LifetimeField } from './lifetime-field.tsx';
import { parseResources, ResourcesField } from './resources-field.tsx';

export function ClientSettings({ client }: { readonly client: Client }) {
  return (
    <Section title="Settings">
      {useSession().may('client:update') ? (
        <SettingsForm client={client} />
      ) : (
        <Facts
          facts={[
            ['Name', client.name ?? '–'],
            ['Description', client.description ?? '–'],
            ['Contact', client.contact ?? '–'],
            ['Token lifetime', lifetimeOf(client)],
            ['Expires', client.expires_at ?? 'never'],
          ]}
        />
      )}
      <p className="hint">
        Created <ExactTime iso={client.created_at} />, updated <ExactTime iso={client.updated_at} />.
      </p>
    </Section>
  );
}

function lifetimeOf({ access_token_ttl_seconds: seconds }: Client): string {
  return seconds === null ? 'the server’s default' : formatDuration(seconds);
}

function SettingsForm({ client }: { readonly client: Client }) {
  const { values, field } = useForm({
    name: client.name ?? '',
    description: client.description ?? '',
    contact: client.contact ?? '',
    lifetime: client.access_token_ttl_seconds,
    end: toLocal(client.expires_at),
    resources: (client.resources ?? []).join('\n'),
    defaultResource: client.default_resource ?? '',
    dpop: client.dpop_bound_access_tokens === true,
  });
  const { name, description, contact, lifetime, end, resources, defaultResource, dpop } = values;
  const save = useEdit(
    client,
    () => operations.clients.get(client.client_id),
    (admin, guarded) => {
      const identifiers = parseResources(resources);
      const body = {
        name: name === '' ? null : name,
        description: description === '' ? null : description,
        contact: contact.trim() === '' ? null : contact.trim(),
        access_token_ttl_seconds: lifetime,
        // The field has no seconds: what nobody touched stays as it is.
        expires_at: end === toLocal(client.expires_at) ? client.expires_at : toIso(end),
        resources: identifiers.length === 0 ? null : identifiers,
        default_resource: defaultResource === '' ? null : defaultResource,
        dpop_bound_access_tokens: dpop,
      };
      return admin.send(guarded(operations.clients.update(client.client_id, body)));
    },
    { notice: 'Settings saved' },
  );
  return (
    <Form call={save} action="Save settings" className="panel card stack form-page">
      <TextField label="Name" {...field('name')} maxLength={200} />
      <TextField label="Description" {...field('description')} maxLength={2_000} />
      <TextField
        label="Contact"
        {...field('contact')}
        maxLength={320}
        description="Who is responsible for the client: an e-mail address or an https URL."
      />
      <LifetimeField {...field('lifetime')} />
      <TextField
        label="Expires"
        {...field('end')}
        type="datetime-local"
        description="From then on it gets no tokens, and none of its tokens lasts longer. If empty: never. An earlier time may revoke tokens that it has."
      />
      <ResourcesField {...field('resources')} />
      <TextField
        label="Default resource"
        {...field('defaultResource')}
        maxLength={1_000}
        mono
        description="The resource that a token is for if the request names none. If empty: the APIs of Postern."
      />
      <CheckboxField
        label="Bind every token to a key of the client (DPoP)"
        description="A stolen token cannot be used without the key."
        {...field('dpop')}
      />
    </Form>
  );
}

/** The value of a field for a time, in the time zone of the browser; empty for none. */
function toLocal(iso: string | null): string {
  if (iso === null) {
    return '';
  }
  const time = new Date(iso);
  return new Date(time.getTime() - time.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function toIso(local: string): string | null {
  return local === '' ? null : new Date(local).toISOString();
}
