#pragma once
// The commands of `troupe chain`, `validator` and `tx` that have their own source file; chain.cpp names them all.
#include "apps/cli/command.hpp"

namespace troupe::apps {

using ChainCommand = Ending(const Invocation&, Console&);
ChainCommand chain_found, chain_genesis, chain_sign;
ChainCommand chain_status, chain_params, chain_verify, chain_diff;
ChainCommand chain_fork, chain_resume;
ChainCommand chain_blocks, chain_block, chain_watch;
ChainCommand chain_account, chain_accounts, chain_state;
ChainCommand validator_list, validator_show, validator_resume;
ChainCommand tx_show, tx_wait, tx_list, tx_pending;

}  // namespace troupe::apps
