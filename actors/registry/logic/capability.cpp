#include "actors/registry/logic/capability.hpp"

#include <algorithm>
#include <charconv>

namespace troupe::registry {
namespace {

enum Kind : std::uint8_t { kFlag, kNumber, kText, kTexts };

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Returns the bits by which K M G T shift, or nullopt for another letter.
std::optional<unsigned> shift_of(char unit) {
  switch (unit) {
    case 'K': return 10;
    case 'M': return 20;
    case 'G': return 30;
    case 'T': return 40;
    default: return std::nullopt;
  }
}

bool is_value(const Capability& one) {
  if (const auto* text = std::get_if<std::string>(&one.value)) return is_text(*text);
  if (const auto* texts = std::get_if<Texts>(&one.value))
    return texts->size() <= kTextsMax && std::ranges::all_of(*texts, is_text) &&
           std::ranges::adjacent_find(*texts, std::greater_equal<>()) == texts->end();
  return true;
}

void append_text(base::Bytes& out, std::string_view text) {
  out.push_back(static_cast<std::uint8_t>(text.size()));
  base::append(out, base::as_bytes(text));
}

std::string read_text(base::FieldReader& from, std::size_t most) {
  const std::size_t size = from.number<std::uint8_t>();
  if (size > most) from.fail();
  return std::string(base::as_text(from.take(from.ok() ? size : 0)));
}

bool equals(const Capability& one, const Condition& wanted) {
  if (const auto* number = std::get_if<std::uint64_t>(&one.value)) return wanted.number && *number == *wanted.number;
  if (const auto* text = std::get_if<std::string>(&one.value)) return *text == wanted.text;
  if (const auto* texts = std::get_if<Texts>(&one.value)) return std::ranges::find(*texts, wanted.text) != texts->end();
  return wanted.text == "true";
}

bool holds(const Capability* one, const Condition& wanted) {
  if (one == nullptr) return wanted.how == Compare::unequal;
  if (wanted.how == Compare::there) return true;
  if (wanted.how == Compare::equal) return equals(*one, wanted);
  if (wanted.how == Compare::unequal) return !equals(*one, wanted);
  const auto* number = std::get_if<std::uint64_t>(&one->value);
  if (number == nullptr || !wanted.number) return false;
  switch (wanted.how) {
    case Compare::at_least: return *number >= *wanted.number;
    case Compare::at_most: return *number <= *wanted.number;
    case Compare::above: return *number > *wanted.number;
    default: return *number < *wanted.number;
  }
}

std::optional<Condition> condition_typed(std::string_view text) {
  constexpr std::pair<std::string_view, Compare> kOperators[] = {{">=", Compare::at_least}, {"<=", Compare::at_most},
                                                                 {"!=", Compare::unequal},  {"=", Compare::equal},
                                                                 {">", Compare::above},     {"<", Compare::below}};
  const std::size_t at = text.find_first_of("<>!=");
  Condition out{.name = std::string(text.substr(0, at)), .how = Compare::there, .text = {}, .number = {}};
  if (!is_name(out.name)) return std::nullopt;
  if (at == std::string_view::npos) return out;
  for (const auto& [sign, how] : kOperators) {
    if (!text.substr(at).starts_with(sign)) continue;
    out.how = how;
    out.text = text.substr(at + sign.size());
    out.number = number_of(out.text);
    const bool any = how == Compare::equal || how == Compare::unequal;
    return is_text(out.text) && (any || out.number) ? std::optional(out) : std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= kNameBytesMax && is_lower(text.front()) &&
         std::ranges::all_of(text,
                             [](char c) { return is_lower(c) || is_digit(c) || c == '_' || c == '.' || c == '-'; });
}

bool is_text(std::string_view text) {
  return !text.empty() && text.size() <= kTextBytesMax &&
         std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~' && c != ','; });
}

std::optional<std::uint64_t> number_of(std::string_view text) {
  const unsigned shift = text.empty() ? 0 : shift_of(text.back()).value_or(0);
  if (shift > 0) text.remove_suffix(1);
  std::uint64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  constexpr std::uint64_t kMost = INT64_MAX;
  if (error != std::errc() || end != text.data() + text.size() || out > kMost >> shift) return std::nullopt;
  return out << shift;
}

bool in_order(const Capabilities& all) {
  std::size_t texts = 0;
  for (const Capability& one : all)
    if (const auto* list = std::get_if<Texts>(&one.value)) texts += list->size();
  return all.size() <= kCapabilitiesMax && texts <= kTextsInAllMax &&
         std::ranges::all_of(all, [](const Capability& one) { return is_name(one.name) && is_value(one); }) &&
         std::ranges::adjacent_find(all, std::greater_equal<>(), &Capability::name) == all.end();
}

std::optional<Capability> capability_typed(std::string_view text) {
  const std::size_t at = text.find('=');
  Capability out{.name = std::string(text.substr(0, at)), .value = Flag{}};
  if (!is_name(out.name) || std::ranges::find(kMeasured, out.name) != std::end(kMeasured)) return std::nullopt;
  if (at == std::string_view::npos) return out;
  const std::string_view value = text.substr(at + 1);
  if (const auto number = number_of(value)) out.value = *number;
  else out.value = std::string(value);
  return is_value(out) ? std::optional(out) : std::nullopt;
}

void put(Capabilities& all, Capability one) {
  const auto at = std::ranges::lower_bound(all, one.name, {}, &Capability::name);
  if (at != all.end() && at->name == one.name) *at = std::move(one);
  else all.insert(at, std::move(one));
}

void append(base::Bytes& out, const Capabilities& all) {
  out.push_back(static_cast<std::uint8_t>(all.size()));
  for (const Capability& one : all) {
    append_text(out, one.name);
    out.push_back(static_cast<std::uint8_t>(one.value.index()));
    if (const auto* number = std::get_if<std::uint64_t>(&one.value)) base::append_number(out, *number);
    if (const auto* text = std::get_if<std::string>(&one.value)) append_text(out, *text);
    if (const auto* texts = std::get_if<Texts>(&one.value)) {
      out.push_back(static_cast<std::uint8_t>(texts->size()));
      for (const std::string& text : *texts) append_text(out, text);
    }
  }
}

Capabilities read_capabilities(base::FieldReader& from) {
  Capabilities out;
  const std::size_t count = from.number<std::uint8_t>();
  if (count > kCapabilitiesMax) from.fail();
  for (std::size_t i = 0; i < count && from.ok(); ++i) {
    Capability one{.name = read_text(from, kNameBytesMax), .value = Flag{}};
    switch (from.number<std::uint8_t>()) {
      case kFlag: break;
      case kNumber: one.value = from.number<std::uint64_t>(); break;
      case kText: one.value = read_text(from, kTextBytesMax); break;
      case kTexts: {
        Texts texts;
        const std::size_t size = from.number<std::uint8_t>();
        if (size > kTextsMax) from.fail();
        for (std::size_t j = 0; j < size && from.ok(); ++j) texts.push_back(read_text(from, kTextBytesMax));
        one.value = std::move(texts);
        break;
      }
      default: from.fail();
    }
    out.push_back(std::move(one));
  }
  if (!in_order(out)) from.fail();
  return from.ok() ? out : Capabilities{};
}

std::optional<Need> need_typed(std::string_view text) {
  Need out;
  while (true) {
    const std::size_t at = text.find(',');
    auto one = condition_typed(text.substr(0, at));
    if (!one || out.size() == kNeedsMax) return std::nullopt;
    out.push_back(std::move(*one));
    if (at == std::string_view::npos) return out;
    text.remove_prefix(at + 1);
  }
}

const Capability* find(const Capabilities& all, std::string_view name) {
  const auto at = std::ranges::lower_bound(all, name, {}, &Capability::name);
  return at == all.end() || at->name != name ? nullptr : &*at;
}

std::uint64_t number(const Capabilities& all, std::string_view name) {
  const Capability* const one = find(all, name);
  const auto* const value = one == nullptr ? nullptr : std::get_if<std::uint64_t>(&one->value);
  return value == nullptr ? 0 : *value;
}

const Condition* lacks(const Capabilities& all, const Need& need) {
  for (const Condition& wanted : need)
    if (!holds(find(all, wanted.name), wanted)) return &wanted;
  return nullptr;
}

}  // namespace troupe::registry
