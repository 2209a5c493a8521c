// A process group whose members do not outlive this process, however it ends.
#pragma once

#include <sys/types.h>

#include "../io.h"

namespace weighbridge {

// A guard process leads the group and sleeps until this process is gone (end of file on a pipe, so SIGKILL is no way
// round it); it then kills the whole group with itself. As long as the guard is there, no stranger can get the group's
// number. A process that leaves the group (setsid(2), setpgid(2)) is out of reach.
class GuardedGroup {
 public:
  // Throws Error (operation "fork", "pipe").
  GuardedGroup();
  // Kills whatever is left in the group.
  ~GuardedGroup();
  GuardedGroup(const GuardedGroup&) = delete;
  GuardedGroup& operator=(const GuardedGroup&) = delete;

  // For setpgid(2).
  pid_t id() const noexcept { return guard_; }

 private:
  FileDescriptor alive_;  // the only writing end: closed by the kernel when this process ends
  pid_t guard_;
};

}  // namespace weighbridge
