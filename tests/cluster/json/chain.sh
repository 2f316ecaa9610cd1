start dev --chain dev
export TROUPE_DATA=$PWD/dev
again troupe chain status
troupe wallet new waiter
tx=$(troupe wallet faucet waiter --wait)
prints ChainFounding chain found buyer --stake 1 -o founding
prints ChainGenesis chain genesis hats founding -o genesis
prints ChainSigned chain sign genesis
prints ChainStatus chain status
prints ChainBlock chain watch --count 1
prints ChainBlocks chain blocks --from 1
prints ChainBlock chain block 1
has '"round":0'
prints ChainAccount chain account waiter
has '"proof":null'
prints ChainAccount chain account waiter --proof
has '"proof":{"root":"'
prints ChainAccountRow,ChainAccountsSum chain accounts
prints ChainLeaf chain state
prints ChainParams chain params
for name in block.empty_ms faucet.period_s fee.base; do has "\"$name\":"; done
prints ChainVerified chain verify
prints Validators validator ls
prints Validator validator show "$id"
prints Transaction tx show "$tx"
prints Transaction tx wait "$tx"
prints Transactions tx ls waiter
prints Transactions? tx pending
prints WalletSent wallet faucet buyer
prints ChainFork chain fork 1 -o fork
prints ChainFork chain sign fork
prints ChainFork chain resume fork --yes
not_here 'chain diff' 'it takes two nodes of a chain: tests/cluster/chain_test.cpp'
not_here 'validator resume' 'it needs a validator that waits: tests/cluster/chain_test.cpp'
