#pragma once
// Makes the copies that the watch wants, one after another: reads an object, stores it at its target, and notifies the
// catalogue. This actor sends no more copies to a target that refuses a copy; the watch retries the target later.
#include <set>

#include "actors/files/reading.hpp"
#include "messages/common.capnp.h"

namespace troupe::files {

class CopyActor final : public Reading {
 public:
  static constexpr const char* kName = "copy";
  /// `met` has the addresses of targets that only the DHT knows.
  CopyActor(FilesSettings settings, Pace pace, runtime::Handle catalogue, std::vector<Restore> copies, MetNodes met)
      : Reading(std::move(settings), std::move(pace), std::move(catalogue)), copies_(std::move(copies)) {
    met_ = std::move(met);
  }

  void start() override { next(); }
  void check() const override;

 private:
  void next();
  bool take(const ContentKey& key, base::ByteView bytes) override;
  void failed(FetchEnd) override { next(); }
  void refused(const base::NodeId& target);

  const std::vector<Restore> copies_;
  std::size_t begun_ = 0;
  std::set<base::NodeId> refusing_;
};

}  // namespace troupe::files
