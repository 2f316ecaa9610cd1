#pragma once
// The data directory of a founder or a validator, for commands that work whether or not its node runs; and files that
// people pass to each other.
#include <memory>
#include <string>

#include "actors/chain/logic/fork.hpp"
#include "apps/cli/command.hpp"
#include "runtime/ports/disk.hpp"

namespace troupe::apps::chains {

/// Returns the data directory. Fails with usage if the command line names a remote node.
base::Result<std::string, Failure> directory_of(const Invocation& invocation, const Console& console);
/// Opens the disk of an existing directory.
base::Result<std::unique_ptr<ports::Disk>, Failure> open_here(const std::string& path);
Failure cannot_use_directory(const std::string& path, const base::Error& why);

/// Replaces the file with that name atomically.
base::Result<void, Failure> write_file(const std::string& path, base::ByteView bytes);

/// Reads a statement by which a chain resumes; returns nullopt if the file is not such a statement.
std::optional<chain::SignedFork> fork_in(const std::string& path);
/// Adds the signature of this directory's consensus key to the statement in a file; a repetition changes nothing. Fails
/// if the key is bound to another statement of the same fork.
Ending sign_fork(const Invocation& invocation, Console& console, const std::string& file, chain::SignedFork fork);

}  // namespace troupe::apps::chains
