// Weights touched and summed instead of computed with: the work of a sample that weighs loading alone.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "../format/gguf.h"
#include "../loaders/loader.h"
#include "threads.h"

namespace weighbridge {

// What of `all` is left without `needed`, by part and offset; each needed range lies within one of `all`.
std::vector<TensorRange> remaining(std::vector<TensorRange> all, std::vector<TensorRange> needed);

// Every tensor byte once. `first` in the order of the forward pass: what its first token reads or, of a model that the
// kernel does not run, everything. `rest` in the order of the file.
struct TouchOrder {
  std::vector<TensorRange> first;
  std::vector<TensorRange> rest;
};
TouchOrder touch_order(const gguf::Model& model);

// Reads weights with all threads and keeps their checksum. Threads and code are made ready by the constructor, as a
// Session's are.
//
// The checksum: each range is cut into chunks of 64 KiB. A chunk's words of 64 bits, in native byte order and filled up
// with zeros, go in turn to eight lanes, and each lane keeps the sum of its words and the sum of these sums (as Fletcher's
// checksum does, modulo 2^64). Two additions a word run at the speed of memory on any instruction set with vectors, and a
// word that is changed, moved or lost changes a sum. The sums, the number of the chunk among all and its bytes are digested,
// and the digests added up. So the result is the same whichever thread read which chunk; it guards against mistakes, not
// against forgery.
class Toucher {
 public:
  // Throws Error: bad-option, out-of-memory.
  explicit Toucher(uint32_t threads);

  // Reads every byte of the ranges, one range after the other, each with all threads once ready() returned for it. Throws
  // what ready() throws. No heap allocation.
  void touch(std::span<const TensorRange> ranges, Weights& weights);

  // 16 hex digits over all that was touched so far.
  std::string hash() const;

 private:
  ThreadPool pool_;
  uint64_t sum_ = 0;
  uint64_t chunks_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace weighbridge
