@0x9f64c1d0b7a3e852;
# Output of `troupe api --json`. README.md has the rules of all outputs.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("troupe::output::wire");

struct ApiRoutes {
  # `api routes`.

  rows @0 :List(ApiRoute);
}

struct ApiRoute {
  method @0 :Text;
  path @1 :Text;
  # With the name of the first argument in braces: /v1/kv/get/{key}
  command @2 :Text;
  role @3 :Text;
  # The lowest role that may call it: viewer, user, operator or admin.
}
