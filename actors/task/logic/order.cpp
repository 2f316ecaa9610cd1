#include "actors/task/logic/order.hpp"

#include <algorithm>

#include "actors/registry/api.hpp"
#include "actors/task/logic/text_field.hpp"
#include "runtime/crypto/hash.hpp"
#include "runtime/ports/disk.hpp"

namespace troupe::task {
namespace {

using base::Bytes;
using base::FieldReader;

constexpr std::string_view kMark = "troupe task v1";
constexpr std::string_view kRequestMark = "troupe task request v1";
constexpr std::string_view kMemberMark = "troupe task member v1";
constexpr std::string_view kIndexWord = "{index}";

void append_texts(Bytes& out, const std::vector<std::string>& texts) {
  base::append_number(out, static_cast<std::uint16_t>(texts.size()));
  for (const std::string& text : texts) append_text(out, text);
}

/// Reads a list of texts. A longer list than `most` makes the reader fail before it reads any text.
std::vector<std::string> read_texts(FieldReader& from, std::size_t most) {
  std::vector<std::string> out;
  const std::size_t count = from.number<std::uint16_t>();
  if (count > most) from.fail();
  for (std::size_t i = 0; i < count && from.ok(); ++i) out.push_back(read_text(from));
  return out;
}

template <class Fixed>
void append_maybe(Bytes& out, const std::optional<Fixed>& value) {
  out.push_back(value.has_value());
  if (value) base::append(out, value->view());
}
template <class Fixed>
std::optional<Fixed> read_maybe(FieldReader& from) {
  const auto there = from.number<std::uint8_t>();
  if (there > 1) from.fail();
  return there == 1 && from.ok() ? std::optional(from.fixed<Fixed>()) : std::nullopt;
}

template <std::unsigned_integral Number>
void append_maybe_number(Bytes& out, const std::optional<Number>& value) {
  out.push_back(value.has_value());
  if (value) base::append_number(out, *value);
}
template <std::unsigned_integral Number>
std::optional<Number> read_maybe_number(FieldReader& from) {
  const auto there = from.number<std::uint8_t>();
  if (there > 1) from.fail();
  return there == 1 && from.ok() ? std::optional(from.number<Number>()) : std::nullopt;
}

void append(Bytes& out, const sandbox::Limits& limits) {
  base::append_number(out, limits.cpu.thousandths);
  base::append_number(out, limits.memory_bytes);
  base::append_number(out, limits.disk_bytes);
  base::append_number(out, limits.pids);
  base::append_number(out, static_cast<std::uint64_t>(limits.time / std::chrono::milliseconds(1)));
  base::append_number(out, limits.files);
  base::append_number(out, limits.output_bytes);
}

sandbox::Limits read_limits(FieldReader& from) {
  sandbox::Limits out;
  out.cpu.thousandths = from.number<std::uint32_t>();
  out.memory_bytes = from.number<std::uint64_t>();
  out.disk_bytes = from.number<std::uint64_t>();
  out.pids = from.number<std::uint32_t>();
  const auto time = from.number<std::uint64_t>();
  constexpr std::uint64_t kTimeMsMax = std::chrono::milliseconds(std::chrono::hours(24 * 366)).count();
  if (time > kTimeMsMax) from.fail();
  else out.time = std::chrono::milliseconds(time);
  out.files = from.number<std::uint32_t>();
  out.output_bytes = from.number<std::uint64_t>();
  return out;
}

bool can_be_kept(const sandbox::Limits& limits) {
  constexpr std::uint32_t kCoresMin = 10;  // thousandths, as in sandbox::parse_cores()
  return limits.cpu.thousandths >= kCoresMin && limits.cpu.thousandths <= sandbox::kCoresMax * 1'000 &&
         limits.memory_bytes >= sandbox::kMemoryBytesMin && limits.memory_bytes <= sandbox::kBytesMax &&
         limits.disk_bytes >= sandbox::kDiskBytesMin && limits.disk_bytes <= sandbox::kBytesMax && limits.pids >= 1 &&
         limits.pids <= sandbox::kPidsMax && limits.time >= sandbox::kTimeMin &&
         limits.time <= std::chrono::hours(24 * 366) &&
         limits.time % std::chrono::milliseconds(1) == base::Duration(0) && limits.files >= sandbox::kFilesMin &&
         limits.files <= sandbox::kFilesMax && limits.output_bytes >= 1 && limits.output_bytes <= sandbox::kBytesMax;
}

/// "name:port" or "[::1]:port".
bool is_host(const std::string& text) {
  const auto host = base::HostPort::parse(text);
  return text.size() <= kHostBytesMax && host && host->port != 0 && host->text() == text;
}

template <class Items, class Path>
bool are_paths(const Items& items, Path path) {
  return std::ranges::all_of(items, [&](const auto& one) { return ports::path_ok(path(one)); }) &&
         std::ranges::adjacent_find(items, std::greater_equal<>(), path) == items.end();
}

/// Returns whether an input has another input below it. Paths rise, so a path comes after each path that it begins
/// with. Each path is compared only with its own beginnings before it, however many slashes it has.
bool has_file_below_file(const std::vector<Input>& inputs) {
  std::vector<std::string_view> beginnings;  // each is the beginning of the next
  for (const Input& one : inputs) {
    const std::string_view path = one.path;
    while (!beginnings.empty() && !path.starts_with(beginnings.back())) beginnings.pop_back();
    if (std::ranges::any_of(beginnings, [&](std::string_view file) { return path[file.size()] == '/'; })) return true;
    beginnings.push_back(path);
  }
  return false;
}

std::optional<OrderError> size_fault(const Order& order) {
  std::size_t bytes = 0;
  for (const std::string& one : order.arguments) {
    bytes += one.size() + 2;
    if (one.find('\0') != std::string::npos) return OrderError::size;
  }
  const bool large = order.arguments.size() > kArgumentsMax || bytes > kArgumentsBytesMax ||
                     order.inputs.size() > kInputsMax || order.outputs.size() > kOutputsMax ||
                     order.hosts.size() > kHostsMax || order.need.size() > kNeedBytesMax ||
                     order.priority > kPriorityMax || order.retries > kRetriesMax || order.queue_max_s == 0 ||
                     (order.index && *order.index >= kArrayMax);
  return large ? std::optional(OrderError::size) : std::nullopt;
}

}  // namespace

std::string_view name(OrderError error) {
  switch (error) {
    case OrderError::size: return "a part of the task exceeds its limit, or an argument contains a zero byte";
    case OrderError::path:
      return "a path is outside /task, has a control character, is given twice, is below another file, or is the "
             "program's path";
    case OrderError::limits: return "a limit is outside the range of sandbox limits";
    case OrderError::replicas:
      return "the quorum must be from 1 to the number of replicas (at most 15), and only deterministic tasks may have "
             "replicas";
    case OrderError::need: return "the need is not a list of conditions joined by commas";
    case OrderError::host: return "a host must be HOST:PORT";
  }
  return "the task is invalid";
}

std::string_view name(ReadError error) {
  switch (error) {
    case ReadError::malformed: return "its format is invalid";
    case ReadError::lacks_work: return "its submitter's id lacks the proof of work of this network";
    case ReadError::bad_signature: return "its submitter's signature is invalid";
  }
  return "it is invalid";
}

std::optional<OrderError> fault(const Order& order) {
  if (const auto wrong = size_fault(order)) return wrong;
  if (!are_paths(order.inputs, [](const Input& one) -> const std::string& { return one.path; }) ||
      !are_paths(order.outputs, [](const std::string& one) -> const std::string& { return one; }))
    return OrderError::path;
  const auto is_program = [](const Input& one) {
    return one.path == kProgramName || one.path.starts_with(std::string(kProgramName) + '/');
  };
  if (std::ranges::any_of(order.inputs, is_program) || has_file_below_file(order.inputs)) return OrderError::path;
  if (!can_be_kept(order.limits)) return OrderError::limits;
  if (order.replicas == 0 || order.replicas > kReplicasMax || order.quorum == 0 || order.quorum > order.replicas ||
      (order.replicas > 1 && !order.deterministic))
    return OrderError::replicas;
  if (!order.need.empty() && !registry::need_typed(order.need)) return OrderError::need;
  if (!std::ranges::all_of(order.hosts, is_host) ||
      std::ranges::adjacent_find(order.hosts, std::greater_equal<>()) != order.hosts.end())
    return OrderError::host;
  if (encode(order).size() + crypto::Signature::kBytes > kOrderBytesMax) return OrderError::size;
  return std::nullopt;
}

Bytes encode(const Order& order) {
  Bytes out;
  base::append(out, base::as_bytes(kMark));
  base::append(out, order.submitter.view());
  base::append_number(out, order.submitter_nonce);
  base::append(out, order.nonce.view());
  base::append(out, order.program.view());
  append_texts(out, order.arguments);
  append_maybe(out, order.standard_input);
  base::append_number(out, static_cast<std::uint16_t>(order.inputs.size()));
  for (const Input& input : order.inputs) {
    base::append(out, input.content.view());
    append_text(out, input.path);
  }
  append_texts(out, order.outputs);
  append_maybe(out, order.root);
  append_texts(out, order.hosts);
  append(out, order.limits);
  append_text(out, order.need);
  for (const std::uint8_t number :
       {order.priority, order.replicas, order.quorum, std::uint8_t{order.deterministic}, order.retries})
    out.push_back(number);
  base::append_number(out, order.queue_max_s);
  append_maybe_number(out, order.price_max);
  out.push_back(static_cast<std::uint8_t>(order.payment));
  append_maybe(out, order.after);
  append_maybe_number(out, order.index);
  return out;
}

TaskId id_of(const Order& order) { return *TaskId::from(crypto::sha256(encode(order)).view()); }

Bytes sign(const Order& order, const crypto::SecretKey& key) {
  Bytes out = encode(order);
  base::append(out, key.sign(out).view());
  return out;
}

Nonce nonce_of(const base::PublicKey& submitter, std::string_view request) {
  const auto hash = crypto::sha256(base::as_bytes(kRequestMark), submitter.view(), base::as_bytes(request));
  return *Nonce::from(hash.view().first(Nonce::kBytes));
}

std::optional<Order> decode(base::ByteView bytes) {
  if (bytes.size() > kOrderBytesMax) return std::nullopt;
  FieldReader from(bytes);
  if (base::as_text(from.take(kMark.size())) != kMark) return std::nullopt;
  Order out;
  out.submitter = from.fixed<base::PublicKey>();
  out.submitter_nonce = from.number<std::uint32_t>();
  out.nonce = from.fixed<Nonce>();
  out.program = from.fixed<Cid>();
  out.arguments = read_texts(from, kArgumentsMax);
  out.standard_input = read_maybe<Cid>(from);
  const std::size_t inputs = from.number<std::uint16_t>();
  if (inputs > kInputsMax) from.fail();
  for (std::size_t i = 0; i < inputs && from.ok(); ++i) {
    const auto content = from.fixed<Cid>();
    out.inputs.push_back({content, read_text(from)});
  }
  out.outputs = read_texts(from, kOutputsMax);
  out.root = read_maybe<Cid>(from);
  out.hosts = read_texts(from, kHostsMax);
  out.limits = read_limits(from);
  out.need = read_text(from);
  out.priority = from.number<std::uint8_t>();
  out.replicas = from.number<std::uint8_t>();
  out.quorum = from.number<std::uint8_t>();
  const auto deterministic = from.number<std::uint8_t>();
  out.deterministic = deterministic == 1;
  out.retries = from.number<std::uint8_t>();
  out.queue_max_s = from.number<std::uint32_t>();
  out.price_max = read_maybe_number<std::uint64_t>(from);
  const auto payment = from.number<std::uint8_t>();
  out.payment = static_cast<Payment>(payment);
  out.after = read_maybe<TaskId>(from);
  out.index = read_maybe_number<std::uint32_t>(from);
  const bool known = deterministic <= 1 && payment <= static_cast<std::uint8_t>(Payment::escrow);
  if (!from.ended() || !known || fault(out)) return std::nullopt;
  return out;
}

base::Result<Order, ReadError> read_order(base::ByteView bytes, unsigned work_bits) {
  if (bytes.size() > kOrderBytesMax) return ReadError::malformed;
  FieldReader whole(bytes);
  const base::ByteView body = whole.all_but(crypto::Signature::kBytes);
  const auto signature = whole.fixed<crypto::Signature>();
  auto out = whole.ok() ? decode(body) : std::nullopt;
  if (!out) return ReadError::malformed;
  if (!crypto::check(out->submitter, out->submitter_nonce, work_bits)) return ReadError::lacks_work;
  if (!crypto::verify(out->submitter, body, signature)) return ReadError::bad_signature;
  return std::move(*out);
}

Order member_of(const Order& array, std::uint32_t index) {
  Order out = array;
  out.index = index;
  Bytes number;
  base::append_number(number, index);
  const auto hash = crypto::sha256(base::as_bytes(kMemberMark), array.nonce.view(), number);
  out.nonce = *Nonce::from(hash.view().first(Nonce::kBytes));
  for (std::string& argument : out.arguments)
    for (auto at = argument.find(kIndexWord); at != std::string::npos; at = argument.find(kIndexWord, at))
      argument.replace(at, kIndexWord.size(), std::to_string(index));
  return out;
}

}  // namespace troupe::task
