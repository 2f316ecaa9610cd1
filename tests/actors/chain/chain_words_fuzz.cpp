// Messages of peers to `/chain`, and their answers. The first byte says which message the rest is. Nothing is read
// beyond its bytes, and what is taken says the same when it is written again.
#include <capnp/serialize.h>

#include <algorithm>
#include <cstdlib>

#include "actors/chain/wire.hpp"
#include "messages/codec.hpp"

using namespace troupe;
using namespace troupe::chain;

namespace {

/// The root of words that were not checked, within the limits of an envelope.
template <class T, class Use>
void with_message(base::ByteView bytes, Use use) {
  std::vector<capnp::word> words(bytes.size() / sizeof(capnp::word));
  std::copy_n(bytes.begin(), words.size() * sizeof(capnp::word), reinterpret_cast<std::uint8_t*>(words.data()));
  try {
    capnp::FlatArrayMessageReader reader({words.data(), words.size()}, {8 * words.size() + 128, 32});
    use(reader.getRoot<T>());
  } catch (const kj::Exception&) {  // what an actor's shell answers with `malformed`
  }
}

void expect(bool claim) {
  if (!claim) std::abort();
}

void read_body(wire::ProposedBlock::Reader body) {
  // An attacker names the id that its header has.
  const auto header = parse_header(bytes_of(body.getHeader()));
  if (!header) return;
  const auto proposed = read(body, id_of(*header));
  if (!proposed) return;
  capnp::MallocMessageBuilder words;
  write(words.initRoot<wire::ProposedBlock>(), proposed->block, proposed->ids);
  expect(read(words.getRoot<wire::ProposedBlock>().asReader(), id_of(*header)) == proposed);
}

void read_ids_again(capnp::List<capnp::Data>::Reader list, std::size_t most) {
  const auto ids = read_ids(list, most);
  if (!ids) return;
  expect(ids->size() <= most);
  capnp::MallocMessageBuilder words;
  write(words.initRoot<wire::GetTransactions>().initIds(size32(*ids)), *ids);
  expect(read_ids(words.getRoot<wire::GetTransactions>().asReader().getIds(), most) == ids);
}

void read_row(wire::FinalBlock::Reader row) {
  const auto final_one = read(row);
  if (!final_one) return;
  static_cast<void>(parse_block(final_one->first));
  capnp::MallocMessageBuilder words;
  write(words.initRoot<wire::FinalBlock>(), final_one->first, final_one->second);
  expect(read(words.getRoot<wire::FinalBlock>().asReader()) == final_one);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const base::ByteView bytes(data + 1, size - 1);
  switch (data[0] % 6) {
    case 0:
      with_message<wire::PushVote>(bytes, [](auto push) {
        if (const auto vote = parse_signed_vote(bytes_of(push.getVote())))
          expect(std::ranges::equal(encode(*vote), bytes_of(push.getVote())));
      });
      break;
    case 1:
      with_message<wire::PushProposal>(bytes, [](auto push) {
        if (const auto proposal = parse_signed_proposal(bytes_of(push.getProposal())))
          expect(std::ranges::equal(encode(*proposal), bytes_of(push.getProposal())));
        read_body(push.getBody());
      });
      break;
    case 2:
      with_message<wire::FinalBlocks>(bytes, [](auto blocks) {
        for (const auto row : blocks.getRows()) read_row(row);
      });
      break;
    case 3:
      with_message<wire::HaveTransactions>(bytes, [](auto have) { read_ids_again(have.getIds(), kToldAtOnce); });
      break;
    case 4:
      with_message<wire::GetTransactions>(bytes, [](auto ask) { read_ids_again(ask.getIds(), kGivenAtOnce); });
      break;
    default:
      with_message<wire::Transactions>(bytes, [](auto answer) {
        for (const auto one : answer.getList()) {
          const auto parsed = parse_signed_transaction(bytes_of(one));
          if (parsed.ok()) expect(std::ranges::equal(encode(parsed.value()), bytes_of(one)));
        }
      });
  }
  return 0;
}
