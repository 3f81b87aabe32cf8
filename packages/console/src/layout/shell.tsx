/** The frame of every page: the navigation, and the session. */
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { useSession, useSignOut } from '../session/session-context.tsx';
import { Brand } from '../ui/brand.tsx';
import { Button } from '../ui/button.tsx';
import { useNotice } from '../ui/notice.tsx';
import { Time } from '../ui/time.tsx';
import { FaultBoundary } from './fault-boundary.tsx';
import { isCurrent, navigation } from './navigation.ts';
import { ThemeToggle } from './theme-toggle.tsx';

export function Shell({ children }: { readonly children: ReactNode }) {
  const [location] = useLocation();
  const [open, setOpen] = useState(false);
  const main = useRef<HTMLElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the menu closes when the location changes
  useEffect(() => setOpen(false), [location]);
  return (
    <div className="shell">
      {/* biome-ignore lint/a11y/useValidAnchor: it leads to a part of the page */}
      <a
        href="#main"
        className="skip-link"
        onClick={(event) => {
          // The default would lead to the <base> of the page.
          event.preventDefault();
          main.current?.focus();
        }}
      >
        Skip to content
      </a>
      <header className="topbar">
        <Link href="/" className="brand-link">
          <Brand />
        </Link>
        <button
          type="button"
          className="menu-button"
          aria-expanded={open}
          aria-controls="sidebar"
          onClick={() => setOpen(!open)}
        >
          Menu
        </button>
      </header>
      <div id="sidebar" className={open ? 'sidebar sidebar-open' : 'sidebar'}>
        <header className="sidebar-brand">
          <Link href="/" className="brand-link">
            <Brand />
          </Link>
        </header>
        <Navigation location={location} />
        <Identity />
      </div>
      <main className="main" id="main" ref={main} tabIndex={-1}>
        <div className="stack content">
          <FaultBoundary location={location}>{children}</FaultBoundary>
        </div>
      </main>
    </div>
  );
}

/** Hides groups without any page that the session may see. */
function Navigation({ location }: { readonly location: string }) {
  const session = useSession();
  const groups = navigation
    .map(({ title, items }) => ({
      title,
      items: items.filter(({ scope }) => scope === undefined || session.may(scope)),
    }))
    .filter(({ items }) => items.length > 0);
  return (
    <nav className="navigation" aria-label="Pages">
      {groups.map(({ title, items }) => (
        <div key={title}>
          <p className="navigation-title">{title}</p>
          <ul>
            {items.map((item) => (
              <li key={item.href}>
                <Link
                  href={item.href}
                  className="navigation-link"
                  aria-current={isCurrent(item.href, location) ? 'page' : undefined}
                >
                  {item.title}
                </Link>
              </li>
            ))}
          </ul>
        </div>
      ))}
    </nav>
  );
}

function Identity() {
  const session = useSession();
  const signOut = useSignOut();
  const notify = useNotice();
  const leave = (where: 'here' | 'everywhere') =>
    signOut(where).catch((error: Error) => notify(`You are still signed in. ${error.message}`));
  return (
    <aside className="identity" aria-label="Session">
      <p className="hint">
        Signed in as
        <br />
        {session.name === undefined ? <code className="breakable">{session.clientId}</code> : session.name}
        <br />
        {session.scopes.size} scopes
        {session.expiresAt !== undefined && (
          <>
            ; expires <Time iso={new Date(session.expiresAt).toISOString()} />
          </>
        )}
      </p>
      <div className="row">
        <Button small onPress={() => leave('here')}>
          Sign out
        </Button>
        {session.expiresAt === undefined && (
          <Button small onPress={() => leave('everywhere')}>
            Sign out everywhere
          </Button>
        )}
        <ThemeToggle />
      </div>
    </aside>
  );
}
