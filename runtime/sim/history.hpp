#pragma once
// The history of one run: operations of clients on keys and their results, in the order of events.
//
// Use     call begin() when a request is sent, then one of answered(), refused() and lost(). An operation that is not
//         closed counts as lost: it may take effect at any later moment, or never.
// Limits  kKeyOperationsMax; further operations are not recorded, and complete() says so.
// Owner   one run; one thread.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe::sim {

inline constexpr std::size_t kKeyOperationsMax = 1'000'000;  // our choice: some 100 MB

/// The effect of an operation on the value of its key. An absent value is `nullopt`.
enum class Did : std::uint8_t {
  read,     ///< returns the value
  write,    ///< replaces it by `value`
  erase,    ///< makes the value absent
  append,   ///< adds `value` at its end; an absent value counts as empty
  replace,  ///< sets `value` if the value is `expected` (compare and swap); returns whether it was
};

enum class Fate : std::uint8_t {
  lost,     ///< it is unknown whether the operation took effect
  told,     ///< took effect, and the result is known
  refused,  ///< certainly had no effect; says nothing about the value
};

using Value = std::optional<std::string>;

struct KeyOperation {
  std::uint32_t client = 0;
  std::string key;
  Did did = Did::read;
  Value value;      ///< written or appended; for a completed read: the value read
  Value expected;   ///< for a replace
  bool met = true;  ///< for a completed replace: whether the value was the expected value
  Fate fate = Fate::lost;
  std::uint64_t called = 0;    ///< position in the order of events
  std::uint64_t returned = 0;  ///< for completed and refused operations: larger than `called`
};

class History {
 public:
  using Number = std::size_t;

  /// Records a request, and returns its number. The operation's fate, positions and, for a read, value are filled in
  /// later.
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

/// Returns "client 3 read orders/17 as \"x\"", for reports.
std::string text(const KeyOperation& operation);

}  // namespace troupe::sim
