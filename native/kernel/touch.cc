#include "touch.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>

#include "../digest.h"
#include "llama.h"
#include "tensors.h"

namespace weighbridge {

namespace {

constexpr uint64_t chunk_bytes = 64 * 1024;

// Two lanes: 16 bytes are the registers of every processor that this runs on, and these additions need no wider ones.
typedef uint64_t Pair __attribute__((vector_size(16)));

struct LaneSums {
  std::array<Pair, 4> sums = {};
  std::array<Pair, 4> sums_of_sums = {};

  void add(const std::byte* words) noexcept {
    std::array<Pair, 4> pairs;
    std::memcpy(pairs.data(), words, sizeof pairs);
    for (size_t i = 0; i < pairs.size(); ++i) {
      sums[i] += pairs[i];
      sums_of_sums[i] += sums[i];
    }
  }
};

uint64_t digest_of(std::span<const std::byte> chunk, uint64_t number) noexcept {
  constexpr size_t step = 4 * sizeof(Pair);
  LaneSums lanes;
  size_t at = 0;
  for (; at + step <= chunk.size(); at += step) lanes.add(chunk.data() + at);
  if (at < chunk.size()) {
    std::array<std::byte, step> last = {};
    std::memcpy(last.data(), chunk.data() + at, chunk.size() - at);
    lanes.add(last.data());
  }
  // Sums and sums of sums may differ in the same single bit: each is mixed into all others before the next comes.
  uint64_t digest = mixed(number ^ mixed(chunk.size()));
  for (const std::array<Pair, 4>* all : {&lanes.sums, &lanes.sums_of_sums}) {
    for (const Pair& pair : *all) digest = mixed(mixed(digest ^ pair[0]) ^ pair[1]);
  }
  return digest;
}

}  // namespace

std::vector<TensorRange> remaining(std::vector<TensorRange> all, std::vector<TensorRange> needed) {
  const auto by_place = [](const TensorRange& a, const TensorRange& b) {
    return a.part != b.part ? a.part < b.part : a.offset < b.offset;
  };
  std::sort(all.begin(), all.end(), by_place);
  std::sort(needed.begin(), needed.end(), by_place);
  std::vector<TensorRange> rest;
  auto used = needed.begin();
  for (const TensorRange& range : all) {
    const uint64_t range_end = range.offset + range.bytes;
    uint64_t at = range.offset;
    for (; used != needed.end() && used->part == range.part && used->offset < range_end; ++used) {
      if (used->offset > at) rest.push_back({range.part, at, used->offset - at});
      at = std::max(at, used->offset + used->bytes);
    }
    if (at < range_end) rest.push_back({range.part, at, range_end - at});
  }
  return rest;
}

TouchOrder touch_order(const gguf::Model& model) {
  std::vector<TensorRange> all = forward_order(model);
  try {
    const int32_t begin = beginning_of(model, kernel::read_hyperparameters(model).vocabulary);
    std::vector<TensorRange> needed = needed_for_first_token(model, begin);
    std::vector<TensorRange> rest = remaining(std::move(all), needed);
    return {std::move(needed), std::move(rest)};
  } catch (const Error&) {
    // The kernel does not run this model, so that nobody knows what a first token would read.
    return {forward_order(model), {}};
  }
}

Toucher::Toucher(uint32_t threads) : pool_(threads) {
  std::atomic<uint64_t> kept = 0;
  pool_.run([&](uint32_t index) {
    // On the stack, whose pages are part of what is made ready.
    const std::array<std::byte, 256> bytes = {};
    kept = digest_of(bytes, index);
  });
}

void Toucher::touch(std::span<const TensorRange> ranges, Weights& weights) {
  std::atomic<uint64_t> sum = 0;
  for (const TensorRange& range : ranges) {
    // On this thread, as in the forward pass: what ready() throws is the caller's, and nobody else is at work then.
    weights.ready(range);
    const std::byte* bytes = weights.address(range);
    const uint64_t chunks = (range.bytes + chunk_bytes - 1) / chunk_bytes;
    const uint64_t threads = pool_.size();
    const auto share = [&](uint64_t index, uint64_t of) {
      uint64_t part = 0;
      for (uint64_t chunk = chunks * index / of; chunk < chunks * (index + 1) / of; ++chunk) {
        const uint64_t from = chunk * chunk_bytes;
        part += digest_of({bytes + from, std::min(chunk_bytes, range.bytes - from)}, chunks_ + chunk);
      }
      sum.fetch_add(part, std::memory_order_relaxed);
    };
    // For a single chunk waking the others would cost more.
    if (chunks <= 1) {
      share(0, 1);
    } else {
      pool_.run([&](uint32_t index) { share(index, threads); });
    }
    chunks_ += chunks;
    bytes_ += range.bytes;
  }
  sum_ += sum.load();
}

std::string Toucher::hash() const { return Digest::hex_of(mixed(mixed(mixed(sum_) ^ chunks_) ^ bytes_)); }

}  // namespace weighbridge
