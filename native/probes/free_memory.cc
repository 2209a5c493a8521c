#include "free_memory.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <array>
#include <csignal>
#include <string>
#include <vector>

#include "process.h"

namespace weighbridge {

namespace {

constexpr uint64_t huge_page = 2 << 20;
constexpr uint64_t small_page = 4096;

struct Pipe {
  FileDescriptor read;
  FileDescriptor write;
};

Pipe make_pipe() {
  std::array<int, 2> ends = {-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw_errno("pipe", "");
  return Pipe{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

// Keeps every signal away from this thread. A forked helper inherits that: it has the handlers of the runtime, which
// would report an interrupt meant for the helper to the parent a second time.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

// Runs in the child of a process with many threads: async-signal-safe calls only (man 7 signal-safety), no allocation.
[[noreturn]] void help(uint64_t bytes, pid_t parent, int ready, int release, int releasing_end) {
  ::close(releasing_end);
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || ::getppid() != parent) ::_exit(1);
  const int score = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (score < 0 || ::write(score, "1000", 4) != 4) ::_exit(1);
  void* const memory =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) ::_exit(1);
  // Huge pages are backed faster; where there are none every small page is touched anyway.
  ::madvise(memory, bytes, MADV_HUGEPAGE);
  auto* const bytes_of = static_cast<volatile unsigned char*>(memory);
  for (uint64_t at = 0; at < bytes; at += small_page) bytes_of[at] = 1;
  unsigned char signal = 1;
  if (::write(ready, &signal, 1) != 1) ::_exit(1);
  while (::read(release, &signal, 1) < 0 && errno == EINTR) {
  }
  ::_exit(0);
}

struct Helper {
  pid_t pid;
  FileDescriptor ready;  // one byte when its share is touched, end of file if it died before
};

void wait_ready(const Helper& helper) {
  unsigned char byte = 0;
  while (::read(helper.ready.get(), &byte, 1) < 0 && errno == EINTR) {
  }
}

// Whether the helper ended by itself, its work done.
bool reap(pid_t pid) {
  int status = 0;
  pid_t ended = 0;
  do {
    ended = ::waitpid(pid, &status, 0);
  } while (ended < 0 && errno == EINTR);
  return ended == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// All helpers hold their share until `release` loses its writing end; then they exit and are waited for.
class Helpers {
 public:
  ~Helpers() { finish(); }
  void start(uint64_t bytes) {
    Pipe ready = make_pipe();
    helpers_.reserve(helpers_.size() + 1);
    const pid_t parent = ::getpid();
    const SignalsBlocked blocked;
    const pid_t pid = ::fork();
    if (pid < 0) throw_errno("fork", "", "out-of-memory");
    if (pid == 0) help(bytes, parent, ready.write.get(), release_.read.get(), release_.write.get());
    helpers_.push_back(Helper{pid, std::move(ready.read)});
  }
  // Waits until each holds its share or has died.
  void wait_all_ready() const {
    for (const Helper& helper : helpers_) wait_ready(helper);
  }
  // Whether all held their share until now.
  bool finish() {
    release_.write.reset();
    bool all = true;
    for (const Helper& helper : helpers_) all = reap(helper.pid) && all;
    helpers_.clear();
    return all;
  }

 private:
  Pipe release_ = make_pipe();
  std::vector<Helper> helpers_;
};

}  // namespace

void back_free_memory(uint64_t bytes, uint32_t threads) {
  if (threads == 0 || threads > 1024 || bytes > UINT64_MAX / 2) {
    throw Error(Reason{.code = "bad-option",
                       .operation = "back_free_memory",
                       .message = "wants 1 to 1024 helpers and a size that a machine can have"});
  }
  const uint64_t share = round_up(bytes / threads, huge_page);
  if (share == 0) return;
  Helpers helpers;
  for (uint32_t index = 0; index < threads; ++index) helpers.start(share);
  helpers.wait_all_ready();
  if (!helpers.finish()) {
    throw Error(Reason{.code = "out-of-memory",
                       .operation = "back_free_memory",
                       .message = "a helper that was to touch " + std::to_string(share) + " bytes was ended",
                       .remedy = "free memory, or measure with memory state as-is"});
  }
}

uint64_t first_touch_ns(uint64_t bytes) {
  if (bytes == 0) return 0;
  const auto length = checked_add(bytes, huge_page);
  if (!length) throw Error(Reason{.code = "out-of-memory", .operation = "mmap", .message = "out of memory"});
  void* const memory = ::mmap(nullptr, *length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw_errno("mmap", "", "out-of-memory");
  // EINVAL: a kernel without transparent huge pages; the touch then goes through 4 KiB pages.
  ::madvise(memory, *length, MADV_HUGEPAGE);
  auto* const first = static_cast<volatile unsigned char*>(memory);
  const uint64_t aligned = round_up(reinterpret_cast<uintptr_t>(memory), huge_page) - reinterpret_cast<uintptr_t>(memory);
  const int64_t start = now_ns();
  for (uint64_t at = 0; at < bytes; at += small_page) first[aligned + at] = 1;
  const int64_t end = now_ns();
  ::munmap(memory, *length);
  return static_cast<uint64_t>(end - start);
}

}  // namespace weighbridge
