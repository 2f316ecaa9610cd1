// troupe reputation report
#include "apps/cli/json.hpp"
#include "apps/cli/node_id.hpp"
#include "apps/reputation/reputation.hpp"
#include "apps/wallet/typed.hpp"
#include "messages/codec.hpp"
#include "messages/output/reputation.capnp.h"
#include "runtime/base/text.hpp"

namespace troupe::apps {
namespace {

namespace rep = reputation::wire;

constexpr const char* kReportHelp = "troupe help reputation report";
constexpr std::chrono::seconds kReportDue{90};  // the registry is asked first

}  // namespace

Ending reputation_report(const Invocation& invocation, Console& console) {
  const std::string typed = *invocation.text("NODE"), event = *invocation.text("EVENT");
  const auto node = node_typed(typed);
  if (!node.ok()) return node.error();
  if (!reputation::is_kind(event))
    return usage_failure(
        "invalid event: expected at most 32 of a-z, 0-9 and _, got \"" + base::shortened(event, 80) + '"', kReportHelp);
  std::optional<std::int8_t> points;
  if (const auto delta = invocation.text("--delta")) {
    points = reputation::delta_typed(*delta);
    if (!points)
      return usage_failure(
          "invalid points: expected a whole number from -100 to 100, got \"" + base::shortened(*delta, 80) + '"',
          kReportHelp);
    if (reputation::fixed_delta(event))
      return usage_failure("the points of " + event + " are fixed: leave --delta out", kReportHelp);
  }
  std::optional<base::Digest> evidence;
  if (const auto cid = invocation.text("--evidence")) {
    evidence = base::Digest::from_hex(*cid);
    if (!evidence) return usage_failure("invalid content id: expected 64 hexadecimal digits", kReportHelp);
  }
  const auto request = wallets::request_typed(invocation);
  if (!request.ok()) return request.error();
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  auto answer =
      client.value()->ask<rep::Report, rep::Reported>(reputation::kPath, kReportDue, [&](rep::Report::Builder out) {
        out.setNode(data_of(node.value().view()));
        out.setEvent(event);
        if (points) out.getPoints().setGiven(*points);
        if (evidence) out.setEvidence(data_of(evidence->view()));
        out.setRequest(request.value());
      });
  if (!answer.ok()) {
    Failure why = answer.error();
    // The node knows its own rules; this command does not.
    if (why.error.code == base::Code::malformed) why.exit = Exit::usage;
    return why;
  }
  const auto told = answer.value().root();
  const auto points_of = [](std::uint32_t score) {
    return reputation::points(static_cast<reputation::Thousandths>(score));
  };
  if (invocation.globals.json) {
    JsonLine<output::wire::ReputationReported> line;
    line->setNode(data(node.value().view()));
    line->setEvent(event);
    line->setOld(static_cast<std::uint32_t>(points_of(told.getOld())));
    line->setNew(static_cast<std::uint32_t>(points_of(told.getNew())));
    line->setClamped(told.getClamped());
    line->setId(told.getId());
    line.print(console.out);
  } else {
    console.out << points_of(told.getOld()) << " -> " << points_of(told.getNew())
                << (told.getClamped() ? " (limited by the end of the scale)\n" : "\n");
  }
  return Exit::done;
}

}  // namespace troupe::apps
