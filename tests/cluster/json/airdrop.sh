printf 'pool = 10\nlist = [["%s", 1]]\n' "$seller" >drop.toml
dropped=$(troupe airdrop create drop.toml --wallet buyer)
prints AirdropSummary airdrop create drop.toml --wallet buyer
prints AirdropShown airdrop check drop.toml
prints AirdropSummaries airdrop ls
prints AirdropShown airdrop show "$dropped"
prints AirdropObjected airdrop object "$dropped" "$seller" --reason 'a bot' --wallet seller
prints AirdropVerified airdrop verify "$dropped"
not_here 'airdrop run' 'it waits for the end of the objections: tests/cluster/airdrop_test.cpp'
