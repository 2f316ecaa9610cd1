#pragma once
// The data directory of a founder or a validator, as a command works on it beside its node or without one; and files
// that people hand to each other.
#include <memory>
#include <string>

#include "actors/chain/logic/fork.hpp"
#include "apps/cli/command.hpp"
#include "runtime/ports/disk.hpp"

namespace troupe::apps::chains {

/// Fails with usage where the command was told of another node.
base::Result<std::string, Failure> directory_of(const Invocation& invocation, const Console& console);
/// The disk of a directory that is there.
base::Result<std::unique_ptr<ports::Disk>, Failure> open_here(const std::string& path);
Failure cannot_use_directory(const std::string& path, const base::Error& why);

/// In place of what has that name, as a whole or not at all.
base::Result<void, Failure> write_file(const std::string& path, base::ByteView bytes);

/// Nothing if the file is no statement by which a chain goes on.
std::optional<chain::SignedFork> fork_in(const std::string& path);
/// Adds the signature of this directory's consensus key to the statement in a file; again changes nothing. Refused
/// if that key stands for another statement of the same fork.
Ending sign_fork(const Invocation& invocation, Console& console, const std::string& file, chain::SignedFork fork);

}  // namespace troupe::apps::chains
