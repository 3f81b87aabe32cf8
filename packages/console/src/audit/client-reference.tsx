/** A client in the audit trail, by its name and id. What was deleted has its last name, and no link. */
import { operations } from '@postern/admin';
import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { useSession } from '../session/session-context.tsx';
import { TwoLines } from '../ui/data-table.tsx';

interface ClientReferenceProps {
  readonly id: string;
  /** Where a link to an existing client leads. */
  readonly href: string;
}

export function ClientReference({ id, href }: ClientReferenceProps) {
  const { data } = useClientReference(id);
  const code = <code className="breakable">{id}</code>;
  const name = data?.name ?? code;
  return (
    <TwoLines
      first={data?.exists === true ? <Link href={href}>{name}</Link> : name}
      second={
        <>
          {data?.name !== undefined && code}
          {data?.wasDeleted === true && ' deleted'}
        </>
      }
    />
  );
}

interface Reference {
  /** Undefined: it has none, or nobody knows it any more. */
  readonly name: string | undefined;
  readonly exists: boolean;
  readonly wasDeleted: boolean;
}

/** Reads the client, or if it is gone, its last name from the trail. */
function useClientReference(id: string) {
  const { admin, may } = useSession();
  return useQuery({
    queryKey: ['client reference', id],
    queryFn: async ({ signal }): Promise<Reference> => {
      // A search, since to ask for a client that does not exist is an error that the browser reports.
      const found = may('client:read')
        ? (await admin.send(operations.clients.list({ search: id }), { signal })).items
        : [];
      const client = found.find(({ client_id }) => client_id === id);
      if (client !== undefined) {
        return { name: client.name ?? undefined, exists: true, wasDeleted: false };
      }
      const query = { subject: id, kind: 'client.', order: 'desc', size: 100 } as const;
      const { items } = await admin.send(operations.events.list(query), { signal });
      const name = items.map(({ data }) => data['name']).find((value) => typeof value === 'string');
      return { name, exists: false, wasDeleted: items[0]?.kind === 'client.deleted' };
    },
  });
}
