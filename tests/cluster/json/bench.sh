prints BenchRows bench actor --seconds 0.1
prints BenchRows bench link --seconds 0.1
prints BenchRows bench dht --seconds 0.1 --nodes 5
prints BenchRows bench kv --seconds 0.1
prints BenchRows bench escrow --seconds 0.2 --only escrow.transfer,escrow.whole
prints BenchRows bench chain --seconds 0.3 --only chain.verify,chain.transfer,chain.sync,chain.final
prints BenchRows bench file --mib 1
not_here 'bench task' 'it takes 80 s'
