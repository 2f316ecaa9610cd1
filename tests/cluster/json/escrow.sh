printf 'some bytes' >file
cid=$(troupe file put file --replicas 2)
create() { troupe escrow create --to "$seller" --amount 100 --wallet buyer --request "$@"; }
# One escrow that is cancelled after one of its milestones, and one that is disputed.
parts=$(create 2 --milestones 40,60)
troupe escrow sign "$parts" --wallet seller
troupe escrow fund "$parts" --wallet buyer
troupe escrow fund "$parts" --wallet seller
troupe escrow start "$parts" --wallet seller
troupe escrow accept "$parts" --milestone 1 --wallet buyer
troupe escrow cancel "$parts" --wallet buyer
again shows '"confirmed":true' escrow show "$parts"
whole=$(create 1)
prints EscrowActed escrow sign "$whole" --wallet seller
prints EscrowActed escrow fund "$whole" --wallet buyer
prints EscrowActed escrow fund "$whole" --wallet seller
prints EscrowActed escrow extend "$whole" --start 100h --wallet buyer
prints EscrowActed escrow start "$whole" --wallet seller
prints EscrowActed escrow progress "$whole" 10 --wallet buyer
prints EscrowActed escrow deliver "$whole" "$cid" --wallet seller
prints EscrowActed escrow dispute "$whole" --wallet buyer
prints EscrowActed escrow propose "$whole" --pay 50 --wallet seller
prints EscrowActed escrow agree "$whole" --pay 50 --wallet buyer
prints EscrowMade escrow create --to "$seller" --amount 100 --wallet buyer --request 1
prints EscrowActed escrow accept "$parts" --milestone 1 --wallet buyer
prints EscrowShown escrow show "$parts"
prints EscrowArbiter escrow arbiter join --bond 7 --wallet seller
prints EscrowArbiters escrow arbiter ls
prints EscrowArbiter escrow arbiter leave --wallet seller
prints EscrowRows escrow ls
prints EscrowLogged escrow log "$parts"
prints EscrowVerified escrow verify "$parts"
prints EscrowActed escrow cancel "$parts" --wallet seller
not_here 'escrow look' 'it needs a guard that holds an escrow'
not_here 'escrow rule' 'it needs an arbiter'
prints 'EscrowSeen?' escrow watch "$parts" --seconds 1
