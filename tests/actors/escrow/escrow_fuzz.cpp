// Bytes of strangers and of disks, to agreements, entries of logs, acts and escrows of tasks. The first byte says what
// the rest is read as. Whatever is taken is the one encoding of what it says, and is looked at without harm.
#include <algorithm>
#include <cstdlib>

#include "actors/escrow/logic/event_log.hpp"
#include "actors/escrow/logic/task_escrow.hpp"

using namespace troupe;
using namespace troupe::escrow;

namespace {

void expect_same(base::ByteView a, base::ByteView b) {
  if (!std::ranges::equal(a, b)) std::abort();
}

/// Each entry as the next one of a chain, of an escrow to which it was not written.
void read_entry(base::ByteView bytes) {
  const auto entry = decode_entry(bytes);
  if (!entry) return;
  expect_same(encode(*entry), bytes);
  Agreement agreement;
  agreement.price = wallet::Amount::of(100);
  Replay replay(agreement, {});
  for (int i = 0; i < 2; ++i)
    for (const Entry& next : replay.entries({&entry->event, 1}, entry->time, entry->by, entry->cause))
      if (replay.take(next).ok()) (void)sentence(replay.escrow());
}

/// Each act on an escrow, and an escrow as it was stored.
void read_task(base::ByteView bytes) {
  if (const auto agreement = decode_task_agreement(bytes)) expect_same(encode(*agreement), bytes);
  TaskEscrow it;
  if (const auto act = decode_task_act(bytes)) {
    expect_same(encode(*act), bytes);
    for (int i = 0; i < 2; ++i) (void)it.take(*act, {}, UnixMs(1'700'000'000'000));
    it.check();
  }
  if (const auto stored = TaskEscrow::decode(bytes)) expect_same(stored->encode(), bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const base::ByteView bytes(data + 1, size - 1);
  if (data[0] >= 0xf0) {
    read_task(bytes);
  } else if (data[0] % 3 == 1) {
    read_entry(bytes);
  } else if (data[0] % 3 == 2) {
    if (const auto act = decode_act(bytes)) expect_same(encode(*act), bytes);
  } else if (const auto agreement = decode_agreement(bytes)) {
    expect_same(encode(*agreement), bytes);
    (void)check(*agreement, UnixMs(1'700'000'000'000));
  }
  return 0;
}
