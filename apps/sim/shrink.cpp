#include "apps/sim/shrink.hpp"

#include <algorithm>
#include <limits>
#include <unordered_set>

#include "apps/sim/smaller.hpp"
#include "runtime/base/ensure.hpp"

namespace troupe::apps {
namespace {

using namespace std::chrono_literals;

constexpr base::Duration kGrains[] = {1s, 100ms, 1ms};  // of times that a person would write
constexpr std::size_t kPolishParts = 32;                // our choice: nobody reads each number of a longer list

template <class T>
std::span<const T> part(const std::vector<T>& list, std::size_t begin, std::size_t end) {
  return std::span(list).subspan(begin, end - begin);
}

class Shrinker {
 public:
  Shrinker(const sim::Scenario& failing, sim::WorkloadSpecs specs, const FailsAlike& trial, const ShrinkLimits& limits,
           const std::function<void(const ShrinkStep&)>& progress)
      : workloads_(specs), trial_(trial), limits_(limits), progress_(progress), smallest_(failing) {}

  Shrunk run(base::Duration failed_at) {
    doing_ = "time";
    cut_after(failed_at);
    for (bool changed = true; changed && !over_;) {
      const sim::Scenario before = smallest_;
      leave_out_parts();
      make_plain();
      make_readable();
      changed = smallest_ != before;
    }
    return {smallest_, tries_, !over_};
  }

 private:
  using Made = std::optional<sim::Scenario>;  // nullopt: cannot be made

  /// Tries make(0) to make(count - 1), in order and several at once; takes the first that fails alike.
  template <class Make>
  std::optional<std::size_t> first(std::size_t count, const Make& make) {
    for (std::size_t next = 0; next < count && !over_;) {
      std::vector<sim::Scenario> candidates;
      std::vector<std::size_t> places;
      for (; next < count && candidates.size() < std::max<std::size_t>(limits_.at_once, 1); ++next) {
        Made made = make(next);
        if (!made || *made == smallest_ || failed_otherwise_.contains(mark(*made))) continue;
        candidates.push_back(std::move(*made));
        places.push_back(next);
      }
      if (const auto hit = try_out(candidates)) return places[*hit];
    }
    return std::nullopt;
  }

  std::optional<std::size_t> try_out(std::vector<sim::Scenario>& candidates) {
    if (candidates.empty()) return std::nullopt;
    over_ = tries_ >= limits_.tries_max || limits_.out_of_time();
    if (over_) return std::nullopt;
    candidates.resize(std::min(candidates.size(), limits_.tries_max - tries_));
    const auto hit = trial_(candidates);
    base::ensure(!hit || *hit < candidates.size(), "a trial finds one of its candidates");
    tries_ += candidates.size();
    for (std::size_t i = 0; i < hit.value_or(candidates.size()); ++i) failed_otherwise_.insert(mark(candidates[i]));
    if (hit) smallest_ = std::move(candidates[*hit]);
    progress_({doing_, tries_, smallest_});
    return hit;
  }

  // The written form contains everything; two texts with the same mark only cost a try.
  std::size_t mark(const sim::Scenario& scenario) const {
    return std::hash<std::string>{}(write_scenario(scenario, workloads_, ""));
  }

  /// Removes as much as possible of a list of `count` entries: `without` makes a candidate from smallest_ that lacks
  /// the entries from `begin` to before `end`. Starts at the back, because later entries depend on earlier ones. Tries
  /// no part smaller than one of `parts_max` parts.
  template <class Count, class Without>
  void leave_out(std::string_view doing, const Count& count, const Without& without,
                 std::size_t parts_max = std::numeric_limits<std::size_t>::max()) {
    doing_ = doing;
    const std::size_t finest = std::max<std::size_t>(count() / parts_max, 1);
    for (std::size_t size = count(); size >= finest && !over_; size = std::min(size / 2, count())) {
      for (std::size_t end = count(); end > 0 && !over_;) {
        const auto begin_of = [&](std::size_t place) { return end - std::min(end, (place + 1) * size); };
        const auto hit = first((end + size - 1) / size,
                               [&](std::size_t place) { return without(begin_of(place), end - place * size); });
        end = hit ? std::min(begin_of(*hit), count()) : 0;
      }
    }
  }

  /// Calls leave_out() for everything that `list` finds in smallest_.
  template <class List, class Without>
  void leave_out_of(std::string_view doing, const List& list, const Without& without,
                    std::size_t parts_max = std::numeric_limits<std::size_t>::max()) {
    leave_out(
        doing, [&] { return list(smallest_).size(); },
        [&](std::size_t begin, std::size_t end) {
          const auto all = list(smallest_);
          return Made(without(smallest_, part(all, begin, end)));
        },
        parts_max);
  }

  template <class T>
  void leave_out_of_list(std::string_view doing, std::vector<T> sim::Scenario::*list) {
    leave_out(
        doing, [&] { return (smallest_.*list).size(); },
        [&](std::size_t begin, std::size_t end) {
          Made made = smallest_;
          const auto first = ((*made).*list).begin();
          ((*made).*list).erase(first + static_cast<std::ptrdiff_t>(begin), first + static_cast<std::ptrdiff_t>(end));
          return made;
        });
  }

