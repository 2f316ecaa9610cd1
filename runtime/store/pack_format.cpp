#include "runtime/store/pack_format.hpp"

#include <algorithm>
#include <cstring>

#include "runtime/store/crc32c.hpp"

namespace troupe::store {
namespace {

constexpr std::string_view kPackMagic = "troupepk";
constexpr std::string_view kRecordMagic = "rec1";
constexpr std::string_view kPackSuffix = ".pack";
constexpr std::size_t kNumberDigits = 8;
constexpr std::uint32_t kNumberMax = 99'999'999;  // eight digits

template <class Number>
void put(std::uint8_t* at, Number number) {
  for (std::size_t i = 0; i < sizeof number; ++i) at[i] = static_cast<std::uint8_t>(number >> (8 * i));
}

template <class Number>
Number take(const std::uint8_t* at) {
  Number out = 0;
  for (std::size_t i = 0; i < sizeof out; ++i) out |= static_cast<Number>(Number{at[i]} << (8 * i));
  return out;
}

bool begins_with(base::ByteView bytes, std::string_view magic) {
  return bytes.size() >= magic.size() && std::memcmp(bytes.data(), magic.data(), magic.size()) == 0;
}

}  // namespace

std::array<std::uint8_t, kPackHeaderBytes> encode(const PackHeader& header) {
  std::array<std::uint8_t, kPackHeaderBytes> out{};
  std::memcpy(out.data(), kPackMagic.data(), kPackMagic.size());
  put(&out[8], header.version);
  put(&out[12], header.number);
  put(&out[16], header.salt);
  put(&out[28], crc32c({out.data(), 28}));
  return out;
}

std::optional<PackHeader> decode_pack_header(base::ByteView bytes) {
  if (bytes.size() < kPackHeaderBytes || !begins_with(bytes, kPackMagic)) return std::nullopt;
  if (take<std::uint32_t>(&bytes[28]) != crc32c(bytes.first(28)) || take<std::uint32_t>(&bytes[24]) != 0) {
    return std::nullopt;
  }
  return PackHeader{take<std::uint32_t>(&bytes[8]), take<std::uint32_t>(&bytes[12]), take<std::uint64_t>(&bytes[16])};
}

std::array<std::uint8_t, kRecordHeaderBytes> encode(const RecordHeader& header) {
  std::array<std::uint8_t, kRecordHeaderBytes> out{};
  std::memcpy(out.data(), kRecordMagic.data(), kRecordMagic.size());
  put(&out[4], header.length);
  put(&out[8], header.salt);
  std::memcpy(&out[16], header.id.bytes.data(), base::Digest::kBytes);
  put(&out[48], header.offset);
  put(&out[52], header.synced);
  put(&out[56], header.payload_crc);
  put(&out[60], crc32c({out.data(), 60}));
  return out;
}

std::optional<RecordHeader> decode_record_header(base::ByteView bytes) {
  if (bytes.size() < kRecordHeaderBytes || !begins_with(bytes, kRecordMagic)) return std::nullopt;
  if (take<std::uint32_t>(&bytes[60]) != crc32c(bytes.first(60))) return std::nullopt;
  RecordHeader out;
  out.length = take<std::uint32_t>(&bytes[4]);
  out.salt = take<std::uint64_t>(&bytes[8]);
  std::memcpy(out.id.bytes.data(), &bytes[16], base::Digest::kBytes);
  out.offset = take<std::uint32_t>(&bytes[48]);
  out.synced = take<std::uint32_t>(&bytes[52]);
  out.payload_crc = take<std::uint32_t>(&bytes[56]);
  if (out.length > kRecordBytesMax || out.synced > out.offset) return std::nullopt;
  if (out.offset < kPackHeaderBytes || out.offset % kRecordAlignment != 0) return std::nullopt;
  if (out.synced < kPackHeaderBytes || out.synced % kRecordAlignment != 0) return std::nullopt;
  return out;
}

std::string pack_name(std::uint32_t number) {
  std::string digits = std::to_string(number);
  digits.insert(0, kNumberDigits - std::min(kNumberDigits, digits.size()), '0');
  return digits + std::string(kPackSuffix);
}

std::optional<std::uint32_t> parse_pack_name(std::string_view name) {
  if (name.size() != kNumberDigits + kPackSuffix.size() || !name.ends_with(kPackSuffix)) return std::nullopt;
  std::uint32_t number = 0;
  for (const char c : name.substr(0, kNumberDigits)) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + static_cast<std::uint32_t>(c - '0');
  }
  if (number == 0 || number > kNumberMax) return std::nullopt;
  return number;
}

std::array<std::uint8_t, kLocationBytes> encode(const Location& location) {
  std::array<std::uint8_t, kLocationBytes> out{};
  put(&out[0], location.pack);
  put(&out[4], location.offset);
  put(&out[8], location.length);
  return out;
}

std::optional<Location> decode_location(base::ByteView bytes) {
  if (bytes.size() != kLocationBytes) return std::nullopt;
  return Location{take<std::uint32_t>(&bytes[0]), take<std::uint32_t>(&bytes[4]), take<std::uint32_t>(&bytes[8])};
}

}  // namespace troupe::store
