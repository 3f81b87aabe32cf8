/** The console: the sign-in page until there is a session, then the page of the address. */
import { AdminError } from '@postern/admin';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { I18nProvider } from 'react-aria-components';
import { Route, Router, Switch } from 'wouter';
import { consolePath } from './api/address.ts';
import { AuditPage } from './audit/audit-page.tsx';
import { ClientDocumentsPage } from './client-documents/client-documents-page.tsx';
import { ClientPoliciesPage } from './client-policies/client-policies-page.tsx';
import { ClientPage } from './clients/client-page.tsx';
import { ClientScopesPage } from './clients/client-scopes-page.tsx';
import { ClientsPage } from './clients/clients-page.tsx';
import { NewClientPage } from './clients/new-client-page.tsx';
import { DetailsTypesPage } from './details-types/details-types-page.tsx';
import { FailuresPage } from './failures/failures-page.tsx';
import { InspectorPage } from './inspector/inspector-page.tsx';
import { IssuerPage, NewIssuerPage } from './issuers/issuer-page.tsx';
import { IssuersPage } from './issuers/issuers-page.tsx';
import { KeysPage } from './keys/keys-page.tsx';
import { Shell } from './layout/shell.tsx';
import { OverviewPage } from './overview/overview-page.tsx';
import { PeoplePage } from './people/people-page.tsx';
import { PoliciesPage } from './policies/policies-page.tsx';
import { PolicyPage } from './policies/policy-page.tsx';
import { StoragePage } from './policies/storage-page.tsx';
import { InitialAccessTokensPage } from './registration/initial-access-tokens-page.tsx';
import { ResourcesPage } from './resources/resources-page.tsx';
import { RolesPage } from './roles/roles-page.tsx';
import { ScopesPage } from './scopes/scopes-page.tsx';
import { listenToOtherTabs, tellOtherTabs } from './session/other-tabs.ts';
import { SessionProvider } from './session/session-context.tsx';
import {
  redeemCodeInAddress,
  restoreSession,
  type Session,
  type SessionEvents,
  signInWithSecret,
  signInWithToken,
  signOut,
  takeSignInError,
} from './session/sign-in.ts';
import { type PresentedCredentials, SignInDialog, SignInPage } from './session/sign-in-page.tsx';
import { StreamsPage } from './streams/streams-page.tsx';
import { TokenTreesPage } from './token-trees/token-trees-page.tsx';
import { LinkButton } from './ui/button.tsx';
import { LeaveGuardProvider, useLeave } from './ui/leave-guard.tsx';
import { Empty } from './ui/loaded.tsx';
import { NoticeProvider } from './ui/notice.tsx';
import { Page } from './ui/page.tsx';

/** Cached answers belong to a session, so each session has its own cache. */
interface Visit {
  readonly session: Session;
  readonly queries: QueryClient;
}

export function App() {
  return (
    <I18nProvider locale="en">
      <LeaveGuardProvider>
        <Visits />
      </LeaveGuardProvider>
    </I18nProvider>
  );
}

