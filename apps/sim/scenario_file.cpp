#include "apps/sim/scenario_file.hpp"

#include <algorithm>
#include <charconv>

#include "apps/sim/scenario_fields.hpp"
#include "apps/sim/span.hpp"
#include "runtime/base/text.hpp"
#include "runtime/config/toml_shape.hpp"
#include "runtime/sim/clock.hpp"

namespace troupe::apps {
namespace {

constexpr std::size_t kSyntaxBytesMax = 300;  // of the parser's message, which repeats the text
constexpr std::string_view kDomains = "a list of domains such as [\"peers\", \"files\"]";
constexpr std::string_view kLatency = "the shortest and the longest, such as [\"200us\", \"20ms\"]";
constexpr std::string_view kDrift = "a list of millionths, one for each node, such as [0, -50]";
constexpr std::string_view kKnobs = "settings and texts, such as { \"files.watch_period\" = \"10s\" }";
constexpr std::string_view kMutations = "a list of mutants such as [\"ack-before-sync\"]";
constexpr std::string_view kSet = "a list of nodes such as [\"n1\", \"n4\"]";

template <class T>
void set(T& place, const std::optional<T>& value) {
  if (value) place = *value;
}

template <class List>
std::vector<std::string_view> names_of(const List& list) {
  std::vector<std::string_view> out;
  for (const auto& one : list) out.push_back(one.name);
  return out;
}

class Reader {
 public:
  Reader(sim::WorkloadSpecs specs, const config::Table& settings) : workloads_(specs), settings_(settings) {}

  base::Outcome<sim::Scenario> read(std::string_view text) {
    if (text.size() > kScenarioBytesMax) {
      problem_.note(1, "longer than " + std::to_string(kScenarioBytesMax >> 20) + " MiB");
    } else if (const auto line = config::too_deep_line(text)) {
      problem_.note(*line, "nested too deeply");
    } else {
      try {
        const toml::table root = toml::parse(text);
        take(root);
      } catch (const toml::parse_error& error) {
        problem_.note(error.source().begin.line, base::shortened(error.description(), kSyntaxBytesMax));
      }
    }
    if (!problem_.none()) return base::Error{base::Code::malformed, problem_.text()};
    return std::move(out_);
  }

 private:
  void take(const toml::table& root) {
    Fields fields(problem_, root, "a scenario");
    take_seed(fields);
    take_domains(fields);
    if (const auto nodes = fields.number("nodes", Need::must, 1, sim::kNodesMax))
      out_.nodes = static_cast<std::uint16_t>(*nodes);
    set(out_.time, fields.span("time", Need::must, sim::kWorldTimeMax));
    set(out_.converge, fields.span("converge", Need::may, sim::kWorldTimeMax));
    take_policy(fields);
    take_latency(fields);
    set(out_.tls, fields.flag("tls", Need::may));
    set(out_.beyond, fields.flag("beyond", Need::may));
    take_drift(fields);
    take_knobs(fields);
    take_mutations(fields);
    each(fields, "fault", sim::kFaultsMax, [this](const toml::table& fault) { take_fault(fault); });
    for (const char* name : {"operation", "order"})  // its name until 2026
      each(fields, name, sim::kOperationsMax, [this](const toml::table& operation) { take_operation(operation); });
    fields.refuse_others();
    const auto earlier = [](const auto& a, const auto& b) { return a.at < b.at; };
    std::stable_sort(out_.faults.begin(), out_.faults.end(), earlier);
    std::stable_sort(out_.operations.begin(), out_.operations.end(), earlier);
  }

  // TOML's numbers end at 2^63 - 1; seeds may be larger.
  void take_seed(Fields& fields) {
    constexpr std::string_view kSeed = "a whole number, or sixteen hexadecimal digits such as \"0x00000000000020dc\"";
    const toml::node* seed = fields.find("seed", Need::must, kSeed);
    if (!seed) return;
    if (const auto* number = seed->as_integer(); number && number->get() >= 0) {
      out_.seed = static_cast<std::uint64_t>(number->get());
      return;
    }
    const auto* text = seed->as_string();
    const std::string digits = text && text->get().starts_with("0x") ? text->get().substr(2) : "";
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out_.seed, 16);
    if (digits.size() == 16 && error == std::errc{} && end == digits.data() + digits.size()) return;
    fields.wrong("seed", " must be " + std::string(kSeed));
  }

  void take_domains(Fields& fields) {
    const auto names = fields.texts("domains", Need::must, kDomains);
    if (!names) return;
    for (const std::string& name : *names) {
      if (!problem_.takes(fields.line("domains"))) return;
      if (!sim::find(workloads_, name)) {
        std::vector<std::string_view> known;
        for (const auto* spec : workloads_) known.push_back(spec->name);
        return fields.wrong("domains", ": " + shown(name) + did_you_mean(name, known));
      }
      if (has_domain(name)) return fields.wrong("domains", ": " + shown(name) + " is listed twice");
      out_.domains.push_back(name);
    }
    if (names->empty()) fields.wrong("domains", " must be " + std::string(kDomains));
  }

