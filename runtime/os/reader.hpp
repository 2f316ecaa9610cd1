#pragma once
namespace troupe::os {

/// Whether a pipe, socket or terminal that is written to has nobody left who reads it. A file never says so.
/// Does not block.
bool reader_is_gone(int descriptor);

}  // namespace troupe::os
