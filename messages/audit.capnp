@0xb08e608a4a89b41a;
# The audit trail of this node: a chain of records, each with the hash of the record before it. The trail has what
# operators did, what callers of the HTTP API changed, and which of their requests were refused.

using Cxx = import "/capnp/c++.capnp";
using import "/messages/annotations.capnp".kind;
$Cxx.namespace("troupe::audit::wire");

struct Append $kind(from = [operate], bytesMax = 8192) {
  # Adds a record. Answered by Appended once the record is synced. Errors: `malformed` (a text is too long),
  # `no_space`, `unavailable`.

  key @0 :Text;
  # The id of the API key, or "token". Empty with a command: the sender, as an operator's key in hexadecimal or
  # "local"; empty without a command: a request with an unknown key.
  address @1 :Text;
  # HOST:PORT of the caller, or empty.
  command @2 :Text;
  name @3 :Text;
  # What was acted on, or empty.
  purpose @4 :Text;
  status @5 :UInt16;
  # The HTTP status that was answered.
  rule @6 :Text;
  # The compliance rule that refused the request, or empty.
}

struct Appended $kind(from = [operate], bytesMax = 128) {
  # The answer to Append.

  seq @0 :UInt64;
  hash @1 :Data;
}

struct ListRecords $kind(from = [view, operate], bytesMax = 256) {
  # Requests records, oldest first. Answered by Records.

  since @0 :UInt64;
  # Unix ms; earlier records are left out.
  key @1 :Text;
  # Records of other keys are left out; empty: none is left out.
  next @2 :Data;
  # `next` of the previous page; empty: the first page.
}

struct Records $kind(from = [view, operate], bytesMax = 1048576) {
  # The answer to ListRecords: a page of the trail, which may be without records.

  lines @0 :List(Text);
  # Each as it is in the file, without its newline: actors/audit/logic/record.hpp
  next @1 :Data;
  # Empty: this was the last page.
}

struct GetHead $kind(from = [view, operate], bytesMax = 64) {
  # Requests what the store knows of the trail, to compare it with the files. Answered by Head.
}

struct Head $kind(from = [view, operate], bytesMax = 256) {
  # The answer to GetHead: the oldest record that is kept, and the last record.

  first @0 :UInt64;
  firstPrev @1 :Data;
  # The hash of the record before the oldest one, 32 bytes.
  last @2 :UInt64;
  # Zero: there is no record yet.
  lastHash @3 :Data;
}

struct AuditState $kind(from = [view, operate], bytesMax = 256) {
  # The inspector's view of `/audit`.

  first @0 :UInt64;
  last @1 :UInt64;
  files @2 :UInt32;
  bytes @3 :UInt64;
  failed @4 :UInt64;
  # Records that could not be written.
}
