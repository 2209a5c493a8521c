#include "free_memory.h"

#include <sys/mman.h>
#include <sys/wait.h>

#include <array>
#include <csignal>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "helper_process.h"
#include "process.h"

namespace weighbridge {

namespace {

constexpr uint64_t huge_page = 2 << 20;
constexpr uint64_t small_page = 4096;
// What was given back lies in patches, and one slow chunk may be a neighbour's doing.
constexpr uint32_t slow_in_a_row = 3;

struct Pipe {
  FileDescriptor read;
  FileDescriptor write;
};

Pipe make_pipe() {
  std::array<int, 2> ends = {-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw_errno("pipe", "");
  return Pipe{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

enum class Step : int32_t { touched, map };

// What a helper tells: that it holds its share, or which step failed and why.
struct Report {
  Step step;
  int32_t error_number;
};

// Async-signal-safe calls only: see fork_helper().
int touch_share(uint64_t bytes, int ready, int release) noexcept {
  // Who dies first when memory is short is a courtesy to the parent: where /proc cannot be written, the work goes on.
  const int score = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (score >= 0) {
    static_cast<void>(::write(score, "1000", 4) == 4);
    ::close(score);
  }
  void* const memory =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  Report report = {Step::touched, 0};
  if (memory == MAP_FAILED) {
    report = {Step::map, errno};
  } else {
    // Huge pages are backed faster; where there are none every small page is touched anyway.
    ::madvise(memory, bytes, MADV_HUGEPAGE);
    auto* const bytes_of = static_cast<volatile unsigned char*>(memory);
    for (uint64_t at = 0; at < bytes; at += small_page) bytes_of[at] = 1;
  }
  if (::write(ready, &report, sizeof report) != sizeof report) return 1;
  unsigned char signal = 0;
  while (::read(release, &signal, 1) < 0 && errno == EINTR) {
  }
  return 0;
}

struct Helper {
  pid_t pid;
  FileDescriptor ready;  // its report, end of file if it died before
};

// Nothing where the helper died without a word. Reports are shorter than PIPE_BUF, and so come whole.
std::optional<Report> report_of(const Helper& helper) {
  Report report = {};
  ssize_t got = 0;
  do {
    got = ::read(helper.ready.get(), &report, sizeof report);
  } while (got < 0 && errno == EINTR);
  if (got != sizeof report) return std::nullopt;
  return report;
}

// Why a helper with that wait status did not do its work. SIGKILL is what the kernel sends when memory is short.
Reason reason_of_end(int status, uint64_t share) {
  const bool by_signal = status >= 0 && WIFSIGNALED(status);
  const std::string end = by_signal ? "was ended by signal " + std::to_string(WTERMSIG(status))
                                    : "ended with status " + std::to_string(WEXITSTATUS(status));
  const bool killed = by_signal && WTERMSIG(status) == SIGKILL;
  return Reason{.code = killed ? "out-of-memory" : "helper-died",
                .operation = "back_free_memory",
                .message = "a helper that was to touch " + std::to_string(share) + " bytes " + end,
                .remedy = killed ? "free memory, or measure with memory state as-is" : ""};
}

// All helpers hold their share until `release_` loses its writing end; then they exit and are waited for.
class Helpers {
 public:
  explicit Helpers(uint64_t share) : share_(share) {}
  ~Helpers() {
    release_.write.reset();
    for (const Helper& helper : helpers_) wait_for_helper(helper.pid);
  }
  Helpers(const Helpers&) = delete;
  Helpers& operator=(const Helpers&) = delete;

  void start() {
    Pipe ready = make_pipe();
    helpers_.reserve(helpers_.size() + 1);
    const int report_to = ready.write.get();
    const int release = release_.read.get();
    const uint64_t share = share_;
    const pid_t pid =
        fork_helper({report_to, release}, [=]() noexcept { return touch_share(share, report_to, release); });
    helpers_.push_back(Helper{pid, std::move(ready.read)});
  }
  // Waits until each holds its share or has failed, lets all go, and returns the first failure.
  std::optional<Reason> finish() {
    std::optional<Reason> failure;
    for (const Helper& helper : helpers_) {
      const std::optional<Report> report = report_of(helper);
      if (failure || !report || report->step == Step::touched) continue;
      failure = reason_from_errno(report->error_number, "mmap", "", "out-of-memory",
                                  "free memory, or measure with memory state as-is");
    }
    release_.write.reset();
    for (const Helper& helper : helpers_) {
      const int status = wait_for_helper(helper.pid);
      if (!failure && status != 0) failure = reason_of_end(status, share_);
    }
    helpers_.clear();
    return failure;
  }

 private:
  uint64_t share_;
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
  Helpers helpers(share);
  for (uint32_t index = 0; index < threads; ++index) helpers.start();
  if (const std::optional<Reason> failure = helpers.finish()) throw Error(*failure);
}

TouchedRegion::TouchedRegion(uint64_t bytes) {
  const auto length = checked_add(bytes, huge_page);
  if (!length) throw Error(Reason{.code = "out-of-memory", .operation = "mmap", .message = "out of memory"});
  memory_ = ::mmap(nullptr, *length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory_ == MAP_FAILED) throw_errno("mmap", "", "out-of-memory");
  length_ = *length;
  // EINVAL: a kernel without transparent huge pages; the touch then goes through 4 KiB pages.
  ::madvise(memory_, length_, MADV_HUGEPAGE);
  auto* const first = static_cast<volatile unsigned char*>(memory_);
  const auto address = reinterpret_cast<uintptr_t>(memory_);
  const uint64_t aligned = round_up(address, huge_page) - address;
  const int64_t start = now_ns();
  for (uint64_t at = 0; at < bytes; at += small_page) first[aligned + at] = 1;
  took_ns_ = static_cast<uint64_t>(now_ns() - start);
}

TouchedRegion::TouchedRegion(TouchedRegion&& other) noexcept
    : memory_(other.memory_), length_(std::exchange(other.length_, 0)), took_ns_(other.took_ns_) {}

TouchedRegion::~TouchedRegion() {
  if (length_ != 0) ::munmap(memory_, length_);
}

uint64_t first_touch_ns(uint64_t bytes) { return bytes == 0 ? 0 : TouchedRegion(bytes).took_ns(); }

AbsorbedMemory absorb_backed_memory(uint64_t chunk_bytes, uint64_t slow_ns, uint64_t most_bytes) {
  AbsorbedMemory absorbed = {};
  uint32_t slow = 0;
  while ((absorbed.regions.size() + 1) * chunk_bytes <= most_bytes && slow < slow_in_a_row) {
    absorbed.regions.emplace_back(chunk_bytes);
    slow = absorbed.regions.back().took_ns() > slow_ns ? slow + 1 : 0;
  }
  absorbed.found = slow == slow_in_a_row;
  return absorbed;
}

}  // namespace weighbridge
