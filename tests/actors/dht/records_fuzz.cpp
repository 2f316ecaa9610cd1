// Bytes of strangers and of disks, to records, rows and sealed values. The first byte says what the rest is read as.
// Whatever is taken is the one encoding of what it says, and is checked before it is held.
#include <algorithm>
#include <cstdlib>

#include "actors/dht/logic/held.hpp"
#include "actors/dht/logic/providers.hpp"
#include "actors/dht/logic/republish.hpp"
#include "actors/dht/logic/sealed_value.hpp"

using namespace troupe;
using namespace troupe::dht;

namespace {

constexpr base::WallTime kWall{std::chrono::seconds{1'800'000'000}};

void expect(bool held) {
  if (!held) std::abort();
}

void read_record(base::ByteView bytes) {
  const auto parsed = parse(bytes);
  if (!parsed.ok()) return;
  const Record& record = parsed.value();
  const base::Bytes again = encode(record);
  expect(std::equal(again.begin(), again.end(), bytes.begin(), bytes.end()));
  const Key place = key_of(record);
  const auto checked = validate(record, place, kWall, 0);
  expect(checked.ok() || checked.error() != RecordError::foreign_key);
  Key other = place;
  other.bytes[0] ^= 1;
  expect(!validate(record, other, kWall, 0).ok());
}

/// The first byte is the length of the row's key.
struct Row {
  base::ByteView key;
  base::ByteView value;
};
Row row_of(base::ByteView bytes) {
  if (bytes.empty()) return {};
  const std::size_t length = std::min<std::size_t>(bytes[0], bytes.size() - 1);
  return {bytes.subspan(1, length), bytes.subspan(1 + length)};
}

void read_held(const Row& row) {
  Held held({}, {}, Values::on_disk, 0);
  if (!held.load(row.key, row.value, kWall).ok()) return;
  const auto place = read_row_key(row.key);
  expect(place && held.use().records == 1);
  const auto reading = held.find(*place, kWall);
  expect(reading && reading->expires > kWall && reading->expires <= kWall + std::chrono::hours(48));
  const auto loaded = held.loaded(*place, row.value, kWall);
  expect(loaded.ok() && key_of(parse(loaded.value()).value()) == place->key);
}

void read_provider(const Row& row) {
  Providers providers({}, {}, {}, 0);
  if (!providers.load(row.key, row.value, kWall).ok()) return;
  base::Random random(1);
  const auto found = providers.find(*Key::from(row.key.first(Key::kBytes)), 9, kWall, random);
  expect(found.size() == 1 && found[0].where.endpoint.dialable());
  expect(found[0].id == crypto::node_id(found[0].where.key, found[0].where.nonce));
}

void read_published(const Row& row) {
  Republish sweep({}, kWall);
  expect(sweep.add({{}, Published::cid}, {}, kWall).ok());
  if (!sweep.load(row.key, row.value, kWall).ok()) return;
  expect(sweep.wake_at() && *sweep.wake_at() <= kWall + std::chrono::hours(45));
  for (int i = 0; i < 3 && sweep.next(kWall); ++i) (void)sweep.done(kWall);
}

void read_sealed(base::ByteView bytes) {
  const auto sealed = parse_sealed(bytes);
  if (!sealed) return;
  expect(!sealed->wraps.empty() && sealed->wraps.size() <= kReadersMax);
  expect(sealed->head.size() + sealed->content.size() == bytes.size());
  expect(sealed->content.size() >= kContentTagBytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const base::ByteView rest(data + 1, size - 1);
  switch (data[0] % 5) {
    case 0: read_record(rest); break;
    case 1: read_held(row_of(rest)); break;
    case 2: read_provider(row_of(rest)); break;
    case 3: read_published(row_of(rest)); break;
    default: read_sealed(rest);
  }
  return 0;
}
