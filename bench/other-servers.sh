#!/usr/bin/env bash
# Says how to put the load of `npm run bench -- token` on other servers: Ory Hydra, Keycloak, Spring Authorization Server.
# Nobody has run these steps yet, so look them up in the manuals of these servers; it runs none of them itself. They take Docker. Pin the container to the core that the benchmark names for the server.
set -euo pipefail

load() {
  cat <<TEXT
Then, twice, the second time for the record, and once more for Postern in the same quarter of an hour:

  BENCH_URL=$1 BENCH_CLIENT_ID=bench BENCH_CLIENT_SECRET=bench-secret BENCH_SCOPE=${2-read} npm run bench -- endpoint

Say beside the numbers which version it was, which database it used, how it stores secrets, and whether its tokens are JWTs signed by ES256:
RS256 takes much longer to sign than ES256, an opaque token is not signed at all, and a check by bcrypt alone takes tens of milliseconds.
TEXT
}

case "${1-}" in
  hydra)
    cat <<'TEXT'
docker run --rm --cpuset-cpus 0 --name hydra -p 4444:4444 -p 4445:4445 -e DSN=memory \
  -e STRATEGIES_ACCESS_TOKEN=jwt -e URLS_SELF_ISSUER=http://127.0.0.1:4444 -e SECRETS_SYSTEM=at-least-16-characters \
  oryd/hydra serve all --dev
docker exec hydra hydra create jwks hydra.jwt.access-token --alg ES256 --endpoint http://127.0.0.1:4445
curl -s http://127.0.0.1:4445/admin/clients -H 'content-type: application/json' -d '{"client_id":"bench","client_secret":
  "bench-secret","grant_types":["client_credentials"],"scope":"read","token_endpoint_auth_method":"client_secret_post"}'
TEXT
    load http://127.0.0.1:4444/oauth2/token
    ;;
  keycloak)
    cat <<'TEXT'
docker run --rm --cpuset-cpus 0 --name keycloak -p 8081:8080 -e KC_BOOTSTRAP_ADMIN_USERNAME=admin \
  -e KC_BOOTSTRAP_ADMIN_PASSWORD=admin quay.io/keycloak/keycloak start-dev
docker exec keycloak sh -c 'cd /opt/keycloak/bin && ./kcadm.sh config credentials --server http://localhost:8080 --realm master \
  --user admin --password admin && ./kcadm.sh create realms -s realm=bench -s enabled=true -s defaultSignatureAlgorithm=ES256 &&
  ./kcadm.sh create clients -r bench -s clientId=bench -s secret=bench-secret -s serviceAccountsEnabled=true -s publicClient=false'
TEXT
    load http://127.0.0.1:8081/realms/bench/protocol/openid-connect/token profile
    ;;
  spring)
    cat <<'TEXT'
Create an application at https://start.spring.io with "OAuth2 Authorization Server", and in its application.properties:
  server.port=9000
  spring.security.oauth2.authorizationserver.client.bench.registration.client-id=bench
  spring.security.oauth2.authorizationserver.client.bench.registration.client-secret={bcrypt}<bcrypt digest of bench-secret>
  spring.security.oauth2.authorizationserver.client.bench.registration.client-authentication-methods=client_secret_post
  spring.security.oauth2.authorizationserver.client.bench.registration.authorization-grant-types=client_credentials
  spring.security.oauth2.authorizationserver.client.bench.registration.scopes=read
A bean JWKSource with a P-256 key, and an OAuth2TokenCustomizer that sets the header alg to ES256, replace its RS256. Then:
  taskset --cpu-list 0 ./gradlew bootRun
TEXT
    load http://127.0.0.1:9000/oauth2/token
    ;;
  *)
    echo "Usage: $0 hydra|keycloak|spring" >&2
    exit 2
    ;;
esac
