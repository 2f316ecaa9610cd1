#include "runtime/sim/fault.hpp"

#include <algorithm>
#include <array>

#include "runtime/base/ensure.hpp"

namespace troupe::sim {
namespace {

using enum FaultKind;

constexpr std::array<FaultSpec, kFaultKinds> kSpecs{{
    {cut, "cut", "nothing is delivered from one node to another", true, true, true},
    {partition, "partition", "two groups of nodes cannot communicate", false, false, true, Amount::set},
    {deafen, "deafen", "messages from one group of nodes reach no other node", false, false, true, Amount::set},
    {clog, "clog", "one direction between two nodes takes longer", true, true, true, Amount::number, 50'000, 5'000'000},
    {swizzle, "swizzle", "links clog one by one and open in another order", false, false, true, Amount::set},
    {narrow, "narrow", "one direction between two nodes carries few bytes per second", true, true, true, Amount::number,
     2'000, 200'000},
    {reset, "reset", "the streams between two nodes end in the middle of a message", true, true, false},
    {half_open, "half-open", "streams end at one side, unnoticed by the other side", true, true, false},
    {flip, "flip", "one bit changes in flight", true, true, false},
    {kill, "kill", "the process ends and starts again", true, false, true},
    {power, "power", "the power fails during disk operations", true, false, true, Amount::number, 0, 200},
    {pause, "pause", "no actor of a node runs for a while", true, false, true},
    {slow, "slow", "a node rests after each millisecond of work", true, false, true, Amount::number, 500, 50'000},
    {break_actor, "break-actor", "an actor breaks at a message, and is restarted", true, false, false, Amount::number,
     1, 2'000},
    {disk_full, "disk-full", "a disk has no free space", true, false, true, Amount::number, 0, 200'000},
    {disk_read, "disk-read", "one read fails", true, false, false, Amount::number, 0, 100},
    {disk_write, "disk-write", "one write fails half way", true, false, false, Amount::number, 0, 100},
    {disk_sync, "disk-sync", "one sync fails", true, false, false, Amount::number, 0, 50},
    {disk_slow, "disk-slow", "each operation of a disk takes longer", true, false, true, Amount::number, 100, 20'000},
    {disk_rot, "disk-rot", "one byte on a disk changes", true, false, false, Amount::number, 0, 1'000'000'000, true},
    {disk_empty, "disk-empty", "a node starts again on an empty disk", true, false, true, Amount::none, 0, 0, true},
    {disk_swap, "disk-swap", "two nodes start again on each other's disks", true, true, true},
    {disk_gone, "disk-gone", "the directory of a running node is removed, then it starts on an empty disk", true, false,
     true, Amount::none, 0, 0, true},
    {disk_cut, "disk-cut", "a log loses its end while its node is down", true, false, true, Amount::number, 0, 999,
     true},
    {disk_older, "disk-older", "a node starts again on an older copy of its disk", true, false, true, Amount::none, 0,
     0, true},
    {disk_lie, "disk-lie", "syncs do nothing, then the power fails", true, false, true, Amount::none, 0, 0, true, true},
    {clock_step, "clock-step", "the date of a node jumps", true, false, false, Amount::number, -3'600'000, 3'600'000},
    {clock_off, "clock-off", "the date of a node is wrong by up to a day, then corrected", true, false, true,
     Amount::number, -86'400'000, 86'400'000},
    {udp_loss, "datagram-loss", "some datagrams never arrive", false, false, true, Amount::number, 1'000, 300'000},
    {udp_twice, "datagram-twice", "some datagrams arrive twice", false, false, true, Amount::number, 1'000, 300'000},
    {udp_late, "datagram-late", "some datagrams arrive after later datagrams", false, false, true, Amount::number,
     1'000, 300'000},
}};

}  // namespace

std::span<const FaultSpec> fault_specs() { return kSpecs; }

const FaultSpec& spec(FaultKind what) {
  const FaultSpec& found = kSpecs[static_cast<std::size_t>(what)];
  base::ensure(found.what == what, "the specs of faults are in the order of their kinds");
  return found;
}

std::optional<FaultKind> fault_kind(std::string_view name) {
  const auto found = std::find_if(kSpecs.begin(), kSpecs.end(), [&](const FaultSpec& one) { return one.name == name; });
  if (found == kSpecs.end()) return std::nullopt;
  return found->what;
}

}  // namespace troupe::sim
