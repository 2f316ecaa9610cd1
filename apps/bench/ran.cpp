#include "apps/bench/ran.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

extern char** environ;

namespace troupe::bench {

namespace {

/// The descriptors in `silent` are redirected to nowhere.
Ran run(Runner& runner, std::vector<std::string> words, std::initializer_list<int> silent) {
  words.insert(words.begin(), "troupe");
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  for (const int descriptor : silent) ::posix_spawn_file_actions_addopen(&files, descriptor, "/dev/null", O_WRONLY, 0);
  const base::Instant from = runner.now();
  pid_t process = 0;
  int status = -1;
  const int spawned = ::posix_spawn(&process, "/proc/self/exe", &files, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&files);
  if (spawned == 0) ::waitpid(process, &status, 0);
  return {spawned == 0 && status == 0, std::chrono::duration<double>(runner.now() - from).count()};
}

}  // namespace

Ran run_troupe(Runner& runner, std::vector<std::string> words) { return run(runner, std::move(words), {1}); }

bool troupe_agrees(Runner& runner, std::vector<std::string> words) {
  return run(runner, std::move(words), {1, 2}).done;
}

}  // namespace troupe::bench
