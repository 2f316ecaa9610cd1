#pragma once
// Nodes in network namespaces of their own, joined by one in the middle, so that each can be cut off from all others.
//
// Needs   root, or what else may make such namespaces; else there is none, and `why` says so.
// Address of node i is 10.77.i.2.
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "tests/cluster/program.hpp"

namespace troupe::test {

class Streets {
 public:
  explicit Streets(const Folder& folder) : folder_(folder) {
    middle_ = std::make_unique<Program>(
        std::vector<std::string>{}, folder / "middle",
        std::vector<std::string>{"/usr/bin/unshare", "-n", "/bin/sh", "-c", "exec sleep 3600"});
    there_ = until([this] { return in_namespace(middle_->process()) || middle_->ended(); }) && !middle_->ended() &&
             perform(in(middle_->process()) +
                     "sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward && ip link add one type "
                     "veth peer name other && ip link del one'");
  }
  bool there() const { return there_; }

  /// What becomes node `number`: in a namespace of its own, and once its street is there.
  std::vector<std::string> before(std::size_t number) const {
    return {"/usr/bin/unshare", "-n", "/bin/sh", "-c",
            "until [ -e " + mark(number) + " ]; do sleep 0.01; done; rm " + mark(number) + "; exec \"$0\" \"$@\""};
  }
  static std::string address(std::size_t number) { return "10.77." + std::to_string(number) + ".2:7000"; }

  /// Builds the street of a process that waits for it.
  bool join(std::size_t number, const Program& node) {
    if (!until([&] { return in_namespace(node.process()); })) return false;
    const std::string name = street(number), net = "10.77." + std::to_string(number);
    perform(in(middle_->process()) + "ip link del " + name);  // that of an earlier process, unless it is gone
    const bool built =
        perform(in(middle_->process()) + "ip link add " + name + " type veth peer name home netns " +
                std::to_string(node.process())) &&
        perform(in(middle_->process()) + "sh -c 'ip addr add " + net + ".1/24 dev " + name + "; ip link set " + name +
                " up'") &&
        perform(in(node.process()) + "sh -c 'ip addr add " + net + ".2/24 dev home; ip link set home up; ip link set " +
                "lo up; ip route add default via " + net + ".1'");
    std::ofstream(mark(number)) << "built\n";
    return built;
  }
  bool cut(std::size_t number) { return perform(in(middle_->process()) + "ip link set " + street(number) + " down"); }
  bool heal(std::size_t number) { return perform(in(middle_->process()) + "ip link set " + street(number) + " up"); }

 private:
  static std::string street(std::size_t number) { return "street" + std::to_string(number); }
  std::string mark(std::size_t number) const { return folder_ / ("street" + std::to_string(number)); }
  static std::string in(pid_t process) { return "nsenter -t " + std::to_string(process) + " -n "; }
  static bool perform(const std::string& command) { return std::system((command + " >/dev/null 2>&1").c_str()) == 0; }
  static bool in_namespace(pid_t process) {
    std::error_code none;
    const auto own = std::filesystem::read_symlink("/proc/self/ns/net", none);
    const auto its = std::filesystem::read_symlink("/proc/" + std::to_string(process) + "/ns/net", none);
    return !its.empty() && its != own;
  }

  const Folder& folder_;
  std::unique_ptr<Program> middle_;
  bool there_ = false;
};

}  // namespace troupe::test
