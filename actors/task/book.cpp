#include "actors/task/book.hpp"

#include "runtime/base/big_endian.hpp"
#include "runtime/base/fields.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::task {
namespace {

constexpr std::uint8_t kEntryFirst = 1, kEntryVersion = 2;
constexpr std::string_view kAnswerMark = "troupe answer v1";

void append_block(base::Bytes& out, base::ByteView bytes) {
  base::append_number(out, static_cast<std::uint32_t>(bytes.size()));
  base::append(out, bytes);
}

void append_part(base::Bytes& out, const Part& part) {
  base::append_number(out, part.output);
  base::append_number(out, part.bytes);
  base::append(out, part.digest.view());
}

}  // namespace

base::Bytes Entry::encode() const {
  base::Bytes out{kEntryVersion};
  append_block(out, signed_order);
  append_block(out, task.encode());
  base::append_number(out, text_bytes);
  out.push_back(static_cast<std::uint8_t>(parts.size()));
  for (const auto& [token, all] : parts) {
    base::append_number(out, token);
    out.push_back(static_cast<std::uint8_t>(all.size()));
    for (const Part& part : all) append_part(out, part);
  }
  out.push_back(static_cast<std::uint8_t>(debt));
  return out;
}

std::optional<Entry> Entry::decode(base::ByteView row) {
  base::FieldReader from(row);
  const auto version = from.number<std::uint8_t>();
  if (version != kEntryFirst && version != kEntryVersion) return std::nullopt;
  const base::ByteView order_bytes = from.take(from.number<std::uint32_t>());
  const base::ByteView task_bytes = from.take(from.number<std::uint32_t>());
  if (!from.ok() || order_bytes.size() < crypto::Signature::kBytes) return std::nullopt;
  auto order = task::decode(order_bytes.first(order_bytes.size() - crypto::Signature::kBytes));
  if (!order) return std::nullopt;
  auto task = Task::decode(*order, task_bytes);
  if (!task) return std::nullopt;
  Entry out{
      .order = std::move(*order), .signed_order = {order_bytes.begin(), order_bytes.end()}, .task = std::move(*task)};
  out.text_bytes = from.number<std::uint64_t>();
  const std::size_t attempts = from.number<std::uint8_t>();
  for (std::size_t i = 0; i < attempts && from.ok(); ++i) {
    const auto token = from.number<std::uint64_t>();
    Parts& parts = out.parts[token];
    const std::size_t count = from.number<std::uint8_t>();
    for (std::size_t j = 0; j < count && from.ok(); ++j) {
      Part part;
      part.output = from.number<std::uint16_t>();
      part.bytes = from.number<std::uint64_t>();
      part.digest = from.fixed<base::Digest>();
      parts.push_back(part);
    }
  }
  if (version == kEntryVersion) {
    const auto debt = from.number<std::uint8_t>();
    if (debt > static_cast<std::uint8_t>(Debt::settled)) return std::nullopt;
    out.debt = static_cast<Debt>(debt);
  }
  return from.ended() ? std::optional(std::move(out)) : std::nullopt;
}

Answer answer_of(const Ended& how, const Parts& parts) {
  base::Bytes said;
  base::append(said, base::as_bytes(kAnswerMark));
  base::append_number(said, static_cast<std::uint32_t>(how.exit_status.value_or(-1)));
  base::append_number(said, static_cast<std::uint32_t>(how.signal.value_or(-1)));
  said.push_back(how.limit ? static_cast<std::uint8_t>(*how.limit) : std::uint8_t{0xff});
  for (const Part& part : parts) append_part(said, part);
  return *Answer::from(crypto::sha256(said).view());
}

base::Bytes task_key(const TaskId& id) {
  base::Bytes out{kTaskRow};
  base::append(out, id.view());
  return out;
}

base::Bytes record_key(const base::NodeId& node) {
  base::Bytes out{kRecordRow};
  base::append(out, node.view());
  return out;
}

base::Bytes array_key(const TaskId& id) {
  base::Bytes out{kArrayRow};
  base::append(out, id.view());
  return out;
}

base::Bytes text_prefix(const TaskId& id) { return {id.bytes.begin(), id.bytes.end()}; }

base::Bytes text_prefix(const TaskId& id, std::uint64_t token) {
  base::Bytes out = text_prefix(id);
  base::append_big_endian(out, token);
  return out;
}

base::Bytes text_key(const TaskId& id, std::uint64_t token, std::uint32_t number) {
  base::Bytes out = text_prefix(id, token);
  base::append_big_endian(out, number);
  return out;
}

base::Bytes encode(const Text& text) {
  base::Bytes out;
  base::append_number(out, text.part);
  base::append_number(out, text.unix_ms);
  base::append(out, text.bytes);
  return out;
}

std::optional<Text> decode_text(base::ByteView row) {
  base::FieldReader from(row);
  Text out;
  out.part = from.number<std::uint16_t>();
  out.unix_ms = from.number<std::uint64_t>();
  out.bytes = from.rest();
  return from.ok() ? std::optional(out) : std::nullopt;
}

}  // namespace troupe::task
