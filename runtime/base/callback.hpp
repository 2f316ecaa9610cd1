#pragma once
// A move-only function object, which may hold values that cannot be copied. A small function needs no allocation.
//
// g++ 12 has no std::move_only_function in C++20, and std::function requires copies.
#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace troupe::base {

template <class Signature>
class Callback;

template <class R, class... Args>
class Callback<R(Args...)> {
  static constexpr std::size_t kInlineBytes = 48;  // six words: `this`, a handle, a Reply

 public:
  Callback() = default;

  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, Callback> &&
           std::is_invocable_r_v<R, std::remove_cvref_t<F>&, Args...>) Callback(F&& function) {
    using Stored = std::remove_cvref_t<F>;
    if constexpr (sizeof(Stored) <= kInlineBytes && alignof(Stored) <= alignof(std::max_align_t) &&
                  std::is_nothrow_move_constructible_v<Stored>) {
      ::new (static_cast<void*>(space_)) Stored(std::forward<F>(function));
      table_ = &kInline<Stored>;
    } else {
      ::new (static_cast<void*>(space_)) Stored*(new Stored(std::forward<F>(function)));
      table_ = &kHeap<Stored>;
    }
  }
  Callback(Callback&& other) noexcept { take(other); }
  Callback& operator=(Callback&& other) noexcept {
    if (this != &other) {
      clear();
      take(other);
    }
    return *this;
  }
  ~Callback() { clear(); }

  explicit operator bool() const { return table_ != nullptr; }
  R operator()(Args... args) { return table_->call(space_, std::forward<Args>(args)...); }

 private:
  struct Table {
    R (*call)(void*, Args&&...);
    void (*move)(void* to, void* from);
    void (*destroy)(void*);
  };
  template <class F>
  static constexpr Table kInline{
      [](void* space, Args&&... args) -> R { return (*static_cast<F*>(space))(std::forward<Args>(args)...); },
      [](void* to, void* from) {
        ::new (to) F(std::move(*static_cast<F*>(from)));
        static_cast<F*>(from)->~F();
      },
      [](void* space) { static_cast<F*>(space)->~F(); }};
  template <class F>
  static constexpr Table kHeap{
      [](void* space, Args&&... args) -> R { return (**static_cast<F**>(space))(std::forward<Args>(args)...); },
      [](void* to, void* from) { ::new (to) F*(*static_cast<F**>(from)); },
      [](void* space) { delete *static_cast<F**>(space); }};

  void take(Callback& other) {
    table_ = std::exchange(other.table_, nullptr);
    if (table_ != nullptr) table_->move(space_, other.space_);
  }
  void clear() {
    if (table_ != nullptr) std::exchange(table_, nullptr)->destroy(space_);
  }

  alignas(std::max_align_t) std::byte space_[kInlineBytes];
  const Table* table_ = nullptr;
};

}  // namespace troupe::base
