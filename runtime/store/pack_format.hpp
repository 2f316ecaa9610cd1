#pragma once
// The bytes of a pack file. Numbers are little-endian and unsigned; every record begins at a multiple of 8.
//
//   pack      file header, then records one after another to the end of the file; nothing between them
//
//   file header, 32 bytes
//     0   8   "troupepk"
//     8   4   version of this format: 1
//    12   4   number of the pack, as in its name: packs/00000001.pack is 1
//    16   8   salt, drawn at random for this pack
//    24   4   zero
//    28   4   CRC-32C of bytes 0 to 27
//
//   record    header of 64 bytes, payload, zeros up to a multiple of 8
//     0   4   "rec1"
//     4   4   bytes of payload, 0 to kRecordBytesMax, without the zeros
//     8   8   salt of the pack
//    16  32   id, given by the writer
//    48   4   offset of this record in the file
//    52   4   bytes of this file that were synced before this record was written: 32 to its offset
//    56   4   CRC-32C of the payload and its zeros
//    60   4   CRC-32C of bytes 0 to 59
//
// Salt     makes a record recognisable: neither a record inside a payload (somebody stores a pack file) nor what an
//          older file left on the same blocks of the device is taken for one, when the search for the next good
//          record after damage comes across it.
// Synced   says, in a later record, which bytes had been acknowledged: of the last pack only those after the greatest
//          such number can be torn, so that a start checks the payloads of the last batches and not of all packs.
// CRC      guards against accidents and torn writes. Whether the payload is what its id says is the reader's check.
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

/// The header in the first bytes of `bytes`; nothing if they are too few or not one. A header of another version is
/// returned with what it says.
std::optional<PackHeader> decode_pack_header(base::ByteView bytes);

/// The header in the first bytes of `bytes`; nothing unless each rule above holds that one header alone can break.
std::optional<RecordHeader> decode_record_header(base::ByteView bytes);

/// Zeros after a payload of `length` bytes: 0 to 7.
constexpr std::size_t padding(std::size_t length) {
  return (kRecordAlignment - length % kRecordAlignment) % kRecordAlignment;
}

/// Bytes that a record of `length` bytes of payload takes in its pack.
constexpr std::size_t record_bytes(std::size_t length) { return kRecordHeaderBytes + length + padding(length); }

/// "00000001.pack" for 1.
std::string pack_name(std::uint32_t number);

/// The number of a pack's file name; nothing for any other name.
std::optional<std::uint32_t> parse_pack_name(std::string_view name);

/// Where a record lies: what an index keeps.
struct Location {
  std::uint32_t pack = 0;
  std::uint32_t offset = 0;  ///< of its header
  std::uint32_t length = 0;  ///< bytes of payload

  friend auto operator<=>(const Location&, const Location&) = default;
};

inline constexpr std::size_t kLocationBytes = 12;

/// Pack, offset, length: 4 bytes each, little-endian.
std::array<std::uint8_t, kLocationBytes> encode(const Location& location);
std::optional<Location> decode_location(base::ByteView bytes);

}  // namespace troupe::store
