prints ApiRoutes api routes
prints ApiKeyMade api key new --role user --scope '/v1/kv/**' --rate 5 --expires 30d
key=$(troupe api key new --role viewer)
key=${key%%.*}
prints ApiKeys api key ls
has "$key"
prints ApiGrant api grant "$key" '/v1/files/*' read
prints ApiGrants api grants
has '/v1/files/*'
prints ApiKeyRevoked api key revoke "$key"
printf '[[rule]]\nname = "why"\ncommands = ["file put"]\npurpose = true\nmax_ttl = "30d"\n' >rules.toml
prints ApiRules api rules check rules.toml
not_here api 'its output is the line `ready`: tests/cluster/api_test.cpp'
not_here 'api openapi' 'it is an OpenAPI document: tests/apps/api'
