/** What to do first, while there is no client yet: from an API to its first call. */
import { useSession } from '../session/session-context.tsx';
import { LinkButton } from '../ui/button.tsx';
import { Section } from '../ui/page.tsx';

const steps = [
  {
    title: '1. Say what your API lets clients do',
    text: 'A scope such as invoice:read. Your API requires one for each call.',
    href: '/scopes',
    action: 'Create a scope',
    needs: 'scope:create_or_update',
  },
  {
    title: '2. Register your API',
    text: 'A resource has the address of your API and its scopes. Tokens for it are invalid elsewhere.',
    href: '/resources',
    action: 'Register an API',
    needs: 'resource:create_or_update',
  },
  {
    title: '3. Create a client, and get its first token',
    text: 'For each program that calls the API. Its page has the commands that get a token, ready to paste.',
    href: '/create/clients',
    action: 'Create the first client',
    needs: 'client:create',
  },
  {
    title: '4. See what the token allows',
    text: 'The inspector shows whether a call with it is accepted, and if not, why.',
    href: '/inspector',
    action: 'Inspect a token',
    needs: undefined,
  },
];

export function FirstRun() {
  const session = useSession();
  return (
    <Section title="Get started" description="There is no client yet. These steps take two minutes.">
      <ol className="stack first-run">
        {steps.map(({ title, text, href, action, needs }) => (
          <li key={href} className="panel card row spread">
            <div>
              <strong>{title}</strong>
              <p className="hint">{text}</p>
            </div>
            {(needs === undefined || session.may(needs)) && <LinkButton href={href}>{action}</LinkButton>}
          </li>
        ))}
      </ol>
    </Section>
  );
}
