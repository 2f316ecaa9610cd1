both=$(troupe wallet multisig create both --of 2 --key "$buyer" --key "$seller")
troupe wallet issue both 1000
proposal=$(troupe wallet multisig propose both "$seller" 5 --wallet buyer)
prints Wallet wallet new savings --passphrase-file "$TROUPE_PASSPHRASE_FILE"
prints Wallet wallet show savings
prints Wallet wallet export savings --passphrase-file "$TROUPE_PASSPHRASE_FILE"
prints WalletAccounts wallet ls
prints WalletBalance wallet balance buyer
prints WalletSent wallet send buyer "$seller" 1
prints WalletPosting wallet history buyer
prints WalletAudit wallet audit
prints WalletSent wallet issue buyer 1
prints WalletOwn wallet own
prints WalletPolicy wallet multisig create two --of 1 --key "$buyer" --key "$seller"
prints WalletProposal wallet multisig propose both "$seller" 5 --wallet buyer
prints WalletProposals wallet multisig ls
prints WalletProposal wallet multisig sign "$proposal" --wallet seller
not_here 'wallet restore' 'it reads standard input: tests/apps/wallet'
