#pragma once
// Datagrams: a small request and its response without a link. A datagram is sealed except for its head, which is the
// associated data of the seal.
//
// Format  README.md, "A datagram": question, answer and cookie, byte for byte. Little-endian, whole words, and exactly
//         one encoding for each datagram.
// Limits  kDatagramBytesMax; the size is checked first. A cookie is shorter than any question.
#include <cstdint>
#include <span>
#include <string_view>
#include <variant>

#include "runtime/base/bytes.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/base/result.hpp"
#include "runtime/crypto/mac.hpp"
#include "runtime/crypto/seal.hpp"
#include "runtime/ports/network.hpp"

namespace troupe::net {

inline constexpr std::size_t kDatagramBytesMax = ports::kDatagramBytesMax;

inline constexpr std::size_t kQuestionHeadBytes = 88;  ///< unencrypted
inline constexpr std::size_t kAnswerHeadBytes = 40;    ///< unencrypted
inline constexpr std::size_t kCookieReplyBytes = 32;   ///< the whole datagram
inline constexpr std::size_t kQuestionBytesMin = kQuestionHeadBytes + 32 + crypto::kSealTagBytes;
inline constexpr std::size_t kAnswerBytesMin = kAnswerHeadBytes + 16 + crypto::kSealTagBytes;

/// Returns how many bytes of words fit into a question to a path of `path_bytes` bytes. Only this size decides whether
/// a question needs a link.
constexpr std::size_t question_words_bytes_max(std::size_t path_bytes) {
  return kDatagramBytesMax - kQuestionBytesMin - (path_bytes + 7) / 8 * 8;
}
/// How many bytes of words fit into an answer.
inline constexpr std::size_t kAnswerWordsBytesMax = kDatagramBytesMax - kAnswerBytesMin;

static_assert(kCookieReplyBytes <= kQuestionBytesMin, "an unproven address gets at most the bytes that it sent");
static_assert(kAnswerWordsBytesMax >= 20 * 56 + 64, "twenty contacts and what is around them fit into an answer");
static_assert(kQuestionHeadBytes % 8 == 0 && kAnswerHeadBytes % 8 == 0 && kDatagramBytesMax % 8 == 0,
              "words start at a multiple of 8");

using Token = base::FixedBytes<struct TokenTag, 8>;
using Cookie = crypto::Tag128;  // zeros: none

/// Numbers are part of the protocol: add at the end only.
enum class AnswerType : std::uint8_t {
  answer = 1,  ///< the words are the response
  error,       ///< the words are a messages::wire::Error
  too_large,   ///< the response does not fit, or the kind does not allow datagrams: use a link
};

enum class DatagramError : std::uint8_t {
  too_long,         ///< longer than kDatagramBytesMax
  too_short,        ///< shorter than its type or its path needs
  misaligned,       ///< not a multiple of 8 bytes, or a cookie followed by more bytes
  unknown_version,  ///< a version other than 1
  unknown_type,     ///< an unknown or unexpected type
  reserved,         ///< a reserved or padding bit is set
  bad_path,         ///< refused by valid_path()
  forged,           ///< the seal was not made with this key
};

std::string_view name(DatagramError error);

struct QuestionHead {
  base::PublicKey sender;
  std::uint32_t work_nonce = 0;
  Token token;
  Cookie cookie;
  crypto::SealNonce nonce;

  friend bool operator==(const QuestionHead&, const QuestionHead&) = default;
};

struct AnswerHead {
  std::uint32_t work_nonce = 0;  ///< work nonce of the answering id
  Token token;
  crypto::SealNonce nonce;

  friend bool operator==(const AnswerHead&, const AnswerHead&) = default;
};

struct CookieReply {
  Token token;
  Cookie cookie;

  friend bool operator==(const CookieReply&, const CookieReply&) = default;
};

/// The sealed part of a question. Path and words point into the datagram.
struct Question {
  std::uint64_t kind = 0;
  std::uint64_t remaining_us = 0;  ///< until the deadline; zero: none
  std::uint64_t trace_id = 0;
  std::uint32_t parent_span = 0;
  std::string_view path;
  base::ByteView words;
};

/// The sealed part of an answer. The words point into the datagram.
struct Answer {
  AnswerType type = AnswerType::answer;
  std::uint64_t kind = 0;
  base::ByteView words;
};

using DatagramHead = std::variant<QuestionHead, AnswerHead, CookieReply>;

/// The head of a received datagram: unproven claims of its sender. Reading it is cheap and does not check the seal.
base::Result<DatagramHead, DatagramError> read_head(base::ByteView datagram);

/// Seals a datagram into `out`, and returns its size. Broken invariants: a bad path, words that are not whole or do not
/// fit, and a `too_large` answer with words or a kind.
std::size_t seal_question(std::span<std::uint8_t> out, crypto::Sealer& sealer, const crypto::SealingKey& key,
                          const QuestionHead& head, const Question& question);
std::size_t seal_answer(std::span<std::uint8_t> out, crypto::Sealer& sealer, const crypto::SealingKey& key,
                        const AnswerHead& head, const Answer& answer);
std::size_t write_cookie(std::span<std::uint8_t> out, const CookieReply& reply);

/// Opens a datagram in place; it must start at a multiple of 8. After the error `forged` its sealed bytes are zeros;
/// after other errors they may be plaintext.
base::Result<Question, DatagramError> open_question(std::span<std::uint8_t> datagram, crypto::Sealer& sealer,
                                                    const crypto::OpeningKey& key);
base::Result<Answer, DatagramError> open_answer(std::span<std::uint8_t> datagram, crypto::Sealer& sealer,
                                                const crypto::OpeningKey& key);

/// The same functions without a seal, which leave the tag unchanged: for tests and fuzzers of the sealed part.
namespace unsealed {
std::size_t write_question(std::span<std::uint8_t> out, const QuestionHead& head, const Question& question);
std::size_t write_answer(std::span<std::uint8_t> out, const AnswerHead& head, const Answer& answer);
base::Result<Question, DatagramError> read_question(base::ByteView datagram);
base::Result<Answer, DatagramError> read_answer(base::ByteView datagram);
}  // namespace unsealed

}  // namespace troupe::net
