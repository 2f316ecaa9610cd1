prints Demo demo --nodes 4 --bytes 100000
