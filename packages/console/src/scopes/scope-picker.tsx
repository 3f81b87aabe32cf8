/** Selects scopes: by search, by group, one by one. */

import { type Dispatch, type SetStateAction, useEffect, useId, useRef, useState } from 'react';
import { Badge } from '../ui/badge.tsx';
import { Button } from '../ui/button.tsx';
import { Chip } from '../ui/chip.tsx';
import { CheckboxField, TextField } from '../ui/fields.tsx';
import { groupScopes, type ScopeGroup, searchScopes } from './scope-groups.ts';
import { useScopes } from './use-scopes.ts';

interface ScopePickerProps {
  readonly label: string;
  readonly value: ReadonlySet<string>;
  readonly onChange: Dispatch<SetStateAction<ReadonlySet<string>>>;
}

export function ScopePicker({ label, value: chosen, onChange }: ScopePickerProps) {
  const scopes = useScopes() ?? [];
  const [search, setSearch] = useState('');
  const id = useId();
  const found = searchScopes(scopes, search);
  const [own, builtIn] = [true, false].map((isOwn) =>
    groupScopes(found.filter(({ origin }) => (origin === 'own') === isOwn)),
  ) as [ScopeGroup[], ScopeGroup[]];
  const set = (names: readonly string[], on: boolean) =>
    onChange((now) => (on ? now.union(new Set(names)) : now.difference(new Set(names))));

  return (
    <fieldset className="stack" aria-labelledby={id}>
      <div className="row spread">
        <span className="label" id={id}>
          {label}
        </span>
        <span className="row">
          <span className="hint" role="status">
            {chosen.size} of {scopes.length} selected
          </span>
          <Button small kind="quiet" isDisabled={chosen.size === 0} onPress={() => onChange(new Set())}>
            Clear
          </Button>
        </span>
      </div>
      {chosen.size > 0 && (
        <ul className="row chips" aria-label="Selected scopes">
          {[...chosen].map((name) => (
            <li key={name}>
              <Chip text={name} removeLabel={`Remove ${name}`} onRemove={() => set([name], false)} />
            </li>
          ))}
        </ul>
      )}
      <TextField
        label="Search scopes"
        placeholder="policy, read, delete …"
        value={search}
        onChange={setSearch}
        type="search"
        mono
      />
      <div className="scope-groups">
        {own.length + builtIn.length === 0 && (
          <p className="hint">No scope has “{search}” in its name or description.</p>
        )}
        <Groups groups={own} chosen={chosen} set={set} />
        {builtIn.length > 0 && (
          <details open={search !== '' || undefined}>
            <summary>Built-in scopes, for the APIs of Postern</summary>
            <Groups groups={builtIn} chosen={chosen} set={set} />
          </details>
        )}
      </div>
    </fieldset>
  );
}

interface GroupsProps extends Omit<GroupFieldProps, 'group'> {
  readonly groups: readonly ScopeGroup[];
}

function Groups({ groups, ...props }: GroupsProps) {
  return (
    <div className="scope-columns">
      {groups.map((group) => (
        <GroupField key={group.name} group={group} {...props} />
      ))}
    </div>
  );
}

interface GroupFieldProps {
  readonly group: ScopeGroup;
  readonly chosen: ReadonlySet<string>;
  readonly set: (names: readonly string[], on: boolean) => void;
}

function GroupField({ group, chosen, set }: GroupFieldProps) {
  const names = group.scopes.map(({ name }) => name);
  const count = names.filter((name) => chosen.has(name)).length;
  const all = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (all.current !== null) {
      all.current.indeterminate = count > 0 && count < names.length;
    }
  });
  return (
    <fieldset className="scope-group">
      <legend>
        <label>
          <input
            ref={all}
            type="checkbox"
            checked={count === names.length}
            aria-label={`All scopes of ${group.name}`}
            onChange={(event) => set(names, event.target.checked)}
          />
          <code>{group.name}</code>
        </label>
        <span className="hint">
          {count}/{names.length}
        </span>
      </legend>
      {group.scopes.map((scope) => (
        <CheckboxField
          key={scope.name}
          label={
            <>
              <code>{scope.name}</code>
              {scope.administrative && <Badge tone="warning">admin</Badge>}
            </>
          }
          description={scope.description}
          value={chosen.has(scope.name)}
          onChange={(on) => set([scope.name], on)}
        />
      ))}
    </fieldset>
  );
}
