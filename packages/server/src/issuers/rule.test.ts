import { describe, expect, test } from 'vitest';
import { chooseRule, findRuleFault, type Rule } from './rule.ts';

const rule = (claims: Rule['claims'], clientId = 'c'): Rule => ({ clientId, claims, people: false, scopes: null });

describe('chooseRule', () => {
  const workload = (clientId?: string) => ({ people: false, clientId });
  const main = rule({ repository: 'org/name', ref: ['refs/heads/main', 'refs/heads/release'] }, 'deploy');
  const tag = rule({ repository: 'org/name', ref: 'refs/tags/*' }, 'publish');
  const any = rule({ repository: 'org/name' }, 'read');
  const claims = (ref: string) => ({ repository: 'org/name', ref });

  test('the one rule that fits', () => {
    expect(chooseRule([main, tag], claims('refs/heads/release'), workload())).toBe(main);
    expect(chooseRule([main, tag], claims('refs/tags/v1'), workload())).toBe(tag);
  });

  test('none', () => {
    expect(chooseRule([], claims('x'), workload())).toBe('no_rule_matches');
    expect(chooseRule([main, tag], claims('refs/heads/other'), workload())).toBe('no_rule_matches');
    expect(chooseRule([main], { ref: 'refs/heads/main' }, workload())).toBe('no_rule_matches');
    expect(chooseRule([main], { ...claims('refs/heads/main'), repository: ['org/name'] }, workload())).toBe(
      'no_rule_matches',
    );
  });

  test('several are refused, unless the caller names the client of one', () => {
    expect(chooseRule([main, any], claims('refs/heads/main'), workload())).toBe('rules_ambiguous');
    expect(chooseRule([main, any], claims('refs/heads/main'), workload('deploy'))).toBe(main);
    expect(chooseRule([main, any], claims('refs/heads/main'), workload('publish'))).toBe('no_rule_matches');
    expect(chooseRule([any, any], claims('x'), workload('read'))).toBe('rules_ambiguous');
  });

  test('naming a client does not make a rule fit', () => {
    expect(chooseRule([main, tag], claims('refs/heads/main'), workload('publish'))).toBe('no_rule_matches');
  });

  test('a rule for people fits no workload, and a rule for workloads nobody', () => {
    const forPeople = { ...main, people: true };
    const choose = (people: boolean) =>
      chooseRule([main, forPeople], claims('refs/heads/main'), { people, clientId: undefined });
    expect([choose(false), choose(true)]).toEqual([main, forPeople]);
    expect(chooseRule([forPeople], claims('refs/heads/main'), workload())).toBe('no_rule_matches');
  });

  test('a rule without claims fits nothing, should one ever be stored', () => {
    expect(chooseRule([rule({}), rule({ ref: [] })], claims('x'), workload())).toBe('no_rule_matches');
  });
});

describe('findRuleFault', () => {
  const own = 'https://issuer.example';
  test.each<[string, Rule['claims'], RegExp]>([
    ['no claims', {}, /accepts every workload/],
    ['nothing but *', { sub: '*' }, /accepts every workload/],
    ['nothing but * between delimiters', { sub: '*:*/*', '/a/b': '*' }, /accepts every workload/],
    ['a list with one that is nothing but *', { sub: ['x', '*'] }, /accepts every workload/],
    ['an empty list', { sub: [] }, /accepts every workload/],
    ['the issuer alone', { iss: own }, /checked in every token/],
    ['the audience by pointer', { '/aud': 'x', sub: 'x' }, /checked in every token/],
    ['two * in a segment', { sub: 'a**' }, /one \*/],
    ['a placeholder', { repository: 'your-organization/your-repository' }, /'your-organization' is a placeholder/],
    ['a placeholder for a number', { repository_owner_id: 'YOUR_ORG_ID' }, /is a placeholder/],
    [
      'a placeholder behind a prefix',
      { sub: ['system:serviceaccount:billing:<account>'] },
      /'<account>' is a placeholder/,
    ],
    ['a variable that was not replaced', { sub: 'repo:acme/$REPO:ref:refs/heads/main' }, /is a placeholder/],
    ['a wrong pointer', { '/a~': 'x' }, /not a JSON Pointer/],
  ])('refuses %s', (_name, claims, fault) => {
    expect(findRuleFault(rule(claims), own)).toMatch(fault);
  });

  test.each(['your-org-is-great/api', 'acme/your', 'mycompany/api', 'my-org/todo'])(
    'takes the name %s',
    (repository) => {
      expect(findRuleFault(rule({ repository }), own)).toBeUndefined();
    },
  );

  test('takes one that says whose it is', () => {
    expect(findRuleFault(rule({ sub: 'system:serviceaccount:*:billing', '/a/b': '*' }), own)).toBeUndefined();
  });

  describe('for an issuer that signs for everybody, a claim must name the tenant', () => {
    const github = 'https://token.actions.githubusercontent.com';
    test.each<Rule['claims']>([
      { sub: 'repo:org/name:ref:refs/heads/main' },
      { sub: 'repo:org/*:ref:refs/heads/main' },
      { sub: 'repo:org@123/name@456:environment:prod' },
      { sub: 'repository_owner:org:ref:refs/heads/main' },
      { repository: 'org/*' },
      { repository: ['org/a', 'org/b'] },
      { repository_owner: 'org', environment: 'prod' },
      { repository_owner_id: '123' },
      { repository_id: '456', ref: 'refs/heads/*' },
    ])('GitHub: %j does', (claims) => {
      expect(findRuleFault(rule(claims), github)).toBeUndefined();
    });
    test.each<Rule['claims']>([
      { ref: 'refs/heads/main' },
      { environment: 'prod' },
      { actor: 'octocat' },
      { job_workflow_ref: 'org/name/.github/workflows/deploy.yml@refs/heads/main' },
      { sub: 'repo:*/name:ref:refs/heads/main' },
      { sub: 'repo:org*/name:ref:refs/heads/main' },
      { sub: '*:org/name:ref:refs/heads/main' },
      { sub: ['repo:org/name:pull_request', 'repo:*/name:pull_request'] },
      { sub: 'repository_visibility:private:*:*' },
      { repository: '*/name' },
      { repository: ['org/a', '*/b'] },
      { repository: 'o*/name' },
      { repository_owner: 'org*' },
      { repository_owner: ['org', 'o*'] },
      { '/repository_owner': 'org' },
    ])('GitHub: %j does not', (claims) => {
      expect(findRuleFault(rule(claims), github)).toMatch(/signs for everybody/);
    });
    test.each<[string, Rule['claims'], Rule['claims']]>([
      ['https://gitlab.com', { sub: 'project_path:group/*:ref_type:branch:ref:main' }, { ref: 'main' }],
      ['https://agent.buildkite.com', { organization_slug: 'org' }, { pipeline_slug: 'deploy' }],
      [
        'https://app.terraform.io',
        { sub: 'organization:org:project:*:workspace:w:run_phase:apply' },
        { sub: 'organization:o*:x' },
      ],
      ['https://accounts.google.com', { email: 'robot@project.iam.gserviceaccount.com' }, { email: '*@example.org' }],
    ])('%s', (issuer, good, bad) => {
      expect(findRuleFault(rule(good), issuer)).toBeUndefined();
      expect(findRuleFault(rule(bad), issuer)).toMatch(/signs for everybody/);
    });
  });
});
