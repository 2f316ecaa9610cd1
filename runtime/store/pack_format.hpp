#pragma once
// The bytes of a pack file. README.md, "A pack", has each field and the reasons for the salt, `synced` and the CRCs.
//
// Shape   A file header, then the records. Numbers are little-endian and unsigned; a record begins at a multiple of 8.
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/base/bytes.hpp"
#include "runtime/base/ids.hpp"

namespace troupe::store {

inline constexpr std::uint32_t kPackVersion = 1;
inline constexpr std::size_t kPackHeaderBytes = 32;
inline constexpr std::size_t kRecordHeaderBytes = 64;
inline constexpr std::size_t kRecordAlignment = 8;
inline constexpr std::size_t kRecordBytesMax = 4 * 1024 * 1024;  // four chunks of a file; one frame of a link

static_assert(kPackHeaderBytes % kRecordAlignment == 0 && kRecordHeaderBytes % kRecordAlignment == 0);

struct PackHeader {
  std::uint32_t version = kPackVersion;
  std::uint32_t number = 0;
  std::uint64_t salt = 0;
  friend bool operator==(const PackHeader&, const PackHeader&) = default;
};

struct RecordHeader {
  std::uint32_t length = 0;  ///< bytes of payload
  std::uint64_t salt = 0;
  base::Digest id;
  std::uint32_t offset = 0;
  std::uint32_t synced = 0;
  std::uint32_t payload_crc = 0;
  friend bool operator==(const RecordHeader&, const RecordHeader&) = default;
};

std::array<std::uint8_t, kPackHeaderBytes> encode(const PackHeader& header);
std::array<std::uint8_t, kRecordHeaderBytes> encode(const RecordHeader& header);

/// Returns the header in the first bytes of `bytes`, or nullopt if they are too few or not a header. A header of
/// another version is returned unchanged.
std::optional<PackHeader> decode_pack_header(base::ByteView bytes);

/// Returns the header in the first bytes of `bytes`, or nullopt if it breaks a rule that a header alone can show.
std::optional<RecordHeader> decode_record_header(base::ByteView bytes);

/// Returns the number of zeros after a payload of `length` bytes: 0 to 7.
constexpr std::size_t padding(std::size_t length) {
  return (kRecordAlignment - length % kRecordAlignment) % kRecordAlignment;
}

/// Returns the bytes that a record with `length` bytes of payload takes in its pack.
constexpr std::size_t record_bytes(std::size_t length) { return kRecordHeaderBytes + length + padding(length); }

/// Returns "00000001.pack" for 1.
std::string pack_name(std::uint32_t number);

/// Returns the number of a pack's file name, or nullopt for any other name.
std::optional<std::uint32_t> parse_pack_name(std::string_view name);

/// The location of a record: the value that an index stores.
struct Location {
  std::uint32_t pack = 0;
  std::uint32_t offset = 0;  ///< of its header
  std::uint32_t length = 0;  ///< bytes of payload

  friend auto operator<=>(const Location&, const Location&) = default;
};

inline constexpr std::size_t kLocationBytes = 12;

/// Encodes pack, offset and length: 4 bytes each, little-endian.
std::array<std::uint8_t, kLocationBytes> encode(const Location& location);
std::optional<Location> decode_location(base::ByteView bytes);

}  // namespace troupe::store
