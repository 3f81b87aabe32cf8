/** The resources of a client, as text with one identifier per line: picked from those that are registered. RFC 8707 §2. */
import { operations } from '@postern/admin';
import { type Dispatch, type SetStateAction, useId, useState } from 'react';
import { useSession } from '../session/session-context.tsx';
import { useAll } from '../session/use-admin.ts';
import { LinkButton } from '../ui/button.tsx';
import { Chip } from '../ui/chip.tsx';
import { CheckboxField, TextField } from '../ui/fields.tsx';

interface ResourcesFieldProps {
  readonly value: string;
  readonly onChange: Dispatch<SetStateAction<string>>;
  /** Completes the description. */
  readonly hint?: string;
}

/** Resources that are offered without a filter. */
const mostUnfiltered = 8;

export function ResourcesField({ hint = '', value, onChange }: ResourcesFieldProps) {
  const session = useSession();
  const id = useId();
  const [search, setSearch] = useState('');
  const resources = useAll(operations.resources.list(), { needs: 'resource:read' }).data ?? [];
  const chosen = parseResources(value);
  if (!session.may('resource:read')) {
    return (
      <TextField
        label="Resources"
        value={value}
        onChange={onChange}
        rows={2}
        mono
        description={`Identifiers of the registered resources that it may request tokens for, one per line.${hint}`}
      />
    );
  }
  const set = (identifier: string, on: boolean) =>
    onChange((now) =>
      [...parseResources(now).filter((other) => other !== identifier), ...(on ? [identifier] : [])].join('\n'),
    );
  const shown = resources.filter(({ key, identifier }) => `${key} ${identifier}`.includes(search.toLowerCase()));
  return (
    <fieldset className="stack" aria-labelledby={id}>
      <span className="label" id={id}>
        APIs
      </span>
      <p className="hint">
        The resources that it may request tokens for.{hint} If you select none: the APIs of Postern.
      </p>
      {chosen.length > 0 && (
        <ul className="row chips" aria-label="Selected resources">
          {chosen.map((identifier) => (
            <li key={identifier}>
              <Chip text={identifier} removeLabel={`Remove ${identifier}`} onRemove={() => set(identifier, false)} />
            </li>
          ))}
        </ul>
      )}
      {resources.length > mostUnfiltered && (
        <TextField label="Search resources" type="search" mono value={search} onChange={setSearch} />
      )}
      {resources.length === 0 && (
        <p className="row">
          <span className="hint">No API is registered yet.</span>
          {session.may('resource:create_or_update') && <LinkButton href="/resources">Register an API</LinkButton>}
        </p>
      )}
      {shown.slice(0, search === '' ? mostUnfiltered : undefined).map(({ key, identifier }) => (
        <CheckboxField
          key={key}
          label={<strong>{key}</strong>}
          description={<code className="breakable">{identifier}</code>}
          value={chosen.includes(identifier)}
          onChange={(on) => set(identifier, on)}
        />
      ))}
    </fieldset>
  );
}

export function parseResources(text: string): string[] {
  return text.split(/\s+/).filter((identifier) => identifier !== '');
}
