#pragma once
namespace troupe::os {

/// Whether nobody reads from a pipe, socket or terminal any longer. Always false for a file. Does not block.
bool reader_is_gone(int descriptor);

}  // namespace troupe::os
