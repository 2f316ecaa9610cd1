#include "apps/cli/json_read.hpp"

#include <cstdint>

#include "runtime/base/bytes.hpp"

namespace troupe::apps {
namespace {

class JsonReader {
 public:
  JsonReader(std::string_view text, std::size_t values_max) : rest_(text), left_(values_max) {}

  std::optional<JsonValue> whole() {
    JsonValue out;
    if (!value(out, 0)) return std::nullopt;
    blanks();
    if (!rest_.empty()) return std::nullopt;
    return out;
  }

 private:
  void blanks() {
    while (!rest_.empty() && std::string_view(" \t\r\n").find(rest_.front()) != std::string_view::npos)
      rest_.remove_prefix(1);
  }
  bool take(std::string_view what) {
    if (!rest_.starts_with(what)) return false;
    rest_.remove_prefix(what.size());
    return true;
  }
  /// Consumes the next character that is not a blank.
  bool mark(char c) {
    blanks();
    return take({&c, 1});
  }

  bool value(JsonValue& out, std::size_t depth) {
    if (depth > kJsonDepthMax || left_-- == 0) return false;
    blanks();
    if (take("null")) return true;
    for (const std::string_view word : {"true", "false"})
      if (take(word)) return out = {JsonValue::Kind::truth, std::string(word)}, true;
    if (rest_.starts_with('"')) return out.kind = JsonValue::Kind::text, text(out.text);
    if (take("[")) return list(out, depth);
    if (take("{")) return object(out, depth);
    return number(out);
  }
  bool list(JsonValue& out, std::size_t depth) {
    out.kind = JsonValue::Kind::list;
    if (mark(']')) return true;
    do {
      if (!value(out.items.emplace_back(), depth + 1)) return false;
    } while (mark(','));
    return mark(']');
  }
  bool object(JsonValue& out, std::size_t depth) {
    out.kind = JsonValue::Kind::object;
    if (mark('}')) return true;
    do {
      auto& [name, field] = out.fields.emplace_back();
      blanks();
      if (!text(name) || !mark(':') || !value(field, depth + 1)) return false;
    } while (mark(','));
    return mark('}');
  }
  bool number(JsonValue& out) {
    const auto end = std::min(rest_.find_first_not_of("+-.0123456789eE"), rest_.size());
    if (end == 0) return false;
    out = {JsonValue::Kind::number, std::string(rest_.substr(0, end))};
    rest_.remove_prefix(end);
    return true;
  }
  bool text(std::string& out) {
    if (!take("\"")) return false;
    while (!rest_.empty()) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') return true;
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c != '\\') out += c;
      else if (!escape(out)) return false;
    }
    return false;
  }
  bool escape(std::string& out) {
    if (rest_.empty()) return false;
    const char c = rest_.front();
    rest_.remove_prefix(1);
    constexpr std::string_view kNames = "\"\\/bfnrt", kMeant = "\"\\/\b\f\n\r\t";
    if (const auto at = kNames.find(c); at != std::string_view::npos) return out += kMeant[at], true;
    if (c != 'u') return false;
    auto code = hex4();
    if (code && *code >= 0xd800 && *code < 0xdc00 && take("\\u")) {
      const auto low = hex4();
      if (!low || *low < 0xdc00 || *low > 0xdfff) return false;
      code = 0x10000 + ((*code - 0xd800) << 10) + (*low - 0xdc00);
    }
    return code && append(out, *code);
  }
  std::optional<std::uint32_t> hex4() {
    std::uint8_t bytes[2];
    if (rest_.size() < 4 || !base::parse_hex(rest_.substr(0, 4), bytes)) return std::nullopt;
    rest_.remove_prefix(4);
    return bytes[0] << 8 | bytes[1];
  }
  /// Appends a code point as UTF-8. Fails for half of a surrogate pair.
  static bool append(std::string& out, std::uint32_t code) {
    const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
    if (code >= 0xd800 && code < 0xe000) return false;
    if (code < 0x80) return put(code), true;
    if (code < 0x800) return put(0xc0 | code >> 6), put(0x80 | (code & 0x3f)), true;
    if (code < 0x10000) put(0xe0 | code >> 12);
    else put(0xf0 | code >> 18), put(0x80 | (code >> 12 & 0x3f));
    return put(0x80 | (code >> 6 & 0x3f)), put(0x80 | (code & 0x3f)), true;
  }

  std::string_view rest_;
  std::size_t left_;  // values that may follow
};

}  // namespace

const JsonValue* JsonValue::find(std::string_view name) const {
  for (const auto& [known, field] : fields)
    if (known == name) return &field;
  return nullptr;
}

std::optional<JsonValue> read_json(std::string_view text, std::size_t values_max) {
  return JsonReader(text, values_max).whole();
}

}  // namespace troupe::apps
