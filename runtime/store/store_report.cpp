#include "runtime/store/store_report.hpp"

#include <algorithm>
#include <utility>

namespace troupe::store {

StoreReport::StoreReport(StoreTold told, std::string source)
    : told_(std::move(told)), source_(std::move(source)), damage_source_(source_ + ".damage") {
  clear(source_);
  clear(damage_source_);
}

void StoreReport::raise(const std::string& source, observe::HealthState state, const std::string& text) {
  if (told_.health != nullptr) told_.health->raise(source, state, text);
}

void StoreReport::clear(const std::string& source) {
  if (told_.health != nullptr) told_.health->clear(source);
}

void StoreReport::refused(const base::Error& why, std::size_t blob_bytes, base::Instant now) {
  refused_at_ = now;
  refused_bytes_ = std::max(refused_bytes_, blob_bytes);
  if (refuses_ && (why.message == refused_for_ || now - told_at_ < kRefusalMemory)) return;
  refuses_ = true;
  refused_for_ = why.message;
  told_at_ = now;
  raise(source_, observe::HealthState::failing, "cannot store new data: " + why.message);
}

void StoreReport::looked(const std::string& failure, base::Instant now) {
  if (refuses_ && failure.empty() && now - refused_at_ >= kRefusalMemory) refusal_is_over();
}

void StoreReport::stored(std::size_t blob_bytes, base::Instant now) {
  if (refuses_ && blob_bytes > 0 && blob_bytes >= refused_bytes_ && now - refused_at_ >= kStoredAfter)
    refusal_is_over();
}

void StoreReport::refusal_is_over() {
  refuses_ = false;
  refused_bytes_ = 0;
  clear(source_);
}

void StoreReport::damage(const StoreDamage& found) {
  damaged_ = found.places > 0;
  if (!damaged_) return clear(damage_source_);
  std::string text;
  std::size_t left = kFilesToldMax;
  for (const auto& [file, what] : found.files) {
    if (left-- == 0) {
      text += "; and " + std::to_string(found.files.size() - kFilesToldMax) + " more files";
      break;
    }
    text += (text.empty() ? "" : "; ") + file + ": " + what;
  }
  if (found.blobs && !told_.mend.empty()) text += "; " + told_.mend;
  raise(damage_source_, observe::HealthState::degraded, text);
}

}  // namespace troupe::store
