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

struct ApiKeyMade {
  # `api key new`.

  value @0 :Text;
  # ID.SECRET, which is not shown again.
}

struct ApiKeys {
  # `api key ls`.

  rows @0 :List(ApiKey);
}

struct ApiKey {
  id @0 :Text;
  role @1 :Text;
  scopes @2 :List(Text);
  rate :union {
    none @3 :Void;
    # The default of the API applies.
    value @4 :UInt32;
  }
  expires :union {
    none @5 :Void;
    value @6 :UInt64;
    # Unix ms.
  }
  lastUsed :union {
    none @7 :Void;
    value @8 :UInt64;
    # Unix ms, at most a minute old.
  }
  created @9 :UInt64;
}

struct ApiKeyRevoked {
  # `api key revoke`.

  id @0 :Text;
}

struct ApiGrants {
  # `api grants`.

  rows @0 :List(ApiGrant);
}

struct ApiGrant {
  # Also `api grant`.

  key @0 :Text;
  pattern @1 :Text;
  access @2 :Text;
  # read, write or none.
}

struct ApiRules {
  # `api rules check`.

  rows @0 :List(ApiRule);
}

struct ApiRule {
  name @0 :Text;
  commands @1 :List(Text);
  # As in the file: "file put", "file *" or "*".
  names @2 :Text;
  # The glob that names must match; null: any name.
  roles @3 :List(Text);
  # The roles that may call; empty: any role.
  purpose :union {
    none @4 :Void;
    value @5 :List(Text);
    # The purposes that are allowed; empty: any purpose, but the call must give a purpose.
  }
  maxTtl @6 :Text;
  # The longest lifetime, such as "30d"; null: any lifetime.
}
