// troupe bench escrow
#include "apps/bench/command.hpp"

#include "apps/airdrop/bench/figures.hpp"
#include "apps/escrow/bench/figures.hpp"

namespace troupe::apps {
namespace {

Ending run_escrow(const Invocation& invocation, Console& console) {
  const auto span = bench::span_of(invocation);
  if (!span.ok()) return span.error();
  const std::string only = invocation.text("--only").value_or("");
  const auto wanted = [&only](std::string_view what) {
    return only.empty() || (',' + only + ',').find(',' + std::string(what) + ',') != std::string::npos;
  };
  os::Waker waker{SIGINT, SIGTERM};
  bench::Figures figures;
  const auto add = [&figures](bench::Measurement<bench::Figures> more) -> std::optional<Failure> {
    if (!more.ok()) return more.error();
    figures.insert(figures.end(), more.value().begin(), more.value().end());
    return std::nullopt;
  };
  const std::string rate = "escrow.rate_per_account=1000000", transfers = "wallet.transfers_per_account=100000000";
  const bool airdrop = wanted("airdrop.pay") || wanted("airdrop.verify");
  const bool asleep = wanted("escrow.asleep") || wanted("escrow.wake") || wanted("escrow.start");
  if (!wanted("escrow.transfer") && !wanted("escrow.whole") && !airdrop && !asleep)
    return usage_failure(
        "invalid --only: expected figures out of escrow.transfer, escrow.whole, escrow.asleep, escrow.wake, "
        "escrow.start, airdrop.pay, airdrop.verify",
        "troupe help bench escrow");
  // Each figure has its own nodes, which are started before this process creates a thread.
  const auto folder = bench::ScratchFolder::make(invocation.text("--dir").value_or(""));
  if (!folder.ok()) return folder.error();
  const auto group_folder = bench::ScratchFolder::make(invocation.text("--dir").value_or(""));
  if (!group_folder.ok()) return group_folder.error();
  const auto alone =
      bench::NodeProcesses::start(invocation.table(), *folder.value(), 1, {"ledger.book=self", rate, transfers});
  if (!alone.ok()) return alone.error();
  const auto group = bench::NodeProcesses::start(invocation.table(), *group_folder.value(), bench::kKvNodes,
                                                 {"ledger.book=group:bench", rate, transfers, bench::kNoTasks});
  if (!group.ok()) return group.error();
  const auto asleep_folder = bench::ScratchFolder::make(invocation.text("--dir").value_or(""));
  if (!asleep_folder.ok()) return asleep_folder.error();
  const auto sleeper = bench::NodeProcesses::start(invocation.table(), *asleep_folder.value(), 1, {"ledger.book=self"});
  if (!sleeper.ok()) return sleeper.error();
  const auto drop_folder = bench::ScratchFolder::make(invocation.text("--dir").value_or(""));
  if (!drop_folder.ok()) return drop_folder.error();
  const auto drop = bench::NodeProcesses::start(invocation.table(), *drop_folder.value(), 1,
                                                {"ledger.book=self", "airdrop.objections=1s"});
  if (!drop.ok()) return drop.error();
  if (wanted("escrow.transfer")) {
    bench::Runner runner(waker, *folder.value(), {});
    if (auto failed = add(bench::measure_transfers(waker, runner, *alone.value(), span.value()))) return *failed;
  }
  if (wanted("escrow.whole")) {
    bench::Runner runner(waker, *group_folder.value(), {});
    if (auto failed = add(bench::measure_escrows(waker, runner, *group.value(), span.value()))) return *failed;
  }
  if (asleep) {
    bench::Runner runner(waker, *asleep_folder.value(), {});
    if (auto failed = add(bench::measure_asleep(waker, runner, *sleeper.value()))) return *failed;
  }
  if (airdrop) {
    bench::Runner runner(waker, *drop_folder.value(), {});
    if (auto failed = add(bench::measure_airdrop(waker, runner, *drop.value()))) return *failed;
  }
  return bench::print(invocation, console, figures);
}

}  // namespace

Commands escrow_bench_commands() {
  return {{.name = "bench escrow",
           .summary = "Measure transfers, a million sleeping escrows and airdrops at a book, and escrows at a group, "
                      "with synced disks",
           .options = {bench::seconds_option(), bench::dir_option(), bench::only_option()},
           .run = run_escrow}};
}

}  // namespace troupe::apps
