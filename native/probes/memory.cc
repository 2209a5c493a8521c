// read_memory and PeakWatch of process.h: /proc/self/status and /proc/self/smaps_rollup (man 5 proc).
//
// VmRSS and Rss… of status come from counters that each CPU (Linux 6.2; before, each thread) keeps for itself and adds
// to the total only now and then (mm/memory.c, lib/percpu_counter.c). Where status reads the total alone, a field can
// be off by up to max(32, 2 × CPUs) pages for each CPU (before 6.2: 64 pages for each thread). smaps_rollup walks the
// page tables and is exact.
#include <algorithm>
#include <array>
#include <charconv>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>

#include "process.h"

namespace weighbridge {

namespace {

// A whole file of /proc, at most 16 KiB; empty where it cannot be read.
class ProcText {
 public:
  explicit ProcText(const char* path) noexcept {
    const FileDescriptor file(::open(path, O_RDONLY | O_CLOEXEC));
    while (file && size_ < buffer_.size()) {
      const ssize_t got = ::read(file.get(), buffer_.data() + size_, buffer_.size() - size_);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) break;
      size_ += static_cast<size_t>(got);
    }
  }

  // Bytes of a line "Key:   123 kB".
  std::optional<uint64_t> bytes(std::string_view key) const noexcept {
    const std::string_view text(buffer_.data(), size_);
    size_t at = text.find(key);
    while (at != std::string_view::npos && at != 0 && text[at - 1] != '\n') at = text.find(key, at + 1);
    if (at == std::string_view::npos) return std::nullopt;
    at = text.find_first_not_of(" \t", at + key.size());
    if (at == std::string_view::npos) return std::nullopt;
    uint64_t kibibytes = 0;
    const auto parsed = std::from_chars(text.data() + at, text.data() + size_, kibibytes);
    if (parsed.ec != std::errc{}) return std::nullopt;
    return kibibytes * 1024;
  }

 private:
  std::array<char, 16384> buffer_;
  size_t size_ = 0;
};

std::string path_of(pid_t pid, const char* file) { return "/proc/" + std::to_string(pid) + "/" + file; }

std::optional<uint64_t> sum(std::optional<uint64_t> a, std::optional<uint64_t> b) {
  if (!a || !b) return std::nullopt;
  return *a + *b;
}

void keep_highest(std::optional<uint64_t>& highest, std::optional<uint64_t> now) {
  if (now) highest = std::max(highest.value_or(0), *now);
}

uint64_t unreclaimable_bytes(const Memory& memory) {
  return memory.anonymous.value_or(0) + memory.shmem.value_or(0) + memory.hugetlb.value_or(0) +
         memory.swap.value_or(0) + memory.page_tables.value_or(0);
}

}  // namespace

Memory read_memory_status() {
  const ProcText status("/proc/self/status");
  Memory memory;
  memory.rss = status.bytes("VmRSS:");
  memory.anonymous = status.bytes("RssAnon:");
  memory.file = status.bytes("RssFile:");
  memory.shmem = status.bytes("RssShmem:");
  memory.hugetlb = status.bytes("HugetlbPages:");
  memory.swap = status.bytes("VmSwap:");
  memory.locked = status.bytes("VmLck:");
  memory.page_tables = status.bytes("VmPTE:");
  return memory;
}

Memory read_memory() {
  Memory memory = read_memory_status();
  const ProcText rollup("/proc/self/smaps_rollup");
  memory.pss = rollup.bytes("Pss:");
  memory.pss_anonymous = rollup.bytes("Pss_Anon:");
  memory.pss_shmem = rollup.bytes("Pss_Shmem:");
  memory.pss_file = rollup.bytes("Pss_File:");
  memory.huge_anonymous = rollup.bytes("AnonHugePages:");
  memory.huge_file = rollup.bytes("FilePmdMapped:");
  if (const auto swapped = rollup.bytes("SwapPss:")) memory.swap = swapped;
  if (const auto locked = rollup.bytes("Locked:")) memory.locked = locked;
  if (const auto huge = sum(rollup.bytes("Private_Hugetlb:"), rollup.bytes("Shared_Hugetlb:"))) memory.hugetlb = huge;
  return memory;
}

std::optional<uint64_t> peak_rss(pid_t pid) { return ProcText(path_of(pid, "status").c_str()).bytes("VmHWM:"); }

std::optional<uint64_t> proportional_set_size(pid_t pid) {
  return ProcText(path_of(pid, "smaps_rollup").c_str()).bytes("Pss:");
}

std::optional<uint64_t> peak_rss() { return ProcText("/proc/self/status").bytes("VmHWM:"); }

struct PeakWatch::State {
  std::mutex mutex;
  std::condition_variable_any wake;
  Peak peak = {};
  std::jthread thread;

  void sample() {
    const Memory now = read_memory_status();
    for (const auto field : {&Memory::rss, &Memory::anonymous, &Memory::file, &Memory::shmem, &Memory::hugetlb,
                             &Memory::swap, &Memory::locked, &Memory::page_tables}) {
      keep_highest(peak.highest.*field, now.*field);
    }
    peak.unreclaimable = std::max(peak.unreclaimable, unreclaimable_bytes(now));
    ++peak.samples;
  }
};

PeakWatch::PeakWatch(unsigned period_ms) : state_(nullptr) {
  auto state = std::make_unique<State>();
  state->sample();
  try {
    state->thread = std::jthread([state = state.get(), period = std::chrono::milliseconds(period_ms)](
                                     const std::stop_token& stopped) {
      std::unique_lock lock(state->mutex);
      while (!stopped.stop_requested()) {
        state->sample();
        state->wake.wait_for(lock, stopped, period, [] { return false; });
      }
    });
  } catch (const std::system_error& error) {
    throw Error(reason_from_errno(error.code().value(), "pthread_create", "", "out-of-memory"));
  }
  state_ = state.release();
}

PeakWatch::~PeakWatch() { delete state_; }

Peak PeakWatch::stop() {
  if (state_->thread.joinable()) {
    state_->thread.request_stop();
    state_->thread.join();
    state_->sample();
  }
  return state_->peak;
}

}  // namespace weighbridge
