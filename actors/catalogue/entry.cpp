#include "actors/catalogue/api.hpp"
#include "runtime/base/fields.hpp"
#include "runtime/base/text.hpp"

namespace troupe::catalogue {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kNameBytesMax = 255;  // messages/files.capnp

std::string prefix(const char* what) { return std::string(1, raft::kReservedKeys) + what + '/'; }

/// Returns the part after `prefix`, if it has that many bytes.
std::optional<std::string_view> behind(std::string_view key, const std::string& prefix, std::size_t bytes) {
  if (!key.starts_with(prefix) || key.size() != prefix.size() + bytes) return std::nullopt;
  return key.substr(prefix.size());
}

}  // namespace

std::string entry_prefix() { return prefix("file"); }
std::string held_prefix() { return prefix("held"); }

std::string entry_key(const files::Cid& cid) { return entry_prefix() + std::string(base::as_text(cid.view())); }
std::string held_key(const files::Cid& cid, const base::NodeId& node) {
  return held_prefix() + std::string(base::as_text(cid.view())) + std::string(base::as_text(node.view()));
}

std::optional<files::Cid> read_entry_key(std::string_view key) {
  const auto rest = behind(key, entry_prefix(), files::Cid::kBytes);
  return rest ? files::Cid::from(base::as_bytes(*rest)) : std::nullopt;
}
std::optional<Held> read_held_key(std::string_view key) {
  const auto rest = behind(key, held_prefix(), files::Cid::kBytes + base::NodeId::kBytes);
  if (!rest) return std::nullopt;
  const auto bytes = base::as_bytes(*rest);
  return Held{*files::Cid::from(bytes.first(files::Cid::kBytes)),
              *base::NodeId::from(bytes.subspan(files::Cid::kBytes))};
}

base::Bytes encode(const Entry& entry) {
  base::Bytes out{kVersion, entry.pinned};
  base::append_number(out, entry.bytes);
  out.insert(out.end(), entry.name.begin(), entry.name.end());
  return out;
}

std::optional<Entry> decode_entry(base::ByteView bytes) {
  constexpr std::size_t kHead = 2 + sizeof(std::uint64_t);
  if (bytes.size() < kHead || bytes.size() > kHead + kNameBytesMax || bytes[0] != kVersion || bytes[1] > 1)
    return std::nullopt;
  const std::string_view name = base::as_text(bytes.subspan(kHead));
  if (!base::is_utf8(name)) return std::nullopt;
  return Entry{std::string(name), base::load<std::uint64_t>(bytes.subspan(2)), bytes[1] == 1};
}

base::Bytes encode_held(bool adopted) { return {kVersion, adopted}; }

std::optional<bool> decode_held(base::ByteView bytes) {
  if (bytes.size() != 2 || bytes[0] != kVersion || bytes[1] > 1) return std::nullopt;
  return bytes[1] == 1;
}

}  // namespace troupe::catalogue
