/** A new secret, which is shown only once, and how to use it. */
import { useQuery } from '@tanstack/react-query';
import { Tab, TabList, TabPanel, Tabs } from 'react-aria-components';
import { fetchMetadata } from '../api/connection.ts';
import { CodeBlock, CopyField } from '../ui/copy.tsx';
import { useLeaveGuard } from '../ui/leave-guard.tsx';
import { Note } from '../ui/note.tsx';
import { environmentOf, snippetsFor } from './snippets.ts';

interface IssuedSecretProps {
  readonly clientId: string;
  readonly clientSecret: string;
  /** What its tokens are for; undefined: the APIs of Postern. */
  readonly resource: string | undefined;
}

export function IssuedSecret({ clientId, clientSecret, resource }: IssuedSecretProps) {
  useLeaveGuard(true);
  const metadata = useQuery({ queryKey: ['metadata'], queryFn: fetchMetadata });
  return (
    <div className="stack">
      <Note tone="warning" title="Copy the secret now">
        It is shown only once. Postern stores only a digest of it: a lost secret cannot be recovered, only replaced.
      </Note>
      <CopyField label="Client ID" value={clientId} />
      <CopyField label="Client secret" value={clientSecret} />
      {metadata.data !== undefined && (
        <>
          <h2>Get a token</h2>
          <p className="hint">Set the credentials in a terminal, then run one of these programs.</p>
          <CodeBlock code={environmentOf(clientId, clientSecret)} what="credentials for a shell" />
          <Tabs className="stack">
            <TabList className="tab-list" aria-label="Programs">
              {snippetsFor(metadata.data.token_endpoint, resource).map(({ id, title }) => (
                <Tab key={id} id={id} className="tab">
                  {title}
                </Tab>
              ))}
            </TabList>
            {snippetsFor(metadata.data.token_endpoint, resource).map(({ id, title, code }) => (
              <TabPanel key={id} id={id} className="tab-panel">
                <CodeBlock code={code} what={`${title} program`} />
              </TabPanel>
            ))}
          </Tabs>
        </>
      )}
    </div>
  );
}
