// OpenDHT in the shape of `troupe bench dht`: nodes in one process on loopback, values in memory, nothing encrypted.
//
// Copies  OpenDHT stores at the 8 nearest nodes, and calls back when they have acknowledged it.
// Limits  its own against strangers are lifted: all nodes have one address.
#include <opendht/dhtrunner.h>
#include <opendht/routing_table.h>
#include <sys/resource.h>
#include <unistd.h>

#include <condition_variable>
#include <fstream>
#include <mutex>
#include <thread>

#include "apps/bench/load.hpp"
#include "tools/bench/programs.hpp"

namespace troupe::bench {
namespace {

constexpr std::size_t kValueBytes = 64;
constexpr std::size_t kCopies = dht::TARGET_NODES;
constexpr std::chrono::seconds kJoinMax{120};
constexpr std::chrono::milliseconds kLookAgain{500};
constexpr std::size_t kCalm = 5;  // checks in a row in which no table has grown

base::Instant read_clock() {
  return base::Instant(std::chrono::duration_cast<base::Duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

double cpu_ms() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) / 1e3;
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

std::uint64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t total = 0, resident = 0, of_files = 0;
  file >> total >> resident >> of_files;
  return (resident - of_files) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

/// The values that were put, and their nodes: a value is got at nodes that neither put nor hold it, once at each.
struct Kept {
  dht::InfoHash key;
  std::vector<std::size_t> holders;
  std::size_t first;
  std::size_t passed = 0;
};

class Cluster {
 public:
  explicit Cluster(std::size_t nodes) {
    dht::DhtRunner::Config config;
    config.threaded = true;
    auto& limits = config.dht_config.node_config;
    limits.max_req_per_sec = limits.max_peer_req_per_sec = limits.max_searches = limits.max_store_size =
        limits.max_store_keys = -1;
    for (std::size_t i = 0; i < nodes; ++i) {
      runners_.push_back(std::make_unique<dht::DhtRunner>());
      runners_.back()->run("127.0.0.1", "", "0", config);
      ids_.push_back(runners_.back()->getNodeId());
      if (i > 0) runners_.back()->bootstrap("127.0.0.1", std::to_string(runners_.front()->getBoundPort()));
    }
    await_tables();
  }

  std::size_t size() const { return runners_.size(); }
  dht::DhtRunner& at(std::size_t i) { return *runners_[i]; }

  /// Questions sent by all nodes since the last call.
  std::uint64_t requests() {
    std::uint64_t out = 0;
    for (auto& one : runners_)
      for (const unsigned times : one->getNodeMessageStats(false)) out += times;
    return out;
  }

  /// The nodes nearest to a key, which store its values.
  std::vector<std::size_t> nearest(const dht::InfoHash& key) const {
    std::vector<std::size_t> out(ids_.size());
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = i;
    const auto end = out.begin() + static_cast<std::ptrdiff_t>(std::min(kCopies, out.size()));
    std::partial_sort(out.begin(), end, out.end(),
                      [&](std::size_t a, std::size_t b) { return key.xorCmp(ids_[a], ids_[b]) < 0; });
    out.erase(end, out.end());
    return out;
  }

 private:
  void await_tables() {
    const auto due = read_clock() + kJoinMax;
    std::size_t before = 0;
    for (std::size_t calm = 0; calm < kCalm && read_clock() < due;) {
      std::this_thread::sleep_for(kLookAgain);
      std::size_t good = 0;
      for (auto& one : runners_) good += one->getNodesStats(AF_INET).good_nodes;
      calm = good == before && good >= runners_.size() ? calm + 1 : 0;
      before = good;
    }
  }

  std::vector<std::unique_ptr<dht::DhtRunner>> runners_;
  std::vector<dht::InfoHash> ids_;
};

enum class What : std::uint8_t { put, get };

/// Runs puts or gets, `in_flight` at a time, each at a random node; run() returns when the last has ended.
class Load {
 public:
  Load(Cluster& cluster, std::vector<Kept>& kept, std::mt19937_64& random)
      : cluster_(cluster), kept_(kept), random_(random) {}

  Figure run(What what, std::size_t clients, std::size_t in_flight, base::Duration span) {
    figure_ = {.what = what == What::put ? "dht.put.opendht" : "dht.get.opendht", .clients = clients};
    what_ = what;
    operations_ = 0;
    over_ = false;
    cluster_.requests();
    const double cpu = cpu_ms();
    progress_.emplace(read_clock(), span);
    under_way_ = in_flight;
    for (std::size_t i = 0; i < in_flight; ++i) next();
    {
      std::unique_lock hold(lock_);
      ended_.wait(hold, [this] { return under_way_ == 0; });
    }
    const auto operations = static_cast<double>(std::max<std::uint64_t>(operations_, 1));
    figure_.per_second = progress_->per_second();
    figure_.mib_per_second = *figure_.per_second * kValueBytes / (1 << 20);
    figure_.cpu_ms_each = (cpu_ms() - cpu) / operations;
    figure_.requests_each = static_cast<double>(cluster_.requests()) / operations;
    return figure_;
  }

 private:
  std::optional<std::pair<dht::InfoHash, std::size_t>> choose() {
    while (!kept_.empty()) {
      Kept& kept = kept_[random_() % kept_.size()];
      while (kept.passed < cluster_.size()) {
        const std::size_t member = (kept.first + kept.passed++) % cluster_.size();
        if (std::find(kept.holders.begin(), kept.holders.end(), member) == kept.holders.end())
          return std::pair(kept.key, member);
      }
      std::swap(kept, kept_.back());
      kept_.pop_back();
    }
    return std::nullopt;
  }

  void next() {
    std::unique_lock hold(lock_);
    if (!over_ && what_ == What::put) {
      const auto member = random_() % cluster_.size();
      std::vector<std::uint8_t> bytes(kValueBytes);
      for (auto& one : bytes) one = static_cast<std::uint8_t>(random_());
      const auto key = dht::InfoHash::get(bytes);
      hold.unlock();
      const auto from = read_clock();
      cluster_.at(member).put(key, dht::Value(std::move(bytes)), [this, key, member, from](bool good) {
        if (good) note(key, member);
        done(from, good);
      });
      return;
    }
    const auto chosen = over_ ? std::nullopt : choose();
    if (!chosen) {
      over_ = true;
      if (--under_way_ == 0) ended_.notify_all();
      return;
    }
    hold.unlock();
    const auto from = read_clock();
    // Timed to its first value, which ends the get; OpenDHT calls again when all is over.
    const auto told = std::make_shared<std::atomic<bool>>(false);
    cluster_.at(chosen->second)
        .get(
            chosen->first,
            [this, told, from](const std::vector<std::shared_ptr<dht::Value>>& values) {
              if (!values.empty() && !told->exchange(true)) done(from, values.front()->data.size() == kValueBytes);
              return values.empty();
            },
            [this, told, from](bool) {
              if (!told->exchange(true)) done(from, false);
            });
  }

  void note(const dht::InfoHash& key, std::size_t putter) {
    Kept kept{.key = key, .holders = cluster_.nearest(key), .first = 0};
    kept.holders.push_back(putter);
    const std::lock_guard hold(lock_);
    kept.first = random_() % cluster_.size();
    kept_.push_back(std::move(kept));
  }

  void done(base::Instant from, bool good) {
    {
      const std::lock_guard hold(lock_);
      const base::Instant at = read_clock();
      ++operations_;
      if (!good) figure_.errors += 1;
      else if (progress_->counts(from)) figure_.delays.push_back(at - from);
      if (!progress_->done(1, at)) over_ = true;
    }
    next();
  }

  Cluster& cluster_;
  std::vector<Kept>& kept_;
  std::mt19937_64& random_;
  std::mutex lock_;
  std::condition_variable ended_;
  std::optional<Progress> progress_;
  Figure figure_;
  What what_ = What::put;
  std::uint64_t operations_ = 0;
  std::size_t under_way_ = 0;
  bool over_ = false;
};

}  // namespace

Figures bench_opendht(std::chrono::milliseconds span, std::size_t nodes, std::size_t in_flight) {
  const std::uint64_t before = resident_bytes();
  auto* const cluster =
      new Cluster(nodes);  // not destroyed: joining the threads of 64 nodes takes longer than the measurement
  const std::uint64_t now = resident_bytes();
  Figures out{
      {.what = "dht.node.opendht", .clients = nodes, .resident_bytes = now > before ? (now - before) / nodes : 0}};
  std::mt19937_64 random{std::random_device{}()};
  std::vector<Kept> kept;
  auto* const load = new Load(*cluster, kept, random);
  out.push_back(load->run(What::put, in_flight, in_flight, span));
  out.push_back(load->run(What::get, in_flight, in_flight, span));
  out.push_back(load->run(What::put, 1, 1, span));
  out.push_back(load->run(What::get, 1, 1, span));
  return out;
}

}  // namespace troupe::bench
