#pragma once
// One verify: reads every copy of every object of a file from its holders, compares it with its id, and repairs
// corrupted copies at this node from an intact copy. It reads the manifest first, then the copies, kContentsAtOnce
// objects at a time, and then repairs this node's copies one by one. Without a CID it reads all objects that this node
// stores, page by page.
#include <deque>
#include <set>

#include "actors/files/listed.hpp"
#include "actors/files/reading.hpp"
#include "messages/common.capnp.h"

namespace troupe::files {

inline constexpr std::size_t kContentsAtOnce = 4;          // our choice: one is hashed while others are in flight
inline constexpr std::size_t kItemsWaitingMax = 256;       // for credit; our choice
inline constexpr std::chrono::seconds kProgressPeriod{1};  // messages/files.capnp: VerifyFile

class VerifyActor final : public Reading {
 public:
  static constexpr const char* kName = "verify";
  VerifyActor(FilesSettings settings, Pace pace, runtime::Handle catalogue, ListedPointer listed)
      : Reading(std::move(settings), std::move(pace), std::move(catalogue)), listed_(std::move(listed)) {}

  void receive(runtime::Handlers& on) override;
  void check() const override;

 private:
  enum class State : std::uint8_t { manifest, copies, mending, ended };
  enum class Copy : std::uint8_t { sound, lacking, damaged, unknown, repaired };
  struct Sum {
    std::uint64_t copies = 0, sound = 0, lacking = 0, damaged = 0, unknown = 0, repaired = 0, bytes = 0,
                  bytes_total = 0;
  };
  struct Item {  // a copy, or the sum so far
    ContentKey key;
    base::NodeId node;
    std::optional<Copy> copy;
    Sum sum;
  };

  void begin(wire::VerifyFile::Reader question, runtime::Sink<wire::VerifyItem> sink);
  bool take(const ContentKey& key, base::ByteView bytes) override;
  bool take_manifest(const ContentKey& key, base::ByteView bytes);
  void failed(FetchEnd why) override;
  void find_own(std::size_t from);
  void list_all();
  void begin_copies();
  void go_on();
  void read(const ContentKey& key, std::size_t nth);
  void judge(const ContentKey& key, const base::NodeId& node, Copy copy);
  void repair();
  void show();
  void write(wire::VerifyItem::Builder out, const Item& item) const;
  static void write(wire::VerifySum::Builder out, const Sum& sum);
  void fail(const base::Error& error);
  const std::vector<base::NodeId>& nodes_of(const ContentKey& key) const;

  const ListedPointer listed_;
  const std::vector<base::NodeId> only_self_{settings_.self};
  State state_ = State::manifest;
  runtime::Sink<wire::VerifyItem> sink_;
  std::vector<base::NodeId> candidates_;
  std::vector<ContentKey> contents_;  // each once, in the order of the file
  std::set<ContentKey> own_;          // objects of an unclaimed file that this node stores
  bool all_ = false;                  // checks all objects that this node stores; contents_ is a page of them
  bool listing_ = false;              // the next page was requested
  bool more_ = false;                 // there is a next page
  std::size_t begun_ = 0;
  std::size_t reading_ = 0;         // objects in progress
  std::deque<ContentKey> damaged_;  // corrupted objects at this node
  std::deque<Item> items_;          // items that wait for credit
  Sum sum_;
  base::Instant progress_due_;
};

}  // namespace troupe::files
