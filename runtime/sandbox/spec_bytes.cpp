#include "runtime/sandbox/spec_bytes.hpp"

#include "runtime/base/fields.hpp"

namespace troupe::sandbox {
namespace {

using base::append_number;
using base::Bytes;
using base::FieldReader;

constexpr std::uint8_t kNoLimit = 0xff;
constexpr auto kLastLimit = static_cast<std::uint8_t>(Limit::output);

void append_text(Bytes& out, const std::string& text) {
  append_number(out, static_cast<std::uint32_t>(text.size()));
  base::append(out, base::as_bytes(text));
}

std::string text(FieldReader& in) {
  const auto size = in.number<std::uint32_t>();
  return std::string(base::as_text(in.take(size)));
}

void append_texts(Bytes& out, const std::vector<std::string>& texts) {
  append_number(out, static_cast<std::uint32_t>(texts.size()));
  for (const std::string& one : texts) append_text(out, one);
}

/// Returns how many follow; 0, and not ok, if there are too many.
std::uint32_t count(FieldReader& in) {
  const auto out = in.number<std::uint32_t>();
  if (out <= kTextsMax) return out;
  in.fail();
  return 0;
}

std::vector<std::string> texts(FieldReader& in) {
  std::vector<std::string> out;
  for (auto left = count(in); left > 0 && in.ok(); --left) out.push_back(text(in));
  return out;
}

/// Returns an enumerator from 0 to `last`.
template <class Enum>
Enum one_of(FieldReader& in, Enum last) {
  const auto number = in.number<std::uint8_t>();
  if (number > static_cast<std::uint8_t>(last)) in.fail();
  return in.ok() ? static_cast<Enum>(number) : Enum{};
}

void append_duration(Bytes& out, base::Duration span) { append_number(out, static_cast<std::uint64_t>(span.count())); }
base::Duration duration(FieldReader& in) {
  return base::Duration(static_cast<base::Duration::rep>(in.number<std::uint64_t>()));
}

void append_usage(Bytes& out, const Usage& usage) {
  append_duration(out, usage.cpu);
  append_duration(out, usage.wall);
  for (const std::uint64_t one : {usage.memory_bytes_max, usage.pids_max, usage.disk_bytes, usage.output_bytes})
    append_number(out, one);
}

Usage usage(FieldReader& in) {
  Usage out;
  out.cpu = duration(in);
  out.wall = duration(in);
  for (std::uint64_t* one : {&out.memory_bytes_max, &out.pids_max, &out.disk_bytes, &out.output_bytes})
    *one = in.number<std::uint64_t>();
  return out;
}

}  // namespace

Bytes write(const Spec& spec) {
  Bytes out;
  append_number(out, std::uint8_t{spec.root.has_value()});
  append_text(out, spec.root.value_or(""));
  append_texts(out, spec.command);
  append_texts(out, spec.environment);
  append_text(out, spec.directory);
  append_texts(out, spec.outputs);
  append_number(out, static_cast<std::uint32_t>(spec.binds.size()));
  for (const Bind& one : spec.binds) append_text(out, one.from), append_text(out, one.to);
  append_number(out, static_cast<std::uint32_t>(spec.hosts.size()));
  for (const base::HostPort& one : spec.hosts) append_text(out, one.host), append_number(out, one.port);
  const Limits& limits = spec.limits;
  append_number(out, limits.cpu.thousandths);
  append_number(out, limits.memory_bytes);
  append_number(out, limits.disk_bytes);
  append_number(out, limits.pids);
  append_duration(out, limits.time);
  append_number(out, limits.files);
  append_number(out, limits.output_bytes);
  append_number(out, static_cast<std::uint8_t>(spec.cgroups));
  append_number(out, static_cast<std::uint8_t>(spec.tripwires));
  append_text(out, spec.group);
  return out;
}

std::optional<Spec> read_spec(base::ByteView bytes) {
  FieldReader in(bytes);
  Spec out;
  const auto rooted = in.number<std::uint8_t>();
  auto root = text(in);
  if (rooted > 1 || (rooted == 0 && !root.empty())) return std::nullopt;
  if (rooted == 1) out.root = std::move(root);
  out.command = texts(in);
  out.environment = texts(in);
  out.directory = text(in);
  out.outputs = texts(in);
  for (auto left = count(in); left > 0 && in.ok(); --left) {
    Bind& one = out.binds.emplace_back();
    one.from = text(in);
    one.to = text(in);
  }
  for (auto left = count(in); left > 0 && in.ok(); --left) {
    base::HostPort& one = out.hosts.emplace_back();
    one.host = text(in);
    one.port = in.number<std::uint16_t>();
  }
  out.limits.cpu.thousandths = in.number<std::uint32_t>();
  out.limits.memory_bytes = in.number<std::uint64_t>();
  out.limits.disk_bytes = in.number<std::uint64_t>();
  out.limits.pids = in.number<std::uint32_t>();
  out.limits.time = duration(in);
  out.limits.files = in.number<std::uint32_t>();
  out.limits.output_bytes = in.number<std::uint64_t>();
  out.cgroups = one_of(in, Cgroups::never);
  out.tripwires = one_of(in, Tripwires::yes);
  out.group = text(in);
  if (!in.ended()) return std::nullopt;
  return out;
}

Bytes write(const Usage& usage) {
  Bytes out;
  append_usage(out, usage);
  return out;
}

std::optional<Usage> read_usage(base::ByteView bytes) {
  FieldReader in(bytes);
  const Usage out = usage(in);
  if (!in.ended()) return std::nullopt;
  return out;
}

Bytes write(const Outcome& outcome) {
  Bytes out;
  append_number(out, static_cast<std::uint8_t>(outcome.how));
  append_number(out, static_cast<std::uint32_t>(outcome.status));
  append_number(out, outcome.limit ? static_cast<std::uint8_t>(*outcome.limit) : kNoLimit);
  for (const std::string* one : {&outcome.tripwire, &outcome.why, &outcome.advice}) append_text(out, *one);
  append_number(out, static_cast<std::uint32_t>(outcome.outputs.size()));
  for (const std::uint32_t one : outcome.outputs) append_number(out, one);
  append_usage(out, outcome.usage);
  return out;
}

std::optional<Outcome> read_outcome(base::ByteView bytes) {
  FieldReader in(bytes);
  Outcome out;
  out.how = one_of(in, Ended::spared);
  out.status = static_cast<int>(in.number<std::uint32_t>());
  const auto limit = in.number<std::uint8_t>();
  if (limit != kNoLimit && limit > kLastLimit) return std::nullopt;
  if (limit != kNoLimit) out.limit = static_cast<Limit>(limit);
  for (std::string* one : {&out.tripwire, &out.why, &out.advice}) *one = text(in);
  for (auto left = count(in); left > 0 && in.ok(); --left) out.outputs.push_back(in.number<std::uint32_t>());
  out.usage = usage(in);
  if (!in.ended()) return std::nullopt;
  return out;
}

}  // namespace troupe::sandbox
