// Whatever comes as schemas and as words: a line that is plain and fits, and no more than the work of one line.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <string>
#include <vector>

#include "messages/files.capnp.h"
#include "messages/schemas.hpp"
#include "runtime/base/random.hpp"
#include "runtime/base/text.hpp"
#include "runtime/observe/decode.hpp"
#include "tests/runtime/observe/schema_by_hand.hpp"

using namespace troupe;
using namespace troupe::observe;

namespace {

constexpr int kRuns = 40;  // of a property, for each of rapidcheck's hundred

base::Bytes random_bytes(base::Random& random, std::size_t size) {
  base::Bytes bytes(size);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.chance(1, 2) ? random.below(256) : random.below(4));
  return bytes;
}

/// Changes a few bytes or whole words, most of them to what is near a limit.
void spoil(base::Random& random, base::Bytes& bytes) {
  for (auto left = random.below(5); left > 0 && !bytes.empty(); --left) {
    const std::size_t at = random.below(bytes.size());
    if (random.chance(1, 2)) bytes[at] = static_cast<std::uint8_t>(random.below(256));
    else if (random.chance(1, 2)) bytes[at] ^= static_cast<std::uint8_t>(1U << random.below(8));
    else
      std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at / 4 * 4),
                  std::min<std::size_t>(4, bytes.size() - at / 4 * 4), 0xff);
  }
}

/// Messages with lists, unions, enums, text and data.
struct HostileSample {
  std::uint64_t kind;
  base::Bytes words;
};

std::vector<HostileSample> samples() {
  using namespace files::wire;
  const base::Bytes id(20, 7);
  const capnp::Data::Reader data(id.data(), id.size());
  return {{PutHeld::_capnpPrivate::typeId, flat_message<PutHeld>([&](PutHeld::Builder held) {
             auto contents = held.initContents(6);
             for (auto content : contents) {
               content.initContent().setKind(ContentKind::CHUNK);
               content.initHolders(2).set(1, data);
             }
           })},
          {ViewItem::_capnpPrivate::typeId, flat_message<ViewItem>([&](ViewItem::Builder item) {
             auto row = item.initRow();
             row.setName("a name");
             row.setCid(data);
             row.getExpires().setAt(3);
           })},
          {VerifyItem::_capnpPrivate::typeId,
           flat_message<VerifyItem>([&](VerifyItem::Builder item) { item.initCopy().setState(CopyState::DAMAGED); })}};
}

void line_holds(const Decoder& decoder, std::uint64_t kind, base::ByteView words, std::size_t bytes_max) {
  const std::string line = decoder.line(kind, words, bytes_max);
  RC_ASSERT(line.size() <= bytes_max);
  RC_ASSERT(base::is_plain(line));
}

}  // namespace

TEST_CASE("decode: random bytes are no schema or one that is read, and no message or a line") {
  const bool held = rc::check([] {
    base::Random random(*rc::gen::arbitrary<std::uint64_t>());
    for (int run = 0; run < kRuns; ++run) {
      Decoder decoder;
      const auto node = random_bytes(random, random.below(60) * 8 + (random.chance(1, 20) ? 3 : 0));
      const auto learnt = decoder.learn(node);
      if (!learnt.ok()) RC_ASSERT(base::is_plain(learnt.error()) && !learnt.error().empty());
      const auto words = random_bytes(random, random.below(100));
      line_holds(decoder, random.below(3), words, random.below(100));
    }
  });
  CHECK(held);
}

TEST_CASE("decode: spoilt schemas and spoilt messages are a line all the same") {
  const auto all = samples();
  int learnt_spoilt = 0, broken = 0;
  const bool held = rc::check([&] {
    base::Random random(*rc::gen::arbitrary<std::uint64_t>());
    for (int run = 0; run < kRuns; ++run) {
      const HostileSample& sample = all[random.below(all.size())];
      Decoder decoder;
      for (const auto* schema : messages::schemas_of(sample.kind)) {
        base::Bytes node(schema->node.begin(), schema->node.end());
        if (random.chance(1, 2)) spoil(random, node);
        if (decoder.learn(node).ok() && !std::ranges::equal(node, schema->node)) ++learnt_spoilt;
      }
      base::Bytes words = sample.words;
      if (random.chance(2, 3)) spoil(random, words);
      line_holds(decoder, sample.kind, words, random.below(400));
      if (decoder.line(sample.kind, words, 10'000).find("(broken: ") != std::string::npos) ++broken;
    }
  });
  CHECK(held);
  CHECK(learnt_spoilt > 100);  // the test reaches what it is about
  CHECK(broken > 100);
}
