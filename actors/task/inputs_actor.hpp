#pragma once
// Files and folders of this node for programs, inputs and roots of tasks, at kInputsPath, in a thread of its own.
//
// Fetched  from the content store, which has verified what it gives; once for all that want it.
// Unpacked what is wanted as a folder, a step (ports::Unpacking) between two messages: of this node's own tasks first,
//          of others by turns; the archive then goes. A step is counted once it was made.
// Kept     while an attempt uses it, and afterwards for the next ones: of those that are not in use the one that was
//          used longest ago makes room.
// Disk     kDirectory/inputs/CID, which every id of the machine may read and execute, and CID.root.BYTES, a folder;
//          "CID.part", "CID.root.part" and "CID.root.new" until they are whole; "gone.…" goes by steps. What is there
//          at the start is used again if it is whole, and removed otherwise.
// Shares   of what is in use, by submitter and address group; the first one that uses a file holds it, then another one
//          that has a share, and this node as soon as it uses it. Of uses, those of this node's own tasks have places
//          that no other node takes; so have fetches, which go to who has fewest, and of which a submitter and its
//          group have few. The program of checks needs none.
// Limits   TaskSettings::inputs_bytes of all, entries included; kFilesMax of all; kUsersMax uses; kFetchesMax at once;
//          of a folder those of runtime/ports/unpacking.hpp. For other nodes TaskSettings::inputs_written: a content
//          may name one chunk many times, so that a few KB of its node are GB here. A fetch beyond it waits. One that
//          no own task waits for ends after kFetchWithin, and the time that its bytes take at kFetchedPerSecond.
#include <deque>
#include <list>
#include <map>
#include <set>

#include "actors/task/settings.hpp"
#include "messages/files.capnp.h"
#include "runtime/actor/actor.hpp"
#include "runtime/base/rate_budget.hpp"
#include "runtime/base/share_budget.hpp"
#include "runtime/ports/unpacking.hpp"

namespace troupe::task {

class InputsActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "inputs";
  static constexpr std::size_t kFetchesMax = 16;                  // our choice
  static constexpr std::size_t kFetchesOfOthers = 12;             // our choice
  static constexpr std::size_t kFetchesOfGroup = 8;               // our choice
  static constexpr std::size_t kFetchesOfSubmitter = 4;           // our choice
  static constexpr std::chrono::minutes kFetchWithin{2};          // our choice: as an attempt that hands over
  static constexpr std::uint64_t kFetchedPerSecond = 256u << 10;  // our choice: a line of 2 Mbit/s
  static constexpr std::chrono::seconds kLateEvery{10};           // our choice
  static constexpr std::size_t kUsersMax = 960;     // each is a stream, of which an actor has NodeLimits::streams_max
  static constexpr std::size_t kFilesMax = 16'384;  // our choice: some 8 MiB of memory; of roots each is one
  static_assert(kFilesMax > kUsersMax, "what is in use never has to make room");
  static constexpr std::chrono::milliseconds kPaceMax{500};  // our choice
  static constexpr std::size_t kUsersOfOthers = 640;         // our choice: an order has as many inputs as are left
  explicit InputsActor(TaskSettings settings)
      : settings_(std::move(settings)),
        shares_(settings_.inputs_bytes),
        places_(kUsersOfOthers, {.reserve = base::Reserve::none}),
        written_(settings_.inputs_written, base::Instant{}) {}

  void receive(runtime::Handlers& on) override;
  void start() override;
  void check() const override;

  /// Files that attempts use.
  std::size_t used() const { return files_.size() - idle_.size(); }

