#include "actors/audit/logic/record.hpp"

#include <charconv>

#include "runtime/base/text.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::audit {
namespace {

constexpr std::string_view kHash = ",\"hash\":\"", kPrev = ",\"prev\":\"", kEnd = "\"}";
constexpr std::size_t kHexBytes = 2 * base::Digest::kBytes;

void add(std::string& line, std::string_view name, std::string_view value) {
  line.append(",\"").append(name).append("\":").append(base::quoted(base::shortened(value, kPartBytesMax)));
}

/// Takes `what` from the front; returns false if the text does not begin with it.
bool take(std::string_view& text, std::string_view what) {
  if (!text.starts_with(what)) return false;
  text.remove_prefix(what.size());
  return true;
}

std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t out = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), out);
  if (read.ec != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
  return out;
}

/// Takes `before`, then 64 hexadecimal digits, from the end.
std::optional<base::Digest> take_hash(std::string_view& text, std::string_view before) {
  if (text.size() < before.size() + kHexBytes) return std::nullopt;
  const std::string_view digits = text.substr(text.size() - kHexBytes);
  const auto out = base::Digest::from_hex(digits);
  text.remove_suffix(kHexBytes);
  if (!out || out->hex() != digits || !text.ends_with(before)) return std::nullopt;  // a record has one form
  text.remove_suffix(before.size());
  return out;
}

}  // namespace

std::string encode(const Record& record, Mark& last) {
  std::string line = "{\"seq\":" + std::to_string(last.seq + 1) + ",\"time\":" + std::to_string(record.unix_ms);
  add(line, "key", record.key);
  add(line, "address", record.address);
  add(line, "command", record.command);
  add(line, "name", record.name);
  add(line, "purpose", record.purpose);
  line += ",\"status\":" + std::to_string(record.status);
  add(line, "rule", record.rule);
  line.append(kPrev).append(last.hash.hex()).append("\"");
  last = {last.seq + 1, crypto::sha256(base::as_bytes(line))};
  return line.append(kHash).append(last.hash.hex()).append(kEnd);
}

std::optional<Line> parse_line(std::string_view text) {
  if (text.size() > kLineBytesMax || !text.ends_with(kEnd)) return std::nullopt;
  text.remove_suffix(kEnd.size());
  Line out;
  const auto hash = take_hash(text, kHash);
  if (!hash || crypto::sha256(base::as_bytes(text)) != *hash || !text.ends_with('"')) return std::nullopt;
  text.remove_suffix(1);
  const auto prev = take_hash(text, kPrev);
  if (!prev || !take(text, "{\"seq\":")) return std::nullopt;
  const auto seq = take_number(text);
  if (!seq || *seq == 0 || !take(text, ",\"time\":")) return std::nullopt;
  const auto time = take_number(text);
  if (!time || !take(text, ",\"key\":\"")) return std::nullopt;
  out.key = text.substr(0, text.find('"'));  // a key with an escape is never asked for
  out.mark = {*seq, *hash};
  out.prev = *prev;
  out.unix_ms = *time;
  return out;
}

}  // namespace troupe::audit
