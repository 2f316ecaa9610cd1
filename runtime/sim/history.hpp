#pragma once
// What the clients of one world asked of keys and were told, in the order in which it happened.
//
// Use     begin() when a question leaves, then one of answered(), refused() and lost(); an operation that is
//         not closed counts as lost: it may take effect at any later moment, or never.
// Limits  kKeyOperationsMax; beyond it nothing more is noted, and complete() says so.
// Owner   one world; one thread.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe::sim {

inline constexpr std::size_t kKeyOperationsMax = 1'000'000;  // our choice: some 100 MB

/// What an operation does to the value of its key. An absent value is `nullopt`.
enum class Did : std::uint8_t {
  read,     ///< tells the value
  write,    ///< replaces it by `value`
  erase,    ///< makes it absent
  append,   ///< adds `value` at its end; an absent one counts as empty
  replace,  ///< by `value` if it is `expected` (compare and swap); tells whether it was
};

enum class Fate : std::uint8_t {
  lost,     ///< it is not known whether it took effect
  told,     ///< took effect, and what was told is known
  refused,  ///< surely without effect; shows nothing about the value
};

using Value = std::optional<std::string>;

struct KeyOperation {
  std::uint32_t client = 0;
  std::string key;
  Did did = Did::read;
  Value value;      ///< written or appended; of a read that was told: what it saw
  Value expected;   ///< of a replace
  bool met = true;  ///< of a replace that was told: whether the value was the expected one
  Fate fate = Fate::lost;
  std::uint64_t called = 0;    ///< place in the order of events
  std::uint64_t returned = 0;  ///< of told and refused ones: larger than `called`
};

class History {
 public:
  using Number = std::size_t;

  /// The operation's fate, places and, of a read, value are filled in later. Returns its number.
  Number begin(KeyOperation operation);
  void answered(Number number);
  void answered_read(Number number, Value seen);
  void answered_replace(Number number, bool met);
  void refused(Number number);
  void lost(Number) {}

  const std::vector<KeyOperation>& operations() const { return operations_; }
  bool complete() const { return complete_; }

 private:
  KeyOperation* close(Number number, Fate fate);

  std::vector<KeyOperation> operations_;
  std::uint64_t place_ = 0;
  bool complete_ = true;
};

/// "client 3 read orders/17 as \"x\"", for reports.
std::string text(const KeyOperation& operation);

}  // namespace troupe::sim
