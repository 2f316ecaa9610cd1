#include "runtime/sim/history.hpp"

#include <limits>

#include "runtime/base/ensure.hpp"

namespace troupe::sim {
namespace {

constexpr History::Number kUnnoted = std::numeric_limits<History::Number>::max();

std::string shown(const Value& value) { return value ? '"' + *value + '"' : "absent"; }

}  // namespace

History::Number History::begin(KeyOperation operation) {
  if (operations_.size() == kKeyOperationsMax) {
    complete_ = false;
    return kUnnoted;
  }
  operation.fate = Fate::lost;
  operation.called = ++place_;
  operation.returned = 0;
  operations_.push_back(std::move(operation));
  return operations_.size() - 1;
}

KeyOperation* History::close(Number number, Fate fate) {
  if (number == kUnnoted) return nullptr;
  KeyOperation& operation = operations_.at(number);
  base::ensure(operation.fate == Fate::lost, "an operation ends once");
  operation.fate = fate;
  operation.returned = ++place_;
  return &operation;
}

void History::answered(Number number) { close(number, Fate::told); }

void History::answered_read(Number number, Value seen) {
  if (KeyOperation* operation = close(number, Fate::told)) operation->value = std::move(seen);
}

void History::answered_replace(Number number, bool met) {
  if (KeyOperation* operation = close(number, Fate::told)) operation->met = met;
}

void History::refused(Number number) { close(number, Fate::refused); }

std::string text(const KeyOperation& operation) {
  std::string out = "client " + std::to_string(operation.client) + ' ';
  switch (operation.did) {
    case Did::read:
      out += "read " + operation.key;
      if (operation.fate == Fate::told) out += " as " + shown(operation.value);
      break;
    case Did::write: out += "wrote " + operation.key + " as " + shown(operation.value); break;
    case Did::erase: out += "erased " + operation.key; break;
    case Did::append: out += "appended " + shown(operation.value) + " to " + operation.key; break;
    case Did::replace:
      out += "replaced " + shown(operation.expected) + " of " + operation.key + " by " + shown(operation.value);
      if (operation.fate == Fate::told && !operation.met) out += ": it had another value";
      break;
  }
  if (operation.fate == Fate::lost) out += " (outcome unknown)";
  if (operation.fate == Fate::refused) out += " (refused)";
  return out;
}

}  // namespace troupe::sim
