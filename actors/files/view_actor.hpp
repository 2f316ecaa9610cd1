#pragma once
// One view: reads a file's manifest and streams its parts and their known holders.
#include "actors/files/listed.hpp"
#include "actors/files/reading.hpp"

namespace troupe::files {

class ViewActor final : public Reading {
 public:
  static constexpr const char* kName = "view";
  ViewActor(FilesSettings settings, Pace pace, runtime::Handle catalogue, ListedPointer listed)
      : Reading(std::move(settings), std::move(pace), std::move(catalogue)), listed_(std::move(listed)) {}

  void receive(runtime::Handlers& on) override;
  void check() const override;

 private:
  void begin(wire::ViewFile::Reader question, runtime::Sink<wire::ViewItem> sink);
  bool take(const ContentKey& key, base::ByteView bytes) override;
  void failed(FetchEnd why) override { fail(to_error(why)); }
  void show();
  void show(const ContentKey& key, std::uint64_t offset);
  void fail(const base::Error& error);

  const ListedPointer listed_;
  runtime::Sink<wire::ViewItem> sink_;
  std::optional<Cid> cid_;  // once the manifest was read
  Manifest manifest_;
  bool row_shown_ = false;
  bool manifest_shown_ = false;
  std::size_t shown_ = 0;  // chunks
  std::uint64_t offset_ = 0;
};

}  // namespace troupe::files
