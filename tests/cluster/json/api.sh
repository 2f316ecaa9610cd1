prints ApiRoutes api routes
not_here api 'its output is the line `ready`: tests/cluster/api_test.cpp'
not_here 'api openapi' 'it is an OpenAPI document: tests/apps/api'
