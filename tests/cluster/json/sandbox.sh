not_here 'sandbox check' 'a machine may make no sandboxes: tests/cluster/sandbox_test.cpp'
not_here 'sandbox run' 'its standard output comes from the program: tests/cluster/sandbox_test.cpp'
