#pragma once
// Files and folders of this node for programs, inputs and roots of tasks, at kInputsPath, in its own thread.
//
// Fetched  from the content store, which verifies them; once for all users.
// Unpacked in steps (ports::Unpacking) between messages: folders of local tasks first, then other nodes' in turn. The
//          archive is then removed.
// Kept     while in use, and after that until evicted; the least recently used file is evicted first.
// Disk     kDirectory/inputs/CID, which every user of the machine may read and execute, and CID.root.BYTES, a folder.
//          "CID.part", "CID.root.part" and "CID.root.new" are incomplete; "gone.…" is removed in steps. At the start
//          complete entries are reused, and the others removed.
// Shares   a file in use counts in the quota of its first user's submitter and address group; later in that of another
//          user, or of local tasks as soon as they use it. Some uses and fetches are reserved for local tasks. The user
//          with the fewest fetches is next. The program of checks needs no fetch.
// Limits   inputs_bytes, inputs_written (TaskSettings); kFilesMax; kUsersMax; kFetchesMax; runtime/ports/unpacking.hpp.
//          A fetch that no local task waits for ends after kFetchWithin, plus 1 s per kFetchedPerSecond bytes.
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
  static constexpr std::chrono::minutes kFetchWithin{2};          // our choice: as an attempt's hand-over
  static constexpr std::uint64_t kFetchedPerSecond = 256u << 10;  // our choice: a link of 2 Mbit/s
  static constexpr std::chrono::seconds kLateEvery{10};           // our choice
  static constexpr std::size_t kUsersMax = 960;     // each is a stream; an actor has NodeLimits::streams_max
  static constexpr std::size_t kFilesMax = 16'384;  // our choice: some 8 MiB of memory; a root counts as one
  static_assert(kFilesMax > kUsersMax, "files in use are never evicted");
  static constexpr std::chrono::milliseconds kPaceMax{500};  // our choice
  static constexpr std::size_t kUsersOfOthers = 640;         // our choice: the rest is enough for an order's inputs
  explicit InputsActor(TaskSettings settings)
      : settings_(std::move(settings)),
        shares_(settings_.inputs_bytes),
        places_(kUsersOfOthers, {.reserve = base::Reserve::none}),
        written_(settings_.inputs_written, base::Instant{}) {}

  void receive(runtime::Handlers& on) override;
  void start() override;
  void check() const override;

  /// Returns the number of files that attempts use.
  std::size_t used() const { return files_.size() - idle_.size(); }

 private:
  struct StillThere {};
  struct Unpack {};
  struct Pace {};
  struct Late {};
  enum class Form : std::uint8_t {
    file,
    folder,
    bytes,  ///< read by this actor; a separate file, because a program can lock pages of a file that it sees
  };
  /// An object, and the form in which it is wanted.
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
    std::string path;            ///< absolute; empty: being fetched
    std::uint64_t bytes = 0;     ///< with ports::kEntryBytes per entry
    std::uint64_t unpacked = 0;  ///< part of `bytes` in the folder
    std::uint64_t written = 0;   ///< part of `bytes` in the fetched file
    std::map<std::uint64_t, User> users;
    std::optional<Submitter> holder{};  ///< one of its users, while it has any
    std::list<Wanted>::iterator idle;   ///< in `idle_`, while it has no user
    std::unique_ptr<ports::File> part;
    runtime::Subscription fetching;
    base::Instant due{};         ///< end of the fetch
    std::uint32_t owed_kib = 0;  ///< written, but not yet charged to its holder; the fetch is paused
    bool came = false;           ///< completely fetched; ready once `owed_kib` is charged
    std::unique_ptr<ports::Unpacking> unpacking;
  };
  /// Returns what an entry of the folder is, and its bytes, or nullopt if it is incomplete.
  static std::optional<std::pair<Wanted, std::uint64_t>> read_name(ports::Disk& disk, const std::string& name);
  void use(const Wanted& wanted, const Submitter& by, runtime::Sink<wire::InputAt> user);
  /// Adds that many bytes to a file in use, evicting other files, or returns why it cannot.
  std::optional<base::Error> grow(File& file, std::uint64_t bytes);
  /// Returns whether that many bytes would fit next to all files in use.
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
  /// Returns the next object to fetch now, and for which user, or nullopt.
  std::optional<std::pair<Wanted, Submitter>> next() const;
  void take(const Wanted& wanted, files::wire::GetItem::Reader item);
  void pay(const Wanted& wanted);
  /// Ends late fetches for other nodes, because a slow fetch occupies a slot, and the cores of an attempt.
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
  /// Evicts files until that many bytes fit. Returns false if files in use leave too little.
  bool make_room(std::uint64_t bytes, std::uint64_t leave = 0);
  void forget(const Wanted& wanted);
  void let_go(const std::string& path);
  /// Returns the path of an object; for a folder without its byte count.
  static std::string path_of(const Wanted& wanted);
  static std::string path_of(const Wanted& wanted, std::uint64_t bytes);

  const TaskSettings settings_;
  std::map<Wanted, File> files_;
  std::list<Wanted> idle_;  // least recently used first
  std::deque<Wanted> waiting_;
  std::deque<Wanted> unpacking_;            // other nodes' next folder is first
  std::deque<ports::TreeRemoval> leaving_;  // unwanted folders; removal of the first is in progress
  std::uint64_t gone_ = 0;                  // counter for the names of removed entries
  std::set<Wanted> fetches_;
  base::ShareBudget<base::NodeId> shares_;  // quotas for bytes of files in use
  base::ShareBudget<base::NodeId> places_;  // quotas for uses of other nodes
  // A manifest may list one chunk many times, so a few KB at its node become GB here. A fetch beyond the budget waits.
  base::RateBudget<base::NodeId> written_;  // KiB for other nodes
  std::uint64_t bytes_ = 0;                 // of all files, including those being fetched
  std::uint64_t users_ = 0;                 // counter for the numbers of users
  std::size_t held_ = 0;                    // users of all files
  bool fetching_next_ = false;
};

}  // namespace troupe::task
