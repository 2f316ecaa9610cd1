#include "runtime/os/chance.hpp"

#include <sys/random.h>

#include <cerrno>

#include "runtime/base/ensure.hpp"

namespace troupe::os {

void Chance::fill(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    const ssize_t got = getrandom(out.data(), out.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    base::ensure(got > 0, "the kernel gives random bytes");
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

}  // namespace troupe::os
