#pragma once
// The key that identifies an operator to remote nodes: operator.key (0600) in $XDG_CONFIG_HOME/troupe.
//
// It is a key file of crypto::Identity, whose id needs no proof of work.
#include <string>

#include "apps/cli/command.hpp"
#include "runtime/crypto/identity.hpp"

namespace troupe::apps {

/// Returns $XDG_CONFIG_HOME/troupe, otherwise ~/.config/troupe. Fails with usage if neither variable is set.
base::Result<std::string, Failure> config_directory(const Console& console);

/// Returns the path of the file, whether it exists or not.
base::Result<std::string, Failure> operator_key_path(const Console& console);

/// Loads the operator's key. Fails with exit 5 if there is no key, and with exit 1 if it cannot be read.
base::Result<crypto::Identity, Failure> load_operator_key(const Console& console);

/// Loads the operator's key, or creates it if there is none; the key is durable when this returns.
base::Result<crypto::Identity, Failure> load_or_make_operator_key(const Console& console);

}  // namespace troupe::apps
