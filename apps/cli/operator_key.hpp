#pragma once
// The key by which a node elsewhere knows its operator: operator.key (0600) in $XDG_CONFIG_HOME/troupe.
//
// It is a file as of crypto::Identity, whose id shows no work.
#include <string>

#include "apps/cli/command.hpp"
#include "runtime/crypto/identity.hpp"

namespace troupe::apps {

/// $XDG_CONFIG_HOME/troupe, else ~/.config/troupe. Fails with usage if neither variable is set.
base::Result<std::string, Failure> config_directory(const Console& console);

/// The path of the file, whether it is there or not.
base::Result<std::string, Failure> operator_key_path(const Console& console);

/// Fails, with exit 5, if there is none; with exit 1 if it cannot be read.
base::Result<crypto::Identity, Failure> load_operator_key(const Console& console);

/// Makes it where there is none; it is durable before this returns.
base::Result<crypto::Identity, Failure> load_or_make_operator_key(const Console& console);

}  // namespace troupe::apps
