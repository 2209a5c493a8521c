// One external program, run and weighed: from just before it is spawned until it has ended.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "../io.h"
#include "guarded_group.h"

namespace weighbridge {

enum class CommandOutput {
  discard,     // standard output is /dev/null
  first_byte,  // a pipe, emptied as fast as it fills, so that the first byte can be timed
};

struct CommandSpec {
  std::vector<std::string> argv;  // no shell; argv[0] is looked up in PATH unless it holds a slash
  CommandOutput output;
  bool keep_output;    // head and tail of what goes through the pipe
  bool watch_memory;   // the memory pass: smaps_rollup every few ms, which disturbs the program
};

struct CommandResult {
  int64_t start_at_ns;  // CLOCK_MONOTONIC
  uint64_t wall_ns;  // spawn → the program is a zombie, its memory given back
  std::optional<uint64_t> first_byte_ns;
  // Of the program and of those of its children that it waited for: wait4(2), and /proc/PID/io for the bytes that they
  // caused to be fetched from storage.
  uint64_t user_ns, system_ns, minor_faults, major_faults;
  uint64_t voluntary_switches, involuntary_switches;
  std::optional<uint64_t> read_bytes;
  // Highest resident memory of any one of its processes. wait4's figure begins at this process's own (exec_mmap() of
  // fs/exec.c passes the parent's mark on) and is exact above it; below, VmHWM is watched while the program runs, and
  // what it allocates just before it ends may be missed (peak_rss_watched).
  std::optional<uint64_t> peak_rss;
  bool peak_rss_watched;
  std::optional<uint64_t> peak_pss;  // highest sum over the program and its descendants; memory pass
  std::optional<int> exit_code, signal;  // one of them
  uint64_t pipe_bytes;  // capacity of the pipe; 0 without one
  std::string output, errors;  // kept of standard output and standard error, at most 64 KiB each
};

class Command {
 public:
  // Everything that can be done beforehand: the program looked up, pipes and the guarded group made. Throws Error,
  // among others code command-not-found, not-permitted.
  explicit Command(CommandSpec spec);

  // Once. The program runs in the guarded group and is killed with this thread. Throws Error where it cannot start.
  CommandResult run();

 private:
  pid_t spawn();

  CommandSpec spec_;
  std::string path_;
  FileDescriptor null_;
  FileDescriptor output_read_, output_write_;  // only for first_byte
  FileDescriptor errors_read_, errors_write_;
  GuardedGroup group_;
};

}  // namespace weighbridge
