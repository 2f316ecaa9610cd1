#include "runtime/store/batch.hpp"

#include <utility>

namespace troupe::store {

std::string Keyspace::full(base::ByteView key) const {
  std::string out;
  out.reserve(1 + key.size());
  out.push_back(static_cast<char>(number_));
  out.append(base::as_text(key));
  return out;
}

Batch& Batch::put(const Keyspace& where, base::ByteView key, base::ByteView value) {
  if (value.size() > kValueBytesMax) beyond_ = "a value of " + std::to_string(value.size()) + " bytes";
  else add(where, key, std::string(base::as_text(value)));
  return *this;
}

Batch& Batch::erase(const Keyspace& where, base::ByteView key) {
  add(where, key, std::nullopt);
  return *this;
}

void Batch::add(const Keyspace& where, base::ByteView key, std::optional<std::string> value) {
  const std::size_t bytes = key.size() + (value ? value->size() : 0) + kChangeBytesExtra;
  if (key.size() > kKeyBytesMax) {
    beyond_ = "a key of " + std::to_string(key.size()) + " bytes";
  } else if (bytes > kBatchBytesMax - bytes_) {
    beyond_ = "a batch of more than " + std::to_string(kBatchBytesMax) + " bytes";
  } else {
    bytes_ += bytes;
    changes_.push_back({where.full(key), std::move(value)});
  }
}

}  // namespace troupe::store
