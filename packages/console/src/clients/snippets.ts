/** Programs that request a token for a client, ready to paste. They read the secret from the environment. RFC 6749 §4.4. */

export interface Snippet {
  readonly id: string;
  readonly title: string;
  readonly code: string;
}

/** Shell commands that set what the programs read. */
export function environmentOf(clientId: string, clientSecret: string): string {
  return `export POSTERN_CLIENT_ID='${clientId}'\nexport POSTERN_CLIENT_SECRET='${clientSecret}'`;
}

/** `resource`: what the token is for; undefined: the APIs of Postern. RFC 8707 §2. */
export function snippetsFor(tokenEndpoint: string, resource: string | undefined): readonly Snippet[] {
  const forResource = (text: (identifier: string) => string) => (resource === undefined ? '' : text(resource));
  return [
    {
      id: 'curl',
      title: 'curl',
      code: `curl -X POST '${tokenEndpoint}' \\
  -u "$POSTERN_CLIENT_ID:$POSTERN_CLIENT_SECRET" \\
  -d grant_type=client_credentials${forResource((identifier) => ` \\\n  --data-urlencode 'resource=${identifier}'`)}`,
    },
    {
      id: 'node',
      title: 'Node',
      code: `// get-token.mjs
const { POSTERN_CLIENT_ID, POSTERN_CLIENT_SECRET } = process.env;

const response = await fetch('${tokenEndpoint}', {
  method: 'POST',
  headers: { authorization: \`Basic \${btoa(\`\${POSTERN_CLIENT_ID}:\${POSTERN_CLIENT_SECRET}\`)}\` },
  body: new URLSearchParams({ grant_type: 'client_credentials'${forResource((identifier) => `, resource: '${identifier}'`)} }),
});
if (!response.ok) {
  throw new Error(await response.text());
}
const { access_token, expires_in } = await response.json();
console.log(access_token);`,
    },
    {
      id: 'python',
      title: 'Python',
      code: `# get_token.py
import base64, json, os, urllib.parse, urllib.request

credentials = f"{os.environ['POSTERN_CLIENT_ID']}:{os.environ['POSTERN_CLIENT_SECRET']}"
request = urllib.request.Request(
    "${tokenEndpoint}",
    data=urllib.parse.urlencode({"grant_type": "client_credentials"${forResource((identifier) => `, "resource": "${identifier}"`)}}).encode(),
    headers={"Authorization": "Basic " + base64.b64encode(credentials.encode()).decode()},
)
with urllib.request.urlopen(request) as response:
    token = json.load(response)
print(token["access_token"])`,
    },
    {
      id: 'go',
      title: 'Go',
      code: `// go get golang.org/x/oauth2
package main

import (
	"context"
	"fmt"
	"log"${forResource(() => '\n	"net/url"')}
	"os"

	"golang.org/x/oauth2/clientcredentials"
)

func main() {
	config := clientcredentials.Config{
		ClientID:     os.Getenv("POSTERN_CLIENT_ID"),
		ClientSecret: os.Getenv("POSTERN_CLIENT_SECRET"),
		TokenURL:     "${tokenEndpoint}",${forResource((identifier) => `\n		EndpointParams: url.Values{"resource": {"${identifier}"}},`)}
	}
	// config.Client(ctx) gives an http.Client that attaches and renews it.
	token, err := config.Token(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(token.AccessToken)
}`,
    },
  ];
}
