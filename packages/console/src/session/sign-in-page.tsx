/** Signing in, on a page of its own, or on top of the page whose session has ended: with the ID and the secret of a client, or with an access token. */
import { type FormEvent, useEffect, useState } from 'react';
import { Tab, TabList, TabPanel, Tabs } from 'react-aria-components';
import { consolePath } from '../api/address.ts';
import { Brand } from '../ui/brand.tsx';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { TextField } from '../ui/fields.tsx';
import { ErrorNote } from '../ui/note.tsx';
import { readSession, type SignInProvider } from './server-session.ts';

export interface SignInPageProps {
  /** Why the person must sign in again. */
  readonly reason: string | undefined;
  /** Throws if the server rejects them. */
  readonly onCredentials: (credentials: PresentedCredentials) => Promise<void>;
}

export type PresentedCredentials =
  | { readonly clientId: string; readonly clientSecret: string }
  | { readonly token: string };

export function SignInPage(props: SignInPageProps) {
  return (
    <main className="sign-in">
      <title>Sign in · Postern</title>
      <div className="panel stack sign-in-card">
        <Brand />
        <h1>Sign in</h1>
        <SignInForms {...props} />
        <p className="hint">
          For the first sign-in, the ID and secret of the root client are in <code>root.env</code> in the data
          directory. What you enter is not stored. You stay signed in until you sign out, do nothing for half an hour,
          or close the browser; with an access token, until you reload the page.
        </p>
      </div>
    </main>
  );
}

interface SignInDialogProps extends SignInPageProps {
  /** Whose session has ended. */
  readonly clientId: string;
}

/** Signs in again on top of the page, on which nothing is lost. */
export function SignInDialog({ clientId, ...props }: SignInDialogProps) {
  return (
    <Dialog title="Sign in again" onClose={() => {}} mustAnswer covers>
      <p>
        What you entered, and what is shown only once, is still on the page below. It stays there if you sign in as{' '}
        <code className="breakable">{clientId}</code>.
      </p>
      <SignInForms {...props} />
    </Dialog>
  );
}

/** Leads to the identity provider, if there is one, and back to this page. */
function ProviderLink() {
  const [provider, setProvider] = useState<SignInProvider | null>(null);
  useEffect(() => {
    // Without an answer nobody can sign in at the provider either.
    readSession().then(
      (present) => setProvider(present.provider),
      () => {},
    );
  }, []);
  if (provider === null) {
    return null;
  }
  const page = location.pathname.slice(consolePath.length) || '/';
  return (
    <a
      className="button button-primary"
      href={`${provider.url}?${new URLSearchParams({ page: page + location.search })}`}
    >
      Sign in with {provider.name}
    </a>
  );
}

function SignInForms({ reason, onCredentials }: SignInPageProps) {
  const [error, setError] = useState<Error | null>(null);
  const [pending, setPending] = useState(false);

  const submit = (read: (form: FormData) => PresentedCredentials) => async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setPending(true);
    setError(null);
    try {
      await onCredentials(read(form));
    } catch (caught) {
      setError(caught as Error);
      setPending(false);
    }
  };
  const withSecret = (form: FormData) => ({
    clientId: field(form, 'client_id'),
    clientSecret: field(form, 'client_secret'),
  });

  return (
    <>
      {reason !== undefined && error === null && (
        <p className="note" role="status">
          {reason}
        </p>
      )}
      {error !== null && <ErrorNote title="Sign-in failed" error={error} />}
      <ProviderLink />
      <Tabs className="stack" onSelectionChange={() => setError(null)}>
        <TabList className="tab-list" aria-label="How to sign in">
          <Tab className="tab" id="secret">
            Client
          </Tab>
          <Tab className="tab" id="token">
            Access token
          </Tab>
        </TabList>
        <TabPanel id="secret" className="tab-panel">
          <form className="stack" onSubmit={submit(withSecret)}>
            <TextField name="client_id" label="Client ID" isRequired autoComplete="username" mono />
            <TextField
              name="client_secret"
              label="Client secret"
              type="password"
              isRequired
              autoComplete="current-password"
              mono
            />
            <Button type="submit" kind="primary" pending={pending}>
              Sign in
            </Button>
          </form>
        </TabPanel>
        <TabPanel id="token" className="tab-panel">
          <form className="stack" onSubmit={submit((form) => ({ token: field(form, 'token') }))}>
            <TextField
              name="token"
              label="Access token"
              isRequired
              rows={5}
              mono
              description="A token from the token endpoint. Its scopes decide what you can do here."
            />
            <Button type="submit" kind="primary" pending={pending}>
              Sign in
            </Button>
          </form>
        </TabPanel>
      </Tabs>
    </>
  );
}

function field(form: FormData, name: string): string {
  return String(form.get(name) ?? '').trim();
}