 private:
  struct StillThere {};
  struct Unpack {};
  struct Pace {};
  struct Late {};
  enum class Form : std::uint8_t {
    file,
    folder,
    bytes,  ///< read here: a file of its own, for a program can keep the pages of one that it sees locked
  };
  /// A content, and what it is to be.
  struct Wanted {
    Cid content;
    Form form = Form::file;
    friend auto operator<=>(const Wanted&, const Wanted&) = default;
  };
  using Submitter = base::User<base::NodeId>;
  struct User {
    Submitter of;
    runtime::Sink<wire::InputAt> to;
    bool told = false;
  };
  struct File {
    std::string path;            ///< absolute; empty: it is fetched
    std::uint64_t bytes = 0;     ///< with ports::kEntryBytes for each entry
    std::uint64_t unpacked = 0;  ///< of them, in the folder
    std::uint64_t written = 0;   ///< of them, of what is fetched
    std::map<std::uint64_t, User> users;
    std::optional<Submitter> holder{};  ///< while it has users: one of theirs
    std::list<Wanted>::iterator idle;   ///< in `idle_`, while it has no user
    std::unique_ptr<ports::File> part;
    runtime::Subscription fetching;
    base::Instant due{};         ///< of the fetch
    std::uint32_t owed_kib = 0;  ///< written for its holder, and not yet paid: the fetch is paused
    bool came = false;           ///< all of it; it is whole once that is paid
    std::unique_ptr<ports::Unpacking> unpacking;
  };
  /// What a name in the folder says is there, and of how many bytes; nothing if it is not whole.
  static std::optional<std::pair<Wanted, std::uint64_t>> read_name(ports::Disk& disk, const std::string& name);
  void use(const Wanted& wanted, const Submitter& by, runtime::Sink<wire::InputAt> user);
  /// Makes room for that many bytes more of a file that is in use, and counts them. Says why it cannot.
  std::optional<base::Error> grow(File& file, std::uint64_t bytes);
  /// Whether that many bytes have room beside what is in use.
  bool could_fit(std::uint64_t bytes, std::uint64_t leave) const;
  std::uint64_t free_bytes() const;
  void make_way();
  void shrink(File& file, std::uint64_t bytes);
  void hold(File& file, const Submitter& by);
  bool share_with(File& file, std::uint64_t bytes);
  void hand_over(File& file);
  void fetch(const Wanted& wanted);
  static bool is_program(const Wanted& wanted);
  bool write_program(const Wanted& wanted);
  void fetch_next();
  /// The next one that may be fetched now, and for which of its users; nothing if none may.
  std::optional<std::pair<Wanted, Submitter>> next() const;
  void take(const Wanted& wanted, files::wire::GetItem::Reader item);
  void pay(const Wanted& wanted);
  /// Of other nodes' tasks: what comes by a trickle holds a place, and the cores of an attempt.
  void end_late();
  void fetched(const Wanted& wanted, const base::Result<void, base::Error>& end);
  void whole(const Wanted& wanted);
  void settle(const Wanted& wanted, const std::string& from);
  void begin_unpacking(const Wanted& wanted);
  void unpack();
  void tell(const Wanted& wanted, std::uint64_t user);
  base::Outcome<base::Bytes> bytes_at(const Wanted& wanted, std::uint64_t size);
  void fail(const Wanted& wanted, const base::Error& why);
  void left(const Wanted& wanted, std::uint64_t user);
  /// Makes room for that many bytes. False if what is in use leaves none.
  bool make_room(std::uint64_t bytes, std::uint64_t leave = 0);
  void forget(const Wanted& wanted);
  void let_go(const std::string& path);
  /// Without an end: that of a file.
  static std::string path_of(const Wanted& wanted);
  static std::string path_of(const Wanted& wanted, std::uint64_t bytes);

  const TaskSettings settings_;
  std::map<Wanted, File> files_;
  std::list<Wanted> idle_;  // the one that was used longest ago first
  std::deque<Wanted> waiting_;
  std::deque<Wanted> unpacking_;            // the next one of others first
  std::deque<ports::TreeRemoval> leaving_;  // folders that no task wants any more; the first is under way
  std::uint64_t gone_ = 0;                  // numbers
  std::set<Wanted> fetches_;
  base::ShareBudget<base::NodeId> shares_;  // of bytes
  base::ShareBudget<base::NodeId> places_;  // of uses, of other nodes
  base::RateBudget<base::NodeId> written_;  // KiB for other nodes
  std::uint64_t bytes_ = 0;                 // of all, those that are fetched included
  std::uint64_t users_ = 0;                 // numbers
  std::size_t held_ = 0;                    // users of all files
  bool fetching_next_ = false;
};

}  // namespace troupe::task