  void take_policy(Fields& fields) {
    constexpr std::string_view kPolicy = "\"fifo\", \"random\", \"pct\" or \"starve\"";
    const auto name = fields.text("policy", Need::may, kPolicy);
    if (!name) return;
    if (const auto policy = sim::policy(*name)) {
      out_.policy = *policy;
    } else {
      fields.wrong("policy", " must be " + std::string(kPolicy));
    }
  }

  void take_latency(Fields& fields) {
    const auto texts = fields.texts("latency", Need::may, kLatency);
    if (!texts) return;
    if (texts->size() != 2) return fields.wrong("latency", " must be " + std::string(kLatency));
    const auto min = parse_span((*texts)[0]);
    const auto max = parse_span((*texts)[1]);
    if (!min || !max || *min > *max) return fields.wrong("latency", " must be " + std::string(kLatency));
    if (*max > kLatencyMax) return fields.wrong("latency", " must be at most \"" + span_text(kLatencyMax) + '"');
    out_.latency_min = *min;
    out_.latency_max = *max;
  }

  void take_drift(Fields& fields) {
    const auto* found = fields.find("drift_ppm", Need::may, kDrift);
    if (!found) return;
    const auto* list = found->as_array();
    if (!list || list->size() > out_.nodes) return fields.wrong("drift_ppm", " must be " + std::string(kDrift));
    for (const toml::node& one : *list) {
      const auto* ppm = one.as_integer();
      if (!ppm || ppm->get() < -sim::kDriftPpmMax || ppm->get() > sim::kDriftPpmMax)
        return fields.wrong("drift_ppm", " must be whole numbers up to " + std::to_string(sim::kDriftPpmMax) +
                                             ", or as many below zero");
      out_.drift_ppm.push_back(static_cast<std::int32_t>(ppm->get()));
    }
  }

  void take_knobs(Fields& fields) {
    const auto* found = fields.find("knobs", Need::may, kKnobs);
    if (!found) return;
    const auto* table = found->as_table();
    if (!table) return fields.wrong("knobs", " must be " + std::string(kKnobs));
    for (const auto& [name, value] : *table) {
      const auto line = name.source().begin.line;
      const std::string key(name.str());
      if (!problem_.takes(line)) continue;
      const auto* text = value.as_string();
      const config::Setting* setting = settings_.find(key);
      if (!text) {
        problem_.note(line, "knobs must be " + std::string(kKnobs));
      } else if (!setting) {
        problem_.note(line, "setting " + shown(key) + did_you_mean(key, {settings_.nearest(key)}));
      } else if (std::find(kWorldSettings.begin(), kWorldSettings.end(), key) != kWorldSettings.end()) {
        problem_.note(line, "setting " + shown(key) + " is not allowed in a scenario: the world sets it itself");
      } else if (const auto parsed = config::parse(*setting, text->get()); !parsed.ok()) {
        problem_.note(line, key + " must be " + parsed.error());
      } else {
        out_.knobs.emplace(key, text->get());
      }
    }
  }

  void take_mutations(Fields& fields) {
    const auto names = fields.texts("mutations", Need::may, kMutations);
    if (!names) return;
    std::vector<std::string_view> known;
    for (const auto* spec : workloads_)
      for (const sim::Named& mutant : spec->mutants)
        if (has_domain(spec->name)) known.push_back(mutant.name);
    for (const std::string& name : *names) {
      if (std::find(known.begin(), known.end(), name) == known.end())
        return fields.wrong("mutations", ": " + shown(name) + did_you_mean(name, known));
      if (std::find(out_.mutations.begin(), out_.mutations.end(), name) != out_.mutations.end())
        return fields.wrong("mutations", ": " + shown(name) + " is listed twice");
      out_.mutations.push_back(name);
    }
  }

  template <class Take>
  void each(Fields& fields, std::string_view key, std::size_t max, const Take& take_one) {
    const auto* found = fields.find(key, Need::may, "");
    if (!found) return;
    const auto* list = found->as_array();
    if (!list) return fields.wrong(key, " must be a list, or sections [[" + std::string(key) + "]]");
    if (list->size() > max) return fields.wrong(key, " must be at most " + std::to_string(max));
    for (const toml::node& one : *list) {
      if (!problem_.takes(line_of(one))) return;  // all later lines have higher numbers
      if (const auto* table = one.as_table()) {
        take_one(*table);
      } else {
        problem_.note(line_of(one), std::string(key) + " must be a list of { at = …, what = … }");
      }
    }
  }

