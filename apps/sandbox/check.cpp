// troupe sandbox check
#include "runtime/sandbox/check.hpp"

#include <algorithm>

#include "apps/cli/json.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/sandbox/sandbox.hpp"
#include "messages/output/sandbox.capnp.h"

namespace troupe::apps {
namespace {

using sandbox::Checked;

void print_json(std::ostream& out, const Checked& checked) {
  JsonLine<output::wire::SandboxChecked> line;
  line->setOk(checked.ok);
  auto rows = line->initChecks(static_cast<unsigned>(checked.checks.size()));
  for (unsigned i = 0; i < rows.size(); ++i) {
    rows[i].setName(checked.checks[i].name);
    rows[i].setOk(checked.checks[i].ok);
    rows[i].setDetail(checked.checks[i].detail);
  }
  if (const auto text = cgroup_text(checked.cgroup)) line->setCgroup(*text);
  line.print(out);
}

}  // namespace

Ending sandbox_check(const Invocation& invocation, Console& console) {
  console.out.flush();
  const Checked checked = sandbox::check();
  const auto failed = std::ranges::count_if(checked.checks, [](const auto& one) { return !one.ok; });
  if (invocation.globals.json) {
    print_json(console.out, checked);
    return checked.ok ? Exit::done : Exit::failed;
  }
  TextTable table({{"CHECK"}, {"OK"}, {"DETAIL"}});
  for (const auto& one : checked.checks) table.add({one.name, one.ok ? "yes" : "NO", one.detail});
  table.print(console.out);
  const auto cgroup = cgroup_text(checked.cgroup);
  console.out << "limits are enforced with "
              << (cgroup ? "cgroups " + *cgroup
                         : "resource limits and a check every 50 ms, because this user cannot create a cgroup")
              << '\n';
  if (checked.ok) return Exit::done;
  return Failure{{base::Code::refused, std::to_string(failed) + " of " + std::to_string(checked.checks.size()) +
                                           " checks failed: a sandbox is not secure on this machine"},
                 "nothing was changed",
                 "",
                 Exit::failed};
}

}  // namespace troupe::apps
