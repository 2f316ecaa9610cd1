printf 'seed = 1\ndomains = ["peers"]\nnodes = 3\ntime = "2s"\n' >calm.toml
exits 10 prints SimWorld,SimSummary sim peers --seeds 2 --time 2s --nodes 3
exits 10 prints SimWorld,SimSummary sim run calm.toml
exits 10 prints SimWorld,SimActor,SimSummary sim replay peers --time 2s --until 200
has '"state":{'
prints SimCards sim list
prints SimMutant sim mutants files.put_unbound
prints SimEclipse sim eclipse --nodes 100 --rounds 2
prints SimChurn sim churn --nodes 30 --keys 20 --gets 50 --warm-up 1h --key-age 30m
prints SimCollusion sim collusion --tasks 100
not_here 'sim watch' 'it opens screens, which are for people'
not_here 'sim shrink' 'it prints what `sim run` prints, of a world that has to be broken first'
not_here 'sim survival' 'it takes 12 s at its least'
not_here 'sim explore' 'it takes 7 s, or ends with 10; tests/actors/escrow/explore_test.cpp has what it explores'
