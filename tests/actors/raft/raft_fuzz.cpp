// Bytes of members, clients and disks, to messages, commands, configurations, rows and snapshots. The first byte says
// what the rest is read as. Whatever is taken is the one encoding of what it says.
#include <capnp/serialize.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "actors/raft/group_row.hpp"
#include "actors/raft/kv_words.hpp"
#include "actors/raft/logic/kv/snapshot.hpp"
#include "actors/raft/wire.hpp"

using namespace troupe;
using namespace troupe::raft;

namespace {

void expect_same(base::ByteView a, base::ByteView b) {
  if (!std::ranges::equal(a, b)) std::abort();
}

/// The root of words that were not checked, within the limits of an envelope.
template <class T, class Use>
void with_root(base::ByteView bytes, Use use) {
  std::vector<capnp::word> words(bytes.size() / sizeof(capnp::word));
  std::copy_n(bytes.begin(), words.size() * sizeof(capnp::word), reinterpret_cast<std::uint8_t*>(words.data()));
  try {
    capnp::FlatArrayMessageReader reader({words.data(), words.size()}, {8 * words.size() + 128, 32});
    use(reader.getRoot<T>());
  } catch (const kj::Exception&) {  // what an actor's shell answers with `malformed`
  }
}

void read_talk(wire::Talk::Reader talk) {
  const auto message = read(talk);
  if (!message) return;
  (void)flaw(*message, message->to, message->epoch);
  capnp::MallocMessageBuilder words;
  write(words.initRoot<wire::Talk>(), *message);
  if (!read(words.getRoot<wire::Talk>().asReader())) std::abort();
}

void read_execute(wire::Execute::Reader ask) {
  const auto command = read_command(ask);
  if (!command.ok()) return;
  const base::Bytes bytes = kv::encode(command.value());
  if (const auto again = kv::decode_command(bytes)) expect_same(kv::encode(*again), bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const base::ByteView bytes(data + 1, size - 1);
  switch (data[0] % 6) {
    case 0:
      if (const auto command = kv::decode_command(bytes)) expect_same(kv::encode(*command), bytes);
      break;
    case 1:
      if (const auto members = decode_configuration(bytes)) expect_same(encode(*members), bytes);
      break;
    case 2:
      if (const auto row = decode_group_row(bytes)) expect_same(encode(*row), bytes);
      break;
    case 3: {
      kv::SnapshotReader reader;
      const std::size_t half = bytes.size() / 2;
      if (reader.feed(bytes.first(half)).ok() && reader.feed(bytes.subspan(half)).ok())
        (void)std::move(reader).finish();
      break;
    }
    case 4: with_root<wire::Talk>(bytes, read_talk); break;
    case 5: with_root<wire::Execute>(bytes, read_execute); break;
  }
  return 0;
}
