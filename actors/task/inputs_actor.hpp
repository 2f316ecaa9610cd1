#pragma once
// Files of this node for programs and inputs of tasks, at kInputsPath, in a thread of its own.
//
// Fetched  from the content store, which has verified what it gives; once for all that want it.
// Kept     while an attempt uses it, and afterwards for the next ones: of those that are not in use the one that was
//          used longest ago makes room.
// Disk     kDirectory/inputs/CID, which every id of the machine may read and execute; "CID.part" until it is whole.
// What
//          is there at the start is used again, unless it is a part.
// Limits   TaskSettings::inputs_bytes of all files; kFetchesMax at once.
#include <deque>
#include <list>
#include <map>

#include "actors/task/settings.hpp"
#include "messages/files.capnp.h"
#include "runtime/actor/actor.hpp"

namespace troupe::task {

class InputsActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "inputs";
  static constexpr std::size_t kFetchesMax = 16;  // our choice
  static constexpr std::size_t kUsersMax = 8'192;
  explicit InputsActor(TaskSettings settings) : settings_(std::move(settings)) {}

  void receive(runtime::Handlers& on) override;
  void start() override;
  void check() const override;

  /// Files that attempts use.
  std::size_t used() const { return files_.size() - idle_.size(); }

 private:
  struct StillThere {};
  struct User {
    runtime::Sink<wire::InputAt> to;
    bool told = false;
  };
  struct File {
    std::string path;  ///< absolute; empty: it is fetched
    std::uint64_t bytes = 0;
    std::map<std::uint64_t, User> users;
    std::list<Cid>::iterator idle;  ///< in `idle_`, while it has no user
    std::unique_ptr<ports::File> part;
    runtime::Subscription fetching;
  };
  void use(const Cid& cid, runtime::Sink<wire::InputAt> user);
  void fetch(const Cid& cid);
  void fetch_next();
  void take(const Cid& cid, files::wire::GetItem::Reader item);
  void fetched(const Cid& cid, const base::Result<void, base::Error>& end);
  static void tell(const File& file, User& user);
  void fail(const Cid& cid, const base::Error& why);
  void left(const Cid& cid, std::uint64_t user);
  /// Makes room for that many bytes. False if what is in use leaves none.
  bool make_room(std::uint64_t bytes);
  void forget(const Cid& cid);
  static std::string path_of(const Cid& cid);

  const TaskSettings settings_;
  std::map<Cid, File> files_;
  std::list<Cid> idle_;  // the one that was used longest ago first
  std::deque<Cid> waiting_;
  std::size_t fetches_ = 0;
  std::uint64_t bytes_ = 0;  // of all, those that are fetched included
  std::uint64_t users_ = 0;  // numbers
  std::size_t held_ = 0;     // users of all files
  bool fetching_next_ = false;
};

}  // namespace troupe::task
