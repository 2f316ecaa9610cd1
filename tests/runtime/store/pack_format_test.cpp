// The bytes of packs, typed from an independent calculation, and what is refused of them.
#include "runtime/store/pack_format.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "runtime/base/random.hpp"
#include "runtime/store/crc32c.hpp"

namespace troupe::store {
namespace {

base::Digest counting() {
  base::Digest id;
  for (std::size_t i = 0; i < base::Digest::kBytes; ++i) id.bytes[i] = static_cast<std::uint8_t>(i);
  return id;
}

TEST_CASE("crc32c: the vectors of RFC 3720 B.4") {
  base::Bytes bytes(32, 0x00);
  CHECK(crc32c(bytes) == 0x8a9136aa);
  bytes.assign(32, 0xff);
  CHECK(crc32c(bytes) == 0x62a8ab43);
  for (std::size_t i = 0; i < 32; ++i) bytes[i] = static_cast<std::uint8_t>(i);
  CHECK(crc32c(bytes) == 0x46dd794e);
  for (std::size_t i = 0; i < 32; ++i) bytes[i] = static_cast<std::uint8_t>(31 - i);
  CHECK(crc32c(bytes) == 0x113fdb5c);
  CHECK(crc32c(base::as_bytes("123456789")) == 0xe3069283);
  CHECK(crc32c({}) == 0);
}

TEST_CASE("crc32c: the portable one agrees with the processor's, in one piece or in two") {
  CHECK(rc::check([](const base::Bytes& bytes) {
    const auto cut = *rc::gen::inRange<std::size_t>(0, bytes.size() + 1);
    const base::ByteView all = bytes;
    RC_ASSERT(crc32c(all) == crc32c_portable(all));
    RC_ASSERT(crc32c(all.subspan(cut), crc32c(all.first(cut))) == crc32c(all));
    RC_ASSERT(crc32c_portable(all.subspan(cut), crc32c_portable(all.first(cut))) == crc32c(all));
  }));
}

TEST_CASE("pack format: the headers have these bytes") {
  const PackHeader pack{kPackVersion, 3, 0x1122334455667788};
  CHECK(base::hex(encode(pack)) == "74726f757065706b0100000003000000887766554433221100000000c9a8e88d");
  CHECK(decode_pack_header(encode(pack)) == pack);

  RecordHeader record;
  record.length = 5;
  record.salt = 0x1122334455667788;
  record.id = counting();
  record.offset = 32;
  record.synced = 32;
  record.payload_crc = crc32c(base::as_bytes(std::string_view("hello\0\0\0", 8)));
  CHECK(base::hex(encode(record)) ==
        "72656331050000008877665544332211000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
        "2000000020000000b3ed03902007c719");
  CHECK(decode_record_header(encode(record)) == record);

  CHECK(base::hex(encode(Location{1, 0x01020304, 5})) == "010000000403020105000000");
  CHECK(decode_location(encode(Location{1, 0x01020304, 5})) == Location{1, 0x01020304, 5});
  CHECK_FALSE(decode_location(base::Bytes(kLocationBytes - 1)));
  CHECK_FALSE(decode_location(base::Bytes(kLocationBytes + 1)));
}

TEST_CASE("pack format: a header with any bit changed, or too short, is none") {
  const auto pack = encode(PackHeader{kPackVersion, 3, 99});
  RecordHeader header;
  header.length = 5;
  header.offset = 32;
  header.synced = 32;
  const auto record = encode(header);
  for (std::size_t bit = 0; bit < 8 * pack.size(); ++bit) {
    auto changed = pack;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    CHECK_FALSE(decode_pack_header(changed));
  }
  for (std::size_t bit = 0; bit < 8 * record.size(); ++bit) {
    auto changed = record;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    CHECK_FALSE(decode_record_header(changed));
  }
  for (std::size_t bytes = 0; bytes < pack.size(); ++bytes) {
    CHECK_FALSE(decode_pack_header(base::ByteView(pack).first(bytes)));
  }
  for (std::size_t bytes = 0; bytes < record.size(); ++bytes) {
    CHECK_FALSE(decode_record_header(base::ByteView(record).first(bytes)));
  }
}

TEST_CASE("pack format: a record header that says the impossible is none, whatever its checksum") {
  const auto valid = [](auto change) {
    RecordHeader header;
    header.length = 5;
    header.offset = 4096;
    header.synced = 4096;
    change(header);
    return decode_record_header(encode(header)).has_value();
  };
  CHECK(valid([](RecordHeader&) {}));
  CHECK(valid([](RecordHeader& header) { header.length = kRecordBytesMax; }));
  CHECK_FALSE(valid([](RecordHeader& header) { header.length = kRecordBytesMax + 1; }));
  CHECK(valid([](RecordHeader& header) { header.synced = kPackHeaderBytes; }));
  CHECK_FALSE(valid([](RecordHeader& header) { header.synced = kPackHeaderBytes - 8; }));
  CHECK_FALSE(valid([](RecordHeader& header) { header.synced = 4104; }));
  CHECK_FALSE(valid([](RecordHeader& header) { header.synced = 4095; }));
  CHECK_FALSE(valid([](RecordHeader& header) { header.offset = 4100; }));
  CHECK_FALSE(valid([](RecordHeader& header) { header.offset = header.synced = 24; }));
}

TEST_CASE("pack format: any header survives its bytes") {
  CHECK(rc::check([](std::uint32_t number, std::uint64_t salt) {
    const PackHeader header{kPackVersion, number, salt};
    RC_ASSERT(decode_pack_header(encode(header)) == header);
    const Location location{number, static_cast<std::uint32_t>(salt), static_cast<std::uint32_t>(salt >> 32)};
    RC_ASSERT(decode_location(encode(location)) == location);
  }));
}

TEST_CASE("pack format: a pack's name is eight digits and .pack, and nothing else is") {
  CHECK(pack_name(1) == "00000001.pack");
  CHECK(pack_name(99'999'999) == "99999999.pack");
  CHECK(parse_pack_name("00000001.pack") == 1u);
  CHECK(parse_pack_name("99999999.pack") == 99'999'999u);
  for (const char* name : {"", "1.pack", "00000000.pack", "000000001.pack", "00000001.PACK", "0000001a.pack",
                           "-0000001.pack", "00000001.pack~", ".pack", "00000001pack_"}) {
    CAPTURE(name);
    CHECK_FALSE(parse_pack_name(name));
  }
}

TEST_CASE("pack format: padding brings every length to a multiple of eight") {
  CHECK(padding(0) == 0);
  CHECK(padding(1) == 7);
  CHECK(padding(8) == 0);
  CHECK(padding(9) == 7);
  CHECK(record_bytes(0) == 64);
  CHECK(record_bytes(1) == 72);
}

}  // namespace
}  // namespace troupe::store
