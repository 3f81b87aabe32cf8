/** The pages in the navigation, and the scopes that they need. */

interface NavigationItem {
  readonly href: string;
  readonly title: string;
  readonly scope?: string;
}

interface NavigationGroup {
  readonly title: string;
  readonly items: readonly NavigationItem[];
}

export const navigation: readonly NavigationGroup[] = [
  {
    title: 'Access',
    items: [
      { href: '/', title: 'Overview' },
      { href: '/clients', title: 'Clients', scope: 'client:read' },
      { href: '/scopes', title: 'Scopes', scope: 'scope:read' },
      { href: '/roles', title: 'Roles', scope: 'role:read' },
      { href: '/people', title: 'People', scope: 'person:read' },
      { href: '/resources', title: 'Resources', scope: 'resource:read' },
      { href: '/issuers', title: 'Trusted issuers', scope: 'issuer:read' },
      { href: '/initial-access-tokens', title: 'Initial access tokens', scope: 'initial_access_token:read' },
      { href: '/client-documents', title: 'Client documents', scope: 'client_document:read' },
      { href: '/details-types', title: 'Authorization details', scope: 'authorization_details_type:read' },
      { href: '/client-policies', title: 'Client policies', scope: 'client_policy:read' },
    ],
  },
  {
    title: 'Operation',
    items: [
      { href: '/keys', title: 'Signing keys', scope: 'key:read' },
      { href: '/streams', title: 'Event streams', scope: 'stream:read' },
      { href: '/failures', title: 'Failures', scope: 'audit:read' },
      { href: '/audit', title: 'Audit', scope: 'audit:read' },
      { href: '/inspector', title: 'Token inspector' },
      { href: '/token-trees', title: 'Token trees', scope: 'token:revoke' },
    ],
  },
  {
    title: 'Privacy',
    items: [
      { href: '/policies', title: 'Policies', scope: 'policy:read' },
      { href: '/storage', title: 'Storage', scope: 'storage:read' },
    ],
  },
];

export function isCurrent(href: string, location: string): boolean {
  return href === '/'
    ? location === '/'
    : [href, `/create${href}`].some((path) => location === path || location.startsWith(`${path}/`));
}
