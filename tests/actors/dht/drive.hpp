#pragma once
// The models' way to run one lookup, for tests.
#include "apps/sim/dht_model/drive.hpp"

namespace troupe::dht::test {

using model::drive;
using model::Reply;
using model::Run;

}  // namespace troupe::dht::test
