#include "process.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

#include <array>
#include <charconv>
#include <csignal>
#include <string>
#include <string_view>

namespace weighbridge {

namespace {

uint64_t nanoseconds(const timeval& time) {
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_usec) * 1'000;
}

// Who dies first when memory is short is a courtesy to the parent: where /proc cannot be written, the work goes on.
void ask_to_die_first() noexcept {
  const FileDescriptor file(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
  if (file) static_cast<void>(::write(file.get(), "1000", 4) == 4);
}

std::optional<uint64_t> read_bytes_of(const FileDescriptor& io) noexcept {
  std::array<char, 512> buffer;
  const ssize_t got = ::pread(io.get(), buffer.data(), buffer.size(), 0);
  if (got <= 0) return std::nullopt;
  const std::string_view content(buffer.data(), static_cast<size_t>(got));
  constexpr std::string_view key = "\nread_bytes: ";
  const size_t at = content.find(key);
  if (at == std::string_view::npos) return std::nullopt;
  uint64_t value = 0;
  const char* const from = content.data() + at + key.size();
  if (std::from_chars(from, content.data() + content.size(), value).ec != std::errc{}) return std::nullopt;
  return value;
}

int64_t read_clock(clockid_t clock) noexcept {
  timespec time = {};
  ::clock_gettime(clock, &time);
  return static_cast<int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

int64_t now_ns() noexcept { return read_clock(CLOCK_MONOTONIC); }

int64_t thread_cpu_ns() noexcept { return read_clock(CLOCK_THREAD_CPUTIME_ID); }

// Without /proc, or where it is not readable, read_bytes stays null.
CounterReader::CounterReader() : io_(::open("/proc/self/io", O_RDONLY | O_CLOEXEC)) {}

Counters CounterReader::read() const noexcept {
  rusage usage = {};
  ::getrusage(RUSAGE_SELF, &usage);
  Counters counters = {.minor_faults = static_cast<uint64_t>(usage.ru_minflt),
                       .major_faults = static_cast<uint64_t>(usage.ru_majflt),
                       .user_ns = nanoseconds(usage.ru_utime),
                       .system_ns = nanoseconds(usage.ru_stime),
                       .voluntary_switches = static_cast<uint64_t>(usage.ru_nvcsw),
                       .involuntary_switches = static_cast<uint64_t>(usage.ru_nivcsw),
                       .read_bytes = std::nullopt};
  if (io_) counters.read_bytes = read_bytes_of(io_);
  return counters;
}

std::optional<uint64_t> issued_bytes(pid_t pid) {
  const FileDescriptor io(::open(("/proc/" + std::to_string(pid) + "/io").c_str(), O_RDONLY | O_CLOEXEC));
  if (!io) return std::nullopt;
  return read_bytes_of(io);
}

bool bind_to_parent(int64_t parent_pid, bool first_to_die) {
  // The signal comes when the *thread* that forked this process ends; Node spawns from its main thread.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) throw_errno("prctl", "");
  if (::getppid() != parent_pid) return false;
  if (first_to_die) ask_to_die_first();
  return true;
}

uint64_t spin_ns() noexcept {
  // A chain of dependent multiplications: nothing but the clock of the core and its theft can change how long it takes.
  constexpr int steps = 800'000;
  const int64_t start = now_ns();
  uint64_t value = static_cast<uint64_t>(start) | 1;
  for (int i = 0; i < steps; ++i) value = value * 6364136223846793005u + 1442695040888963407u;
  volatile uint64_t sink = value;
  static_cast<void>(sink);
  return static_cast<uint64_t>(now_ns() - start);
}

}  // namespace weighbridge