function Visits() {
  const [visit, setVisit] = useState<Visit>();
  const [isRestoring, setRestoring] = useState(true);
  const [reason, setReason] = useState<string>();
  /** The session has ended without the person: the page stays as it is, below the dialog in which they sign in again. */
  const [hasEnded, setEnded] = useState(false);
  const { leave, isHeld } = useLeave();

  const end = (why?: string) => {
    setVisit(undefined);
    setEnded(false);
    setReason(why);
  };
  const begin = (session: Session) => {
    setEnded(false);
    setVisit((before) => {
      if (before?.session.clientId !== session.clientId) {
        return { session, queries: createQueries() };
      }
      void before.queries.invalidateQueries();
      return { ...before, session };
    });
  };
  const events: SessionEvents = {
    onEnded() {
      setEnded(true);
      setReason('Your session has ended, or your token has expired or was revoked. Sign in again.');
    },
    onChanged: (session) => setVisit((visit) => visit && { ...visit, session }),
  };
  const restore = async () => {
    setReason((reason) => takeSignInError() ?? reason);
    try {
      await redeemCodeInAddress();
      const session = await restoreSession(events);
      if (session !== undefined) {
        begin(session);
      }
    } catch (error) {
      setReason(`It is unknown whether you are signed in. ${(error as Error).message}`);
    }
    setRestoring(false);
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when the page is loaded
  useEffect(() => {
    void restore();
    return listenToOtherTabs((news) => {
      if (news === 'signed in') {
        void restore();
      } else {
        setReason('You have signed out in another tab.');
        if (isHeld()) {
          setEnded(true);
        } else {
          setVisit((visit) => (visit?.session.expiresAt === undefined ? undefined : visit));
        }
      }
    });
  }, []);
  const signIn = async (credentials: PresentedCredentials) => {
    if ('token' in credentials) {
      begin(await signInWithToken(credentials.token, events));
    } else {
      begin(await signInWithSecret(credentials.clientId, credentials.clientSecret, events));
      tellOtherTabs('signed in');
    }
  };
  const endHere = async (session: Session, where: 'here' | 'everywhere') => {
    await signOut(session, where);
    if (session.expiresAt === undefined) {
      tellOtherTabs('signed out');
    }
    end();
  };
  const askAndEnd = (session: Session, where: 'here' | 'everywhere') =>
    new Promise<void>((resolve, reject) => leave(() => endHere(session, where).then(resolve, reject)));
  return (
    <Router base={consolePath} aroundNav={(navigate, to, options) => leave(() => navigate(to, options))}>
      {visit !== undefined ? (
        <QueryClientProvider client={visit.queries}>
          <SessionProvider session={visit.session} signOut={(where) => askAndEnd(visit.session, where)}>
            <NoticeProvider>
              <Shell>
                <Pages />
              </Shell>
            </NoticeProvider>
          </SessionProvider>
          {hasEnded && <SignInDialog reason={reason} clientId={visit.session.clientId} onCredentials={signIn} />}
        </QueryClientProvider>
      ) : (
        !isRestoring && <SignInPage reason={reason} onCredentials={signIn} />
      )}
    </Router>
  );
}

function createQueries(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        // Other errors would come again.
        retry: (failures, error) =>
          failures < 2 && error instanceof AdminError && (error.status === undefined || error.status === 503),
        networkMode: 'always',
        // An answer has the version that it came with, and a copy of it has none.
        structuralSharing: false,
      },
      mutations: { networkMode: 'always' },
    },
  });
}

/** The router leaves the characters encoded that have a meaning in addresses, such as the slash in the id of a client. */
function Pages() {
  return (
    <Switch>
      <Route path="/" component={OverviewPage} />
      <Route path="/clients" component={ClientsPage} />
      <Route path="/create/clients" component={NewClientPage} />
      <Route path="/clients/:id/scopes">
        {({ id }) => <ClientScopesPage key={id} clientId={decodeURIComponent(id)} />}
      </Route>
      <Route path="/clients/:id/:part?">
        {({ id, part }) => <ClientPage key={id} clientId={decodeURIComponent(id)} part={part ?? ''} />}
      </Route>
      <Route path="/scopes" component={ScopesPage} />
      <Route path="/roles" component={RolesPage} />
      <Route path="/people" component={PeoplePage} />
      <Route path="/streams" component={StreamsPage} />
      <Route path="/resources" component={ResourcesPage} />
      <Route path="/issuers" component={IssuersPage} />
      <Route path="/create/issuers" component={NewIssuerPage} />
      <Route path="/issuers/:key">{({ key }) => <IssuerPage key={key} issuerKey={key} />}</Route>
      <Route path="/initial-access-tokens" component={InitialAccessTokensPage} />
      <Route path="/client-documents" component={ClientDocumentsPage} />
      <Route path="/details-types" component={DetailsTypesPage} />
      <Route path="/client-policies" component={ClientPoliciesPage} />
      <Route path="/keys" component={KeysPage} />
      <Route path="/failures" component={FailuresPage} />
      <Route path="/audit" component={AuditPage} />
      <Route path="/inspector" component={InspectorPage} />
      <Route path="/token-trees" component={TokenTreesPage} />
      <Route path="/policies" component={PoliciesPage} />
      <Route path="/policies/:key">{({ key }) => <PolicyPage key={key} policyKey={key} />}</Route>
      <Route path="/storage" component={StoragePage} />
      <Route>
        <Page title="Page not found">
          <Empty title="There is no page at this address">
            <LinkButton href="/">Go to the overview</LinkButton>
          </Empty>
        </Page>
      </Route>
    </Switch>
  );
}