  void take_fault(const toml::table& table) {
    Fields fields(problem_, table, "a fault");
    const auto what = fields.text("what", Need::must, "the name of a fault such as \"kill\"");
    if (!what) return;
    const auto kind = sim::fault_kind(*what);
    if (!kind) return fields.say("what", "fault " + shown(*what) + did_you_mean(*what, names_of(sim::fault_specs())));
    const sim::FaultSpec& spec = sim::spec(*kind);
    const std::string name = "fault \"" + *what + '"';
    fields.name(name);
    if (spec.beyond && !out_.beyond) return fields.say("what", name + " needs beyond = true");
    sim::Fault fault{.what = *kind};
    set(fault.at, fields.span("at", Need::must, out_.time));
    if (spec.lasts) set(fault.span, fields.span("span", Need::must, sim::kWorldTimeMax));
    if (spec.on_node) set(fault.node, fields.node("node", Need::must, out_.nodes));
    if (spec.on_other) set(fault.other, fields.node("other", Need::must, out_.nodes));
    if (spec.on_other && fault.node == fault.other) fields.wrong("other", " must be another node");
    if (spec.amount == sim::Amount::set) fault.amount = take_set(fields);
    if (spec.amount == sim::Amount::number)
      set(fault.amount, fields.number("amount", Need::must, amount_min(spec), spec.amount_max));
    set(fault.by_hand, fields.flag("by_hand", Need::may));
    fields.refuse_others();
    out_.faults.push_back(fault);
  }

  std::int64_t take_set(Fields& fields) {
    const auto names = fields.texts("nodes", Need::must, kSet);
    if (!names) return 0;
    std::int64_t set = 0;
    for (const std::string& name : *names) {
      const auto node = fields.node("nodes", name, std::min(out_.nodes, sim::kSetNodesMax));
      if (!node) return 0;
      const std::int64_t bit = std::int64_t{1} << *node;
      if ((set & bit) != 0) fields.wrong("nodes", ": " + shown(name) + " is listed twice");
      set |= bit;
    }
    if (set == 0) fields.wrong("nodes", " must be " + std::string(kSet));
    return set;
  }

  void take_operation(const toml::table& table) {
    Fields fields(problem_, table, "an operation");
    sim::Operation operation;
    const auto what = fields.text("what", Need::must, "the name of an operation such as \"files.put\"");
    if (!what) return;
    const sim::OperationSpec* spec = operation_spec(workloads_, *what);
    const std::string name = what->substr(0, what->find('.'));
    if (!has_domain(name) && (spec || !sim::find(workloads_, name)))
      return fields.say("what", "operation " + shown(*what) + " is not an operation of the scenario's domains");
    if (!spec) {
      std::vector<std::string> known;
      for (const auto& one : sim::find(workloads_, name)->operations)
        known.push_back(name + '.' + std::string(one.name));
      return fields.say("what", "operation " + shown(*what) + did_you_mean(*what, {known.begin(), known.end()}));
    }
    fields.name("operation \"" + *what + '"');
    operation.what = *what;
    set(operation.at, fields.span("at", Need::must, out_.time));
    set(operation.node, fields.node("node", Need::must, out_.nodes));
    for (const sim::NumberSpec& one : spec->with) {
      if (one.node) {
        operation.with[std::string(one.name)] = fields.node(one.name, Need::must, out_.nodes).value_or(0);
      } else {
        operation.with[std::string(one.name)] = fields.number(one.name, Need::must, one.min, one.max).value_or(one.min);
      }
    }
    fields.refuse_others();
    out_.operations.push_back(std::move(operation));
  }

  bool has_domain(std::string_view name) const {
    return std::find(out_.domains.begin(), out_.domains.end(), name) != out_.domains.end();
  }

  sim::WorkloadSpecs workloads_;
  const config::Table& settings_;
  FirstProblem problem_;
  sim::Scenario out_;
};

}  // namespace

const sim::OperationSpec* operation_spec(sim::WorkloadSpecs specs, std::string_view what) {
  const auto dot = what.find('.');
  if (dot == what.npos) return nullptr;
  const sim::WorkloadSpec* domain = sim::find(specs, what.substr(0, dot));
  if (!domain) return nullptr;
  const auto found = std::ranges::find(domain->operations, what.substr(dot + 1), &sim::OperationSpec::name);
  return found == domain->operations.end() ? nullptr : &*found;
}

const sim::NumberSpec* number_spec(const sim::OperationSpec& operation, std::string_view name) {
  const auto found =
      std::find_if(operation.with.begin(), operation.with.end(), [&](const auto& one) { return one.name == name; });
  return found == operation.with.end() ? nullptr : &*found;
}

std::int64_t amount_min(const sim::FaultSpec& spec) { return std::min<std::int64_t>(spec.amount_min, 1); }

base::Outcome<sim::Scenario> read_scenario(std::string_view text, sim::WorkloadSpecs specs,
                                           const config::Table& settings) {
  return Reader(specs, settings).read(text);
}

}  // namespace troupe::apps
