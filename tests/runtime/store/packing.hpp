#pragma once
// Ids, payloads and options for tests of packs.
#include <string>

#include "runtime/store/pack.hpp"
#include "tests/runtime/store/disks.hpp"

namespace troupe::store {

inline constexpr std::size_t kMiB = 1024 * 1024;

/// An id that tells `number` apart from any other.
inline base::Digest id_of(std::uint64_t number) {
  base::Digest id;
  for (std::size_t i = 0; i < 8; ++i) id.bytes[i] = static_cast<std::uint8_t>(number >> (8 * i));
  return id;
}

/// Bytes that differ from those of every other number.
inline base::Bytes payload_of(std::uint64_t number, std::size_t bytes) {
  base::Random random(number);
  base::Bytes out(bytes);
  for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(random.next());
  return out;
}

inline std::unique_ptr<Packs> opened(ports::Disk& disk, PackOptions options = {}) {
  if (options.seed == 0) options.seed = 7;
  auto packs = Packs::open(disk, "node/packs", options);
  if (!packs.ok()) FAIL(packs.error().message);
  return std::move(packs).value();
}

inline std::string path_of(std::uint32_t pack) { return "node/packs/" + pack_name(pack); }

/// The locations of a pack's valid records, as text.
inline std::vector<Location> records(Packs& packs, std::uint32_t pack) {
  std::vector<Location> out;
  const auto report = packs.scan(pack, Packs::Check::payloads,
                                 [&](const base::Digest&, const Location& where) { out.push_back(where); });
  REQUIRE(report.ok());
  return out;
}

}  // namespace troupe::store
