// Bytes from a socket, to the words of their messages: as they are, which no seal lets through, and as if they had been
// opened already.
#include <algorithm>
#include <cstdlib>

#include "runtime/net/logic/datagram.hpp"
#include "runtime/net/logic/envelope_check.hpp"

using namespace troupe;

namespace {

struct Datagram {
  alignas(8) std::array<std::uint8_t, net::kDatagramBytesMax + 8> room{};
  std::size_t size = 0;

  std::span<std::uint8_t> bytes() { return std::span(room).first(size); }
};

void expect(bool held) {
  if (!held) std::abort();
}

/// All but the tag, which no encoding without a seal has.
void expect_same(Datagram& a, Datagram& b) {
  expect(a.size == b.size);
  expect(std::equal(a.room.begin(), a.room.begin() + static_cast<std::ptrdiff_t>(a.size - crypto::kSealTagBytes),
                    b.room.begin()));
}

void use(Datagram& arrived, crypto::Sealer& sealer, const net::QuestionHead& head) {
  const auto question = net::unsealed::read_question(arrived.bytes());
  if (!question.ok()) return;
  Datagram again;
  again.size = net::unsealed::write_question(again.room, head, question.value());
  expect_same(again, arrived);
  (void)net::check_envelope(question.value().words);
  expect(net::seal_question(again.room, sealer, {}, head, question.value()) == arrived.size);
  expect(net::open_question(again.bytes(), sealer, {}).ok());
  expect_same(again, arrived);
}

void use(Datagram& arrived, crypto::Sealer& sealer, const net::AnswerHead& head) {
  const auto answer = net::unsealed::read_answer(arrived.bytes());
  if (!answer.ok()) return;
  Datagram again;
  again.size = net::unsealed::write_answer(again.room, head, answer.value());
  expect_same(again, arrived);
  (void)net::check_envelope(answer.value().words);
  expect(net::seal_answer(again.room, sealer, {}, head, answer.value()) == arrived.size);
  expect(net::open_answer(again.bytes(), sealer, {}).ok());
  expect_same(again, arrived);
}

void use(Datagram& arrived, crypto::Sealer&, const net::CookieReply& reply) {
  Datagram again;
  again.size = net::write_cookie(again.room, reply);
  expect(std::ranges::equal(again.bytes(), arrived.bytes()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto head = net::read_head({data, size});
  if (!head.ok()) return 0;
  expect(size <= net::kDatagramBytesMax);
  crypto::Sealer sealer;
  Datagram arrived;
  arrived.size = size;
  std::copy_n(data, size, arrived.room.begin());
  std::visit([&](const auto& known) { use(arrived, sealer, known); }, head.value());
  // Sealed with a key that is not this one.
  crypto::OpeningKey key;
  key.bytes[0] = 1;
  expect(!net::open_question(arrived.bytes(), sealer, key).ok());
  expect(!net::open_answer(arrived.bytes(), sealer, key).ok());
  return 0;
}
