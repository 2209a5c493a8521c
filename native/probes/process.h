// What this process cost so far, as the kernel counts it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

#include "../io.h"

namespace weighbridge {

// CLOCK_MONOTONIC, nanoseconds: the same clock in every process of the machine (and as process.hrtime in Node).
int64_t now_ns() noexcept;
// Processor time of the calling thread, nanoseconds. In a virtual machine it goes on while the host finds memory for it.
int64_t thread_cpu_ns() noexcept;

// Cumulative counters of the whole process. getrusage(2): about 4 µs; /proc/self/io: about 30 µs.
struct Counters {
  uint64_t minor_faults;
  uint64_t major_faults;
  uint64_t user_ns;
  uint64_t system_ns;
  uint64_t voluntary_switches;
  uint64_t involuntary_switches;
  std::optional<uint64_t> read_bytes;  // caused to be fetched from storage, issued by this process; null if unreadable
};

// Between two readings of a counter; null where either could not be read.
inline std::optional<uint64_t> bytes_between(std::optional<uint64_t> before, std::optional<uint64_t> after) {
  if (!before || !after) return std::nullopt;
  return *after - *before;
}

// Keeps /proc/self/io open, so that reading costs one pread(2) and allocates nothing.
class CounterReader {
 public:
  CounterReader();
  Counters read() const noexcept;

 private:
  FileDescriptor io_;
};

// A field is null when the kernel does not report it. Bytes.
struct Memory {
  std::optional<uint64_t> rss, pss, pss_anonymous, pss_shmem, pss_file, anonymous, file, shmem, hugetlb, swap, locked,
      huge_anonymous, huge_file, page_tables;
};

// /proc/self/smaps_rollup (3–22 ms with large maps) for pss…, locked, huge…, hugetlb and swap (SwapPss: shared swap in
// proportion); /proc/self/status for the rest, and for what smaps_rollup does not have.
Memory read_memory();

// /proc/self/status alone (about 30 µs): rss, anonymous, file, shmem, hugetlb, swap (VmSwap: shared swap in full),
// locked, page_tables; the rest null. Approximate: each CPU's counter may hold back max(32, 2 × CPUs) pages a field.
Memory read_memory_status();
// VmHWM, the highest rss so far, of this process or another one. Null once a process has given its memory back.
std::optional<uint64_t> peak_rss();
std::optional<uint64_t> peak_rss(pid_t pid);
// Pss of another process now (/proc/PID/smaps_rollup, 3–22 ms with large maps).
std::optional<uint64_t> proportional_set_size(pid_t pid);
// read_bytes of another process and of the children that it has waited for (/proc/PID/io); a zombie still has them.
std::optional<uint64_t> issued_bytes(pid_t pid);

// Samples read_memory_status() on a thread of its own every `period_ms` and keeps the highest value of each field and
// of their unreclaimable sum (anonymous + shmem + hugetlb + swap + page_tables). A peak shorter than the period may be
// missed, and values are as approximate as read_memory_status(). For the memory pass only.
struct Peak {
  Memory highest;
  uint64_t unreclaimable;  // highest sum seen at one instant
  uint64_t samples;
};
class PeakWatch {
 public:
  explicit PeakWatch(unsigned period_ms = 2);
  ~PeakWatch();
  Peak stop();

 private:
  struct State;
  State* state_;
};

// prctl(PR_SET_PDEATHSIG, SIGKILL) and, if wanted and the system lets us, oom_score_adj 1000. Returns false if the
// parent is gone already: the caller then ends the process.
bool bind_to_parent(int64_t parent_pid, bool first_to_die);

// Nanoseconds that a fixed amount of arithmetic takes (about 1 ms): slower than usual means that the core was taken.
uint64_t spin_ns() noexcept;

}  // namespace weighbridge
