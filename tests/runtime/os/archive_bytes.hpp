#pragma once
// Archives in memory, and headers of tar that are written by hand.
#include <cstdio>
#include <cstring>
#include <string>

#include "runtime/ports/disk.hpp"

namespace troupe::test {

/// A file that can be read.
class BytesFile final : public ports::File {
 public:
  explicit BytesFile(base::Bytes bytes) : bytes_(std::move(bytes)) {}

  ports::DiskResult<std::size_t> read(std::uint64_t offset, std::span<std::uint8_t> out) const override {
    if (offset >= bytes_.size()) return std::size_t{0};
    const std::size_t size = std::min<std::size_t>(out.size(), bytes_.size() - static_cast<std::size_t>(offset));
    std::memcpy(out.data(), bytes_.data() + offset, size);
    return size;
  }
  ports::DiskResult<void> append(base::ByteView) override { return ports::DiskError::denied; }
  ports::DiskResult<void> sync() override { return {}; }
  ports::DiskResult<void> truncate(std::uint64_t) override { return ports::DiskError::denied; }
  ports::DiskResult<std::uint64_t> size() const override { return bytes_.size(); }

 private:
  base::Bytes bytes_;
};

inline constexpr std::size_t kTarBlockBytes = 512;

/// Makes the sum of a header right again.
inline void sum_header(std::uint8_t* block) {
  std::memset(block + 148, ' ', 8);
  unsigned sum = 0;
  for (std::size_t i = 0; i < kTarBlockBytes; ++i) sum += block[i];
  std::snprintf(reinterpret_cast<char*>(block) + 148, 8, "%06o", sum);
}

/// A header that says what it is told to say: nothing is checked.
inline std::string tar_header(const std::string& name, char kind, std::uint64_t bytes = 0,
                              const std::string& target = {}, unsigned mode = 0644) {
  std::string out(kTarBlockBytes, '\0');
  const auto put = [&](std::size_t at, const std::string& text) { out.replace(at, text.size(), text); };
  char number[32];
  put(0, name.substr(0, 100));
  std::snprintf(number, sizeof number, "%07o", mode);
  put(100, number);
  std::snprintf(number, sizeof number, "%011llo", static_cast<unsigned long long>(bytes));
  put(124, number);
  out[156] = kind;
  put(157, target.substr(0, 100));
  put(257, "ustar");
  put(263, "00");
  sum_header(reinterpret_cast<std::uint8_t*>(out.data()));
  return out;
}

inline std::string tar_padded(std::string content) {
  content.resize((content.size() + kTarBlockBytes - 1) / kTarBlockBytes * kTarBlockBytes);
  return content;
}

inline std::string tar_file(const std::string& name, const std::string& content, unsigned mode = 0644) {
  return tar_header(name, '0', content.size(), {}, mode) + tar_padded(content);
}

/// A record of a header of pax.
inline std::string pax_record(const std::string& key, const std::string& value) {
  const std::string record = " " + key + "=" + value + "\n";
  std::size_t digits = 1;
  while (std::to_string(record.size() + digits).size() > digits) ++digits;
  return std::to_string(record.size() + digits) + record;
}

/// A header of pax before that of its entry.
inline std::string tar_pax(const std::string& records, const std::string& rest) {
  return tar_header("pax", 'x', records.size()) + tar_padded(records) + rest;
}

/// A name of any length.
inline std::string tar_named(const std::string& name, const std::string& rest) {
  return tar_pax(pax_record("path", name), rest);
}

inline std::string tar_end() { return std::string(2 * kTarBlockBytes, '\0'); }

}  // namespace troupe::test
