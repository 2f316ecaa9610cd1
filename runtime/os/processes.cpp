#include "runtime/os/processes.hpp"

#include "runtime/os/process_loop.hpp"

namespace troupe::os {
namespace {

/// The process as its owner has it.
class OwnedProcess final : public ports::Process {
 public:
  OwnedProcess(std::shared_ptr<ProcessLoop> loop, std::uint64_t number) : loop_(std::move(loop)), number_(number) {}
  ~OwnedProcess() override { loop_->drop(number_); }
  OwnedProcess(const OwnedProcess&) = delete;
  OwnedProcess& operator=(const OwnedProcess&) = delete;

  void grant(std::size_t bytes) override { loop_->grant(number_, bytes); }
  void end(std::optional<sandbox::Limit> limit) override { loop_->end(number_, limit); }

 private:
  std::shared_ptr<ProcessLoop> loop_;
  std::uint64_t number_;
};

}  // namespace

Processes::Processes(std::optional<sandbox::Launcher> launcher, const ports::Clock& clock, std::size_t running_max)
    : loop_(std::make_shared<ProcessLoop>(std::move(launcher), clock, running_max)) {}

Processes::~Processes() { loop_->close(); }

std::unique_ptr<ports::Process> Processes::start(ports::ProcessStart what, const runtime::Handle& owner) {
  return std::make_unique<OwnedProcess>(loop_, loop_->start(std::move(what), owner));
}

}  // namespace troupe::os
