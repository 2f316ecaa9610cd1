#pragma once
namespace troupe::os {

/// Whether the other end of a pipe, socket or terminal is gone, so that nobody reads. Always false for a file. Does not
/// block.
bool reader_is_gone(int descriptor);

}  // namespace troupe::os
