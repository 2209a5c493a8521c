#include "helper_process.h"

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>

namespace weighbridge {

namespace {

// close_range(2), Linux 5.9, by its unified number: older headers lack it. An older kernel refuses, and the descriptors
// stay open until the helper ends.
void close_between(int first, int last) noexcept {
  constexpr long close_range_number = 436;
  if (first <= last) ::syscall(close_range_number, first, last, 0u);
}

}  // namespace

SignalsBlocked::SignalsBlocked() {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before_);
}

SignalsBlocked::~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

void close_descriptors_above(int last) noexcept { close_between(last + 1, INT32_MAX); }

void become_helper(pid_t parent, KeptDescriptors kept) noexcept {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || ::getppid() != parent) ::_exit(1);
  const int low = std::max(std::min(kept.first, kept.second), STDERR_FILENO);
  const int high = std::max(std::max(kept.first, kept.second), STDERR_FILENO);
  close_between(STDERR_FILENO + 1, low - 1);
  close_between(low + 1, high - 1);
  close_descriptors_above(high);
}

int wait_for_helper(pid_t pid) noexcept {
  int status = 0;
  pid_t ended = 0;
  do {
    ended = ::waitpid(pid, &status, 0);
  } while (ended < 0 && errno == EINTR);
  return ended == pid ? status : -1;
}

}  // namespace weighbridge
