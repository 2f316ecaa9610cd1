#pragma once
// One get: reads the manifest, then the chunks of the requested part, and streams their bytes in order. In memory are a
// window of objects (FetchLimits) and a window of the stream.
#include "actors/files/listed.hpp"
#include "actors/files/logic/range.hpp"
#include "actors/files/reading.hpp"

namespace troupe::files {

inline constexpr std::size_t kPieceBytesMax = 256 * 1024;  // messages/files.capnp: GetItem

class GetActor final : public Reading {
 public:
  static constexpr const char* kName = "get";
  GetActor(FilesSettings settings, Pace pace, runtime::Handle catalogue, const ListedPointer& listed)
      : Reading(std::move(settings), std::move(pace), std::move(catalogue)), hints_(listed->hints) {}

  void receive(runtime::Handlers& on) override;
  void check() const override;

 private:
  void begin(wire::GetFile::Reader question, runtime::Sink<wire::GetItem> sink);
  bool take(const ContentKey& key, base::ByteView bytes) override;
  bool take_manifest(base::ByteView bytes);
  bool take_chunk(base::ByteView bytes);
  void failed(FetchEnd why) override { fail(to_error(why)); }
  void fail(const base::Error& error);

  const std::vector<base::NodeId> hints_;  // nodes that probably have parts of the file, in addition to known nodes
  runtime::Sink<wire::GetItem> sink_;
  std::optional<Range> range_;
  bool started_ = false;    // the manifest was read
  std::size_t skip_ = 0;    // bytes of the current chunk that are not wanted or were sent
  std::uint64_t left_ = 0;  // bytes to send
  std::uint64_t sent_ = 0;
};

}  // namespace troupe::files
