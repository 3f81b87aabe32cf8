/** Failures: which clients fail to get tokens, from where, why, and since when. The filters are in the address of the page. */
import { type FailureQuery, operations } from '@postern/admin';
import { useState } from 'react';
import { useSearchParams } from 'wouter';
import { ClientLink } from '../clients/client-labels.tsx';
import { ReadOne } from '../session/read.tsx';
import { Requires } from '../session/requires.tsx';
import { Button } from '../ui/button.tsx';
import { DataTable, TwoLines } from '../ui/data-table.tsx';
import { Empty } from '../ui/loaded.tsx';
import { Page } from '../ui/page.tsx';
import { firstPage, Pagination, pageSize } from '../ui/pagination.tsx';
import { useSorting } from '../ui/sortable-table.tsx';
import { ExactTime, Time } from '../ui/time.tsx';

/** As the columns of the table sort. */
const sorts: readonly NonNullable<FailureQuery['sort']>[] = [
  '-last_at',
  'last_at',
  '-since',
  'since',
  '-requests',
  'requests',
];

export function FailuresPage() {
  const [params, setParams] = useSearchParams();
  const [place, setPlace] = useState(firstPage);
  const sorting = useSorting('-last_at');
  const sort = sorts.find((value) => value === sorting.value) ?? '-last_at';
  const reason = params.get('reason') ?? '';
  const client = params.get('client') ?? '';
  const isFiltered = reason !== '' || client !== '';
  const query = {
    cursor: place.cursor,
    size: pageSize,
    sort,
    ...(reason !== '' && { reason }),
    ...(client !== '' && { client_id: client }),
  };
  return (
    <Page
      title="Failures"
      description="Which clients failed to get tokens in the last seven days, on any node: from where, why, and since when."
    >
      <Requires scope="audit:read">
        {isFiltered && (
          <p className="row">
            {reason !== '' && (
              <span>
                Only with the reason <code>{reason}</code>.
              </span>
            )}
            {client !== '' && (
              <span>
                Only of the client <code className="breakable">{client}</code>.
              </span>
            )}
            <Button small onPress={() => setParams({})}>
              Show all failures
            </Button>
          </p>
        )}
        <ReadOne operation={operations.failures.list(query)}>
          {({ items, ...list }) => (
            <>
              <DataTable
                caption="Failures"
                keyOf={(one) => [one.client_id, one.address, one.reason].join(' ')}
                rows={items}
                sorting={{
                  value: sort,
                  onChange(value) {
                    setPlace(firstPage);
                    sorting.onChange(value);
                  },
                }}
                empty={
                  <Empty title={isFiltered ? 'No such failure' : 'No request for a token has failed'}>
                    Requests that failed in the last seven days would be here.
                  </Empty>
                }
                columns={[
                  {
                    title: 'Client',
                    cell: ({ client_id, name }) =>
                      client_id === null ? (
                        <span className="muted">no known client</span>
                      ) : (
                        <TwoLines
                          first={<ClientLink client={{ client_id, name }} />}
                          second={name !== null && <code className="breakable">{client_id}</code>}
                        />
                      ),
                  },
                  {
                    title: 'From',
                    cell: ({ address }) => (address === null ? 'several addresses' : <code>{address}</code>),
                  },
                  {
                    title: 'Why',
                    cell: (one) => <TwoLines first={one.reason.replaceAll('_', ' ')} second={one.remedy} />,
                  },
                  { title: 'Since', sortsBy: '-since', cell: ({ since }) => <ExactTime iso={since} /> },
                  { title: 'Last', sortsBy: '-last_at', cell: ({ last_at }) => <Time iso={last_at} /> },
                  { title: 'Last token', cell: ({ last_issued_at }) => <Time iso={last_issued_at} /> },
                  {
                    title: 'Requests',
                    end: true,
                    sortsBy: '-requests',
                    cell: ({ requests }) => requests.toLocaleString('en'),
                  },
                ]}
              />
              <Pagination {...list} noun="failures" place={place} onPlace={setPlace} />
            </>
          )}
        </ReadOne>
      </Requires>
    </Page>
  );
}
