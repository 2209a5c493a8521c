// A forked process of this program for one step that must not end, or stay in, the process that asks for it.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <utility>

#include "../io.h"

namespace weighbridge {

// Two descriptors of the parent that a helper keeps; -1 for none.
struct KeptDescriptors {
  int first = -1;
  int second = -1;
};

// Keeps every signal away from this thread. A forked helper inherits that: it has the handlers of the runtime, which
// would report an interrupt meant for the helper to the parent a second time. A fault (SIGBUS) still ends it.
class SignalsBlocked {
 public:
  SignalsBlocked();
  ~SignalsBlocked();
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

// In the child: closes every descriptor above that one. A kernel before 5.9 leaves them open.
void close_descriptors_above(int last) noexcept;

// In the child: asks the kernel to be killed with the parent and closes every descriptor above standard error but the
// kept ones, since a copy of a pipe keeps its reader waiting. Ends the process if the parent is gone already.
void become_helper(pid_t parent, KeptDescriptors kept) noexcept;

// Forks a process that calls `work` and exits with the code that it returns. This process has other threads: `work` may
// use async-signal-safe functions only (man 7 signal-safety) and allocates nothing. The caller waits for the process.
// Throws Error (operation "fork").
template <class Work>
pid_t fork_helper(KeptDescriptors kept, Work&& work) {
  static_assert(noexcept(work()), "nothing can catch an exception in a helper");
  const pid_t parent = ::getpid();
  const SignalsBlocked blocked;
  const pid_t pid = ::fork();
  if (pid < 0) throw_errno("fork", "", "process-limit", "allow more processes (ulimit -u, pids.max)");
  if (pid == 0) {
    become_helper(parent, kept);
    ::_exit(work());
  }
  return pid;
}

// Waits for the end of that process; its wait status as waitpid(2) has it, -1 where it cannot be had.
int wait_for_helper(pid_t pid) noexcept;

}  // namespace weighbridge
