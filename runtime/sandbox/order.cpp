#include "runtime/sandbox/order.hpp"

#include <algorithm>
#include <cstring>

namespace troupe::sandbox {
namespace {

bool may_be_late(const Step& step) {
  using Kind = Step::Kind;
  return step.kind == Kind::folder || step.kind == Kind::file || step.kind == Kind::give || step.kind == Kind::bind;
}

void append_ended(base::Bytes& out, const std::string& text) {
  out.insert(out.end(), text.begin(), text.end());
  out.push_back(0);
}

bool whole(const std::string& text) { return text.find('\0') == text.npos; }

}  // namespace

std::optional<base::Bytes> write_order(const Spec& spec, std::span<const Step> steps,
                                       const std::vector<std::string>& paths) {
  const auto size = [](const auto& list) { return static_cast<std::uint32_t>(list.size()); };
  const OrderHead head{size(steps), size(paths), size(spec.command), size(spec.environment)};
  // Each list of names ends with a null pointer.
  if (steps.size() + paths.size() + spec.command.size() + spec.environment.size() + 4 > kOrderTextsMax ||
      std::ranges::count(steps, Step::Kind::bind, &Step::kind) > static_cast<std::ptrdiff_t>(kOrderTreesMax) ||
      !std::ranges::all_of(steps, may_be_late) || !whole(spec.directory))
    return std::nullopt;
  base::Bytes out(sizeof head);
  std::memcpy(out.data(), &head, sizeof head);
  append_ended(out, spec.directory);
  for (const Step& step : steps) append_ended(out, mark_of(step.kind) + step.to);
  for (const auto* list : {&paths, &spec.command, &spec.environment})
    for (const std::string& one : *list) {
      if (!whole(one)) return std::nullopt;
      append_ended(out, one);
    }
  if (out.size() > kOrderBytesMax) return std::nullopt;
  return out;
}

}  // namespace troupe::sandbox
