// The timeline of one sample: when each weight was asked for, and what its use cost.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "format/gguf.h"
#include "loaders/loader.h"
#include "probes/process.h"

namespace weighbridge {

// One turn of weights: from the moment at which the runtime asks for a range until it asks for the next one, or the
// phase ends. Counters are of the whole process; reading them (some 100 µs) falls into the turn itself.
struct Access {
  TensorRange range;
  int64_t begin_ns, end_ns;  // CLOCK_MONOTONIC
  int64_t asked_ns;          // when the loader's ready() was called
  uint64_t wait_ns;          // in it
  uint64_t minor_faults, major_faults;
  std::optional<uint64_t> read_bytes;
  std::optional<uint64_t> rss;  // of the process at begin
};

struct TracedPhase {
  std::string name;
  int64_t begin_ns, end_ns;
};

struct TracedTensor {
  std::string name;
  TensorRange range;
  // Bytes of it in pages that are present (of a map: in the page cache); null where that may not be known.
  std::optional<uint64_t> resident_loaded, resident_first_token;
};

struct Trace {
  std::vector<TracedPhase> phases;
  std::vector<TracedTensor> tensors;
  std::vector<Access> first_token, complete;
};

// Stands before a loader's weights and writes down every ready() while it records; else it only passes on.
class TracingWeights : public Weights {
 public:
  // `accesses`: how many are expected, for which room is made beforehand.
  TracingWeights(std::unique_ptr<Weights> weights, size_t accesses);

  const std::byte* address(const TensorRange& range) const override { return weights_->address(range); }
  void ready(const TensorRange& range) override;
  int64_t settled_at() override { return weights_->settled_at(); }
  uint64_t waited_ns() const override { return weights_->waited_ns(); }
  Effective effective() const override { return weights_->effective(); }
  std::vector<std::string> warnings() const override { return weights_->warnings(); }

  void record();
  // Ends the last turn at this moment and gives all of them, in order; records no more.
  std::vector<Access> stop(int64_t end_ns, const Counters& end);

 private:
  struct Turn {
    TensorRange range;
    int64_t begin_ns;
    int64_t asked_ns;
    uint64_t wait_ns;
    Counters counters;
    std::optional<uint64_t> rss;
  };
  std::unique_ptr<Weights> weights_;
  CounterReader reader_;
  size_t expected_;
  std::mutex mutex_;  // ready() may be called by any thread
  bool recording_ = false;
  std::vector<Turn> turns_;
};

// All tensors of the model, nothing known of their residency yet.
std::vector<TracedTensor> traced_tensors(const gguf::Model& model);

// Bytes of the range whose pages are present, by mincore(2): it brings nothing in. For weights that do not lie in pages
// of this process, std::nullopt.
std::optional<uint64_t> resident_bytes(const Weights& weights, const TensorRange& range);

}  // namespace weighbridge
