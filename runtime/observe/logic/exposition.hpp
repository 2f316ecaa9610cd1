#pragma once
// Metrics as text for Prometheus: families of samples in its text format.
//
// Source  Prometheus, "Exposition formats", text format 0.0.4, and "Metric and label naming" for the names.
// Safety  a label's value may be untrusted. Text that is not plain is made visible (base/text.hpp), then escaped as the
//         format requires: no value can end its line, and broken UTF-8 cannot spoil the whole scrape.
// Limits  a value is cut after kLabelBytesMax; the code that makes the samples bounds their number.
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "runtime/base/time.hpp"

namespace troupe::observe {

inline constexpr std::size_t kLabelBytesMax = 256;  // our choice: Prometheus keeps a series and its labels for weeks
inline constexpr std::string_view kExpositionType = "text/plain; version=0.0.4; charset=utf-8";

enum class MetricType : std::uint8_t {
  counter,  ///< never decreases while the process lives; its name ends in `_total`
  gauge,    ///< goes up and down
};

/// A whole number, or a duration, which is written in seconds with nanoseconds.
using MetricValue = std::variant<std::uint64_t, base::Duration>;

struct Label {
  std::string name;   ///< letters, digits and `_`, no digit first, not `__` first
  std::string value;  ///< any bytes

  friend auto operator<=>(const Label&, const Label&) = default;
};
using Labels = std::vector<Label>;

struct Sample {
  Labels labels;
  MetricValue value;

  friend bool operator==(const Sample&, const Sample&) = default;
};

/// One metric with its samples: one sample without labels, or one for each set of labels.
struct Family {
  std::string name;  ///< letters, digits and `_`, no digit first; with its unit, such as `troupe_sent_bytes_total`
  std::string help;  ///< one sentence
  MetricType type = MetricType::gauge;
  std::vector<Sample> samples;
};

/// Returns the families in the text format, in the given order. Broken invariants: an invalid name, a duplicate family,
/// a sample with a duplicate label, two samples of a family with the same labels, a counter without `_total` or a gauge
/// with it.
std::string exposition(const std::vector<Family>& families);

}  // namespace troupe::observe
