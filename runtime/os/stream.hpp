#pragma once
// The near end of a connected descriptor. Until start() there is no broker and nothing is read, so that a silent or
// unwanted connection costs only its descriptor and this object.
#include <caf/io/scribe.hpp>
#include <memory>
#include <mutex>

#include "runtime/os/descriptor.hpp"
#include "runtime/os/links.hpp"
#include "runtime/os/orders.hpp"
#include "runtime/ports/network.hpp"

namespace troupe::os {

class Stream final : public ports::Stream {
 public:
  /// `scribe` is CAF's owner of a connected, non-blocking descriptor that belongs to no broker yet.
  Stream(std::shared_ptr<Links> links, std::shared_ptr<void> slot, caf::io::scribe_ptr scribe);
  ~Stream() override;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  void start(const runtime::Handle& owner) override;
  std::size_t write(base::Bytes bytes) override;
  void pause(bool paused) override;
  void close() override;
  void abandon() override;

 private:
  void close(Command how);
  caf::strong_actor_ptr broker() const;

  std::shared_ptr<Links> links_;
  mutable std::mutex mutex_;
  std::shared_ptr<void> slot_;      // passed to the broker
  caf::io::scribe_ptr scribe_;      // passed to the broker
  std::vector<base::Bytes> early_;  // written before start()
  caf::strong_actor_ptr broker_;
};

/// Returns a stream over a connected descriptor; it counts against the limit from here on.
std::shared_ptr<Stream> make_stream(const std::shared_ptr<Links>& links, Descriptor socket);

}  // namespace troupe::os
