#include "apps/sim/twice.hpp"

#include <algorithm>
#include <memory>

#include "apps/sim/trial.hpp"
#include "runtime/base/random.hpp"

namespace troupe::apps {
namespace {

constexpr std::size_t kLitter = 20'000;         // our choice: blocks that change the addresses of later ones
constexpr std::uint64_t kLitterBytesMax = 512;  // our choice: the sizes of most objects

/// The beginning of an event: the hash of all events before it, the running actor, and the message received in the
/// previous event.
struct Mark {
  std::uint64_t hash = 0;
  sim::ActorNumber actor = 0;
  Taken before;
};

std::string in_words(const World& world, sim::ActorNumber actor, const Taken& taken) {
  if (actor == 0) return "a moment of the timeline";
  std::string out = world.name(actor);
  if (taken.to != actor || taken.kind == nullptr) return out + " handled something other than a message";
  return out + " took " + std::string(taken.kind->name) + (taken.from == 0 ? "" : " from " + world.name(taken.from));
}

class Marks final : public sim::Recorder {
 public:
  explicit Marks(World& world) : world_(world) {}
  void event(std::uint64_t, sim::ActorNumber actor, std::size_t) override {
    all.push_back({world_.stage().hash(), actor, world_.last_taken()});
  }
  /// Called after the last event.
  void finish() { all.push_back({world_.stage().hash(), 0, world_.last_taken()}); }
  /// Returns the text of the event with that number, from 1; the run is over.
  std::string words(std::uint64_t event) const {
    if (event >= all.size()) return "the run had ended";
    return in_words(world_, all[event - 1].actor, all[event].before);
  }

  std::vector<Mark> all;

 private:
  World& world_;
};

/// Ends the run once it differs from the first run.
class Compare final : public sim::Recorder {
 public:
  Compare(World& world, const std::vector<Mark>& first) : marks(world), world_(world), first_(first) {}
  void event(std::uint64_t number, sim::ActorNumber actor, std::size_t place) override {
    marks.event(number, actor, place);
    if (number <= first_.size() && first_[number - 1].hash == marks.all.back().hash) return;
    world_.stage().stop();
  }
  Marks marks;

 private:
  World& world_;
  const std::vector<Mark>& first_;
};

/// Returns the first event that differs. A hash covers the events before: the first different hash shows that the
/// previous event differs.
std::optional<std::uint64_t> first_difference(const std::vector<Mark>& one, const std::vector<Mark>& other) {
  const std::size_t both = std::min(one.size(), other.size());
  for (std::size_t i = 0; i < both; ++i)
    if (one[i].hash != other[i].hash) return i;
  return one.size() == other.size() ? std::nullopt : std::optional<std::uint64_t>(both);
}

}  // namespace

Twice run_twice(const sim::Scenario& scenario, sim::WorkloadSpecs workloads) {
  Twice out;
  Trial first(scenario, workloads);
  Marks marks(first.world());
  first.world().keep_names();
  first.world().stage().record(&marks);
  out.outcome = first.run();
  first.world().stage().record(nullptr);
  marks.finish();

  std::vector<std::unique_ptr<char[]>> litter(kLitter);
  base::Random random(scenario.seed);
  for (auto& piece : litter) piece.reset(new char[1 + random.below(kLitterBytesMax)]);
  random.shuffle(litter);
  litter.resize(kLitter / 2);

  Trial second(scenario, workloads);
  Compare compare(second.world(), marks.all);
  second.world().keep_names();
  second.world().stage().record(&compare);
  second.run();
  second.world().stage().record(nullptr);
  compare.marks.finish();
  if (const auto event = first_difference(marks.all, compare.marks.all))
    out.parted = Parted{*event, marks.words(*event), compare.marks.words(*event)};
  return out;
}

Outcome told(Twice twice) {
  Outcome out = std::move(twice.outcome);
  if (!twice.parted) return out;
  out.invariant = kSameTwice;
  out.why = "at event " + std::to_string(twice.parted->event) + " one run had \"" + twice.parted->one +
            "\", another \"" + twice.parted->other + '"';
  out.event = twice.parted->event;
  return out;
}

}  // namespace troupe::apps
