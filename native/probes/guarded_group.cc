#include "guarded_group.h"

#include <sys/prctl.h>

#include <array>
#include <csignal>

#include "helper_process.h"

namespace weighbridge {

namespace {

// Async-signal-safe calls only: see fork_helper().
int guard(int owner_alive, int owners_end) noexcept {
  // A kernel before 5.9 left it open, and a guard that holds it waits for itself.
  ::close(owners_end);
  // A helper is killed with its parent; this one has still something to do then.
  if (::setpgid(0, 0) != 0 || ::prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0) != 0) return 1;
  char byte = 0;
  while (::read(owner_alive, &byte, 1) < 0 && errno == EINTR) {
  }
  ::kill(0, SIGKILL);
  return 1;
}

}  // namespace

GuardedGroup::GuardedGroup() {
  std::array<int, 2> ends = {-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw_errno("pipe", "");
  const FileDescriptor read(ends[0]);
  alive_ = FileDescriptor(ends[1]);
  guard_ = fork_helper({.first = read.get()},
                       [fd = read.get(), end = alive_.get()]() noexcept { return guard(fd, end); });
  // Done on both sides, so that the group is there whoever runs first. It fails only where the guard has done it.
  ::setpgid(guard_, guard_);
}

GuardedGroup::~GuardedGroup() {
  ::kill(-guard_, SIGKILL);
  wait_for_helper(guard_);
}

}  // namespace weighbridge
