#pragma once
// Makes the copies that the watch wants, one after the other: reads a content, stores it at its target, and tells the
// catalogue. A target that refuses one is not tried again by this actor; the watch comes back to it.
#include <set>

#include "actors/files/reading.hpp"
#include "messages/common.capnp.h"

namespace troupe::files {

class CopyActor final : public Reading {
 public:
  static constexpr const char* kName = "copy";
  /// `met` says where those targets live that only the DHT knows.
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
