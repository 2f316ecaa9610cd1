#include "runtime/ports/disk.hpp"

namespace troupe::ports {

std::string_view name(DiskError error) {
  switch (error) {
    case DiskError::not_found: return "no such file";
    case DiskError::exists: return "the file exists already";
    case DiskError::no_space: return "no space left on the device";
    case DiskError::denied: return "not permitted";
    case DiskError::locked: return "held by another process";
    case DiskError::io: return "the device failed";
  }
  return "the device failed";
}

}  // namespace troupe::ports
