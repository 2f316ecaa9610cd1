#include "runtime/net/logic/datagram.hpp"

#include <algorithm>

#include "runtime/base/ensure.hpp"
#include "runtime/net/logic/frame.hpp"
#include "runtime/net/logic/words.hpp"

namespace troupe::net {
namespace {

constexpr unsigned kVersion = 1;
constexpr unsigned kQuestion = 1, kAnswer = 2, kCookie = 3;  // types

constexpr std::size_t kWorkNonceAt = 4, kTokenAt = 8, kKeyAt = 16, kCookieAt = 48, kQuestionNonceAt = 64;
constexpr std::size_t kAnswerNonceAt = 16, kReplyCookieAt = 16;
// Offsets in the sealed part.
constexpr std::size_t kSealedKindAt = 0, kSealedDeadlineAt = 8, kSealedTraceAt = 16, kSealedSpanAt = 24,
                      kSealedPathLengthAt = 28, kQuestionReservedAt = 29, kPathAt = 32;
constexpr std::size_t kAnswerTypeAt = 8, kAnswerReservedAt = 9, kAnswerWordsAt = 16;
static_assert(kQuestionBytesMin == kQuestionHeadBytes + kPathAt + crypto::kSealTagBytes);
static_assert(kAnswerBytesMin == kAnswerHeadBytes + kAnswerWordsAt + crypto::kSealTagBytes);
static_assert(kPathBytesMax <= UINT8_MAX && question_words_bytes_max(kPathBytesMax) > 0);

constexpr std::uint8_t first_byte(unsigned type) { return static_cast<std::uint8_t>(kVersion << 4 | type); }

template <class T>
T load_bytes(base::ByteView datagram, std::size_t at) {
  return *T::from(datagram.subspan(at, T::kBytes));
}

bool zeros(base::ByteView bytes) {
  return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
}

using Bytes = std::span<std::uint8_t>;

void put(Bytes out, std::size_t at, base::ByteView bytes) { std::ranges::copy(bytes, out.subspan(at).begin()); }

/// Clears the first `bytes` of `out`, and writes the type.
Bytes begin(Bytes out, unsigned type, std::size_t bytes) {
  base::ensure(bytes <= kDatagramBytesMax, "a datagram that is sent is not too long");
  base::ensure(bytes <= out.size(), "there is room for the datagram that is written");
  std::ranges::fill(out.first(bytes), std::uint8_t{0});
  out[0] = first_byte(type);
  return out.first(bytes);
}

/// Returns the sealed part, without the tag.
base::ByteView inside(base::ByteView datagram, std::size_t head_bytes) {
  return datagram.subspan(head_bytes, datagram.size() - head_bytes - crypto::kSealTagBytes);
}

template <class Head>
base::Result<Head, DatagramError> read_as(base::ByteView datagram) {
  const auto head = read_head(datagram);
  if (!head.ok()) return head.error();
  const Head* const wanted = std::get_if<Head>(&head.value());
  if (wanted == nullptr) return DatagramError::unknown_type;
  return *wanted;
}

void ensure_aligned(base::ByteView datagram) {
  base::ensure(reinterpret_cast<std::uintptr_t>(datagram.data()) % kWordBytes == 0,
               "a datagram that is opened starts at a multiple of 8");
}

base::Result<DatagramHead, DatagramError> read_question_head(base::ByteView datagram) {
  if (datagram.size() < kQuestionBytesMin) return DatagramError::too_short;
  if (datagram.size() % kWordBytes != 0) return DatagramError::misaligned;
  if (!zeros(datagram.subspan(1, kWorkNonceAt - 1))) return DatagramError::reserved;
  return DatagramHead(QuestionHead{
      .sender = load_bytes<base::PublicKey>(datagram, kKeyAt),
      .work_nonce = load<std::uint32_t>(datagram.data() + kWorkNonceAt),
      .token = load_bytes<Token>(datagram, kTokenAt),
      .cookie = load_bytes<Cookie>(datagram, kCookieAt),
      .nonce = load_bytes<crypto::SealNonce>(datagram, kQuestionNonceAt),
  });
}

base::Result<DatagramHead, DatagramError> read_answer_head(base::ByteView datagram) {
  if (datagram.size() < kAnswerBytesMin) return DatagramError::too_short;
  if (datagram.size() % kWordBytes != 0) return DatagramError::misaligned;
  if (!zeros(datagram.subspan(1, kWorkNonceAt - 1))) return DatagramError::reserved;
  return DatagramHead(AnswerHead{
      .work_nonce = load<std::uint32_t>(datagram.data() + kWorkNonceAt),
      .token = load_bytes<Token>(datagram, kTokenAt),
      .nonce = load_bytes<crypto::SealNonce>(datagram, kAnswerNonceAt),
  });
}

base::Result<DatagramHead, DatagramError> read_cookie(base::ByteView datagram) {
  if (datagram.size() < kCookieReplyBytes) return DatagramError::too_short;
  if (datagram.size() != kCookieReplyBytes) return DatagramError::misaligned;
  if (!zeros(datagram.subspan(1, kTokenAt - 1))) return DatagramError::reserved;
  return DatagramHead(CookieReply{load_bytes<Token>(datagram, kTokenAt), load_bytes<Cookie>(datagram, kReplyCookieAt)});
}

}  // namespace

std::string_view name(DatagramError error) {
  switch (error) {
    case DatagramError::too_long: return "too long";
    case DatagramError::too_short: return "too short";
    case DatagramError::misaligned: return "misaligned";
    case DatagramError::unknown_version: return "of an unknown version";
    case DatagramError::unknown_type: return "of an unknown type";
    case DatagramError::reserved: return "with reserved bits set";
    case DatagramError::bad_path: return "with an invalid path";
    case DatagramError::forged: return "not sealed by its sender";
  }
  return "forged";
}

base::Result<DatagramHead, DatagramError> read_head(base::ByteView datagram) {
  if (datagram.size() > kDatagramBytesMax) return DatagramError::too_long;
  if (datagram.empty()) return DatagramError::too_short;
  if (datagram[0] >> 4 != kVersion) return DatagramError::unknown_version;
  switch (datagram[0] & 0x0f) {
    case kQuestion: return read_question_head(datagram);
    case kAnswer: return read_answer_head(datagram);
    case kCookie: return read_cookie(datagram);
  }
  return DatagramError::unknown_type;
}

std::size_t unsealed::write_question(Bytes out, const QuestionHead& head, const Question& question) {
  base::ensure(valid_path(question.path), "the path of a question that is sent is valid");
  base::ensure(question.words.size() % kWordBytes == 0, "the payload of a question is whole words");
  base::ensure(question.words.size() <= question_words_bytes_max(question.path.size()), "a question fits a datagram");
  const std::size_t path_bytes = padded(question.path.size());
  const Bytes datagram = begin(out, kQuestion, kQuestionBytesMin + path_bytes + question.words.size());
  store(datagram.data() + kWorkNonceAt, head.work_nonce);
  put(datagram, kTokenAt, head.token.view());
  put(datagram, kKeyAt, head.sender.view());
  put(datagram, kCookieAt, head.cookie.view());
  put(datagram, kQuestionNonceAt, head.nonce.view());
  const Bytes sealed = datagram.subspan(kQuestionHeadBytes);
  store(sealed.data() + kSealedKindAt, question.kind);
  store(sealed.data() + kSealedDeadlineAt, question.remaining_us);
  store(sealed.data() + kSealedTraceAt, question.trace_id);
  store(sealed.data() + kSealedSpanAt, question.parent_span);
  sealed[kSealedPathLengthAt] = static_cast<std::uint8_t>(question.path.size());
  put(sealed, kPathAt, base::as_bytes(question.path));
  put(sealed, kPathAt + path_bytes, question.words);
  return datagram.size();
}

std::size_t unsealed::write_answer(Bytes out, const AnswerHead& head, const Answer& answer) {
  base::ensure(answer.words.size() % kWordBytes == 0, "the payload of an answer is whole words");
  base::ensure(answer.words.size() <= kAnswerWordsBytesMax, "an answer fits a datagram");
  base::ensure(answer.type != AnswerType::too_large || (answer.kind == 0 && answer.words.empty()),
               "an answer that is too large says nothing else");
  const Bytes datagram = begin(out, kAnswer, kAnswerBytesMin + answer.words.size());
  store(datagram.data() + kWorkNonceAt, head.work_nonce);
  put(datagram, kTokenAt, head.token.view());
  put(datagram, kAnswerNonceAt, head.nonce.view());
  const Bytes sealed = datagram.subspan(kAnswerHeadBytes);
  store(sealed.data() + kSealedKindAt, answer.kind);
  sealed[kAnswerTypeAt] = static_cast<std::uint8_t>(answer.type);
  put(sealed, kAnswerWordsAt, answer.words);
  return datagram.size();
}

std::size_t write_cookie(Bytes out, const CookieReply& reply) {
  const Bytes datagram = begin(out, kCookie, kCookieReplyBytes);
  put(datagram, kTokenAt, reply.token.view());
  put(datagram, kReplyCookieAt, reply.cookie.view());
  return datagram.size();
}

base::Result<Question, DatagramError> unsealed::read_question(base::ByteView datagram) {
  if (const auto head = read_as<QuestionHead>(datagram); !head.ok()) return head.error();
  const base::ByteView sealed = inside(datagram, kQuestionHeadBytes);
  if (!zeros(sealed.subspan(kQuestionReservedAt, kPathAt - kQuestionReservedAt))) return DatagramError::reserved;
  const std::size_t path_bytes = sealed[kSealedPathLengthAt];
  const std::size_t words_at = kPathAt + padded(path_bytes);
  if (words_at > sealed.size()) return DatagramError::too_short;
  if (!zeros(sealed.subspan(kPathAt + path_bytes, words_at - kPathAt - path_bytes))) return DatagramError::reserved;
  Question question;
  question.path = base::as_text(sealed.subspan(kPathAt, path_bytes));
  if (!valid_path(question.path)) return DatagramError::bad_path;
  question.kind = load<std::uint64_t>(sealed.data() + kSealedKindAt);
  question.remaining_us = load<std::uint64_t>(sealed.data() + kSealedDeadlineAt);
  question.trace_id = load<std::uint64_t>(sealed.data() + kSealedTraceAt);
  question.parent_span = load<std::uint32_t>(sealed.data() + kSealedSpanAt);
  question.words = sealed.subspan(words_at);
  return question;
}

base::Result<Answer, DatagramError> unsealed::read_answer(base::ByteView datagram) {
  if (const auto head = read_as<AnswerHead>(datagram); !head.ok()) return head.error();
  const base::ByteView sealed = inside(datagram, kAnswerHeadBytes);
  const std::uint8_t type = sealed[kAnswerTypeAt];
  if (type < static_cast<std::uint8_t>(AnswerType::answer) || type > static_cast<std::uint8_t>(AnswerType::too_large))
    return DatagramError::unknown_type;
  if (!zeros(sealed.subspan(kAnswerReservedAt, kAnswerWordsAt - kAnswerReservedAt))) return DatagramError::reserved;
  const Answer answer{static_cast<AnswerType>(type), load<std::uint64_t>(sealed.data() + kSealedKindAt),
                      sealed.subspan(kAnswerWordsAt)};
  if (answer.type == AnswerType::too_large && (answer.kind != 0 || !answer.words.empty()))
    return DatagramError::reserved;
  return answer;
}

std::size_t seal_question(Bytes out, crypto::Sealer& sealer, const crypto::SealingKey& key, const QuestionHead& head,
                          const Question& question) {
  const std::size_t bytes = unsealed::write_question(out, head, question);
  sealer.seal(key, head.nonce, out.first(kQuestionHeadBytes), out.first(bytes).subspan(kQuestionHeadBytes));
  return bytes;
}

std::size_t seal_answer(Bytes out, crypto::Sealer& sealer, const crypto::SealingKey& key, const AnswerHead& head,
                        const Answer& answer) {
  const std::size_t bytes = unsealed::write_answer(out, head, answer);
  sealer.seal(key, head.nonce, out.first(kAnswerHeadBytes), out.first(bytes).subspan(kAnswerHeadBytes));
  return bytes;
}

base::Result<Question, DatagramError> open_question(Bytes datagram, crypto::Sealer& sealer,
                                                    const crypto::OpeningKey& key) {
  const auto head = read_as<QuestionHead>(datagram);
  if (!head.ok()) return head.error();
  ensure_aligned(datagram);
  if (!sealer.open(key, head.value().nonce, datagram.first(kQuestionHeadBytes), datagram.subspan(kQuestionHeadBytes)))
    return DatagramError::forged;
  return unsealed::read_question(datagram);
}

base::Result<Answer, DatagramError> open_answer(Bytes datagram, crypto::Sealer& sealer, const crypto::OpeningKey& key) {
  const auto head = read_as<AnswerHead>(datagram);
  if (!head.ok()) return head.error();
  ensure_aligned(datagram);
  if (!sealer.open(key, head.value().nonce, datagram.first(kAnswerHeadBytes), datagram.subspan(kAnswerHeadBytes)))
    return DatagramError::forged;
  return unsealed::read_answer(datagram);
}

}  // namespace troupe::net
