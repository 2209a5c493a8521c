// One sample's timeline, inside the child: setup, barrier, open, acquire, first token, complete, prefill, decode, release.
// Where loading alone is weighed, weights are touched in place of the first token, and there is no prefill or decode.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kernel/llama.h"
#include "loaders/loader.h"
#include "probes/process.h"
#include "trace.h"

namespace weighbridge {

// Start barrier: one byte 'R' is written to ready_fd, one byte awaited from release_fd.
struct Barrier {
  int ready_fd;
  int release_fd;
};
struct BarrierTimes {
  int64_t ready_at_ns;
  int64_t released_at_ns;
};
// Throws Error code interrupted if the other end closed.
BarrierTimes pass(const Barrier& barrier);
// Where the processes of a group wait for each other: 'P' instead of 'R', over the same descriptors.
void meet(const Barrier& barrier);

// Only the time pass is uninterrupted. In the others slower probes lie between the phases: memory and residency in the
// memory pass; in the trace pass residency of each tensor, and the forward pass is watched as it asks for weights.
enum class Pass { time, memory, trace };

// What is done with weights that a mechanism keeps. infer: the forward pass. touch: every tensor byte is read once and
// summed, of any model, whether the kernel runs it or not.
enum class Work { infer, touch };

struct SampleSpec {
  std::string path;
  std::string mechanism;
  Options options;
  Work work;
  // As the parent read it; setup allocates for it before the clock starts. Only where the work is infer.
  std::optional<Hyperparameters> shape;
  Isa isa;
  uint32_t threads;
  uint32_t context;
  uint32_t batch;
  uint32_t prompt;
  uint32_t generate;
  Pass pass;
  // In the memory pass of several processes: each reading of memory begins when all have come to it, and none goes on
  // before all have read, so that a page is divided among all of its users. Before the baseline, which follows the start
  // barrier's own byte, and twice at each point after it.
  bool held;
  std::optional<uint32_t> node = {};  // that the process is bound to; the memory pass looks where its memory lies
  Barrier barrier;
};

struct PhaseCost {
  uint64_t ns, minor_faults, major_faults, user_ns, system_ns;
  std::optional<uint64_t> read_bytes;
};

struct SampleResult {
  BarrierTimes barrier;
  int64_t start_at_ns;
  // Absent outside the time pass. complete is ttft plus the time of reading what the first token left; a bound, which
  // reads everything and keeps nothing, has no ttft and is complete when its load has returned.
  std::optional<uint64_t> ttft_ns, complete_ns, settled_ns;
  // Of the first token: time that the forward pass spent in ready(), waiting for a loader that still worked.
  uint64_t waited_ns;
  PhaseCost setup, open, acquire, first_token, complete, release;
  std::optional<PhaseCost> prefill, decode;
  // From start to complete, also what a loader that still worked read while probes lay between the phases.
  std::optional<uint64_t> issued_bytes;
  uint64_t bytes_needed, untouched_bytes;
  Memory baseline, end;
  std::optional<Memory> loaded, first_token_memory;
  std::optional<Peak> peak;
  std::optional<uint64_t> peak_rss;
  MemoryNeed session;
  std::optional<uint64_t> resident_opened, resident_loaded, resident_first_token;
  bool inferred;  // not by a mechanism that keeps nothing, nor where weights are touched
  std::vector<uint64_t> per_token_ns;  // the first token, then each decode step
  std::string logits_hash;
  std::optional<std::string> content_hash;  // where weights are touched
  std::optional<Trace> trace;
  Effective effective;
  std::vector<std::string> warnings;
  uint64_t voluntary_switches, involuntary_switches, spin_before_ns, spin_after_ns;
};

// Fixed tokens, so that every run feeds the same: the prompt is BOS, then 3 + (37 i mod m); decoding feeds
// 3 + (53 i mod m), with m = min(500, vocabulary − 3).
int32_t prompt_token(uint32_t index, int32_t bos, uint32_t vocabulary) noexcept;
int32_t decode_token(uint32_t index, uint32_t vocabulary) noexcept;

// Throws Error: whatever the parser, the loader and the kernel throw.
SampleResult run_sample(const SampleSpec& spec);

}  // namespace weighbridge
