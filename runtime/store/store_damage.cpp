// What a store knows to be damaged: blobs, packs, and the index.
#include "runtime/store/store.hpp"

namespace troupe::store {

StoreDamage Store::damage() const {
  StoreDamage out;
  const auto add = [&](const std::string& file, const char* what) {
    ++out.places;
    out.files.emplace(file, what);
  };
  const auto pack_file = [&](std::uint32_t pack) { return directory_ + "/packs/" + pack_name(pack); };
  const std::string database = directory_ + "/db";
  for (const auto& [id, pack] : index_.damaged()) {
    add(pack ? pack_file(*pack) : database, pack ? "stored content is damaged" : "the index is damaged");
    out.blobs = true;
  }
  for (const auto& [pack, again] : broken_packs_) {
    add(pack_file(pack), "stored content is damaged");
    out.blobs = true;
  }
  for (const std::uint32_t pack : suspect_packs_)
    add(pack_file(pack), "the index has lost rows for this pack, so the pack is kept unchanged");
  for (const Damage& damage : packs_->damages()) {
    // Once all rows were compared, the blobs in a bad place are known by their ids, and are removed as they are
    // repaired.
    const bool known = index_.complete() && !compared_to_;
    if (damage.kind != Damage::rotten || (damage.offset >= kPackHeaderBytes && known)) continue;
    add(pack_file(damage.pack), damage.offset < kPackHeaderBytes ? "its header is damaged" : "it is damaged");
  }
  for (std::size_t i = 0; i < index_.rows_broken() + (count_failed_ ? 1 : 0); ++i)
    add(database, "the index is damaged");
  return out;
}

}  // namespace troupe::store
