#include "trace.h"

#include <sys/mman.h>

#include <algorithm>

namespace weighbridge {

TracingWeights::TracingWeights(std::unique_ptr<Weights> weights, size_t accesses)
    : weights_(std::move(weights)), expected_(accesses) {}

void TracingWeights::ready(const TensorRange& range) {
  const std::unique_lock lock(mutex_);
  if (!recording_) {
    weights_->ready(range);
    return;
  }
  const int64_t begin = now_ns();
  Turn turn = {range, begin, 0, 0, reader_.read(), read_memory_status().rss};
  turn.asked_ns = now_ns();
  weights_->ready(range);
  turn.wait_ns = static_cast<uint64_t>(now_ns() - turn.asked_ns);
  turns_.push_back(turn);
}

void TracingWeights::record() {
  const std::unique_lock lock(mutex_);
  turns_.clear();
  turns_.reserve(expected_);
  recording_ = true;
}

std::vector<Access> TracingWeights::stop(int64_t end_ns, const Counters& end) {
  const std::unique_lock lock(mutex_);
  recording_ = false;
  std::vector<Access> accesses;
  accesses.reserve(turns_.size());
  for (size_t index = 0; index < turns_.size(); ++index) {
    const Turn& turn = turns_[index];
    const bool last = index + 1 == turns_.size();
    const Counters& next = last ? end : turns_[index + 1].counters;
    accesses.push_back({.range = turn.range,
                        .begin_ns = turn.begin_ns,
                        .end_ns = last ? end_ns : turns_[index + 1].begin_ns,
                        .asked_ns = turn.asked_ns,
                        .wait_ns = turn.wait_ns,
                        .minor_faults = next.minor_faults - turn.counters.minor_faults,
                        .major_faults = next.major_faults - turn.counters.major_faults,
                        .read_bytes = bytes_between(turn.counters.read_bytes, next.read_bytes),
                        .rss = turn.rss});
  }
  return accesses;
}

std::vector<TracedTensor> traced_tensors(const gguf::Model& model) {
  std::vector<TracedTensor> tensors;
  tensors.reserve(model.tensors.size());
  for (const gguf::Tensor& tensor : model.tensors) {
    tensors.push_back({tensor.name, {tensor.part, tensor.offset, tensor.bytes}, std::nullopt, std::nullopt});
  }
  return tensors;
}

std::optional<uint64_t> resident_bytes(const Weights& weights, const TensorRange& range) {
  if (range.bytes == 0) return 0;
  const uint64_t page = page_size();
  const auto begin = reinterpret_cast<uintptr_t>(weights.address(range));
  const uintptr_t end = begin + range.bytes;
  const uintptr_t first = round_down(begin, page);
  std::vector<unsigned char> flags((round_up(end, page) - first) / page);
  if (::mincore(reinterpret_cast<void*>(first), end - first, flags.data()) != 0) return std::nullopt;
  uint64_t bytes = 0;
  for (size_t index = 0; index < flags.size(); ++index) {
    if ((flags[index] & 1) == 0) continue;
    const uintptr_t at = first + index * page;
    bytes += std::min<uintptr_t>(at + page, end) - std::max<uintptr_t>(at, begin);
  }
  return bytes;
}

}  // namespace weighbridge
