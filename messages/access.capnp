@0x8c600226d98f9631;
# The keys of this node's HTTP API: who may call which commands, and to whom files, keys, values and tasks belong.

using Cxx = import "/capnp/c++.capnp";
using import "/messages/annotations.capnp".kind;
$Cxx.namespace("troupe::access::wire");

enum Role {
  # A later role may call whatever an earlier role may.

  viewer @0;
  user @1;
  operator @2;
  admin @3;
}

struct Grant {
  pattern @0 :Text;
  # A pattern of paths: apps/api/pattern.hpp
  write @1 :Bool;
}

struct Key {
  id @0 :Text;
  # 16 hexadecimal digits.
  hash @1 :Data;
  # SHA-256 of the secret, 32 bytes.
  role @2 :Role;
  scopes @3 :List(Text);
  # Patterns of paths, at most 16; empty: the role alone decides.
  grants @4 :List(Grant);
  # At most 64.
  rate @5 :UInt32;
  # Requests per second; zero: api.requests_per_s.
  created @6 :UInt64;
  expires @7 :UInt64;
  # Unix ms; zero: never.
  lastUsed @8 :UInt64;
  # Unix ms, at most a minute old; zero: never.
}

struct MakeKey $kind(from = [operate], bytesMax = 8192) {
  # Makes a key. Answered by KeyMade once it is durable; the same hash again gets the same answer. Errors: `malformed`,
  # `refused` (too many keys), `unavailable`.

  hash @0 :Data;
  role @1 :Role;
  scopes @2 :List(Text);
  rate @3 :UInt32;
  expires @4 :UInt64;
}

struct KeyMade $kind(from = [operate], bytesMax = 128) {
  # The answer to MakeKey.

  id @0 :Text;
}

struct RevokeKey $kind(from = [operate], bytesMax = 128) {
  # Revokes a key. Answered by Nothing once this is durable. Errors: `not_found`, `unavailable`.

  id @0 :Text;
}

struct SetGrant $kind(from = [operate], bytesMax = 1024) {
  # Lets a key use what it does not own. Answered by Nothing once this is durable; the same pattern again replaces the
  # grant. Errors: `not_found`, `malformed`, `refused` (too many grants), `unavailable`.

  id @0 :Text;
  pattern @1 :Text;
  access :union {
    none @2 :Void;
    # Takes the grant back.
    read @3 :Void;
    write @4 :Void;
  }
}

struct WatchKeys $kind(from = [view, operate], bytesMax = 64) {
  # Requests all keys, then each change, until the watcher cancels: a stream of KeyChange.
}

struct KeyChange $kind(from = [view, operate], bytesMax = 65536, whenFull = credit) {
  # An item of the answer to WatchKeys.

  union {
    key @0 :Key;
    # A key, or what it is now.
    revoked @1 :Text;
    complete @2 :Void;
    # All keys were sent; changes follow.
    still @3 :Void;
    # Nothing has changed for a second.
  }
}

enum Kind {
  # What belongs to a key.

  file @0;
  entry @1;
  # A key of the key-value store.
  value @2;
  # A value of the DHT.
  task @3;
  content @4;
  # A value of the DHT that is named after its hash.
}

struct Thing {
  kind @0 :Kind;
  name @1 :Data;
  # SHA-256 of its name, 32 bytes.
}

enum Share {
  none @0;
  # It belongs to no key.
  own @1;
  # It belongs only to this key.
  shared @2;
  # It belongs to this key and others.
  other @3;
  # It belongs to other keys.
}

struct WhoOwns $kind(from = [view, operate], bytesMax = 65536) {
  # Asks which things belong to a key. Answered by Owned. Errors: `refused` (no such key), `malformed`, `unavailable`.

  id @0 :Text;
  things @1 :List(Thing);
  # At most 256.
}

struct Owned $kind(from = [view, operate], bytesMax = 8192) {
  # The answer to WhoOwns.

  shares @0 :List(Share);
  # In the order of the things.
}

struct Claim $kind(from = [operate], bytesMax = 65536) {
  # Makes a key the owner of things. Answered by Nothing once this is durable. A file or content may have 64 owners; all
  # other things have one. Errors: `refused` (no such key, too many owners), `no_space` (too many things), `conflict`
  # (another key owns one of them; nothing was claimed), `malformed`, `unavailable`.

  id @0 :Text;
  things @1 :List(Thing);
  withNode @2 :Bool;
  # The node owns those that belonged to no key, together with this key: they existed before.
}

struct Release $kind(from = [operate], bytesMax = 65536) {
  # Makes things belong to no key any longer. Answered by Nothing once this is durable. Errors: `malformed`,
  # `unavailable`.

  things @0 :List(Thing);
}

struct ListKeys $kind(from = [view, operate], bytesMax = 128) {
  # Requests keys, by ascending id. Answered by Keys.

  behind @0 :Text;
  # The page starts after this id; empty: at the first.
}

struct Keys $kind(from = [view, operate], bytesMax = 1048576) {
  # The answer to ListKeys: at most 32.

  keys @0 :List(Key);
  more @1 :Bool;
}

struct BeginRequest $kind(from = [operate], bytesMax = 256) {
  # Notes a request that names an idempotency key. Answered by Nothing once this is durable. Errors: `refused` (no such
  # key), `conflict` (the same request was begun with other content), `malformed`, `unavailable`.

  id @0 :Text;
  request @1 :Data;
  # SHA-256, 32 bytes: of the key's id and the header.
  content @2 :Data;
  # SHA-256, 32 bytes: of the command and its values.
}

struct Used $kind(from = [operate], bytesMax = 128) {
  # A key was used just now; sent at most once a minute for each key. Answered by Nothing at once.

  id @0 :Text;
}

struct AccessState $kind(from = [view, operate], bytesMax = 256) {
  # The inspector's view of `/access`.

  keys @0 :UInt32;
  watchers @1 :UInt32;
  requests @2 :UInt32;
  refused @3 :UInt64;
  things @4 :UInt64;
  # Things that belong to keys.
}
