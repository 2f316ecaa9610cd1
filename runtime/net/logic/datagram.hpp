#pragma once
// Datagrams: how a small question and its answer travel without a link. Sealed but for their heads, which are the
// associated data of the seal. Each is whole words, so that the words of its message are read where they lie.
//
// A question: 136 bytes, and its path and words
//   0  u8   0x11: version 1, type 1
//   1  u8   flags: 0
//   2  u16  reserved: 0
//   4  u32  work nonce of the sender's id
//   8       token (8): random, and unknown to whoever does not see the question
//  16       the sender's Ed25519 key (32)
//  48       cookie (16) that its receiver gave to this key at this address; zeros: none
//  64       XChaCha nonce (24)
//  88  u64  kind: type id of the words           from here on sealed
//  96  u64  remaining microseconds of its deadline; 0: none
// 104  u64  trace id
// 112  u32  parent span
// 116  u8   length of the path in bytes
// 117       reserved (3): 0
// 120       path, filled with zeros to a multiple of 8
//           words: a flat array of capnp::messageToFlatArray, or nothing
//           tag (16)
//
// An answer: 72 bytes, and its words
//   0  u8   0x12
//   1       reserved (3): 0
//   4  u32  work nonce of the answerer's id: a key has many, and this says which one answers
//   8       token (8) of its question
//  16       XChaCha nonce (24)
//  40  u64  kind; 0 if it is too large           from here on sealed
//  48  u8   AnswerType
//  49       reserved (7): 0
//  56       words; none if it is too large
//           tag (16)
//
// A cookie: 32 bytes, in clear; for a question from an address that its sender has not proven
//   0  u8   0x13
//   1       reserved (7): 0
//   8       token (8) of that question
//  16       cookie (16) to send it with once more
//
// All numbers are little-endian. Each datagram has exactly one encoding.
// Limits  kDatagramBytesMax; the size is checked before all else. A cookie is shorter than any question.
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

inline constexpr std::size_t kQuestionHeadBytes = 88;  ///< in clear
inline constexpr std::size_t kAnswerHeadBytes = 40;    ///< in clear
inline constexpr std::size_t kCookieReplyBytes = 32;   ///< all of it
inline constexpr std::size_t kQuestionBytesMin = kQuestionHeadBytes + 32 + crypto::kSealTagBytes;
inline constexpr std::size_t kAnswerBytesMin = kAnswerHeadBytes + 16 + crypto::kSealTagBytes;

/// Bytes of words that fit into a question to a path of so many bytes; nothing else decides whether it needs a link.
constexpr std::size_t question_words_bytes_max(std::size_t path_bytes) {
  return kDatagramBytesMax - kQuestionBytesMin - (path_bytes + 7) / 8 * 8;
}
/// Bytes of words that fit into an answer.
inline constexpr std::size_t kAnswerWordsBytesMax = kDatagramBytesMax - kAnswerBytesMin;

static_assert(kCookieReplyBytes <= kQuestionBytesMin, "no address that is not proven gets more than it sent");
static_assert(kAnswerWordsBytesMax >= 20 * 56 + 64, "twenty contacts and what is around them fit into an answer");
static_assert(kQuestionHeadBytes % 8 == 0 && kAnswerHeadBytes % 8 == 0 && kDatagramBytesMax % 8 == 0,
              "words start at a multiple of 8");

using Token = base::FixedBytes<struct TokenTag, 8>;
using Cookie = crypto::Tag128;  // zeros: none

/// Numbers travel: add at the end only.
enum class AnswerType : std::uint8_t {
  answer = 1,  ///< the words answer the question
  error,       ///< the words are a messages::wire::Error
  too_large,   ///< the answer does not fit, or that kind is not asked by datagram: ask over the link
};

enum class DatagramError : std::uint8_t {
  too_long,         ///< more than kDatagramBytesMax
  too_short,        ///< less than its type has at least, or than its path needs
  misaligned,       ///< not a multiple of 8 bytes, or a cookie with more behind it
  unknown_version,  ///< of another version than 1
  unknown_type,     ///< none of the types, or not the one that is expected here
  reserved,         ///< a bit is set that has no meaning yet, or that fills up
  bad_path,         ///< not what valid_path() allows
  forged,           ///< the seal is not of this key
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
  std::uint32_t work_nonce = 0;  ///< of who answers
  Token token;
  crypto::SealNonce nonce;

  friend bool operator==(const AnswerHead&, const AnswerHead&) = default;
};

struct CookieReply {
  Token token;
  Cookie cookie;

  friend bool operator==(const CookieReply&, const CookieReply&) = default;
};

/// What is sealed in a question. Path and words lie in the datagram.
struct Question {
  std::uint64_t kind = 0;
  std::uint64_t remaining_us = 0;  ///< of the deadline; zero: none
  std::uint64_t trace_id = 0;
  std::uint32_t parent_span = 0;
  std::string_view path;
  base::ByteView words;
};

/// What is sealed in an answer. The words lie in the datagram.
struct Answer {
  AnswerType type = AnswerType::answer;
  std::uint64_t kind = 0;
  base::ByteView words;
};

using DatagramHead = std::variant<QuestionHead, AnswerHead, CookieReply>;

/// The head of a datagram that arrived: what its sender says, and nothing of it is proven. What is read costs no
/// arithmetic, and its seal has not been looked at.
base::Result<DatagramHead, DatagramError> read_head(base::ByteView datagram);

/// Seals a datagram into `out`, and returns its size. What we send ourselves must be right: a bad path, words that are
/// not whole or do not fit, or a too large answer with words or a kind are broken invariants.
std::size_t seal_question(std::span<std::uint8_t> out, crypto::Sealer& sealer, const crypto::SealingKey& key,
                          const QuestionHead& head, const Question& question);
std::size_t seal_answer(std::span<std::uint8_t> out, crypto::Sealer& sealer, const crypto::SealingKey& key,
                        const AnswerHead& head, const Answer& answer);
std::size_t write_cookie(std::span<std::uint8_t> out, const CookieReply& reply);

/// Opens a datagram where it lies, which starts at a multiple of 8. After `forged` its sealed bytes are zeros; after
/// another error they may be open.
base::Result<Question, DatagramError> open_question(std::span<std::uint8_t> datagram, crypto::Sealer& sealer,
                                                    const crypto::OpeningKey& key);
base::Result<Answer, DatagramError> open_answer(std::span<std::uint8_t> datagram, crypto::Sealer& sealer,
                                                const crypto::OpeningKey& key);

/// The same without a seal, its tag left as it is: so that tests and fuzzers reach what lies behind it.
namespace unsealed {
std::size_t write_question(std::span<std::uint8_t> out, const QuestionHead& head, const Question& question);
std::size_t write_answer(std::span<std::uint8_t> out, const AnswerHead& head, const Answer& answer);
base::Result<Question, DatagramError> read_question(base::ByteView datagram);
base::Result<Answer, DatagramError> read_answer(base::ByteView datagram);
}  // namespace unsealed

}  // namespace troupe::net
