#include "runtime/observe/audit.hpp"

#include <string>

#include "runtime/base/text.hpp"
#include "runtime/observe/date.hpp"

namespace troupe::observe {
namespace {

constexpr std::size_t kPartBytesMax = 512;  // a path has at most 255

}  // namespace

void Audit::write(std::string_view who, std::string_view act, std::string_view what, std::string_view outcome) {
  if (sink_ == nullptr) return;
  std::string line = R"({"at":")" + date_text(wall_()) + '"';
  const auto add = [&line](std::string_view name, std::string_view value) {
    line.append(",").append(base::quoted(name)).append(":").append(base::quoted(value.substr(0, kPartBytesMax)));
  };
  add("who", who);
  add("act", act);
  add("what", what);
  add("outcome", outcome);
  const bool kept = sink_->write(LogLevel::info, line + '}');
  if (!kept && log_ != nullptr)
    log_->warn("node", "the audit log could not be written", {{"act", act}, {"what", what}});
}

}  // namespace troupe::observe
