printf 'some bytes' >file
cid=$(troupe file put file --replicas 2)
key=$(troupe dht put orders seven)
prints DhtPut dht put orders eight --explain
has '"questions":[{'
prints DhtValue dht get "$key" --explain
has '"questions":[{'
exits 3 prints DhtValue,DhtFailed dht get "$key" "/cid/$(printf '1%.0s' {1..64})"
prints DhtWithdrawn dht withdraw "$key"
prints DhtFound dht find "$(printf '1%.0s' {1..40})" --explain
prints DhtPut dht provide "$cid"
has '"search":{'
prints DhtFound dht providers "$cid"
prints DhtValue,DhtListenEnded dht listen "$key" --count 1
prints DhtContact,DhtListenEnded dht listen "$cid" --count 1
prints DhtTable dht table
prints DhtRow,DhtListed dht list
prints 'DhtTrouble?,DhtAudited' dht check
prints 'DhtTrouble?,DhtAudited' dht clean
