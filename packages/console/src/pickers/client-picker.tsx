/** Picks a client by its name, its ID or its description, among all that there are. */
import { operations } from '@postern/admin';
import { ComboBox, FieldError, Input, Label, ListBox, ListBoxItem, Popover, Text } from 'react-aria-components';
import { useRead } from '../session/use-admin.ts';
import { useDelayed } from '../ui/use-delayed.ts';

/** Clients that are offered at once. */
const offered = 20;

interface ClientPickerProps {
  readonly label: string;
  /** The client ID, or what was typed of it. */
  readonly value: string;
  readonly onChange: (clientId: string) => void;
  readonly description: string;
}

export function ClientPicker({ label, value, onChange, description }: ClientPickerProps) {
  const search = useDelayed(value);
  const clients = useRead(
    operations.clients.list({ size: offered, sort: 'name', ...(search !== '' && { search }) }),
    'client:read',
  ).data?.items;
  const name = clients?.find(({ client_id }) => client_id === value)?.name;
  return (
    <ComboBox
      className="field"
      isRequired
      allowsCustomValue
      menuTrigger="focus"
      inputValue={value}
      onInputChange={(text) => onChange(text.trim())}
      items={clients ?? []}
    >
      <Label className="label">
        {label}
        <span className="danger-text" aria-hidden="true">
          {' *'}
        </span>
      </Label>
      <Input className="input mono" placeholder="Name or ID" spellCheck={false} />
      <Text slot="description" className="hint">
        {name ?? description}
      </Text>
      <FieldError className="field-error" />
      <Popover className="popover">
        <ListBox className="options">
          {({ client_id, name: itsName }: { readonly client_id: string; readonly name: string | null }) => (
            <ListBoxItem id={client_id} textValue={client_id} className="option">
              {itsName !== null && <Text slot="label">{itsName}</Text>}
              <Text slot="description">
                <code>{client_id}</code>
              </Text>
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </ComboBox>
  );
}
