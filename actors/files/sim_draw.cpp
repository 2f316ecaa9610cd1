#include "actors/files/sim_draw.hpp"

#include <algorithm>

#include "actors/files/sim_content.hpp"
#include "runtime/sim/draw.hpp"

namespace troupe::files {
namespace {

struct Drawn {
  std::int64_t number;
  std::int64_t bytes;
  std::uint16_t node;  // of its last put
};

class Draws final : public sim::Draw {
 public:
  using Draw::Draw;

  std::vector<sim::Operation> operations() {
    const auto times = moments(count(kOperationsPerMinuteMin, kOperationsPerMinuteMax));
    large_left_ = 1 + times.size() / 400;
    for (const base::Duration at : times) out_.push_back(operation(at));
    return std::move(out_);
  }

 private:
  /// Nearly all files are small; large files are rare and limited.
  std::int64_t size() {
    constexpr std::int64_t kKiB = 1024;
    const std::uint64_t dice = random_.below(100);
    if (dice < 8) return 0;
    if (dice < 66) return 1 + below(kKiB);
    if (dice < 93) return 1 + below(8 * kKiB);
    if (dice < 99 || large_left_ == 0) return 1 + below(100 * kKiB);
    --large_left_;
    const std::int64_t chunk = kChunkBytes;
    if (random_.chance(3, 4)) return chunk + below(64 * kKiB);  // shares its first chunk
    return random_.chance(1, 2) ? chunk : 2 * chunk + below(chunk);
  }
  /// Returns a new file, or a file that was put before: its claims overlap at another node, or repeat at the same.
  Drawn& file_to_put() {
    if (!files_.empty() && (files_.size() >= kSimFilesDrawnMax || random_.chance(2, 7))) return pick(files_);
    files_.push_back({static_cast<std::int64_t>(files_.size()), size(), 0});
    return files_.back();
  }
  std::int64_t replicas() {
    if (random_.chance(1, 8)) return 0;
    const std::int64_t most = std::min<std::int64_t>(shape_.nodes, kReplicasMax);
    return std::min(most, shape_.lost_data_max + 1 + below(3));
  }

  sim::Operation operation(base::Duration at) {
    const std::uint64_t dice = files_.empty() ? 0 : random_.below(100);
    if (dice < 38) return put(at);
    if (dice < 90) return about_file(at, dice);
    return {at, node(), "files.list", {}};
  }
  sim::Operation put(base::Duration at) {
    Drawn& file = file_to_put();
    const std::uint16_t where = node();
    const bool large = file.bytes > kChunkBytes;  // only then something is stored before the end
    const bool stops = random_.chance(1, large ? 2 : 6);
    if (!stops) file.node = where;
    sim::Numbers with{{"file", file.number}, {"bytes", file.bytes}, {"replicas", replicas()}};
    if (stops && large) with["after"] = kChunkBytes + below(file.bytes - kChunkBytes + 1);
    else if (stops) with["after"] = below(file.bytes + 1);
    return {at, where, stops ? "files.stop" : "files.put", std::move(with)};
  }
  sim::Operation about_file(base::Duration at, std::uint64_t dice) {
    const Drawn& file = pick(files_);
    sim::Numbers with{{"file", file.number}, {"bytes", file.bytes}};
    const std::uint16_t owner = random_.chance(3, 4) ? file.node : node();
    if (dice < 56) return {at, node(), "files.get", std::move(with)};
    if (dice < 66) {
      with["first"] = below(std::max<std::int64_t>(file.bytes, 1));
      with["last"] = std::min(kSimFileBytesMax, with["first"] + below(100'000));
      return {at, node(), "files.range", std::move(with)};
    }
    if (dice < 73) return {at, owner, "files.verify", std::move(with)};
    if (dice < 76) return {at, owner, "files.view", std::move(with)};
    if (dice < 86) return {at, owner, "files.remove", std::move(with)};
    return {at, owner, dice < 88 ? "files.pin" : "files.unpin", std::move(with)};
  }

  std::size_t large_left_ = 1;
  std::vector<Drawn> files_;
  std::vector<sim::Operation> out_;
};

}  // namespace

std::vector<sim::Operation> draw_operations(base::Random& random, const sim::Shape& shape) {
  return Draws(random, shape).operations();
}

}  // namespace troupe::files