  void cut_after(base::Duration failed_at) {
    if (failed_at >= smallest_.time) return;
    first(2, [&](std::size_t place) {
      sim::Scenario made = until(smallest_, failed_at);
      if (place == 1) made.time = smallest_.time;  // an earlier end of the faults may hide the failure
      return Made(std::move(made));
    });
  }

  void leave_out_parts() {
    leave_out_of_list("faults", &sim::Scenario::faults);
    leave_out_of_list("operations", &sim::Scenario::operations);
    leave_out_of(
        "nodes", [&](const sim::Scenario& from) { return idle_nodes(from, workloads_); },
        [&](const sim::Scenario& from, auto nodes) { return without_nodes(from, workloads_, nodes); });
    leave_out_of(
        "knobs",
        [](const sim::Scenario& from) {
          std::vector<std::string> names;
          for (const auto& [name, value] : from.knobs) names.push_back(name);
          return names;
        },
        [](sim::Scenario from, auto names) {
          for (const std::string& name : names) from.knobs.erase(name);
          return from;
        });
    leave_out_of_list("mutants", &sim::Scenario::mutations);
    leave_out_of("drift", drifting, [](sim::Scenario from, auto nodes) {
      for (const std::size_t node : nodes) from.drift_ppm[node] = 0;
      while (!from.drift_ppm.empty() && from.drift_ppm.back() == 0) from.drift_ppm.pop_back();
      return from;
    });
    leave_out_of("sets of nodes", members, [](sim::Scenario from, auto nodes) {
      for (const Member& one : nodes) from.faults[one.fault].amount &= ~(std::int64_t{1} << one.node);
      const auto empty = [](const sim::Fault& fault) {
        return sim::spec(fault.what).amount == sim::Amount::set && fault.amount == 0;
      };
      return std::any_of(from.faults.begin(), from.faults.end(), empty) ? Made() : Made(std::move(from));
    });
  }

  static std::vector<std::size_t> drifting(const sim::Scenario& from) {
    std::vector<std::size_t> nodes;
    for (std::size_t node = 0; node < from.drift_ppm.size(); ++node)
      if (from.drift_ppm[node] != 0) nodes.push_back(node);
    return nodes;
  }

  /// Simplifies the properties of the world, one after another.
  void make_plain() {
    doing_ = "policy and time";
    constexpr sim::Policy kPlainest[] = {sim::Policy::fifo, sim::Policy::random};
    first(std::size(kPlainest), [&](std::size_t place) {
      Made made = smallest_;
      made->policy = std::min(made->policy, kPlainest[place]);
      return made;
    });
    first(2, [&](std::size_t place) {
      Made made = smallest_;
      if (place == 0) made->tls = false;
      const bool needed = std::any_of(made->faults.begin(), made->faults.end(),
                                      [](const sim::Fault& fault) { return sim::spec(fault.what).beyond; });
      if (place == 1 && !needed) made->beyond = false;
      return made;
    });
    base::Duration last{};
    base::Duration healed{};
    for (const sim::Fault& fault : smallest_.faults) {
      last = std::max(last, fault.at);
      healed = std::max(healed, fault.at + std::min(fault.span, smallest_.time));
    }
    for (const sim::Operation& operation : smallest_.operations) last = std::max(last, operation.at);
    const base::Duration ends[] = {last, std::max(last, healed), smallest_.time / 2};
    first(std::size(ends), [&](std::size_t place) { return Made(until(smallest_, std::max(last, ends[place]))); });
  }

  void make_readable() {
    for (const base::Duration grain : kGrains)
      leave_out_of(
          "moments", [&](const sim::Scenario& from) { return odd_moments(from, grain); },
          [&](const sim::Scenario& from, auto events) { return moved(from, events, grain); }, kPolishParts);
    make_smaller([](std::int64_t value) { return rounded(value); });
    for (bool changed = true; changed && !over_;) {
      const sim::Scenario before = smallest_;
      make_smaller([](std::int64_t value) { return rounded(value / 2); });
      changed = smallest_ != before;
    }
  }

  template <class Change>
  void make_smaller(const Change& change) {
    leave_out_of(
        "spans and amounts", [&](const sim::Scenario& from) { return sizes(from, workloads_); },
        [&](sim::Scenario from, auto chosen) {
          for (const Size& size : chosen) {
            const std::int64_t smaller = change(size.was);
            apps::resize(from, size, size.was < 0 ? smaller : std::max(size.least, smaller));
          }
          return from;
        },
        kPolishParts);
  }

  sim::WorkloadSpecs workloads_;
  const FailsAlike& trial_;
  const ShrinkLimits& limits_;
  const std::function<void(const ShrinkStep&)>& progress_;
  sim::Scenario smallest_;
  std::unordered_set<std::size_t> failed_otherwise_;  // marks of candidates that did not fail alike
  std::string_view doing_;
  std::size_t tries_ = 0;
  bool over_ = false;
};

}  // namespace

Shrunk shrink(const sim::Scenario& failing, base::Duration failed_at, sim::WorkloadSpecs specs, const FailsAlike& trial,
              const ShrinkLimits& limits, const std::function<void(const ShrinkStep&)>& progress) {
  return Shrinker(failing, specs, trial, limits, progress).run(failed_at);
}

}  // namespace troupe::apps
