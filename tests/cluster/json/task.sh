printf '#!/bin/sh\nsleep 600\n' >program
task=$(troupe task submit program)
prints TaskId task submit program
prints TaskList task ls
prints TaskView task view "$task"
prints TaskCancelled task cancel "$task"
not_here 'task logs' 'a machine may make no sandboxes: tests/cluster/task_test.cpp, api_routes_test.cpp'
not_here 'task result' 'its standard output comes from the program: tests/cluster/task_test.cpp'
