#pragma once
// A value or an expected error. A function that returns an error has changed nothing.
#include <optional>
#include <utility>
#include <variant>

#include "runtime/base/ensure.hpp"

namespace troupe::base {

/// Holds either a `T` or an `E`. Reading the absent value is a broken invariant.
template <class T, class E>
class [[nodiscard]] Result {
 public:
  Result(T value) : either_(std::in_place_index<0>, std::move(value)) {}
  Result(E error) : either_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return either_.index() == 0; }

  T& value() & {
    ensure(ok(), "a value is read from a result without an error");
    return std::get<0>(either_);
  }
  const T& value() const& {
    ensure(ok(), "a value is read from a result without an error");
    return std::get<0>(either_);
  }
  T&& value() && {
    ensure(ok(), "a value is read from a result without an error");
    return std::get<0>(std::move(either_));
  }
  const E& error() const {
    ensure(!ok(), "an error is read from a result that holds one");
    return std::get<1>(either_);
  }

 private:
  std::variant<T, E> either_;
};

/// Success without a value, or an expected error.
template <class E>
class [[nodiscard]] Result<void, E> {
 public:
  Result() = default;
  Result(E error) : error_(std::move(error)) {}

  bool ok() const { return !error_.has_value(); }
  const E& error() const {
    ensure(error_.has_value(), "an error is read from a result that holds one");
    return *error_;
  }

 private:
  std::optional<E> error_;
};

}  // namespace troupe::base
