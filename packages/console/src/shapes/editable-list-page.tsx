/** A page with a list whose items are created, edited and deleted in dialogs. */
import type { Change } from '@postern/admin';
import { type ReactNode, useState } from 'react';
import { Requires } from '../session/requires.tsx';
import { useSession } from '../session/session-context.tsx';
import { Button } from '../ui/button.tsx';
import type { Column } from '../ui/data-table.tsx';
import { Page } from '../ui/page.tsx';
import { ConfirmChange } from './confirm-change.tsx';

interface EditableListPageProps<Item> {
  readonly title: string;
  readonly description: string;
  /** What an item is called. */
  readonly noun: string;
  readonly nameOf: (item: Item) => string;
  /** The first part of the scopes that the page needs: `resource` of `resource:read`. */
  readonly scopes: string;
  /** Items that can be edited and deleted. Default: all. */
  readonly isEditable?: (item: Item) => boolean;
  /** The dialog to edit an item, or to create one. */
  readonly dialog: (item: Item | undefined, onClose: () => void) => ReactNode;
  readonly deletion: (item: Item) => { readonly operation: Change<unknown>; readonly consequences: ReactNode };
  /** The list; its last column has the buttons. `createFirst` is the button of an empty list, for those who may create. */
  readonly children: (buttons: Column<Item>, createFirst: ReactNode) => ReactNode;
}

export function EditableListPage<Item>(props: EditableListPageProps<Item>) {
  const { noun, nameOf, scopes, isEditable = () => true, dialog } = props;
  const session = useSession();
  const [edited, setEdited] = useState<Item | 'new'>();
  const [deleted, setDeleted] = useState<Item>();
  const mayWrite = session.may(`${scopes}:create_or_update`);
  const mayDelete = session.may(`${scopes}:delete`);
  const buttons: Column<Item> = {
    title: 'Actions',
    end: true,
    cell: (item) =>
      isEditable(item) && (
        <EditButtons
          name={nameOf(item)}
          onEdit={mayWrite && (() => setEdited(item))}
          onDelete={mayDelete && (() => setDeleted(item))}
        />
      ),
  };
  const createFirst = mayWrite && <Button onPress={() => setEdited('new')}>Create the first {noun}</Button>;
  return (
    <Page
      title={props.title}
      description={props.description}
      actions={
        mayWrite && (
          <Button kind="primary" onPress={() => setEdited('new')}>
            New {noun}
          </Button>
        )
      }
    >
      <Requires scope={`${scopes}:read`}>{props.children(buttons, createFirst)}</Requires>
      {edited !== undefined && dialog(edited === 'new' ? undefined : edited, () => setEdited(undefined))}
      {deleted !== undefined && (
        <ConfirmChange
          question={`Delete the ${noun} ${nameOf(deleted)}?`}
          action={`Delete ${noun}`}
          operation={props.deletion(deleted).operation}
          notice={`Deleted the ${noun} ${nameOf(deleted)}`}
          onClose={() => setDeleted(undefined)}
        >
          {props.deletion(deleted).consequences}
        </ConfirmChange>
      )}
    </Page>
  );
}

interface EditButtonsProps {
  readonly name: string;
  /** False: the session lacks the scope. */
  readonly onEdit: false | (() => void);
  readonly onDelete: false | (() => void);
}

export function EditButtons({ name, onEdit, onDelete }: EditButtonsProps) {
  return (
    <span className="row">
      {onEdit && (
        <Button small onPress={onEdit} aria-label={`Edit ${name}`}>
          Edit
        </Button>
      )}
      {onDelete && (
        <Button small onPress={onDelete} aria-label={`Delete ${name}`}>
          Delete
        </Button>
      )}
    </span>
  );
}
