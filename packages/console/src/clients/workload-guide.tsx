/** How workloads get the tokens of a client without a secret: which issuers vouch for them, and what they run. RFC 7523 §2.1. */
import { type Client, type IssuerRule, operations } from '@postern/admin';
import { useQuery } from '@tanstack/react-query';
import { Tab, TabList, TabPanel, Tabs } from 'react-aria-components';
import { Link } from 'wouter';
import { fetchMetadata } from '../api/connection.ts';
import { platforms } from '../issuers/platforms.ts';
import { Lacks } from '../session/requires.tsx';
import { useSession } from '../session/session-context.tsx';
import { useAll } from '../session/use-admin.ts';
import { LinkButton } from '../ui/button.tsx';
import { CodeBlock } from '../ui/copy.tsx';
import { Loaded } from '../ui/loaded.tsx';
import { Note } from '../ui/note.tsx';
import { Section } from '../ui/page.tsx';
import { workloadSnippets } from './workload-snippets.ts';

export function WorkloadGuide({ client }: { readonly client: Client }) {
  const metadata = useQuery({ queryKey: ['metadata'], queryFn: fetchMetadata });
  return (
    <>
      <Section
        title="1. Trust the issuer of the platform"
        description="A rule of a trusted issuer says which workload gets tokens of this client."
      >
        <Issuers client={client} />
      </Section>
      <Section title="2. Get a token" description="The workload sends the token of its platform, and needs no secret.">
        {metadata.data !== undefined && (
          <Tabs className="stack">
            <TabList className="tab-list" aria-label="Platforms">
              {workloadSnippets(metadata.data, client.default_resource ?? undefined).map(({ id, title }) => (
                <Tab key={id} id={id} className="tab">
                  {title}
                </Tab>
              ))}
            </TabList>
            {workloadSnippets(metadata.data, client.default_resource ?? undefined).map(({ id, title, code }) => (
              <TabPanel key={id} id={id} className="tab-panel">
                <CodeBlock code={code} what={title} />
              </TabPanel>
            ))}
          </Tabs>
        )}
      </Section>
    </>
  );
}

function Issuers({ client: { client_id } }: { readonly client: Client }) {
  const session = useSession();
  const issuers = useAll(operations.issuers.list(), { needs: 'issuer:read' });
  const mayWrite = session.may('issuer:create_or_update');
  if (!session.may('issuer:read')) {
    return <Lacks scope="issuer:read" to="see which issuers have a rule for it" />;
  }
  const query = `client=${encodeURIComponent(client_id)}`;
  return (
    <Loaded query={issuers}>
      {(all) => {
        const isForIt = (rule: IssuerRule) => rule.client_id === client_id && rule.people !== true;
        const hasRule = Map.groupBy(all, ({ rules }) => rules.some(isForIt));
        return (
          <>
            {hasRule.has(true) ? (
              <ul className="stack">
                {hasRule.get(true)?.map(({ key, issuer }) => (
                  <li key={key}>
                    <Link href={`/issuers/${encodeURIComponent(key)}`}>{key}</Link> has a rule for it (
                    <code className="breakable">{issuer}</code>).
                  </li>
                ))}
              </ul>
            ) : (
              <Note tone="warning" title="It gets no tokens yet">
                No trusted issuer has a rule for this client.
              </Note>
            )}
            {mayWrite && (
              <div className="row">
                {hasRule.get(false)?.map(({ key }) => (
                  <LinkButton key={key} href={`/issuers/${encodeURIComponent(key)}?${query}`}>
                    Add a rule to {key}
                  </LinkButton>
                ))}
                {Object.values(platforms)
                  .filter((platform) => !all.some(({ key }) => key === platform.key))
                  .map(({ key, label }) => (
                    <LinkButton key={key} href={`/create/issuers?platform=${key}&${query}`}>
                      Trust {label}
                    </LinkButton>
                  ))}
                <LinkButton href={`/create/issuers?${query}`}>Trust another issuer</LinkButton>
              </div>
            )}
          </>
        );
      }}
    </Loaded>
  );
}
